//! The command line as people type it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Label;
use recognize::engine::NamesTier;

/// Find, guard and account for the regulated and precious data of a life-science organisation.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where Lazaret keeps what it knows.
    #[arg(long, global = true, env = "LAZARET_DATA_DIR", default_value = "./lazaret-data")]
    pub data_dir: PathBuf,
    /// Settings as TOML; command-line options win over it.
    #[arg(long, global = true, env = "LAZARET_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// No progress and no logs below errors.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// More logs; twice for all of them.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How logs are written to standard error.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything: the catalogue, its schedules, the console, and S3 with the guard behind it.
    Up(UpArgs),
    /// Find what files, stores and databases hold: identifiers, labels, laws, and how many people they are about.
    Scan(ScanArgs),
    /// Look for objects in the catalogue.
    Search(SearchArgs),
    /// Correct the labels of an object, with a reason; they stay corrected.
    Label(LabelArgs),
    /// Scan sources again at set times; `lazaret up` does it.
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Print a link with which one person can create a user of the console.
    Invite(InviteArgs),
    /// List everything that is recognised, with the text that says so.
    Recognizers(RecognizersArgs),
    /// Studies: the units of isolation and of keys, each a bucket.
    #[command(subcommand)]
    Study(StudyCommand),
    /// People, services, partners' people, devices and AI agents.
    #[command(subcommand, visible_alias = "users")]
    User(UserCommand),
    /// Let somebody do something in a study.
    Grant(GrantArgs),
    /// Take a grant back.
    Revoke(RevokeArgs),
    /// Keys with which somebody signs S3 requests.
    #[command(subcommand)]
    AccessKey(AccessKeyCommand),
    /// Who can reach what, and why; requests, reviews, policies.
    #[command(subcommand)]
    Access(crate::access::AccessCommand),
    /// Tokens with which a directory provisions people over SCIM.
    #[command(subcommand)]
    ScimToken(ScimTokenCommand),
    /// Logs of other systems that the server takes in.
    #[command(subcommand)]
    Intake(IntakeCommand),
    /// Uploads that the rules put away.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Sealed content as it lies on the disk.
    #[command(subcommand)]
    Objects(ObjectsCommand),
    /// Keys that seal objects: list, rotate, hold, destroy.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Backups: make, prove, restore, drill.
    #[command(subcommand)]
    Backup(Box<crate::recovering::BackupCommand>),
    /// Check the record for any change, from its bytes alone.
    Verify(VerifyArgs),
    /// Ask in SQL what happened, over everything that was recorded.
    Hunt(HuntArgs),
    /// Try Sigma rules on logs.
    Detect(DetectArgs),
    /// What detection found: list, look into, settle, suppress.
    #[command(subcommand)]
    Findings(crate::findings::FindingsCommand),
    /// What people do when it happens: facts, clocks, exposure, containment, notices.
    #[command(subcommand)]
    Incidents(crate::incidents::IncidentsCommand),
    /// The communication plan: whom to reach, and how, when it happens.
    #[command(subcommand)]
    Plan(crate::planning::PlanCommand),
    /// Playbooks in OASIS CACAO 2.0: those that come with the program, and whether others can be run.
    #[command(subcommand)]
    Playbooks(crate::playing::PlaybooksCommand),
    /// Tell whose data somebody, a credential, a partner or a finding exposed, with the entries of the record that prove it.
    Exposure(crate::exposing::ExposureArgs),
    /// Tell from facts about an incident whom the law says to notify, by when and why.
    Obligations(crate::clocks::ObligationsArgs),
    /// Find whose behaviour is not usual, in logs of what was done to objects.
    Behave(BehaveArgs),
    /// What others know to be bad: import it, and look for it in logs.
    #[command(subcommand)]
    Intel(crate::knowing::IntelCommand),
}

