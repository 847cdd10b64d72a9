//! Facts as a form has them: what somebody entered, as facts and as the fields to show again.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use obligations::{Asked, Fault, Library, Shape};
use serde_json::{Map, Value, json};

/// Rows of places that are shown empty, beside those that are filled.
const EMPTY_ROWS: usize = 1;
/// The most rows of a list in a form.
const ROWS_MAX: usize = 60;

/// What somebody entered, field by field, as a browser sends it.
#[derive(Debug, Clone, Default)]
pub(super) struct Entered(pub Vec<(String, String)>);

/// A fact to be asked for.
pub(super) struct Field {
    pub name: String,
    pub question: String,
    /// `select`, `date`, `datetime-local` or `text`.
    pub input: &'static str,
    pub value: String,
    /// Words that answer, each with whether it does.
    pub words: Vec<(String, bool)>,
    /// What is wrong with it.
    pub faults: Vec<String>,
    /// What does not go together with another.
    pub doubts: Vec<String>,
    /// A clock waits for it.
    pub is_asked: bool,
}

/// Facts that are asked for together.
pub(super) struct Group {
    pub id: String,
    pub title: String,
    pub fields: Vec<Field>,
    pub asked: usize,
    pub is_open: bool,
}

/// People of one place.
pub(super) struct Place {
    pub number: usize,
    pub jurisdiction: String,
    pub people: String,
    pub kinds: Vec<(String, bool)>,
    pub picked: usize,
    pub faults: Vec<String>,
}

/// A notice that was sent.
pub(super) struct Sent {
    pub number: usize,
    /// Obligations, each with whether it was that one.
    pub obligations: Vec<(String, bool)>,
    pub at: String,
    pub input: &'static str,
    pub faults: Vec<String>,
}

/// A role of the organisation.
pub(super) struct RoleBox {
    pub name: String,
    pub means: String,
    pub is_ours: bool,
}

/// The form, filled in.
pub(super) struct Filled {
    /// Something is to be said of the organisation.
    pub organisation_open: bool,
    pub roles: Vec<RoleBox>,
    pub role_faults: Vec<String>,
    pub timezone: String,
    pub zone_faults: Vec<String>,
    pub places: Vec<Place>,
    pub known_places: Vec<(String, String)>,
    pub people_asked: bool,
    pub people_doubts: Vec<String>,
    pub groups: Vec<Group>,
    pub delay: [String; 3],
    pub delay_faults: Vec<String>,
    pub sent: Vec<Sent>,
    pub with_proposed: bool,
}

/// What is to be said beside the fields.
#[derive(Default)]
pub(super) struct Beside {
    pub faults: Vec<Fault>,
    /// Facts that do not go together, and what is wrong with that.
    pub doubts: Vec<(Vec<String>, String)>,
    /// Questions that clocks wait for.
    pub asked: Vec<String>,
}

impl Beside {
    fn faults(&self, fact: &str, entry: Option<usize>) -> Vec<String> {
        let about = |fault: &&Fault| fault.entry == entry && fault.facts.iter().any(|name| name == fact);
        self.faults.iter().filter(about).map(|fault| fault.says.clone()).collect()
    }

    fn doubts(&self, fact: &str) -> Vec<String> {
        let about = |(names, _): &&(Vec<String>, String)| names.iter().any(|name| name.split('.').next() == Some(fact));
        self.doubts.iter().filter(about).map(|(_, says)| says.clone()).collect()
    }
}

