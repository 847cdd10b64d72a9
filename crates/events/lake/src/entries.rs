//! Entries of the ledger as rows.

use serde_json::{Map, Value};
use verify::entry::{self, Body};

use crate::row::{OWN_OBJECT, Row};

/// One entry as it is kept, with its details as far as their keys are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub index: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its details, in their order.
    pub details: Vec<Detail>,
}

/// A detail of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is, such as `object.name`.
    pub field: String,
    /// Whose key sealed it.
    pub scope: String,
    /// In clear, unless its key was destroyed.
    pub value: Option<String>,
}

/// The name of the product whose events are Lazaret's own.
const OWN: &str = "Lazaret";
/// Details with a column of their own.
const OBJECT_NAME: &str = "object.name";
const RAW: &str = "raw";

/// Classes of OCSF 1.5 that are met here: number, caption, and the log of Lazaret's that they belong to (docs/reference/watch.md).
const CLASSES: &[(u32, &str, &str)] = &[
    (2004, "Detection Finding", "findings"),
    (3001, "Account Change", "identity"),
    (3002, "Authentication", "identity"),
    (3004, "Entity Management", "access"),
    (3005, "User Access Management", "access"),
    (6002, "Application Lifecycle", "record"),
    (6003, "API Activity", "data"),
    (6006, "File Hosting Activity", "data"),
];

/// Entries as rows, one each. What cannot be read becomes a row that says so: nothing is left out.
#[must_use]
pub fn rows_of(entries: &[Opened]) -> Vec<Row> {
    entries.iter().map(row_of).collect()
}

fn row_of(opened: &Opened) -> Row {
    let mut row = Row { index: opened.index, ..Row::default() };
    let of_ledger = |activity: &str| (Some("Ledger".to_owned()), Some(activity.to_owned()));
    let own = || (Some(OWN.to_owned()), Some("record".to_owned()));
    let Ok(entry) = entry::parse(&opened.bytes) else {
        (row.class, row.activity) = of_ledger("unreadable");
        return row;
    };
    row.time_ms = entry.header.time_ms;
    let json = match &entry.body {
        Body::Event { json, .. } => json,
        Body::Rotation { .. } => {
            (row.class, row.activity) = of_ledger("key-rotation");
            (row.product, row.service) = own();
            return row;
        }
        Body::Cosigned { .. } => {
            (row.class, row.activity) = of_ledger("cosignature");
            (row.product, row.service) = own();
            return row;
        }
        Body::Anchor { .. } => {
            (row.class, row.activity) = of_ledger("time-stamp");
            (row.product, row.service) = own();
            return row;
        }
    };
    match serde_json::from_str(json) {
        Ok(Value::Object(event)) => describe(&mut row, &event),
        _ => (row.class, row.activity) = of_ledger("unreadable"),
    }
    detail(&mut row, &opened.details);
    row
}

fn describe(row: &mut Row, event: &Map<String, Value>) {
    let number =
        |name: &str| event.get(name).and_then(Value::as_u64).and_then(|value| value.try_into().ok()).unwrap_or(0);
    let class = CLASSES.iter().find(|(uid, ..)| *uid == number("class_uid"));
    row.class_uid = number("class_uid");
    row.class = class.map(|(_, caption, _)| (*caption).to_owned()).or_else(|| text(event, &["class_name"]));
    row.category_uid = number("category_uid");
    row.activity_id = number("activity_id");
    row.activity = text(event, &["activity_name"]);
    row.severity_id = number("severity_id");
    row.status = match number("status_id") {
        1 => Some("success".to_owned()),
        2 => Some("failure".to_owned()),
        _ => None,
    };
    row.status_code = text(event, &["status_code"]);
    row.principal = text(event, &["actor", "user", "uid"]);
    row.principal_kind = text(event, &["actor", "user", "type"]);
    row.credential = text(event, &["actor", "user", "credential_uid"]);
    row.ip = text(event, &["src_endpoint", "ip"]);
    row.product = text(event, &["metadata", "product", "name"]);
    let is_own = row.product.as_deref() == Some(OWN);
    let service = class.filter(|_| is_own).map(|(_, _, service)| (*service).to_owned());
    row.service =
        service.or_else(|| text(event, &["metadata", "log_name"])).or_else(|| text(event, &["unmapped", "service"]));
    row.host = text(event, &["device", "hostname"]);
    row.raw = text(event, &["raw_data"]);
    let Some(more) = event.get("unmapped").and_then(Value::as_object) else { return };
    row.through = text(more, &["through"]);
    row.request = text(more, &["request"]);
    row.study = text(more, &["study"]);
    row.object = text(more, &["object"]);
    row.version = text(more, &["version"]);
    row.entity = text(more, &["entity"]);
    row.labels = joined(more, "labels");
    row.policies = joined(more, "policies");
    row.bytes = more.get("bytes").and_then(Value::as_i64);
    row.first_byte = more.get("range").and_then(|range| range.get(0)).and_then(Value::as_i64);
    row.subject_count = more.get("subject_count").and_then(Value::as_i64);
    row.action = text(more, &["action"]);
    row.reason = text(more, &["reason"]);
    row.old = text(more, &["old"]);
    row.new = text(more, &["new"]);
}

