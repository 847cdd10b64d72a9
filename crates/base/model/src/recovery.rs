//! Words of backups: what is done about them, and how it came out.

use crate::closed_set;

closed_set! {
    /// What is done about backups. `KIND:ID` is its name in the record.
    RecoveryKind, "kind of report about backups; there are `backup`, `check`, `drill` and `look`", {
        /// A snapshot is made of each repository, and restored to prove it.
        Backup = "backup",
        /// Both repositories are checked.
        Check = "check",
        /// The newest snapshot is restored against the clock and proven.
        Drill = "drill",
        /// Watched folders are held against what they were.
        Look = "look",
    }
}

closed_set! {
    /// How it came out.
    RecoveryState, "state of a report about backups; there are `running`, `holds`, `unproven`, `broken`, `failed` and `stopped`", {
        /// It began. What nobody works at any more was killed.
        Running = "running",
        /// It was done, and holds: proven, whole, within its targets, nothing amiss.
        Holds = "holds",
        /// It was made and not proven.
        Unproven = "unproven",
        /// It was done, and does not hold.
        Broken = "broken",
        /// It was not done.
        Failed = "failed",
        /// Somebody stopped it.
        Stopped = "stopped",
    }
}
