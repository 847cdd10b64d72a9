//! New findings, sent out: each to each outlet at least once, in the order in which they were found.

use std::sync::Arc;
use std::time::Duration;

use findings::{Findings, level_of};
use model::FindingState;
use outlets::Outlet;
use store::findings::{self as table, Finding};
use watch::outlet::Told;

use crate::outside;

/// How often new findings are looked for. With the watch's own pace, an alert leaves within two seconds of its event.
const TICK: Duration = Duration::from_millis(500);
/// How long to wait after the first failure; it doubles up to [`WAIT_MAX`].
const WAIT: Duration = Duration::from_secs(2);
/// The longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Entries of the record that a message names.
const ENTRIES: usize = 20;

/// Somebody to be told.
#[derive(Debug, Clone)]
pub struct Alerting {
    /// Its name, under which it is kept what it was told.
    pub name: String,
    /// How.
    pub outlet: Outlet,
    /// Only findings at least so urgent.
    pub rank_min: u32,
}

/// Tells `alerting` of findings for ever; `address` is the console's. What was found before it was set up is not told.
pub(super) async fn tell(findings: Arc<Findings>, alerting: Alerting, address: String) {
    let place = format!("outlet:{}", alerting.name);
    let mut wait = WAIT;
    loop {
        match step(&findings, &alerting, &place, &address).await {
            Ok(()) => wait = WAIT,
            Err(error) => {
                let words = crate::whole(&*error);
                tracing::warn!(outlet = alerting.name, error = %words, "a finding was not sent; it is tried again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

async fn step(findings: &Findings, alerting: &Alerting, place: &str, address: &str) -> Result<(), Trouble> {
    let store = findings.store();
    let Some(after) = table::place_of(store, place).await? else {
        let newest = table::newest(store).await?;
        return keep(findings, place, newest).await;
    };
    for finding in table::after(store, after).await? {
        if finding.rank >= alerting.rank_min && finding.state != FindingState::Suppressed {
            let evidence = table::evidence(store, finding.id).await?;
            let entries: Vec<u64> = evidence.iter().take(ENTRIES).map(|(entry, _)| *entry).collect();
            let link = format!("{address}/findings/{}", finding.id);
            alerting.outlet.send(&told(&finding, &entries), &link, outside::now().div_euclid(1_000)).await?;
        }
        keep(findings, place, u64::from(finding.id)).await?;
    }
    Ok(())
}

async fn keep(findings: &Findings, place: &str, id: u64) -> Result<(), Trouble> {
    let mut transaction = findings.store().begin().await?;
    table::set_place(&mut transaction, place, id).await?;
    Ok(transaction.commit().await?)
}

fn told<'a>(finding: &'a Finding, entries: &'a [u64]) -> Told<'a> {
    Told {
        uid: &finding.uid,
        rule: &finding.rule,
        title: &finding.title,
        level: level_of(finding),
        tags: &finding.tags,
        rank: finding.rank,
        principal: finding.principal.map(|principal| principal.to_string()),
        study: finding.study.as_ref().map(model::StudyId::as_str),
        labels: &finding.labels,
        subjects: finding.subjects,
        matches: finding.matches,
        between: (finding.first_at, finding.last_at),
        found_at: finding.found_at,
        entries,
    }
}