impl Entered {
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    }

    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.trim())
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        !self.one(name).is_empty()
    }

    /// Numbers of rows in which something was entered, in their order.
    fn rows(&self, fields: &[&str]) -> Vec<usize> {
        let is_filled = |number: &usize| fields.iter().any(|field| self.is_on(&format!("{field}.{number}")));
        (0..ROWS_MAX).filter(is_filled).collect()
    }

    fn zone(&self) -> Option<TimeZone> {
        Some(self.one("timezone")).filter(|name| !name.is_empty()).and_then(|name| TimeZone::get(name).ok())
    }

    /// A time as facts have it: one without offset is meant where the organisation is, if that is known.
    fn instant(&self, text: &str) -> Value {
        let local = text.parse::<jiff::Timestamp>().is_err().then(|| text.parse::<DateTime>().ok()).flatten();
        let zoned = local.zip(self.zone()).and_then(|(local, zone)| local.to_zoned(zone).ok());
        zoned.map_or_else(|| json!(text), |at| json!(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()))
    }

    fn scalar(&self, fact: &Asked<'_>) -> Option<Value> {
        let name = format!("f.{}", fact.name);
        let text = Some(self.one(&name)).filter(|text| !text.is_empty())?;
        Some(match (fact.shape, text) {
            (Shape::Flag, "true") => Value::Bool(true),
            (Shape::Flag, "false") => Value::Bool(false),
            (Shape::Instant, text) => self.instant(text),
            (_, text) => json!(text),
        })
    }

    /// The facts that it comes to. What was not entered is not known.
    pub(super) fn facts(&self, library: &Library) -> Map<String, Value> {
        let mut facts = Map::new();
        let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
        let roles: Vec<&str> = self.all("role").filter(|role| !role.is_empty()).collect();
        if !roles.is_empty() {
            put("roles", json!(roles));
        }
        if self.is_on("timezone") {
            put("timezone", json!(self.one("timezone")));
        }
        let affected: Vec<Value> =
            self.rows(&["place", "people", "kind"]).into_iter().map(|row| self.affected(row)).collect();
        if !affected.is_empty() {
            put("affected", Value::Array(affected));
        }
        let parts = [("kind", "delay-kind"), ("stated_on", "delay-stated"), ("until", "delay-until")];
        let delay: Map<String, Value> = parts
            .into_iter()
            .filter(|(_, field)| self.is_on(field))
            .map(|(name, field)| (name.to_owned(), json!(self.one(field))))
            .collect();
        if !delay.is_empty() {
            put("law_enforcement_delay", Value::Object(delay));
        }
        let sent: Vec<Value> = self.rows(&["notice", "sent"]).into_iter().map(|row| self.notification(row)).collect();
        if !sent.is_empty() {
            put("notifications", Value::Array(sent));
        }
        for fact in library.vocabulary().facts() {
            if let Some(value) = self.scalar(&fact) {
                put(fact.name, value);
            }
        }
        facts
    }

    fn affected(&self, row: usize) -> Value {
        let people = match self.one(&format!("people.{row}")) {
            "" => Value::Null,
            text => text.parse::<i64>().map_or_else(|_| json!(text), |count| json!(count)),
        };
        let kinds: Vec<String> = self.all(&format!("kind.{row}")).map(str::to_owned).collect();
        let place = Some(self.one(&format!("place.{row}"))).filter(|place| !place.is_empty()).unwrap_or("unknown");
        let kinds = if kinds.is_empty() { Value::Null } else { json!(kinds) };
        json!({ "jurisdiction": place, "subjects": people, "categories": kinds })
    }

    fn notification(&self, row: usize) -> Value {
        let at = self.one(&format!("sent.{row}"));
        let at = if at.is_empty() { Value::Null } else { self.instant(at) };
        json!({ "obligation": self.one(&format!("notice.{row}")), "submitted_at": at })
    }

    /// The fields to show again, with what is to be said beside them.
    pub(super) fn filled(&self, library: &Library, names: impl Fn(&str) -> String, beside: &Beside) -> Filled {
        let vocabulary = library.vocabulary();
        let ours: Vec<&str> = self.all("role").collect();
        let roles = vocabulary.roles().map(|(name, means)| RoleBox {
            name: name.to_owned(),
            means: means.to_owned(),
            is_ours: ours.contains(&name),
        });
        let groups = vocabulary.groups().iter().map(|group| {
            let asked = vocabulary.facts().filter(|fact| fact.group == group.id && !fact.is_text());
            let fields: Vec<Field> = asked.map(|fact| self.field(&fact, beside)).collect();
            let is_telling = |field: &Field| {
                field.is_asked || !field.value.is_empty() || !field.faults.is_empty() || !field.doubts.is_empty()
            };
            Group {
                asked: fields.iter().filter(|field| field.is_asked).count(),
                is_open: fields.iter().any(is_telling),
                id: group.id.clone(),
                title: group.title.clone(),
                fields,
            }
        });
        let mut groups: Vec<Group> = groups.filter(|group| !group.fields.is_empty()).collect();
        // No clock runs without what the first asks for.
        if let Some(first) = groups.first_mut() {
            first.is_open = true;
        }
        let is_of_people = |question: &String| {
            question != vocabulary.roles_question() && vocabulary.facts().all(|fact| fact.question != question)
        };
        let people_asked = beside.asked.iter().any(is_of_people);
        let (role_faults, zone_faults) = (beside.faults("roles", None), beside.faults("timezone", None));
        Filled {
            organisation_open: ours.is_empty() || !role_faults.is_empty() || !zone_faults.is_empty(),
            roles: roles.collect(),
            role_faults,
            timezone: self.one("timezone").to_owned(),
            zone_faults,
            places: self.places(library, beside),
            known_places: vocabulary
                .places()
                .into_iter()
                .map(|code| {
                    let name = names(&code);
                    (code, name)
                })
                .collect(),
            people_asked,
            people_doubts: [beside.doubts("affected"), beside.faults("affected", None)].concat(),
            groups,
            delay: ["delay-kind", "delay-stated", "delay-until"].map(|field| self.one(field).to_owned()),
            delay_faults: [beside.faults("law_enforcement_delay", None), beside.doubts("law_enforcement_delay")]
                .concat(),
            sent: self.sent(library, beside),
            with_proposed: self.is_on("proposed"),
        }
    }

    fn field(&self, fact: &Asked<'_>, beside: &Beside) -> Field {
        let value = self.one(&format!("f.{}", fact.name)).to_owned();
        let words: Vec<&str> = match fact.shape {
            Shape::Flag => vec!["true", "false"],
            _ => fact.words.iter().map(String::as_str).collect(),
        };
        Field {
            words: words.into_iter().map(|word| (word.to_owned(), word == value)).collect(),
            input: match fact.shape {
                Shape::Flag | Shape::Word => "select",
                Shape::Day => kind_of("date", &value),
                Shape::Instant => kind_of("datetime-local", &value),
                Shape::Text => "text",
            },
            is_asked: beside.asked.iter().any(|question| question == fact.question),
            faults: beside.faults(fact.name, None),
            doubts: beside.doubts(fact.name),
            name: fact.name.to_owned(),
            question: fact.question.to_owned(),
            value,
        }
    }

    fn places(&self, library: &Library, beside: &Beside) -> Vec<Place> {
        let rows = self.rows(&["place", "people", "kind"]);
        let before = self.one("places").parse::<usize>().unwrap_or(0).min(ROWS_MAX);
        let asked = if self.is_on("more-places") { before + 1 } else { 2 };
        let shown = (rows.len() + EMPTY_ROWS).max(asked).min(ROWS_MAX);
        let place = |number: usize| {
            let row = rows.get(number).copied();
            let of = |field: &str| row.map_or("", |row| self.one(&format!("{field}.{row}"))).to_owned();
            let picked: Vec<&str> = row.map_or_else(Vec::new, |row| {
                let name = format!("kind.{row}");
                self.0.iter().filter(|(field, _)| *field == name).map(|(_, kind)| kind.as_str()).collect()
            });
            let kinds = library.vocabulary().categories().iter();
            Place {
                jurisdiction: of("place"),
                people: of("people"),
                kinds: kinds.map(|kind| (kind.clone(), picked.contains(&kind.as_str()))).collect(),
                picked: picked.len(),
                faults: row.map_or_else(Vec::new, |_| beside.faults("affected", Some(number))),
                number,
            }
        };
        (0..shown).map(place).collect()
    }

    fn sent(&self, library: &Library, beside: &Beside) -> Vec<Sent> {
        let rows = self.rows(&["notice", "sent"]);
        let mut ids: Vec<&str> = library.obligations().iter().map(|of| of.id.as_str()).collect();
        ids.dedup();
        let sent = |number: usize| {
            let row = rows.get(number).copied();
            let of = |field: &str| row.map_or("", |row| self.one(&format!("{field}.{row}"))).to_owned();
            let (notice, at) = (of("notice"), of("sent"));
            Sent {
                number,
                obligations: ids.iter().map(|id| ((*id).to_owned(), **id == notice)).collect(),
                input: kind_of("datetime-local", &at),
                at,
                faults: row.map_or_else(Vec::new, |_| beside.faults("notifications", Some(number))),
            }
        };
        (0..(rows.len() + 1).min(ROWS_MAX)).map(sent).collect()
    }
}

