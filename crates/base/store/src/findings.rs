//! What detection found, what it stands on, and what people did about it.

use model::{FindingState, FoundBy, Label, PrincipalId, StudyId, Verdict};

use crate::nouns::{joined, parsed, parsed_opt, principal_opt, words};
use crate::{Insert, PAGE_ROWS_MAX, Row, Store, StoreError, Transaction, Value};

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its number; 0 before it is kept.
    pub id: u32,
    /// The id under which it is recorded.
    pub uid: String,
    /// What later matches must share to belong here.
    pub dedupe_key: String,
    /// What found it.
    pub found_by: FoundBy,
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The rule's level.
    pub level: String,
    /// The rule's tags, such as `attack.t1530`.
    pub tags: Vec<String>,
    /// 0 to 100.
    pub rank: u32,
    /// Who did it, if that is known.
    pub principal: Option<PrincipalId>,
    /// In which study, if it was one.
    pub study: Option<StudyId>,
    /// What was touched.
    pub labels: Vec<Label>,
    /// The most data subjects that one touched object is about.
    pub subjects: u64,
    /// Matches so far.
    pub matches: u64,
    /// Time of the first match, in milliseconds since 1970, UTC.
    pub first_at: i64,
    /// Of the last.
    pub last_at: i64,
    /// When it was found.
    pub found_at: i64,
    /// Where it is in its life.
    pub state: FindingState,
    /// What came of it.
    pub verdict: Option<Verdict>,
    /// Who looks into it.
    pub owner: Option<PrincipalId>,
    /// When it last changed.
    pub changed_at: i64,
    /// Words, values and names, sealed.
    pub story_sealed: Vec<u8>,
}

const COLUMNS: &str = "id, uid, dedupe_key, found_by, rule, title, level, tags, rank_points, principal, study, labels, \
     subjects, matches, first_at, last_at, found_at, state, verdict, owner, changed_at, story_sealed";

fn finding(row: &Row) -> Result<Finding, StoreError> {
    Ok(Finding {
        id: row.id(0)?,
        uid: row.text(1)?,
        dedupe_key: row.text(2)?,
        found_by: parsed(row, 3, "what found it")?,
        rule: row.text(4)?,
        title: row.text(5)?,
        level: row.text(6)?,
        tags: row.text(7)?.split_ascii_whitespace().map(str::to_owned).collect(),
        rank: row.id(8)?,
        principal: principal_opt(row, 9)?,
        study: parsed_opt(row, 10, "the id of a study")?,
        labels: words(&row.text(11)?, 11, "a label")?,
        subjects: row.unsigned(12)?,
        matches: row.unsigned(13)?,
        first_at: row.int(14)?,
        last_at: row.int(15)?,
        found_at: row.int(16)?,
        state: parsed(row, 17, "the state of a finding")?,
        verdict: parsed_opt(row, 18, "a verdict")?,
        owner: principal_opt(row, 19)?,
        changed_at: row.int(20)?,
        story_sealed: row.bytes(21)?,
    })
}

fn whole(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// The newest finding with `key` whose last match was at `since` or later and that nobody settled.
///
/// # Errors
/// When the engine refuses.
pub async fn open_with_key(store: &Store, key: &str, since: i64) -> Result<Option<Finding>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM findings WHERE dedupe_key = $1 AND last_at >= $2 AND state <> 'resolved' \
         ORDER BY last_at DESC, id DESC LIMIT 1"
    );
    store.row(&sql, &[key.into(), since.into()]).await?.map(|row| finding(&row)).transpose()
}

