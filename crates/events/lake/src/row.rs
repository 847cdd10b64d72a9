//! One entry of the ledger as a row, and the columns that rows have.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// One entry of the ledger, flat. Texts that are not there are `None`; nothing is ever guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number in the ledger.
    pub index: u64,
    /// When, in milliseconds since 1970, UTC: the ledger's own time, which never goes back.
    pub time_ms: i64,
    /// `class_uid` of OCSF; 0 for what is no event.
    pub class_uid: u32,
    /// The class in words.
    pub class: Option<String>,
    /// `category_uid`.
    pub category_uid: u32,
    /// What was done, by name.
    pub activity: Option<String>,
    /// `activity_id` within the class.
    pub activity_id: u32,
    /// `success`, `failure` or nothing.
    pub status: Option<String>,
    /// Why not.
    pub status_code: Option<String>,
    /// `severity_id`.
    pub severity_id: u32,
    /// Who: the id of a principal.
    pub principal: Option<String>,
    /// `person`, `service`, `partner`, `device`, `agent`.
    pub principal_kind: Option<String>,
    /// By which credential.
    pub credential: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// The way in.
    pub through: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    /// The study.
    pub study: Option<String>,
    /// The object.
    pub object: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Another managed thing, as `kind:id`.
    pub entity: Option<String>,
    /// Labels, joined by commas.
    pub labels: Option<String>,
    /// Bytes of plaintext.
    pub bytes: Option<i64>,
    /// The first of those bytes, counted from 0, of what was released or asked for; [`Row::bytes`] go on from there.
    pub first_byte: Option<i64>,
    /// How many data subjects the object is about.
    pub subject_count: Option<i64>,
    /// As which action policy judged it.
    pub action: Option<String>,
    /// Which policies decided, joined by commas.
    pub policies: Option<String>,
    /// Why, as a closed term.
    pub reason: Option<String>,
    /// Before a change.
    pub old: Option<String>,
    /// After it.
    pub new: Option<String>,
    /// The product that says so.
    pub product: Option<String>,
    /// Which of its logs.
    pub service: Option<String>,
    /// The machine, for events from outside.
    pub host: Option<String>,
    /// The object's name, a sealed detail.
    pub object_name: Option<String>,
    /// The record of another product as it came, a sealed detail where it was sealed.
    pub raw: Option<String>,
    /// Other sealed details, as one JSON object.
    pub details: Option<String>,
    /// Whose keys sealed the details, joined by commas; `object` alone is the one in [`Row::object`]. See [`Row::scopes`].
    pub scope: Option<String>,
    /// Entries that the checkpoint covers to which the row is bound; set when it is appended.
    pub checkpoint: u64,
}

impl Row {
    /// Takes away everything that was sealed.
    pub fn forget(&mut self) {
        self.object_name = None;
        self.raw = None;
        self.details = None;
    }

    /// Whose keys sealed its details, as `model::Scope` prints them.
    pub fn scopes(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let scopes = self.scope.iter().flat_map(|scopes| scopes.split(','));
        scopes.map(|scope| match (scope, &self.object) {
            (OWN_OBJECT, Some(object)) => format!("object:{object}").into(),
            _ => scope.into(),
        })
    }

    /// Whether one of its details was sealed under `scope`.
    #[must_use]
    pub fn is_sealed_by(&self, scope: &str) -> bool {
        self.scopes().any(|one| one == scope)
    }
}

/// In [`Row::scope`]: the key of the object that the row is about. Its id need not be kept twice.
pub(crate) const OWN_OBJECT: &str = "object";

/// Texts of a row, in the order of the columns.
macro_rules! texts {
    ($($name:ident)+) => {
        /// Names of the columns that hold texts.
        pub(crate) const TEXTS: &[&str] = &[$(stringify!($name),)+];

        impl Row {
            /// Its texts, in the order of [`TEXTS`].
            pub(crate) fn texts(&self) -> [Option<&str>; TEXTS.len()] {
                [$(self.$name.as_deref(),)+]
            }
            /// The texts to be filled in, in the same order.
            pub(crate) fn texts_mut(&mut self) -> [&mut Option<String>; TEXTS.len()] {
                [$(&mut self.$name,)+]
            }
        }
    };
}

texts! {
    class activity status status_code principal principal_kind credential ip through request study object version entity labels
    action policies reason old new product service host object_name raw details scope
}

/// The columns of a segment, and of the table `events`.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let number = |name: &str| Field::new(name, DataType::UInt64, false);
        let small = |name: &str| Field::new(name, DataType::UInt32, false);
        let count = |name: &str| Field::new(name, DataType::Int64, true);
        let mut fields = vec![
            number("index"),
            Field::new("time", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        ];
        fields.extend(["class_uid", "category_uid", "activity_id", "severity_id"].map(small));
        fields.extend(TEXTS.iter().map(|name| Field::new(*name, DataType::Utf8, true)));
        fields.extend(["bytes", "first_byte", "subject_count"].map(count));
        fields.push(number("checkpoint"));
        Arc::new(Schema::new(fields))
    });
    Arc::clone(&SCHEMA)
}
