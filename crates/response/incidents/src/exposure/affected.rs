//! What the record tells of those affected, put to what is known of them already.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The fact `affected` after the record told `told`. Nothing that was known becomes less by it: who was counted on paper is not in the
/// record, and another question is about others. `None`: nothing is known, which is not the same as nobody.
#[must_use]
pub fn at_least(before: Option<&Value>, told: &Value) -> Option<Value> {
    let mut all: BTreeMap<String, (Option<u64>, Option<Vec<Value>>)> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for one in [before, Some(told)].into_iter().flatten().flat_map(|value| value.as_array().into_iter().flatten()) {
        let place = one["jurisdiction"].as_str().unwrap_or("unknown").to_owned();
        let (subjects, categories) = (one["subjects"].as_u64(), one["categories"].as_array().cloned());
        match all.get_mut(&place) {
            None => {
                order.push(place.clone());
                all.insert(place, (subjects, categories));
            }
            Some((known, kinds)) => {
                *known = (*known).max(subjects);
                if let Some(more) = categories {
                    let kinds = kinds.get_or_insert_default();
                    kinds.extend(more.into_iter().filter(|one| !kinds.contains(one)).collect::<Vec<_>>());
                }
            }
        }
    }
    if order.is_empty() {
        return before.cloned();
    }
    let line = |place: &String| {
        let (subjects, categories) = all.get(place)?;
        Some(json!({ "jurisdiction": place, "subjects": subjects, "categories": categories }))
    };
    Some(order.iter().filter_map(line).collect())
}

/// Where fewer people are affected than were said to be, in words; `None`: nowhere.
#[must_use]
pub fn shrinks(before: &Value, after: &Value) -> Option<String> {
    let of = |value: &Value, place: &str| {
        let one = value.as_array().into_iter().flatten().find(|one| one["jurisdiction"] == place);
        one.map_or(0, |one| one["subjects"].as_u64().unwrap_or(0))
    };
    let places = before.as_array().into_iter().flatten().filter_map(|one| one["jurisdiction"].as_str());
    let fewer: Vec<String> = places
        .filter_map(|place| {
            let (was, is) = (of(before, place), of(after, place));
            (is < was).then(|| format!("{place}: {was} before, {is} now"))
        })
        .collect();
    (!fewer.is_empty()).then(|| fewer.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_record_tells_takes_nothing_away() {
        let counted = json!([{"jurisdiction": "US-CA", "subjects": 600, "categories": ["health"]}]);
        let told = json!([
            {"jurisdiction": "US-CA", "subjects": 3, "categories": ["contact", "health"]},
            {"jurisdiction": "unknown", "subjects": null, "categories": null},
        ]);
        let both = json!([
            {"jurisdiction": "US-CA", "subjects": 600, "categories": ["health", "contact"]},
            {"jurisdiction": "unknown", "subjects": null, "categories": null},
        ]);
        assert_eq!(at_least(Some(&counted), &told), Some(both));
        assert_eq!(at_least(None, &json!([])), None, "nothing in the record is no word about who was affected");
        assert_eq!(at_least(Some(&json!([])), &json!([])), Some(json!([])), "that nobody was, somebody said");
    }

    #[test]
    fn fewer_people_are_told_by_place() {
        let before = json!([{"jurisdiction": "EU-DE", "subjects": 600}, {"jurisdiction": "JP", "subjects": 2}]);
        let after = json!([{"jurisdiction": "EU-DE", "subjects": 3}, {"jurisdiction": "JP", "subjects": 2}]);
        assert_eq!(shrinks(&before, &after).as_deref(), Some("EU-DE: 600 before, 3 now"));
        assert_eq!(shrinks(&after, &before), None);
        assert_eq!(shrinks(&before, &Value::Null).as_deref(), Some("EU-DE: 600 before, 0 now; JP: 2 before, 0 now"));
    }
}
