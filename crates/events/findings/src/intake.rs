//! Sightings become findings.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::event::{Activity, Actor, Origin, Resource};
use model::{Event, FindingState};
use store::findings::{self, Finding, Hits};
use store::suppressions::{self, Suppression};
use watch::rank::Feedback;
use watch::{Sighting, Story, same_finding_ms};

use crate::{Findings, FindingsError, PLACE};

/// What became of sightings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Numbers of findings that are new and nobody suppressed.
    pub new: Vec<u32>,
    /// Findings that went on.
    pub further: usize,
    /// Findings that a suppression holds for.
    pub suppressed: usize,
}

/// Sightings of one key, and the finding that they belong to.
struct Bundle {
    finding: Finding,
    story: Story,
    entries: Vec<(u64, i64)>,
    more: u64,
    suppressed_by: Option<u32>,
}

impl Findings {
    /// Takes sightings in, and keeps that the record was watched up to `place` (exclusive). Findings whose ids are among
    /// `recorded` were recorded before a crash and are not recorded again.
    ///
    /// # Errors
    /// When something does not answer; nothing was kept then, and the same sightings may be given again.
    pub async fn take(
        &self,
        sightings: &[Sighting],
        place: u64,
        recorded: &HashSet<String>,
        now: i64,
    ) -> Result<Taken, FindingsError> {
        let mut taken = Taken::default();
        let mut bundles = Vec::new();
        if !sightings.is_empty() {
            let holding = suppressions::holding(&self.store, now).await?;
            let feedback = self.feedback(sightings).await?;
            for group in grouped(sightings) {
                bundles.push(self.bundle(&group, &holding, &feedback, now).await?);
            }
        }
        for bundle in &bundles {
            if bundle.finding.id == 0 && !recorded.contains(&bundle.finding.uid) {
                self.recorder.record(event_of(&bundle.finding, now)).await?;
            }
        }
        let mut sealed = Vec::with_capacity(bundles.len());
        for bundle in &bundles {
            sealed.push(self.seal_story(&bundle.finding, &bundle.story).await?);
        }
        let mut transaction = self.store.begin().await?;
        let mut hits: BTreeMap<String, Hits> = BTreeMap::new();
        for (mut bundle, sealed) in bundles.into_iter().zip(sealed) {
            let is_new = bundle.finding.id == 0;
            bundle.finding.story_sealed = sealed;
            let id = findings::keep(&mut transaction, &bundle.finding).await?;
            for (entry, at) in &bundle.entries {
                findings::add_evidence(&mut transaction, id, *entry, *at).await?;
            }
            if let Some(suppression) = bundle.suppressed_by {
                let more = u32::try_from(bundle.more).unwrap_or(u32::MAX);
                suppressions::count(&mut transaction, suppression, more).await?;
            }
            let rule = hits
                .entry(bundle.finding.rule.clone())
                .or_insert_with(|| Hits { rule: bundle.finding.rule.clone(), ..Hits::default() });
            rule.matches += bundle.more;
            rule.findings += u64::from(is_new);
            rule.last_at = rule.last_at.max(bundle.finding.last_at);
            match (bundle.finding.state, is_new) {
                (FindingState::Suppressed, _) => taken.suppressed += 1,
                (_, true) => taken.new.push(id),
                (_, false) => taken.further += 1,
            }
        }
        if !hits.is_empty() {
            let hits: Vec<Hits> = hits.into_values().collect();
            findings::count_hits(&mut transaction, &hits).await?;
        }
        findings::set_place(&mut transaction, PLACE, place).await?;
        transaction.commit().await?;
        Ok(taken)
    }

    /// What reviewers said of the rules that saw something.
    async fn feedback(&self, sightings: &[Sighting]) -> Result<HashMap<String, Feedback>, FindingsError> {
        let mut feedback = HashMap::new();
        for sighting in sightings {
            if feedback.contains_key(&sighting.rule) {
                continue;
            }
            let hits = findings::hits_of(&self.store, &sighting.rule).await?;
            let said = hits.map_or_else(Feedback::default, |hits| Feedback {
                confirmed: hits.confirmed,
                dismissed: hits.dismissed,
            });
            feedback.insert(sighting.rule.clone(), said);
        }
        Ok(feedback)
    }