/// Keeps a finding, new where its id is 0; its number. Of one that is there only what matches change is written: what people
/// did about it meanwhile stays.
///
/// # Errors
/// When the engine refuses.
pub async fn keep(transaction: &mut Transaction, one: &Finding) -> Result<u32, StoreError> {
    let id = if one.id == 0 {
        u32::try_from(transaction.allocate("findings", 1).await?).unwrap_or(u32::MAX)
    } else {
        one.id
    };
    let sql = format!(
        "INSERT INTO findings ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
         $17, $18, $19, $20, $21, $22) ON CONFLICT (id) DO UPDATE SET rank_points = excluded.rank_points, \
         labels = excluded.labels, subjects = excluded.subjects, matches = excluded.matches, \
         first_at = excluded.first_at, last_at = excluded.last_at, changed_at = excluded.changed_at, \
         story_sealed = excluded.story_sealed"
    );
    let values: [Value; 22] = [
        id.into(),
        one.uid.as_str().into(),
        one.dedupe_key.as_str().into(),
        one.found_by.as_str().into(),
        one.rule.as_str().into(),
        one.title.as_str().into(),
        one.level.as_str().into(),
        one.tags.join(" ").into(),
        one.rank.into(),
        one.principal.into(),
        one.study.as_ref().into(),
        joined(&one.labels).into(),
        whole(one.subjects),
        whole(one.matches),
        one.first_at.into(),
        one.last_at.into(),
        one.found_at.into(),
        one.state.as_str().into(),
        Value::Text(one.verdict.map(|verdict| verdict.as_str().to_owned())),
        one.owner.into(),
        one.changed_at.into(),
        one.story_sealed.as_slice().into(),
    ];
    transaction.execute(&sql, &values).await?;
    Ok(id)
}

/// What people decide about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Where it is in its life.
    pub state: FindingState,
    /// What came of it.
    pub verdict: Option<Verdict>,
    /// Who looks into it.
    pub owner: Option<PrincipalId>,
}

impl Finding {
    /// What people decided about it.
    #[must_use]
    pub fn settled(&self) -> Settled {
        Settled { state: self.state, verdict: self.verdict, owner: self.owner }
    }
}

/// Writes what people decided at `now`, if it was `from` before; whether it was.
///
/// # Errors
/// When the engine refuses.
pub async fn settle(
    transaction: &mut Transaction,
    id: u32,
    (from, to): (Settled, Settled),
    now: i64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE findings SET state = $2, verdict = $3, owner = $4, changed_at = $5 WHERE id = $1 AND state = $6 \
               AND COALESCE(verdict, '') = $7";
    let word = |verdict: Option<Verdict>| verdict.map(|verdict| verdict.as_str().to_owned());
    let values = [
        id.into(),
        to.state.as_str().into(),
        Value::Text(word(to.verdict)),
        to.owner.into(),
        now.into(),
        from.state.as_str().into(),
        word(from.verdict).unwrap_or_default().into(),
    ];
    Ok(transaction.execute(sql, &values).await? > 0)
}

/// The most entries that are kept of one finding; its matches are counted beyond.
pub const EVIDENCE_MAX: u32 = 1_000;

/// Keeps the entry `entry` of time `at` as evidence; whether it was not there before. Beyond [`EVIDENCE_MAX`] nothing is kept.
///
/// # Errors
/// When the engine refuses.
pub async fn add_evidence(
    transaction: &mut Transaction,
    finding: u32,
    entry: u64,
    at: i64,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO finding_evidence (finding, entry, at) SELECT $1, $2, $3 \
               WHERE (SELECT COUNT(*) FROM finding_evidence WHERE finding = $1) < $4 \
               ON CONFLICT (finding, entry) DO NOTHING";
    let values = [finding.into(), whole(entry), at.into(), EVIDENCE_MAX.into()];
    Ok(transaction.execute(sql, &values).await? > 0)
}

/// The entries that a finding stands on, first to last.
///
/// # Errors
/// When the engine refuses.
pub async fn evidence(store: &Store, finding: u32) -> Result<Vec<(u64, i64)>, StoreError> {
    let sql = format!("SELECT entry, at FROM finding_evidence WHERE finding = $1 ORDER BY entry LIMIT {EVIDENCE_MAX}");
    let rows = store.rows(&sql, &[finding.into()]).await?;
    rows.iter().map(|row| Ok((row.unsigned(0)?, row.int(1)?))).collect()
}

/// The finding with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<Finding>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM findings WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| finding(&row)).transpose()
}

/// Findings after the number `after`, in the order in which they were found, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn after(store: &Store, after: u64) -> Result<Vec<Finding>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM findings WHERE id > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[whole(after)]).await?.iter().map(finding).collect()
}

