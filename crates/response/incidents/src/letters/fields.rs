//! What the facts and the plan say for each field, in one language.

use std::fmt::Write as _;

use jiff::civil::Date;
use playbooks::Role;
use serde_json::Value;

use super::template::{Field, Language};
use super::{Common, Kind};
use crate::plan::shape;

/// What a field holds, if anything is known. Names come from the table of recipients.
pub(super) fn value(field: Field, kind: Kind, common: &Common<'_>, language: &Language) -> Option<String> {
    match field {
        Field::Name | Field::Kin => None,
        Field::Date => Some(language.day(common.date)),
        Field::Reference => known(common.reference),
        Field::Organisation => {
            fact(common, "organisation").or_else(|| real(&common.plan.organisation.name).map(str::to_owned))
        }
        Field::WhatHappened => fact(common, "what_happened"),
        Field::BreachedOn => {
            let said = common.breached_on.and_then(known).or_else(|| fact(common, "breached_on"));
            said.map(|text| day(&text, language))
        }
        Field::DiscoveredOn => fact(common, "discovered_on").map(|text| day(&text, language)),
        Field::Categories => categories(common, language),
        Field::People => people(common, language),
        Field::Cause => fact(common, "cause"),
        Field::Consequences => fact(common, "likely_consequences"),
        Field::Measures => fact(common, "measures_taken"),
        Field::Steps => fact(common, "steps_for_people"),
        Field::Contact => contact(kind, common, language),
        Field::Principals => fact(common, "response_to_people"),
        Field::Publication => fact(common, "publication"),
        Field::Other => fact(common, "other_matters"),
    }
}

/// The fact whose question is asked where a field is empty.
pub(super) const fn asked(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Organisation => "organisation",
        Field::WhatHappened => "what_happened",
        Field::BreachedOn => "breached_on",
        Field::DiscoveredOn => "discovered_on",
        Field::Cause => "cause",
        Field::Consequences => "likely_consequences",
        Field::Measures => "measures_taken",
        Field::Steps => "steps_for_people",
        Field::Contact => "contact_point",
        Field::Principals => "response_to_people",
        Field::Publication => "publication",
        Field::Other => "other_matters",
        Field::Name | Field::Kin | Field::Date | Field::Reference | Field::Categories | Field::People => return None,
    })
}

/// A text without blanks around it, and without what cannot be printed.
fn known(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let text: String = text.trim().chars().filter(|c| *c == '\n' || shape::is_plain(*c)).collect();
    (!text.is_empty()).then_some(text)
}

fn fact(common: &Common<'_>, name: &str) -> Option<String> {
    common.facts.get(name).and_then(Value::as_str).and_then(known)
}

/// A value of the plan that is no placeholder: those must not reach people.
fn real(text: &str) -> Option<&str> {
    (!shape::is_placeholder(text)).then_some(text)
}

/// A day in words; what is no day stays as it was written.
fn day(text: &str, language: &Language) -> String {
    text.parse::<Date>().map_or_else(|_| text.to_owned(), |day| language.day(day))
}

fn affected<'a>(common: &Common<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    common.facts.get("affected").and_then(Value::as_array).into_iter().flatten()
}

/// Jurisdictions of people who are affected.
pub(super) fn places<'a>(common: &Common<'a>) -> Vec<&'a str> {
    affected(common).filter_map(|one| one["jurisdiction"].as_str()).filter(|place| *place != "unknown").collect()
}

fn categories(common: &Common<'_>, language: &Language) -> Option<String> {
    let mut named: Vec<&str> = Vec::new();
    for id in affected(common).filter_map(|one| one["categories"].as_array()).flatten().filter_map(Value::as_str) {
        if let Some(word) = language.category(id)
            && !named.contains(&word)
        {
            named.push(word);
        }
    }
    (!named.is_empty()).then(|| named.join(language.comma()))
}

fn people(common: &Common<'_>, language: &Language) -> Option<String> {
    let one = |one: &Value| {
        let place = one["jurisdiction"].as_str().unwrap_or("unknown");
        let count = one["subjects"].as_u64().map(|count| count.to_string());
        let count = count.unwrap_or_else(|| language.word("unknown_number").to_owned());
        language.word("in_place").replace("{count}", &count).replace("{place}", place)
    };
    let named: Vec<String> = affected(common).map(one).collect();
    (!named.is_empty()).then(|| named.join(if language.code == "ja" { "、" } else { "; " }))
}

/// Whom to ask. Art. 33(3)(b) GDPR wants a name and contact details; 45 CFR 164.404(c)(1)(E) is met by a toll-free number, an e-mail
/// address, a website or a postal address, which the plan may have by itself.
fn contact(kind: Kind, common: &Common<'_>, language: &Language) -> Option<String> {
    let organisation = &common.plan.organisation;
    let mut text = fact(common, "contact_point").or_else(|| office(common)).unwrap_or_default();
    if text.is_empty() && kind != Kind::Hipaa404 {
        return None;
    }
    let address: Vec<&str> = organisation.address.iter().filter_map(|line| real(line)).collect();
    let address = match real(&organisation.name) {
        Some(name) if !address.is_empty() => [&[name][..], &address].concat().join(language.comma()),
        _ => String::new(),
    };
    let more = [
        ("toll_free", organisation.toll_free.as_deref().and_then(real)),
        ("website", organisation.website.as_deref().and_then(real)),
        ("post", (!address.is_empty()).then_some(address.as_str())),
    ];
    for (word, value) in more {
        if let Some(value) = value
            && !text.contains(value)
        {
            let _ = write!(text, "{}{}: {value}", if text.is_empty() { "" } else { "\n" }, language.word(word));
        }
    }
    known(&text)
}

/// Who writes, line by line: name and address of the plan, or what the facts say where the plan has only a placeholder.
pub(super) fn sender(common: &Common<'_>) -> Vec<String> {
    let organisation = &common.plan.organisation;
    match real(&organisation.name) {
        Some(name) => {
            let address = organisation.address.iter().filter_map(|line| real(line));
            std::iter::once(name).chain(address).map(str::to_owned).collect()
        }
        None => fact(common, "organisation").iter().flat_map(|text| text.lines()).map(str::to_owned).collect(),
    }
}

/// Name and address of the privacy office, never a telephone that was given to colleagues.
fn office(common: &Common<'_>) -> Option<String> {
    let holders = common.plan.holders(Role::Privacy);
    holders.into_iter().find_map(|person| Some(format!("{}, {}", real(&person.name)?, real(person.email.as_deref()?)?)))
}