    async fn bundle(
        &self,
        group: &[&Sighting],
        holding: &[Suppression],
        feedback: &HashMap<String, Feedback>,
        now: i64,
    ) -> Result<Bundle, FindingsError> {
        let Some(first) = group.first() else {
            return Err(FindingsError::Wrong("a finding without a sighting".to_owned()));
        };
        let since = first.time_ms.saturating_sub(same_finding_ms());
        let known = findings::open_with_key(&self.store, &first.key(), since).await?;
        let suppressed_by = holding
            .iter()
            .find(|one| one.holds(&first.rule, first.principal, first.study.as_ref(), now))
            .map(|one| one.id);
        let (mut finding, mut story) = match known {
            Some(finding) => {
                // Where its key was destroyed, what it told stays erased.
                let story = self.story(&finding).await?.unwrap_or_default();
                (finding, story)
            }
            None => (begun(first, suppressed_by.is_some(), now), Story::of(first)),
        };
        let mut entries = Vec::new();
        for sighting in group {
            story.add(sighting);
            finding.matches += 1;
            finding.first_at = finding.first_at.min(sighting.time_ms);
            finding.last_at = finding.last_at.max(sighting.time_ms);
            finding.subjects = finding.subjects.max(sighting.subjects);
            for label in &sighting.labels {
                if !finding.labels.contains(label) {
                    finding.labels.push(*label);
                }
            }
            entries.extend_from_slice(&sighting.entries);
        }
        finding.labels.sort_unstable();
        let said = feedback.get(&first.rule).copied().unwrap_or_default();
        finding.rank = self.ranking.points(first.level, &finding.labels, finding.subjects, said);
        finding.changed_at = now;
        Ok(Bundle { finding, story, entries, more: group.len() as u64, suppressed_by })
    }
}

/// Sightings that belong to one finding, in the order of the first of each.
fn grouped(sightings: &[Sighting]) -> Vec<Vec<&Sighting>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Sighting>> = Vec::new();
    for sighting in sightings {
        let place = *places.entry(sighting.key()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push(sighting);
        }
    }
    groups
}

fn begun(first: &Sighting, is_suppressed: bool, now: i64) -> Finding {
    Finding {
        id: 0,
        uid: first.uid(),
        dedupe_key: first.key(),
        found_by: first.found,
        rule: first.rule.clone(),
        title: first.title.clone(),
        level: first.level.as_str().to_owned(),
        tags: first.tags.clone(),
        rank: 0,
        principal: first.principal,
        study: first.study.clone(),
        labels: Vec::new(),
        subjects: 0,
        matches: 0,
        first_at: first.time_ms,
        last_at: first.time_ms,
        found_at: now,
        state: if is_suppressed { FindingState::Suppressed } else { FindingState::New },
        verdict: None,
        owner: None,
        changed_at: now,
        story_sealed: Vec::new(),
    }
}

/// The finding as it is recorded: whom it is about is in the entries it stands on.
fn event_of(finding: &Finding, now: i64) -> Event {
    let mut event = Event::new(Activity::Finding, now, "watch");
    event.actor = finding.principal.map(|id| Actor { id, kind: model::PrincipalKind::Person, credential: None });
    event.origin = Origin { through: "watch".into(), ..Origin::default() };
    event.resource = Resource {
        study: finding.study.clone(),
        entity: Some(format!("finding:{}", finding.uid)),
        labels: finding.labels.clone(),
        subjects: Some(finding.subjects),
        ..Resource::default()
    };
    event.policies = vec![finding.rule.clone()];
    event.reason = Some(finding.found_by.as_str().to_owned());
    event.new = Some(format!("level={} rank={} state={}", finding.level, finding.rank, finding.state));
    event
}
