//! Who has a role is told that they are wanted. What leaves says that, and where to read on; nothing about what happened.

use incidents::case::{Card, Case, What};
use model::By;
use outlets::{Email, Notice, Outlet};
use playbooks::Role;

use crate::ops::OpsError;
use crate::watching::alert::Alerting;
use crate::{Guarded, outside};

/// Where those who answer incidents are told that they are wanted.
#[derive(Debug, Clone, Default)]
pub struct Announcing {
    /// By which ways.
    pub ways: Vec<Alerting>,
    /// Where people reach the console, for links.
    pub address: String,
}

/// Who is wanted, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub role: Role,
    pub text: &'a str,
    pub is_urgent: bool,
    /// The card of a run that it is about.
    pub about: Option<Card>,
}

impl Guarded {
    /// By which ways people are told. Whoever says so first is heard.
    pub fn announces_by(&self, announcing: Announcing) {
        let _ = self.announcing.set(announcing);
    }

    /// Tells something by every way at once, such as that backups fail. `page` is where to read on.
    pub async fn tell_all(&self, subject: &str, page: &str) {
        let Some(announcing) = self.announcing.get() else { return };
        let link = format!("{}{page}", announcing.address);
        let notice = Notice { subject, link: &link };
        for way in &announcing.ways {
            if let Err(error) = way.outlet.say(&notice, outside::now().div_euclid(1_000)).await {
                tracing::error!(way = way.name, error = %crate::whole(&error), "nobody was told: {subject}");
            }
        }
    }

    /// Tells those who have a role; what of it left is an entry.
    pub(super) async fn announce(&self, case: &Case, id: u32, call: Call<'_>, by: &By) -> Result<(), OpsError> {
        let Call { role, text, is_urgent, about } = call;
        let (mut ways, mut failed) = (Vec::new(), Vec::new());
        if let Some(announcing) = self.announcing.get().filter(|_| !case.is_exercise) {
            let urgent = if is_urgent { "URGENT: " } else { "" };
            let subject = format!("{urgent}incident {id} needs the {}", role.title().to_lowercase());
            let link = format!("{}/incidents/{id}", announcing.address);
            let notice = Notice { subject: &subject, link: &link };
            let reached = self.reached(role);
            for way in &announcing.ways {
                // Who holds the role is written to; where the plan names nobody, who is written to of findings.
                let outlet = match &way.outlet {
                    Outlet::Email(email) if !reached.is_empty() => {
                        Outlet::Email(Email { to: reached.clone(), ..email.clone() })
                    }
                    other => other.clone(),
                };
                match outlet.say(&notice, outside::now().div_euclid(1_000)).await {
                    Ok(()) => ways.push(way.name.clone()),
                    Err(error) => failed.push(format!("{}: {}", way.name, crate::whole(&error))),
                }
            }
        }
        self.incidents.add(id, What::Told { role, text: text.to_owned(), ways, failed, about }, by).await?;
        Ok(())
    }
}
