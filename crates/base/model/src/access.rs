//! Who acts, and what can be done to a study or an object.

use crate::closed_set;

closed_set! {
    /// What kind of actor a principal is.
    PrincipalKind, "kind of principal", {
        /// A person of the organisation.
        Person = "person",
        /// A program or pipeline of the organisation.
        Service = "service",
        /// A person of another organisation.
        Partner = "partner",
        /// An instrument or other machine.
        Device = "device",
        /// An AI agent that acts for somebody.
        Agent = "agent",
    }
}

closed_set! {
    /// What somebody does to a study or an object.
    Action, "action", {
        /// See that it is there: names, sizes, labels.
        List = "list",
        /// Read it as it is.
        Read = "read",
        /// Read it with identifiers transformed.
        ReadDeidentified = "read-deidentified",
        /// Store it, or a new version of it.
        Write = "write",
        /// Take it or one of its versions away.
        Delete = "delete",
        /// Let somebody else reach it.
        Share = "share",
        /// Take it out of the organisation.
        Export = "export",
        /// Change who may do what, keys, retention and holds.
        Administer = "administer",
        /// Reach it in an emergency against the rules, with a reason that is reviewed.
        BreakGlass = "break-glass",
    }
}
