//! Findings: what detection found, and what became of it.

use crate::closed_set;

closed_set! {
    /// Where a finding is in its life.
    FindingState, "state of a finding", {
        /// Nobody took it up.
        New = "new",
        /// Somebody looks into it.
        InProgress = "in-progress",
        /// A suppression holds for it.
        Suppressed = "suppressed",
        /// It is settled.
        Resolved = "resolved",
    }
}

closed_set! {
    /// What a reviewer concluded; three of the verdicts of OCSF 1.5 (`verdict_id` of an incident finding).
    Verdict, "verdict on a finding", {
        /// It was misuse.
        TruePositive = "true-positive",
        /// The rule was wrong.
        FalsePositive = "false-positive",
        /// The rule was right, and what it saw was allowed.
        Benign = "benign",
    }
}

closed_set! {
    /// What found it.
    FoundBy, "source of a finding", {
        /// A rule over one event.
        Rule = "rule",
        /// A rule over several.
        Correlation = "correlation",
        /// What is unusual for somebody.
        Behaviour = "behaviour",
        /// An indicator of threat intelligence.
        Indicator = "indicator",
    }
}
