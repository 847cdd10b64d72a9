//! What a playbook and a run may have at most. Each is told where it is exceeded.

/// The text of one playbook, in bytes.
pub const BYTES_MAX: usize = 1 << 20;
/// Steps of one playbook.
pub const STEPS_MAX: usize = 500;
/// Variables of a playbook, and of a step.
pub const VARIABLES_MAX: usize = 200;
/// Commands of one step.
pub const COMMANDS_MAX: usize = 50;
/// Branches of one step.
pub const BRANCHES_MAX: usize = 50;
/// Structures (if, switch, while, parallel) inside one another.
pub const NESTING_MAX: usize = 16;
/// Playbooks that call one another.
pub const CALL_DEPTH_MAX: usize = 4;
/// Playbooks that one run may call.
pub const BOOKS_MAX: usize = 32;
/// Any one text, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 << 10;
/// A condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 4 << 10;
/// Brackets of a condition inside one another.
pub const CONDITION_DEPTH_MAX: usize = 32;
/// How often a loop turns if its step does not say.
pub const ITERATIONS_DEFAULT: u32 = 100;
/// How often a loop may turn at most.
pub const ITERATIONS_MAX: u32 = 1_000;
/// How often a run may enter one step.
pub const VISITS_MAX: u32 = 1_000;
/// Steps that a run may enter in all.
pub const MOVES_MAX: u32 = 20_000;
/// A delay or a time-out, in milliseconds: 366 days.
pub const WAIT_MS_MAX: i64 = 366 * 86_400_000;
/// How long a command may take if its step does not say, in milliseconds: 30 days.
pub const TIMEOUT_MS_DEFAULT: i64 = 30 * 86_400_000;
/// The value of one variable, in bytes.
pub const VALUE_BYTES_MAX: usize = 8 << 10;
/// What somebody writes about what was done, in bytes.
pub const NOTE_BYTES_MAX: usize = 8 << 10;
/// A name of who did something, in bytes.
pub const WHO_BYTES_MAX: usize = 256;
/// Faults that are told of one playbook.
pub const FAULTS_MAX: usize = 50;