/// Which findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In this state; `None`: new and in progress.
    pub state: Option<FindingState>,
    /// By this actor.
    pub principal: Option<PrincipalId>,
    /// In this study.
    pub study: Option<StudyId>,
    /// By this rule.
    pub rule: Option<String>,
    /// In whatever state.
    pub any_state: bool,
}

/// Findings by rank and then newest first, after `(rank, id)`, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn ranked(
    store: &Store,
    wanted: &Wanted,
    after: Option<(u32, u32)>,
    limit: u32,
) -> Result<Vec<Finding>, StoreError> {
    let (mut conditions, mut values) = wanted.conditions();
    if let Some((rank, id)) = after {
        values.extend([rank.into(), id.into()]);
        let at = values.len();
        conditions.push(format!("(rank_points < ${} OR (rank_points = ${} AND id < ${at}))", at - 1, at - 1));
    }
    let limit = limit.min(PAGE_ROWS_MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM findings WHERE {} ORDER BY rank_points DESC, id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    store.rows(&sql, &values).await?.iter().map(finding).collect()
}

/// How many findings there are.
///
/// # Errors
/// When the engine refuses.
pub async fn count(store: &Store, wanted: &Wanted) -> Result<u64, StoreError> {
    let (conditions, values) = wanted.conditions();
    let sql = format!("SELECT COUNT(*) FROM findings WHERE {}", conditions.join(" AND "));
    store.row(&sql, &values).await?.map_or(Ok(0), |row| row.unsigned(0))
}

impl Wanted {
    fn conditions(&self) -> (Vec<String>, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let mut is = |column: &str, value: Value| {
            values.push(value);
            conditions.push(format!("{column} = ${}", values.len()));
        };
        if let Some(state) = self.state {
            is("state", state.as_str().into());
        }
        if let Some(principal) = self.principal {
            is("principal", principal.into());
        }
        if let Some(study) = &self.study {
            is("study", study.into());
        }
        if let Some(rule) = &self.rule {
            is("rule", rule.as_str().into());
        }
        if self.state.is_none() {
            conditions.push(if self.any_state { "1 = 1" } else { "state IN ('new', 'in-progress')" }.to_owned());
        }
        (conditions, values)
    }
}

/// A rule, and how it fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// The rule's id.
    pub rule: String,
    /// Matches so far.
    pub matches: u64,
    /// Findings that they became.
    pub findings: u64,
    /// Findings that reviewers took for misuse.
    pub confirmed: u64,
    /// Findings that reviewers took for none.
    pub dismissed: u64,
    /// When it last matched.
    pub last_at: i64,
}

/// Adds to how a rule fares.
///
/// # Errors
/// When the engine refuses.
pub async fn count_hits(transaction: &mut Transaction, more: &[Hits]) -> Result<(), StoreError> {
    let mut insert = Insert::with_suffix(
        "rule_hits",
        &["rule", "matches", "findings", "confirmed", "dismissed", "last_at"],
        "ON CONFLICT (rule) DO UPDATE SET matches = rule_hits.matches + excluded.matches, \
         findings = rule_hits.findings + excluded.findings, confirmed = rule_hits.confirmed + excluded.confirmed, \
         dismissed = rule_hits.dismissed + excluded.dismissed, \
         last_at = CASE WHEN rule_hits.last_at > excluded.last_at THEN rule_hits.last_at ELSE excluded.last_at END",
    );
    for hits in more {
        insert.row([
            hits.rule.as_str().into(),
            whole(hits.matches),
            whole(hits.findings),
            whole(hits.confirmed),
            whole(hits.dismissed),
            hits.last_at.into(),
        ]);
    }
    insert.run(transaction).await
}

const HIT_COLUMNS: &str = "rule, matches, findings, confirmed, dismissed, last_at";

fn hits_row(row: &Row) -> Result<Hits, StoreError> {
    Ok(Hits {
        rule: row.text(0)?,
        matches: row.unsigned(1)?,
        findings: row.unsigned(2)?,
        confirmed: row.unsigned(3)?,
        dismissed: row.unsigned(4)?,
        last_at: row.int(5)?,
    })
}

/// How rules fare, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn hits(store: &Store, after: &str) -> Result<Vec<Hits>, StoreError> {
    let sql = format!("SELECT {HIT_COLUMNS} FROM rule_hits WHERE rule > $1 ORDER BY rule LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[after.into()]).await?.iter().map(hits_row).collect()
}

