//! Who touched which object, and whatever else somebody did: the few columns that exposure and timelines are told from, read past all
//! others.

use std::collections::{BTreeSet, HashSet};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampMillisecondType, UInt64Type};
use arrow_array::{Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use model::{Access, Noted, Numbering, Touched};

use crate::LakeError;
use crate::folder::Snapshot;
use crate::sought::{Sought, are_same, column, texts};

/// The class of OCSF in which objects go in and out: File Hosting Activity.
const FILE_HOSTING: u32 = 6006;
/// The product whose rows are Lazaret's own.
const OWN: &str = "Lazaret";
/// Columns that tell who touched what.
const TOUCHED: &[&str] = &[
    "index",
    "time",
    "activity",
    "status",
    "principal",
    "study",
    "object",
    "version",
    "action",
    "bytes",
    "first_byte",
];
/// Columns that tell the rest of a line.
const NOTED: &[&str] = &["status_code", "entity", "product"];

/// Which accesses are wanted. What is `None` is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// By one of these, by id.
    pub principals: Option<HashSet<String>>,
    /// With one of these credentials.
    pub credentials: Option<HashSet<String>>,
    /// To one of these objects, by id.
    pub objects: Option<HashSet<String>>,
    /// In one of these studies.
    pub studies: Option<HashSet<String>>,
    /// From one of these addresses.
    pub addresses: Option<HashSet<String>>,
    /// Not before this time, in milliseconds since 1970, UTC.
    pub from_ms: Option<i64>,
    /// Not after it.
    pub to_ms: Option<i64>,
    /// Before this entry.
    pub end: Option<u64>,
}

