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

/// The European Economic Area beside the Member States of the Union: Annex XI to the EEA Agreement took the GDPR over.
const EEA: [&str; 3] = ["IS", "LI", "NO"];

/// Whether a place lies in a region: a part of it, or itself. The European Economic Area is `EU`.
#[must_use]
pub fn lies_in(place: &str, region: &str) -> bool {
    let is_part = place.strip_prefix(region).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    is_part || (region == "EU" && EEA.contains(&place))
}

/// How many people of a region the fact `affected` counts; without a region all of them. Who lives nobody knows where may live anywhere.
/// `None`: of some it is not known how many they are.
#[must_use]
pub fn counted_in(affected: &Value, region: Option<&str>) -> Option<u64> {
    let place = |one: &Value| one["jurisdiction"].as_str().unwrap_or("unknown").to_owned();
    let is_meant = |one: &&Value| region.is_none_or(|region| place(one) == "unknown" || lies_in(&place(one), region));
    let meant = affected.as_array()?.iter().filter(is_meant);
    meant.map(|one| one["subjects"].as_u64()).try_fold(0_u64, |all, one| Some(all.saturating_add(one?)))
}

/// The fact `affected` after somebody counted people by region: those who are more than is known live somewhere in it. `None`: that says
/// nothing new.
///
/// # Errors
/// When fewer were counted than are known of; in words.
pub fn with_counted(affected: Option<&Value>, counts: &[(String, u64)]) -> Result<Option<Value>, String> {
    let mut all: Vec<Value> = affected.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut is_new = false;
    for (region, count) in counts {
        let is_in = |one: &&Value| {
            let place = one["jurisdiction"].as_str().unwrap_or("unknown");
            place == "unknown" || lies_in(place, region)
        };
        let known: u64 = all.iter().filter(is_in).filter_map(|one| one["subjects"].as_u64()).sum();
        if *count < known {
            return Err(format!(
                "{count} people in {region} are fewer than the {known} who are known to be affected there"
            ));
        }
        let more = count - known;
        if more == 0 {
            continue;
        }
        is_new = true;
        match all.iter_mut().find(|one| one["jurisdiction"] == region.as_str()).and_then(Value::as_object_mut) {
            Some(one) => {
                let before = one.get("subjects").and_then(Value::as_u64).unwrap_or(0);
                one.insert("subjects".to_owned(), before.saturating_add(more).into());
            }
            None => all.push(json!({ "jurisdiction": region, "subjects": more, "categories": null })),
        }
    }
    Ok(is_new.then_some(Value::Array(all)))
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

    #[test]
    fn people_counted_by_region_are_put_to_those_who_are_known() {
        let known = json!([{"jurisdiction": "EU-DE", "subjects": 10}, {"jurisdiction": "unknown", "subjects": 5}]);
        assert_eq!(
            (counted_in(&known, Some("EU")), counted_in(&known, Some("JP")), counted_in(&known, None)),
            (Some(15), Some(5), Some(15))
        );
        assert_eq!(counted_in(&json!([{"jurisdiction": "EU", "subjects": null}]), Some("EU")), None);
        assert!(lies_in("NO", "EU") && lies_in("US-CA", "US") && !lies_in("USX", "US") && !lies_in("EU-DE", "US"));
        let count = |region: &str, count: u64| (region.to_owned(), count);
        assert_eq!(with_counted(Some(&known), &[count("EU", 15), count("JP", 5)]), Ok(None));
        let more = with_counted(Some(&known), &[count("EU", 20), count("US", 6)]).unwrap().unwrap();
        assert_eq!(more[2], json!({"jurisdiction": "EU", "subjects": 5, "categories": null}));
        assert_eq!(more[3], json!({"jurisdiction": "US", "subjects": 1, "categories": null}));
        assert!(with_counted(Some(&known), &[count("EU", 14)]).unwrap_err().contains("fewer than the 15"));
        assert_eq!(with_counted(None, &[count("EU", 0)]), Ok(None), "nobody counted is nothing new");
    }
}