/// The kind of input that can show a value: browsers show nothing of what is no date.
fn kind_of(kind: &'static str, value: &str) -> &'static str {
    let is_shown = match kind {
        "date" => value.parse::<jiff::civil::Date>().is_ok(),
        _ => value.parse::<jiff::Timestamp>().is_err() && value.parse::<DateTime>().is_ok(),
    };
    if value.is_empty() || is_shown { kind } else { "text" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(fields: &[(&str, &str)]) -> Entered {
        Entered(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_is_facts() {
        let library = obligations::shipped().unwrap();
        let form = entered(&[
            ("role", "controller"),
            ("timezone", "Europe/Berlin"),
            ("f.aware_at", "2026-03-27T22:30"),
            ("f.discovered_on", "2026-03-27"),
            ("f.secured", "false"),
            ("f.risk", ""),
            ("f.no_fact", "x"),
            ("place.0", ""),
            ("place.3", "EU-DE"),
            ("people.3", "1200"),
            ("kind.3", "health"),
            ("kind.3", "contact"),
            ("people.4", "-2"),
            ("delay-kind", "oral"),
            ("notice.1", "NIS2-72"),
            ("sent.1", "2026-03-29T12:00:00Z"),
        ]);
        let facts = Value::Object(form.facts(library));
        let expected = json!({
            "roles": ["controller"], "timezone": "Europe/Berlin", "aware_at": "2026-03-27T22:30:00+01:00", "discovered_on": "2026-03-27",
            "secured": false, "law_enforcement_delay": {"kind": "oral"},
            "affected": [
                {"jurisdiction": "EU-DE", "subjects": 1200, "categories": ["health", "contact"]},
                {"jurisdiction": "unknown", "subjects": -2, "categories": null},
            ],
            "notifications": [{"obligation": "NIS2-72", "submitted_at": "2026-03-29T12:00:00Z"}],
        });
        assert_eq!(facts, expected);
        assert!(entered(&[]).facts(library).is_empty());
        let nowhere = entered(&[("f.aware_at", "2026-03-27T22:30")]).facts(library);
        assert_eq!(nowhere["aware_at"], "2026-03-27T22:30", "without a time zone nobody knows when that was");
    }

    #[test]
    fn what_is_wrong_stands_beside_its_row() {
        let library = obligations::shipped().unwrap();
        let form = entered(&[("place.1", "EU-DE"), ("place.5", "DE"), ("f.discovered_on", "soon")]);
        let faults = obligations::faults(&form.facts(library), library.vocabulary());
        let filled = form.filled(library, str::to_owned, &Beside { faults, ..Beside::default() });
        assert!(filled.places[0].faults.is_empty() && filled.places[1].faults[0].contains("write `EU-DE`"));
        assert_eq!(filled.places.len(), 3, "one more to fill in");
        let field =
            filled.groups.iter().flat_map(|group| &group.fields).find(|field| field.name == "discovered_on").unwrap();
        assert_eq!((field.input, field.value.as_str(), field.faults.len()), ("text", "soon", 1));
    }
}