impl Wanted {
    /// The same as rows that are sought.
    #[must_use]
    pub fn sought(&self) -> Sought {
        let sets = [
            ("principal", &self.principals),
            ("credential", &self.credentials),
            ("object", &self.objects),
            ("study", &self.studies),
            ("ip", &self.addresses),
        ];
        Sought {
            classes: Some(vec![FILE_HOSTING]),
            all: sets.into_iter().filter_map(|(name, set)| set.clone().map(|set| (name, set))).collect(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            end: self.end,
            ..Sought::default()
        }
    }
}

impl Snapshot {
    /// Gives every wanted row to one of the `takers`, each of which runs on a thread of its own and takes whole segments, so
    /// that rows of one taker rise by index within a segment. Gives the takers back.
    ///
    /// # Errors
    /// When a segment is gone, altered, or not what this version writes.
    pub fn accesses<T: Send>(
        &self,
        wanted: &Wanted,
        takers: Vec<T>,
        take: impl Fn(&mut T, Touched<'_>) + Sync,
    ) -> Result<Vec<T>, LakeError> {
        let each = |taker: &mut T, batch: &RecordBatch| {
            let read = Read::of(batch)?;
            (0..batch.num_rows()).for_each(|row| take(taker, read.touched(row)));
            Ok(())
        };
        self.shared_out(&wanted.sought(), TOUCHED, takers, each)
    }

    /// As [`Snapshot::accesses`], with names as the taker gives them numbers.
    ///
    /// # Errors
    /// As there.
    pub fn accesses_numbered<T: Numbering + Send>(
        &self,
        wanted: &Wanted,
        takers: Vec<T>,
        take: impl Fn(&mut T, Access<u32>) + Sync,
    ) -> Result<Vec<T>, LakeError> {
        let each = |(taker, numbered): &mut (T, Numbered), batch: &RecordBatch| {
            numbered.number(batch, taker)?;
            let read = Read::of(batch)?;
            (0..batch.num_rows()).for_each(|row| take(taker, numbered.access(&read, row)));
            Ok(())
        };
        let takers = takers.into_iter().map(|taker| (taker, Numbered::default())).collect();
        let takers = self.shared_out(&wanted.sought(), TOUCHED, takers, each)?;
        Ok(takers.into_iter().map(|(taker, _)| taker).collect())
    }

    /// As [`Snapshot::accesses`], of rows of any class, with what else a line of a timeline is told from.
    ///
    /// # Errors
    /// As there.
    pub fn noted<T: Send>(
        &self,
        sought: &Sought,
        takers: Vec<T>,
        take: impl Fn(&mut T, Noted<'_>) + Sync,
    ) -> Result<Vec<T>, LakeError> {
        let each = |taker: &mut T, batch: &RecordBatch| {
            let read = ReadMore::of(batch)?;
            (0..batch.num_rows()).for_each(|row| take(taker, read.noted(row)));
            Ok(())
        };
        self.shared_out(sought, &[TOUCHED, NOTED].concat(), takers, each)
    }

    /// The first `limit` of the sought rows, by index, as `keep` keeps them (`None`: not wanted after all). Whether there are more.
    ///
    /// # Errors
    /// As [`Snapshot::accesses`].
    pub fn page<T>(
        &self,
        sought: &Sought,
        limit: usize,
        mut keep: impl FnMut(Noted<'_>) -> Option<T>,
    ) -> Result<(Vec<T>, bool), LakeError> {
        let (mut page, mut has_more) = (Vec::new(), false);
        for segment in self.segments_of(sought) {
            self.sought_in(segment, sought, &[TOUCHED, NOTED].concat(), &mut |batch| {
                let read = ReadMore::of(batch)?;
                for row in 0..batch.num_rows() {
                    let Some(kept) = keep(read.noted(row)) else { continue };
                    if page.len() >= limit {
                        has_more = true;
                        return Ok(false);
                    }
                    page.push(kept);
                }
                Ok(true)
            })?;
            if has_more {
                break;
            }
        }
        Ok((page, has_more))
    }

    /// Objects of a study that entries name, by their name: each pair once, by name. Names are sealed details, and gone with their key.
    ///
    /// # Errors
    /// As [`Snapshot::accesses`].
    pub fn objects_named(
        &self,
        study: &str,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<BTreeSet<(String, String)>, LakeError> {
        let sought = Sought {
            classes: Some(vec![FILE_HOSTING]),
            all: vec![("study", HashSet::from([study.to_owned()]))],
            ..Sought::default()
        };
        let mut named = BTreeSet::new();
        for segment in self.segments_of(&sought) {
            self.sought_in(segment, &sought, &["object", "object_name"], &mut |batch| {
                let (objects, names) = (Texts::of(batch, "object")?, Texts::of(batch, "object_name")?);
                for row in 0..batch.num_rows() {
                    let (object, name) = (objects.at(row), names.at(row));
                    if !object.is_empty() && !name.is_empty() && is_meant(name) {
                        named.insert((name.to_owned(), object.to_owned()));
                    }
                }
                Ok(true)
            })?;
        }
        Ok(named)
    }

    /// Segments shared out to takers, each on a thread of its own.
    fn shared_out<T: Send>(
        &self,
        sought: &Sought,
        columns: &[&str],
        takers: Vec<T>,
        each: impl Fn(&mut T, &RecordBatch) -> Result<(), ArrowError> + Sync,
    ) -> Result<Vec<T>, LakeError> {
        let segments = self.segments_of(sought);
        let next = std::sync::atomic::AtomicUsize::new(0);
        let run = |mut taker: T| {
            while let Some(segment) = segments.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                self.sought_in(segment, sought, columns, &mut |batch| each(&mut taker, batch).map(|()| true))?;
            }
            Ok(taker)
        };
        std::thread::scope(|scope| {
            let running: Vec<_> = takers.into_iter().map(|taker| scope.spawn(|| run(taker))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

/// Texts of a column by row; empty where there is none.
struct Texts<'b> {
    keys: &'b arrow_array::PrimitiveArray<Int32Type>,
    values: &'b StringArray,
}

impl<'b> Texts<'b> {
    fn of(batch: &'b RecordBatch, name: &str) -> Result<Self, ArrowError> {
        let column = texts(batch, name)?;
        let wrong = || ArrowError::SchemaError(format!("column `{name}` holds no texts"));
        Ok(Self { keys: column.keys(), values: column.values().as_string_opt::<i32>().ok_or_else(wrong)? })
    }

    fn at(&self, row: usize) -> &'b str {
        if self.keys.is_null(row) {
            return "";
        }
        match usize::try_from(self.keys.value(row)) {
            Ok(key) if key < self.values.len() => self.values.value(key),
            _ => "",
        }
    }
}

fn number(column: &Int64Array, row: usize) -> Option<u64> {
    column.is_valid(row).then(|| u64::try_from(column.value(row)).unwrap_or(0))
}

/// The columns of a batch that tell who touched what.
struct Read<'b> {
    index: &'b arrow_array::PrimitiveArray<UInt64Type>,
    time: &'b arrow_array::PrimitiveArray<TimestampMillisecondType>,
    activity: Texts<'b>,
    status: Texts<'b>,
    principal: Texts<'b>,
    study: Texts<'b>,
    object: Texts<'b>,
    version: Texts<'b>,
    action: Texts<'b>,
    bytes: &'b Int64Array,
    first_byte: &'b Int64Array,
}

impl<'b> Read<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self, ArrowError> {
        let text = |name| Texts::of(batch, name);
        Ok(Self {
            index: column(batch, "index")?.as_primitive::<UInt64Type>(),
            time: column(batch, "time")?.as_primitive::<TimestampMillisecondType>(),
            activity: text("activity")?,
            status: text("status")?,
            principal: text("principal")?,
            study: text("study")?,
            object: text("object")?,
            version: text("version")?,
            action: text("action")?,
            bytes: column(batch, "bytes")?.as_primitive::<Int64Type>(),
            first_byte: column(batch, "first_byte")?.as_primitive::<Int64Type>(),
        })
    }

    fn touched(&self, row: usize) -> Touched<'b> {
        Touched {
            entry: self.index.value(row),
            time_ms: self.time.value(row),
            activity: self.activity.at(row),
            is_success: self.status.at(row) == "success",
            principal: self.principal.at(row),
            study: self.study.at(row),
            object: self.object.at(row),
            version: self.version.at(row),
            action: self.action.at(row),
            bytes: number(self.bytes, row),
            first_byte: number(self.first_byte, row),
        }
    }
}

/// The texts of a column as numbers.
#[derive(Default)]
struct Numbers {
    /// The texts that have numbers already; kept, so that others can not lie where they lie.
    texts: Option<StringArray>,
    /// By place in the texts.
    known: Vec<Option<u32>>,
    /// By row.
    rows: Vec<u32>,
}

impl Numbers {
    fn number(&mut self, batch: &RecordBatch, name: &str, taker: &mut impl Numbering) -> Result<(), ArrowError> {
        let Texts { keys, values } = Texts::of(batch, name)?;
        if !self.texts.as_ref().is_some_and(|texts| are_same(texts, values)) {
            self.texts = Some(values.clone());
            self.known.clear();
            self.known.resize(values.len(), None);
        }
        let none = taker.number("");
        self.rows.clear();
        self.rows.extend(keys.iter().map(|key| {
            let place = key.and_then(|key| usize::try_from(key).ok());
            let Some((place, known)) = place.and_then(|place| Some((place, self.known.get_mut(place)?))) else {
                return none;
            };
            *known.get_or_insert_with(|| taker.number(values.value(place)))
        }));
        Ok(())
    }

    fn at(&self, row: usize) -> u32 {
        self.rows.get(row).copied().unwrap_or_default()
    }
}

/// The texts of [`Read`] that are names, as numbers.
#[derive(Default)]
struct Numbered {
    activity: Numbers,
    principal: Numbers,
    study: Numbers,
    object: Numbers,
    version: Numbers,
    action: Numbers,
}

impl Numbered {
    fn number(&mut self, batch: &RecordBatch, taker: &mut impl Numbering) -> Result<(), ArrowError> {
        self.activity.number(batch, "activity", taker)?;
        self.principal.number(batch, "principal", taker)?;
        self.study.number(batch, "study", taker)?;
        self.object.number(batch, "object", taker)?;
        self.version.number(batch, "version", taker)?;
        self.action.number(batch, "action", taker)
    }

    fn access(&self, read: &Read<'_>, row: usize) -> Access<u32> {
        Access {
            entry: read.index.value(row),
            time_ms: read.time.value(row),
            activity: self.activity.at(row),
            is_success: read.status.at(row) == "success",
            principal: self.principal.at(row),
            study: self.study.at(row),
            object: self.object.at(row),
            version: self.version.at(row),
            action: self.action.at(row),
            bytes: number(read.bytes, row),
            first_byte: number(read.first_byte, row),
        }
    }
}

/// With what else a line is told from.
struct ReadMore<'b> {
    read: Read<'b>,
    code: Texts<'b>,
    entity: Texts<'b>,
    product: Texts<'b>,
}

impl<'b> ReadMore<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self, ArrowError> {
        let text = |name| Texts::of(batch, name);
        Ok(Self {
            read: Read::of(batch)?,
            code: text("status_code")?,
            entity: text("entity")?,
            product: text("product")?,
        })
    }

    fn noted(&self, row: usize) -> Noted<'b> {
        Noted {
            touched: self.read.touched(row),
            is_failure: self.read.status.at(row) == "failure",
            code: self.code.at(row),
            entity: self.entity.at(row),
            is_own: self.product.at(row) == OWN,
        }
    }
}