/// The text at the end of a path of members; numbers and truth values in words.
fn text(event: &Map<String, Value>, path: &[&str]) -> Option<String> {
    let (last, folders) = path.split_last()?;
    let folder = folders.iter().try_fold(event, |at, name| at.get(*name).and_then(Value::as_object))?;
    match folder.get(*last)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn joined(event: &Map<String, Value>, name: &str) -> Option<String> {
    let members = event.get(name)?.as_array()?;
    let words: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
    (!words.is_empty()).then(|| words.join(","))
}

/// Takes details into their columns. Of two with one name, the first has the column and the other stands among the rest.
fn detail(row: &mut Row, details: &[Detail]) {
    let mut scopes: Vec<&str> = Vec::new();
    let mut rest = Map::new();
    for detail in details {
        if !scopes.contains(&detail.scope.as_str()) {
            scopes.push(&detail.scope);
        }
        let Some(value) = &detail.value else { continue };
        let column = match detail.field.as_str() {
            OBJECT_NAME if row.object_name.is_none() => Some(&mut row.object_name),
            RAW if row.raw.is_none() => Some(&mut row.raw),
            _ => None,
        };
        match column {
            Some(column) => *column = Some(value.clone()),
            None => {
                let mut name = detail.field.clone();
                while rest.contains_key(&name) {
                    name.push('+');
                }
                rest.insert(name, Value::String(value.clone()));
            }
        }
    }
    let own = row.object.as_ref().map(|object| format!("object:{object}"));
    for scope in &mut scopes {
        if own.as_deref() == Some(*scope) {
            *scope = OWN_OBJECT;
        }
    }
    row.scope = (!scopes.is_empty()).then(|| scopes.join(","));
    row.details = (!rest.is_empty()).then(|| Value::Object(rest).to_string());
}

#[cfg(test)]
mod tests {
    use super::{Detail, Opened, rows_of};
    use verify::entry::{self, Header, Kind};

    fn opened(kind: Kind, body: &[u8], details: Vec<Detail>) -> Opened {
        let header = Header { writer: [1; 16], sequence: 0, time_ms: 5, monotonic_ms: 0, drift_ms: 0 };
        Opened { index: 3, bytes: entry::encode(&header, kind, body).unwrap(), details }
    }

    #[test]
    fn an_event_of_another_product_keeps_what_it_says() {
        let json = r#"{"class_uid":1007,"class_name":"Process Activity","activity_name":"Launch","activity_id":1,"status_id":2,
            "metadata":{"product":{"name":"Windows"},"log_name":"Security"},"device":{"hostname":"lab-7"},
            "actor":{"user":{"uid":"S-1-5-21"}},"raw_data":"<Event/>","unmapped":{"labels":[],"range":[70,99],"bytes":30}}"#;
        let rows = rows_of(&[opened(Kind::Event, &entry::event(json, &[]).unwrap(), Vec::new())]);
        let row = &rows[0];
        assert_eq!((row.class_uid, row.class.as_deref()), (1007, Some("Process Activity")));
        assert_eq!((row.product.as_deref(), row.service.as_deref()), (Some("Windows"), Some("Security")));
        assert_eq!((row.host.as_deref(), row.raw.as_deref()), (Some("lab-7"), Some("<Event/>")));
        assert_eq!((row.first_byte, row.bytes), (Some(70), Some(30)));
        assert_eq!((row.status.as_deref(), row.labels.as_deref(), row.time_ms), (Some("failure"), None, 5));
    }

    #[test]
    fn details_of_one_name_and_destroyed_ones_are_told_apart() {
        let detail = |field: &str, scope: &str, value: Option<&str>| Detail {
            field: field.to_owned(),
            scope: scope.to_owned(),
            value: value.map(str::to_owned),
        };
        let details = vec![
            detail("object.name", "object:01", None),
            detail("object.name", "object:02", Some("b")),
            detail("object.name", "object:02", Some("c")),
            detail("reason", "object:02", Some("d")),
        ];
        let rows = rows_of(&[opened(Kind::Event, &entry::event("{}", &[]).unwrap(), details)]);
        assert_eq!(rows[0].object_name.as_deref(), Some("b"));
        assert_eq!(rows[0].details.as_deref(), Some(r#"{"object.name":"c","reason":"d"}"#));
        assert_eq!(rows[0].scope.as_deref(), Some("object:01,object:02"));
    }

    #[test]
    fn what_is_no_event_has_a_row_too() {
        let rows = rows_of(&[
            opened(Kind::Anchor, &entry::anchor(2, b"der"), Vec::new()),
            Opened { index: 4, ..Opened::default() },
        ]);
        assert_eq!(rows[0].activity.as_deref(), Some("time-stamp"));
        assert_eq!(rows[1].activity.as_deref(), Some("unreadable"));
    }
}
