//! Facts of an incident as a form has them: what its writer saw comes along, so that nobody writes over what somebody else said meanwhile.

use incidents::case::{Case, What};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// Facts of a form that differ from those that its writer saw.
pub(super) fn given(case: &Case, form: &[(String, String)]) -> Result<What, Failure> {
    let (mut set, mut was) = (Map::new(), Map::new());
    // Browsers end lines with two characters, and blanks around a text are none of it.
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let value = |text: String| match text.as_str() {
        "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text),
    };
    for (name, given) in form.iter().filter_map(|(name, given)| Some((name.strip_prefix("f.")?, given))) {
        let seen = form.iter().find(|(field, _)| field.strip_prefix("w.") == Some(name)).map_or("", |(_, seen)| seen);
        if plain(given) != plain(seen) {
            set.insert(name.to_owned(), value(plain(given)));
            let is = case.facts.get(name).cloned().unwrap_or_default();
            // What was seen is what is, but for what a form cannot hold.
            let is_seen = is.as_str().is_some_and(|is| plain(is) == plain(seen));
            was.insert(name.to_owned(), if is_seen { is } else { value(plain(seen)) });
        }
    }
    if form.iter().any(|(name, _)| name == "with-roles") {
        let given = |field: &str| -> Vec<&str> {
            form.iter().filter(|(name, _)| name == field).map(|(_, role)| role.as_str()).collect()
        };
        let (ticked, seen) = (given("role"), given("w-role"));
        if ticked != seen {
            let known = case.facts.contains_key("roles");
            was.insert("roles".to_owned(), if seen.is_empty() && !known { Value::Null } else { json!(seen) });
            set.insert("roles".to_owned(), json!(ticked));
        }
    }
    set.extend(affected_given(case, form, &mut was)?);
    zone_given(case, form, &mut set, &mut was)?;
    if set.is_empty() {
        return Err(Failure::BadInput("No fact changes. Change one, then save.".to_owned()));
    }
    Ok(What::Facts { set, was })
}

/// Those affected, as lines such as `EU-DE 1200 health, contact`: a place, how many, and the kinds of data about them.
fn affected_given(
    case: &Case,
    form: &[(String, String)],
    was: &mut Map<String, Value>,
) -> Result<Option<(String, Value)>, Failure> {
    let text = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, text)| text.replace("\r\n", "\n"));
    let (Some(given), Some(seen)) = (text("affected"), text("w-affected")) else { return Ok(None) };
    if given.trim() == seen.trim() {
        return Ok(None);
    }
    let is = case.facts.get("affected");
    // Whoever wrote it had other people before them: the desk tells them so.
    let had = is.filter(|is| affected_lines(is).trim() == seen.trim()).cloned();
    was.insert("affected".to_owned(), had.unwrap_or_else(|| if is.is_none() { Value::Null } else { json!(seen) }));
    let mut lines = Vec::new();
    for line in given.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(3, char::is_whitespace);
        let (place, people, kinds) = (words.next(), words.next().map(str::trim), words.next());
        let subjects = match people {
            None | Some("?") => Value::Null,
            Some(people) => json!(people.parse::<u64>().map_err(|error| {
                let why = format!(
                    "`{people}` in `{line}` is no number of people ({error}); write `EU-DE 1200 health`, or `?`"
                );
                Failure::BadInput(why)
            })?),
        };
        let categories = match kinds.map(str::trim).filter(|kinds| !kinds.is_empty()) {
            None | Some("?") => Value::Null,
            Some(kinds) => kinds.split([',', ' ']).map(str::trim).filter(|kind| !kind.is_empty()).collect(),
        };
        lines.push(json!({ "jurisdiction": place, "subjects": subjects, "categories": categories }));
    }
    let value = if given.trim().is_empty() { Value::Null } else { Value::Array(lines) };
    Ok(Some(("affected".to_owned(), value)))
}

/// As [`affected_given`] reads them.
pub(super) fn affected_lines(affected: &Value) -> String {
    let line = |one: &Value| {
        let people = one["subjects"].as_u64().map_or_else(|| "?".to_owned(), |people| people.to_string());
        let kinds: Option<Vec<&str>> =
            one["categories"].as_array().map(|kinds| kinds.iter().filter_map(Value::as_str).collect());
        let kinds = kinds.map_or_else(|| "?".to_owned(), |kinds| kinds.join(", "));
        format!("{} {people} {kinds}", one["jurisdiction"].as_str().unwrap_or("unknown")).trim_end().to_owned()
    };
    affected.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

/// The time zone, and a delay that law enforcement asked for.
fn zone_given(
    case: &Case,
    form: &[(String, String)],
    set: &mut Map<String, Value>,
    was: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let text = |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, text)| text.trim());
    if text("timezone") != text("w-timezone") {
        let value = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        set.insert("timezone".to_owned(), value(text("timezone")));
        was.insert("timezone".to_owned(), value(text("w-timezone")));
    }
    let parts = ["delay-kind", "delay-stated", "delay-until", "delay-by"];
    let seen = parts.map(|part| text(&format!("w-{part}")).to_owned());
    if parts.map(|part| text(part).to_owned()) != seen {
        let value = |name: &str| if text(name).is_empty() { Value::Null } else { json!(text(name)) };
        let delay = if parts.iter().all(|part| text(part).is_empty()) {
            Value::Null
        } else {
            let mut delay = json!({
                "kind": value("delay-kind"), "stated_on": value("delay-stated"), "until": value("delay-until"),
                "stated_by": value("delay-by"),
            });
            if let Some(delay) = delay.as_object_mut() {
                delay.retain(|_, value| !value.is_null());
            }
            delay
        };
        let is = case.facts.get("law_enforcement_delay").cloned().unwrap_or_default();
        let had = delay_parts(&is) == seen;
        was.insert("law_enforcement_delay".to_owned(), if had { is } else { json!(seen) });
        set.insert("law_enforcement_delay".to_owned(), delay);
    }
    Ok(())
}

/// How law enforcement asked to wait, when, until when, and who it was.
pub(super) fn delay_parts(delay: &Value) -> [String; 4] {
    ["kind", "stated_on", "until", "stated_by"].map(|part| delay[part].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_affected_are_lines_both_ways() {
        let affected = json!([
            {"jurisdiction": "EU-DE", "subjects": 1200, "categories": ["health", "contact"]},
            {"jurisdiction": "unknown", "subjects": null, "categories": null},
        ]);
        assert_eq!(affected_lines(&affected), "EU-DE 1200 health, contact\nunknown ? ?");
        assert_eq!(affected_lines(&Value::Null), "");
    }
}
