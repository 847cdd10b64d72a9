//! CACAO playbooks in, what to do next out.
//!
//! What comes in: security playbooks in the form of OASIS CACAO 2.0, and what happens: answers of people, outcomes of commands,
//! time. What goes out: whom to ask what, what Lazaret is to do by itself, when to come back, and a record of every change. A run
//! is a value: the same inputs at the same times give the same run. This crate must never do what a playbook says by itself, read
//! a clock, draw randomness, or panic on a playbook or an input.
//!
//! [`shipped`] lists the playbooks of `content/playbooks`; [`Playbook::parse`] reads one; [`Run::start`] begins a run,
//! [`Run::step`] takes one input, [`Run::view`] is plain data for a page. What is supported stands in
//! `docs/reference/playbooks.md`.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod author;
pub mod command;
pub mod condition;
pub mod extension;
mod fault;
mod graph;
mod id;
mod json;
pub mod limits;
mod node;
mod playbook;
mod reference;
mod role;
pub mod run;
mod shipped;
pub mod step;
pub mod variable;
mod verb;
pub mod view;

pub use extension::Binding;
pub use fault::{Fault, ParseError};
pub use id::{Id, IdError};
pub use node::Time;
pub use playbook::{Agent, Bound, Playbook};
pub use reference::{Marking, Reference};
pub use role::Role;
pub use run::{
    Act, Ask, Event, Field, Input, Mark, Moved, Record, Run, StartError, State, StepError, Task, TaskState, Todo, Work,
};
pub use shipped::{files, named, shipped, sources};
pub use verb::{Argument, Given, KINDS, READABLE, Takes, Undo, Verb};
pub use view::{Sheet, StepView, View, Way, WayKind};