/// How the rule with this id fares, if it ever matched.
///
/// # Errors
/// When the engine refuses.
pub async fn hits_of(store: &Store, rule: &str) -> Result<Option<Hits>, StoreError> {
    let sql = format!("SELECT {HIT_COLUMNS} FROM rule_hits WHERE rule = $1");
    store.row(&sql, &[rule.into()]).await?.map(|row| hits_row(&row)).transpose()
}

/// Adds to the confirmed and dismissed findings of a rule; less than nothing where a verdict was taken back.
///
/// # Errors
/// When the engine refuses.
pub async fn count_verdict(
    transaction: &mut Transaction,
    rule: &str,
    (confirmed, dismissed): (i64, i64),
) -> Result<(), StoreError> {
    let sql = "UPDATE rule_hits SET confirmed = confirmed + $2, dismissed = dismissed + $3 WHERE rule = $1";
    transaction.execute(sql, &[rule.into(), confirmed.into(), dismissed.into()]).await.map(|_rows| ())
}

/// Something that was said or done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its number; 0 before it is kept.
    pub id: u32,
    /// The finding.
    pub finding: u32,
    /// By whom.
    pub by: PrincipalId,
    /// When, in milliseconds since 1970, UTC.
    pub at: i64,
    /// What was done: a state, a verdict, `owner`, `unmask`, or `note`.
    pub what: String,
    /// In words, sealed.
    pub text_sealed: Vec<u8>,
}

/// Keeps a note.
///
/// # Errors
/// When the finding is not there or the engine refuses.
pub async fn add_note(transaction: &mut Transaction, note: &Note) -> Result<(), StoreError> {
    let id = transaction.allocate("finding_notes", 1).await?;
    let sql =
        "INSERT INTO finding_notes (id, finding, by_principal, at, what, text_sealed) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        id.into(),
        note.finding.into(),
        note.by.into(),
        note.at.into(),
        note.what.as_str().into(),
        note.text_sealed.as_slice().into(),
    ];
    transaction.execute(sql, &values).await.map(|_rows| ())
}

/// Notes on a finding, oldest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn notes(store: &Store, finding: u32) -> Result<Vec<Note>, StoreError> {
    let sql = format!(
        "SELECT id, finding, by_principal, at, what, text_sealed FROM finding_notes WHERE finding = $1 ORDER BY id \
         LIMIT {PAGE_ROWS_MAX}"
    );
    let rows = store.rows(&sql, &[finding.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Note {
                id: row.id(0)?,
                finding: row.id(1)?,
                by: crate::nouns::principal(row, 2)?,
                at: row.int(3)?,
                what: row.text(4)?,
                text_sealed: row.bytes(5)?,
            })
        })
        .collect()
}

/// The entry up to which (exclusive) the record was watched by `name`; 0 where it never was.
///
/// # Errors
/// When the engine refuses.
pub async fn place(store: &Store, name: &str) -> Result<u64, StoreError> {
    let row = store.row("SELECT entry FROM watch_places WHERE name = $1", &[name.into()]).await?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}

/// As [`place`], or `None` where it was never kept.
///
/// # Errors
/// When the engine refuses.
pub async fn place_of(store: &Store, name: &str) -> Result<Option<u64>, StoreError> {
    let row = store.row("SELECT entry FROM watch_places WHERE name = $1", &[name.into()]).await?;
    row.map(|row| row.unsigned(0)).transpose()
}

/// The number of the newest finding; 0 where there is none.
///
/// # Errors
/// When the engine refuses.
pub async fn newest(store: &Store) -> Result<u64, StoreError> {
    let row = store.row("SELECT COALESCE(MAX(id), 0) FROM findings", &[]).await?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}

/// Keeps that the record was watched up to `entry`, exclusive.
///
/// # Errors
/// When the engine refuses.
pub async fn set_place(transaction: &mut Transaction, name: &str, entry: u64) -> Result<(), StoreError> {
    let mut insert = Insert::or_replace("watch_places", &["name", "entry"], "name");
    insert.row([name.into(), whole(entry)]);
    insert.run(transaction).await
}
