//! Who receives the notice for an obligation, and at which address.

use obligations::Audience;
use serde::Serialize;

use super::{Channel, Plan, StakeholderKind, shape};
use crate::brief::Brief;

/// Who receives a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// How it wants to be told.
    pub how: Channel,
    /// Its address in that way, if the plan has it.
    pub place: Option<String>,
    /// Its e-mail address, if the plan has a real one.
    pub email: Option<String>,
}

impl Receiver {
    /// The address that notices to it go to by e-mail: of those alone who want to be told so.
    #[must_use]
    pub fn by_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.how == Channel::Email)
    }
}

impl Plan {
    /// Who receives the notice for an obligation about people of these jurisdictions: authorities, those most closely named first; for notices to
    /// other organisations also sponsors and partners of the study, and for those to the public also the press.
    #[must_use]
    pub fn receivers(&self, of: &Brief<'_>, jurisdictions: &[&str], study: Option<&str>) -> Vec<Receiver> {
        let real = |text: &Option<String>| text.clone().filter(|text| !shape::is_placeholder(text));
        let mut found: Vec<Receiver> = Vec::new();
        for authority in self.recipients(of.id, jurisdictions) {
            let email = real(&authority.email);
            let place = match authority.how {
                Channel::Portal => authority.url.clone(),
                Channel::Email => authority.email.clone(),
                Channel::Phone => authority.phone.clone(),
                Channel::Post => Some(authority.address.join(", ")).filter(|address| !address.is_empty()),
            };
            found.push(Receiver { name: authority.name.clone(), how: authority.how, place, email });
        }
        let is_told = |kind: StakeholderKind| match of.audience {
            Audience::Partner => matches!(kind, StakeholderKind::Sponsor | StakeholderKind::Partner),
            Audience::Media | Audience::Press => kind == StakeholderKind::Press,
            Audience::Ethics => kind == StakeholderKind::EthicsCommittee,
            Audience::Insurer => kind == StakeholderKind::Insurer,
            Audience::Authority | Audience::People | Audience::Staff => false,
        };
        for one in self.stakeholders.iter().filter(|one| is_told(one.kind)) {
            if one.study.is_some() && one.study.as_deref() != study {
                continue;
            }
            for contact in &one.contacts {
                let how = if contact.email.is_some() { Channel::Email } else { Channel::Phone };
                let place = contact.email.clone().or_else(|| contact.phone.clone());
                let name = format!("{}, {}", one.name, contact.name);
                found.push(Receiver { name, how, place, email: real(&contact.email) });
            }
        }
        found
    }
}
