//! What watching knows and how it fares, for those who look.

use std::sync::{Mutex, PoisonError};

use detect::library::Rejected;
use detect::rule::Level;
use watch::{Counts, Known};

/// A rule as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCard {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// How grave it is.
    pub level: Level,
    /// Its tags.
    pub tags: Vec<String>,
    /// The logs it is about, such as `windows/security`; empty for a correlation.
    pub logsource: String,
    /// Whether it is over several events.
    pub is_correlation: bool,
}

/// Somebody or something, and how strange its days were.
#[derive(Debug, Clone, PartialEq)]
pub struct Strange {
    /// A principal's id, or a name outside.
    pub entity: String,
    /// Its highest score; half after 30 days.
    pub score: f64,
    /// The day of that score.
    pub day: String,
}

/// How watching fares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Entries watched since the start.
    pub counts: Counts,
    /// Up to where the record was watched, exclusive.
    pub place: u64,
    /// The record's size then.
    pub size: u64,
    /// What went wrong last, if it goes on.
    pub trouble: Option<String>,
    /// The strangest, most strange first.
    pub strangest: Vec<Strange>,
}

/// Shared between the watch and those who look.
#[derive(Debug, Default)]
pub struct Board {
    rules: Vec<RuleCard>,
    rejected: Vec<Rejected>,
    progress: Mutex<Progress>,
}

impl Board {
    /// Of what is known.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        let mut rules: Vec<RuleCard> = known
            .rules()
            .iter()
            .map(|rule| {
                let source = &rule.logsource;
                let parts = [&source.product, &source.category, &source.service];
                RuleCard {
                    id: rule.id.clone(),
                    title: rule.title.clone(),
                    description: rule.description.clone(),
                    level: rule.level,
                    tags: rule.tags.clone(),
                    logsource: parts.iter().filter_map(|part| part.as_deref()).collect::<Vec<_>>().join("/"),
                    is_correlation: false,
                }
            })
            .collect();
        rules.extend(known.correlations().iter().map(|correlation| RuleCard {
            id: correlation.head.id.clone(),
            title: correlation.head.title.clone(),
            description: correlation.head.description.clone(),
            level: correlation.head.level,
            tags: correlation.head.tags.clone(),
            logsource: String::new(),
            is_correlation: true,
        }));
        rules.sort_by(|left, right| right.level.cmp(&left.level).then_with(|| left.title.cmp(&right.title)));
        Self { rules, rejected: known.rejected().to_vec(), progress: Mutex::default() }
    }

    /// Rules, the gravest first.
    #[must_use]
    pub fn rules(&self) -> &[RuleCard] {
        &self.rules
    }

    /// The rule with `id`.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleCard> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Rules that were not taken, and why.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// How watching fares.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes how watching fares.
    pub fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
