//! What a bucket refuses, told so that whoever reads it knows what to mend.

/// What is wrong with a bucket, or with how it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketFault {
    /// Nobody answers.
    #[error("cannot be reached: {0}; check `AWS_ENDPOINT`, the network and whether the service runs")]
    Unreachable(String),
    /// It is not there.
    #[error("is not there; make the bucket, or check its name and `AWS_REGION`")]
    Missing,
    /// The access key or its secret is wrong.
    #[error("does not take the access key ({0}); check `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`")]
    Key(String),
    /// The access key may not do it.
    #[error("does not let this access key {doing} ({code}); give its user `{right}`")]
    Denied {
        /// What was asked, such as `list it`.
        doing: &'static str,
        /// What the bucket answers.
        code: String,
        /// The right that is missing.
        right: &'static str,
    },
    /// The clock of this machine is wrong.
    #[error("refuses requests because the clocks differ: this machine says {ours}, the bucket {theirs}; set the clock")]
    Clock {
        /// This machine's time.
        ours: String,
        /// The bucket's.
        theirs: String,
    },
    /// It is in another region.
    #[error("is in another region ({0}); set `AWS_REGION`")]
    Region(String),
    /// It was to be locked, and the bucket cannot.
    #[error(
        "has no object lock, and `lock_days` asks for it; nothing was written. Make a bucket with object lock, or take the setting away"
    )]
    Unlocked,
    /// Keys would stay longer than they may.
    #[error(
        "locks what is stored for {days} days by itself, and keys must be gone after {allowed}, or what was shredded could come back; nothing was written. Take the default retention from it, or give the keys another bucket"
    )]
    Keeps {
        /// The bucket's default retention.
        days: u32,
        /// How long keys may stay.
        allowed: u16,
    },
    /// Versions that must go are locked.
    #[error(
        "locks {count} old versions of keys beyond the {allowed} days that they may stay, such as `{first}`: what was shredded could come back from them. Take the lock off them, or give the keys another bucket"
    )]
    Locked {
        /// How many.
        count: usize,
        /// One of them.
        first: String,
        /// How long keys may stay.
        allowed: u16,
    },
    /// Somebody deleted what lay there.
    #[error(
        "had a repository there that was deleted, and its versions are still there; nothing was written over it. `lazaret backup versions` tells as of when it can be restored; give another prefix to begin anew"
    )]
    Deleted,
    /// It keeps no versions.
    #[error("keeps no old versions: it is as it is now, and no earlier state can be looked at")]
    Unversioned,
    /// Nothing of the repository is old enough.
    #[error("holds nothing as old as {0}; `lazaret backup versions` tells from when on it does")]
    TooOld(String),
    /// It answers what nobody expected.
    #[error("does not do it: {0}")]
    Other(String),
}

impl BucketFault {
    /// Whether the same request may succeed a moment later.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}