#[derive(Debug, Args)]
pub(crate) struct HuntArgs {
    /// One SELECT over `events`, `objects`, `subjects`, `principals` and `findings`; `-` reads it from standard input.
    #[arg(value_name = "SQL", required_unless_present_any = ["saved", "list", "prove"], conflicts_with_all = ["saved", "list", "prove"])]
    pub sql: Option<String>,
    /// Ask a saved hunt.
    #[arg(long, value_name = "ID", conflicts_with_all = ["list", "prove"])]
    pub saved: Option<String>,
    /// A value for `$NAME` in the question; times may be given as `-24h`, `-7d` or `now` to saved hunts.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Show the saved hunts: Lazaret's own, and those in `hunts` of the data folder.
    #[arg(long, conflicts_with = "prove")]
    pub list: bool,
    /// Print the proof that this entry is in the record, as JSON.
    #[arg(long, value_name = "INDEX")]
    pub prove: Option<u64>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value = "text")]
    pub format: HuntFormat,
    /// Write the answer to a file, for its owner alone, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How long the question may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Memory for sorting, grouping and joining, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory: usize,
    /// Rows of the answer; what lies beyond is left out, and that is told.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HuntFormat {
    Text,
    Json,
    Csv,
    Parquet,
}

#[derive(Debug, Args)]
pub(crate) struct BehaveArgs {
    /// Events, one JSON object a line, also `.gz` and `.zst`, in order of time; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Alerts that may be given for each 1,000 days of a person.
    #[arg(long, default_value_t = 1.0, value_name = "ALERTS_PER_1000_PERSON_DAYS")]
    pub budget: f64,
    /// How many names the ranking at the end has.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub top: usize,
    /// How alerts are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Folders of Sigma rules, or single files.
    #[arg(long, required = true, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Logs: EVTX, NDJSON, JSON, CloudTrail, Zeek, syslog, auditd, web servers, CEF and more, also `.gz` and `.zst`; `-` is
    /// standard input.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// How matches are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
    /// Values for the placeholders of rules, as TOML: a list for each name.
    #[arg(long, value_name = "FILE")]
    pub placeholders: Option<PathBuf>,
    /// Threads that try rules; all processors by default.
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroU16>,
    /// Exit with 3 where a match has this level or a graver one.
    #[arg(long, value_name = "LEVEL")]
    pub fail_on: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StudyCommand {
    /// Create one.
    Create {
        /// Its id, which is also the bucket's name.
        study: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Seal what lies in a folder or bucket into a study. Run again, it goes on where it was stopped.
    Adopt(AdoptArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The study.
    pub study: String,
    /// A folder, `s3://bucket/prefix`, `az://container@account` or `gs://bucket`; credentials of stores come from the
    /// environment of the server, or of this command where none runs.
    pub from: String,
    /// Put before the objects' names, such as `raw/`.
    #[arg(long)]
    pub prefix: Option<String>,
    /// Remove each original once it is sealed and was opened again.
    #[arg(long)]
    pub remove: bool,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create one.
    Add {
        /// Its name.
        name: String,
        /// `person` (unless given), `service`, `partner`, `device` or `agent`.
        #[arg(long)]
        kind: Option<model::PrincipalKind>,
        /// The partner organisation, for partners.
        #[arg(long)]
        organisation: Option<String>,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show all of them.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Shut one out, at once.
    Disable {
        /// Its name.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let one in again.
    Enable {
        /// Its name.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let an identity provider vouch for one: tokens of this issuer with this subject are its.
    Link {
        /// Its name.
        name: String,
        /// The provider's `iss`, as in the settings.
        #[arg(long)]
        issuer: String,
        /// The `sub` that the provider gives it.
        #[arg(long)]
        subject: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// End that a provider vouches under a subject; temporary credentials of whom it was end at once.
    Unlink {
        /// The provider's `iss`.
        #[arg(long)]
        issuer: String,
        /// The `sub` that the provider gives.
        #[arg(long)]
        subject: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show who vouches for one.
    Links {
        /// Its name.
        name: String,
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let one try again who failed too often.
    Unlock {
        /// Its name.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Take one's one-time codes away, such as when they are lost, and the recovery codes unless there is a passkey.
    ResetSecondFactor {
        /// Its name.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show one's passkeys, or take them away, such as when they are lost.
    Passkeys {
        /// Its name.
        name: String,
        /// Take this one away.
        #[arg(long, value_name = "ID", conflicts_with = "remove_all")]
        remove: Option<String>,
        /// Take all of them away.
        #[arg(long)]
        remove_all: bool,
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Note who leaves and when, take such a notice back, or show who leaves.
    Leaving {
        /// Its name; without one, all who leave are shown.
        #[arg(requires = "notice")]
        name: Option<String>,
        /// The last day, such as `2026-03-31`.
        #[arg(long, value_name = "DATE", group = "notice", requires = "name")]
        last_day: Option<String>,
        /// Take the notice back.
        #[arg(long, group = "notice", requires = "name")]
        withdraw: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Say until when training and agreement hold.
    Set {
        /// Its name.
        name: String,
        /// A day or an instant.
        #[arg(long, value_name = "TIME")]
        training_until: Option<String>,
        /// A day or an instant.
        #[arg(long, value_name = "TIME")]
        agreement_until: Option<String>,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScimTokenCommand {
    /// Make one. It is shown this once.
    Create {
        /// What the directory is called.
        name: String,
        /// The identity provider that vouches for its people, with `externalId` as the subject.
        #[arg(long)]
        issuer: Option<String>,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show all of them, without the tokens themselves.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Make one worth nothing, at once.
    Revoke {
        /// Its id.
        id: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntakeCommand {
    /// Tokens with which records may be sent to `/api/v1/events`.
    #[command(subcommand)]
    Token(IntakeTokenCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntakeTokenCommand {
    /// Make one. It is shown this once.
    Create {
        /// What sends with it; its records have `push/NAME` as their source.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show all of them, without the tokens themselves.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Make one worth nothing, at once.
    Revoke {
        /// Its name.
        name: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// To whom.
    pub name: String,
    /// In which study; without it, in the organisation, where `administer` lets create studies.
    #[arg(long)]
    pub study: Option<String>,
    /// Actions, parted by commas: list, read, read-deidentified, write, delete, share, export, administer, break-glass.
    #[arg(long, value_delimiter = ',', required_unless_present = "role", conflicts_with = "role")]
    pub actions: Vec<model::Action>,
    /// Or a role: reader, blinded-reader, analyst, contributor, monitor, instrument, responder, steward.
    #[arg(long)]
    pub role: Option<String>,
    /// Only to objects that hold nothing but these labels.
    #[arg(long = "label")]
    pub labels: Vec<Label>,
    /// Until when: a day or an instant.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The grant's number.
    pub grant: u32,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyCommand {
    /// Make one; its secret is shown this once.
    Create {
        /// Whose.
        name: String,
        /// Until when: a day or an instant.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Revoke one, at once.
    Revoke {
        /// Its public id.
        id: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObjectsCommand {
    /// Take away content that no object names, as a kill can leave it behind. The server does so once a day.
    Sweep {
        /// Only what is at least this old, such as `24h` or `7d`; an hour at least.
        #[arg(long, default_value = "24h")]
        older_than: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Show what waits for a decision.
    List {
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let a version out; it becomes the newest of its name.
    Release {
        /// The version's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Refuse a version for good; its content is removed.
    Refuse {
        /// The version's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show keys with their age.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Replace a key and wrap what hangs under it anew.
    Rotate {
        /// `root`, `organisation` or `study:ID`.
        key: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Destroy a key, and with it everything that it sealed; prints a signed receipt.
    Shred {
        /// `study:ID`, `subject:ID` or `object:ID`.
        scope: String,
        /// It cannot be undone.
        #[arg(long)]
        yes: bool,
        /// How the receipt is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Lay a legal hold on a key, which wins over shredding.
    Hold {
        /// `study:ID`, `subject:ID` or `object:ID`.
        scope: String,
        /// The case.
        #[arg(long)]
        reference: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Take a legal hold off.
    ReleaseHold {
        /// `study:ID`, `subject:ID` or `object:ID`.
        scope: String,
        /// The case.
        #[arg(long)]
        reference: String,
        /// How the result is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The ledger's folder; the one in the data folder when not given.
    pub ledger: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: the ledger must go on from it.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// The log's verifier key, kept elsewhere.
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Load a made-up organisation to look at.
    #[arg(long)]
    pub sample: bool,
    /// Where the console listens; any other than a loopback address needs TLS in the settings.
    #[arg(long, env = "LAZARET_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Where S3 listens; any other than a loopback address needs TLS in the settings.
    #[arg(long, env = "LAZARET_S3_LISTEN", value_name = "ADDRESS:PORT")]
    pub s3_listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words or parts of words in the object's path.
    pub words: Vec<String>,
    /// Only objects that carry this label.
    #[arg(long)]
    pub label: Option<Label>,
    /// Only objects that this law concerns.
    #[arg(long)]
    pub law: Option<model::LawId>,
    /// Only objects of this format.
    #[arg(long = "of-format", value_name = "FORMAT")]
    pub of_format: Option<model::Format>,
    /// Only objects of this study.
    #[arg(long)]
    pub study: Option<String>,
    /// Only objects about people of this jurisdiction, such as `JP` or `US-CA`.
    #[arg(long)]
    pub jurisdiction: Option<model::Jurisdiction>,
    /// Only objects that hold this type of identifier.
    #[arg(long)]
    pub identifier: Option<model::IdentifierType>,
    /// At most so many objects.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: u32,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// The object's number, as `lazaret search` and the console show it.
    pub object: u32,
    /// Label to add; may be given several times.
    #[arg(long, required_unless_present = "remove")]
    pub add: Vec<Label>,
    /// Label to take away; may be given several times.
    #[arg(long)]
    pub remove: Vec<Label>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Who says so; the operating-system user by default.
    #[arg(long, env = "USER", default_value = "unknown")]
    pub by: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Add one: `every 6h`, `daily 02:30`, `weekly mon 02:30`, in UTC unless a time zone follows.
    Add {
        /// What is scanned.
        source: String,
        /// When.
        rule: String,
    },
    /// Show all of them.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Remove one.
    Remove {
        /// Its number.
        id: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// What the person may do: `administrator`, `reviewer` or `reader`.
    #[arg(long, default_value = "administrator")]
    pub role: console::Role,
    /// Where the console listens.
    #[arg(long, env = "LAZARET_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct RecognizersArgs {
    /// Only those of this type.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<model::IdentifierType>,
    /// How they are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders, `s3://`, `az://` or `gs://` addresses, `postgres://` databases, `sqlite:` files.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<std::ffi::OsString>,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ScanFormat,
    /// Report every occurrence with its place, not only counts.
    #[arg(long)]
    pub spans: bool,
    /// Say for each occurrence why it is believed; implies --spans.
    #[arg(long)]
    pub explain: bool,
    /// How person names are looked for in free text.
    #[arg(long, value_enum, default_value = "model")]
    pub names: Names,
    /// Worker threads; as many as there are processors by default.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Keep nothing: do not write to the data folder.
    #[arg(long)]
    pub no_store: bool,
    /// Open every object, changed or not.
    #[arg(long)]
    pub all: bool,
    /// Stay and scan what changes below the folders given, until interrupted.
    #[arg(long, conflicts_with = "no_store")]
    pub watch: bool,
    /// Read so many rows of each database table, spread over it, instead of all.
    #[arg(long, value_name = "N")]
    pub sample_rows: Option<u64>,
    /// Exit with 3 when an object carries this label, such as `phi.direct`, `special.health` or `secret`; may be given
    /// several times.
    #[arg(long, value_name = "LABEL")]
    pub fail_on: Vec<Label>,
    /// Give up on one object after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub object_timeout: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Names {
    /// Only where structure tells (columns, fields, tags).
    Off,
    /// Also word lists, titles and triggers in free text.
    Fast,
    /// Also judged by the trained tagger.
    Model,
}

impl From<Names> for NamesTier {
    fn from(names: Names) -> Self {
        match names {
            Names::Off => Self::Off,
            Names::Fast => Self::Fast,
            Names::Model => Self::Model,
        }
    }
}
