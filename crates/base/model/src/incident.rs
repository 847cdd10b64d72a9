//! Words of incidents, as NIST SP 800-61r3 and the store have them.

use crate::closed_set;

closed_set! {
    /// Where an incident stands.
    IncidentState, "state of an incident; there are `open`, `contained`, `recovered` and `closed`", {
        /// It goes on.
        Open = "open",
        /// It spreads no further.
        Contained = "contained",
        /// Work goes on as before.
        Recovered = "recovered",
        /// Nothing is left to do.
        Closed = "closed",
    }
}

closed_set! {
    /// How grave an incident is.
    Severity, "severity; there are `low`, `medium`, `high` and `critical`", {
        /// Little harm, few people.
        Low = "low",
        /// Some harm.
        Medium = "medium",
        /// Much harm, many people, or a trial.
        High = "high",
        /// Lives, a whole trial, or the organisation.
        Critical = "critical",
    }
}
