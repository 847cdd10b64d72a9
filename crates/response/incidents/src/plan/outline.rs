//! What stands on the sheet, before it is text or HTML.

use std::collections::{BTreeMap, HashSet};

use playbooks::Role;

use super::{Authority, Contact, Person, Plan, Stakeholder, StakeholderKind};

/// A row: a head, and lines under it.
pub(super) struct Row {
    pub(super) depth: usize,
    pub(super) head: String,
    pub(super) lines: Vec<String>,
}

/// A part of the sheet.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

/// The sheet.
pub(super) struct Outline {
    pub(super) organisation: String,
    pub(super) lines: Vec<String>,
    pub(super) sections: Vec<Section>,
}

fn labelled(label: &str, value: Option<&str>) -> Option<String> {
    value.map(|value| format!("{label} {value}"))
}

fn joined(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

pub(super) fn of(plan: &Plan) -> Outline {
    let organisation = &plan.organisation;
    let mut lines = organisation.address.clone();
    lines.extend(organisation.website.clone());
    lines.extend(labelled("toll-free", organisation.toll_free.as_deref()));
    let tree = plan.tree();
    let listed: HashSet<&str> = tree.iter().map(|line| line.person.id.as_str()).collect();
    let uncalled = plan.people.iter().filter(|person| !listed.contains(person.id.as_str()));
    let uncalled: Vec<Row> = uncalled.map(|one| person_row(0, one)).collect();
    let tree_rows = tree.iter().map(|line| {
        if line.is_repeated {
            let head = format!("{}, as above", line.person.name);
            Row { depth: line.depth, head, lines: Vec::new() }
        } else {
            person_row(line.depth, line.person)
        }
    });
    let sections = [
        ("Who calls whom", tree_rows.collect()),
        ("Called by nobody", uncalled),
        ("Who holds which role", Role::ALL.into_iter().map(|role| role_row(plan, role)).collect()),
        ("Who receives which notice", obligation_rows(plan)),
        ("Authorities", plan.authorities.iter().map(authority_row).collect()),
        ("Others who are told", stakeholder_rows(plan)),
    ];
    let sections = sections.into_iter().map(|(title, rows)| Section { title, rows });
    Outline {
        organisation: organisation.name.clone(),
        lines,
        sections: sections.filter(|section| !section.rows.is_empty()).collect(),
    }
}

fn role_title(role: Role, rank: u8) -> String {
    if rank == 1 { role.title().to_owned() } else { format!("{} (deputy {})", role.title(), rank - 1) }
}

fn person_row(depth: usize, person: &Person) -> Row {
    let roles: Vec<String> = person.roles.iter().map(|held| role_title(held.role, held.rank)).collect();
    let head = if roles.is_empty() { person.name.clone() } else { format!("{}: {}", person.name, roles.join(", ")) };
    let numbers =
        joined([labelled("mobile", person.mobile.as_deref()), labelled("telephone", person.phone.as_deref())]);
    let lines = [
        numbers,
        labelled("e-mail outside", person.email_outside.as_deref()),
        labelled("e-mail", person.email.as_deref()),
        labelled("hours", person.hours.as_deref()),
    ];
    Row { depth, head, lines: lines.into_iter().flatten().collect() }
}

fn role_row(plan: &Plan, role: Role) -> Row {
    let one = |(index, person): (usize, &&Person)| {
        let number = person.mobile.as_deref().or(person.phone.as_deref()).or(person.email_outside.as_deref());
        let number = number.map(|number| format!(", {number}")).unwrap_or_default();
        format!("{}. {}{number}", index + 1, person.name)
    };
    let mut lines: Vec<String> = plan.holders(role).iter().enumerate().map(one).collect();
    if lines.is_empty() {
        lines.push("nobody".to_owned());
    }
    Row { depth: 0, head: role.title().to_owned(), lines }
}

fn obligation_rows(plan: &Plan) -> Vec<Row> {
    let mut by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for authority in &plan.authorities {
        let places: Vec<String> = authority.jurisdictions.iter().map(ToString::to_string).collect();
        for id in &authority.obligations {
            by.entry(id).or_default().push(format!("{} ({})", authority.name, places.join(", ")));
        }
    }
    by.into_iter().map(|(id, lines)| Row { depth: 0, head: id.to_owned(), lines }).collect()
}

fn authority_row(authority: &Authority) -> Row {
    let address = (!authority.address.is_empty()).then(|| authority.address.join(", "));
    let languages = (!authority.languages.is_empty()).then(|| authority.languages.join(", "));
    let lines = [
        Some(format!("told by {}", authority.how.as_str())),
        authority.url.clone(),
        labelled("e-mail", authority.email.as_deref()),
        labelled("telephone", authority.phone.as_deref()),
        address,
        labelled("reads", languages.as_deref()),
        labelled("hours", authority.hours.as_deref()),
        authority.note.clone(),
    ];
    Row { depth: 0, head: authority.name.clone(), lines: lines.into_iter().flatten().collect() }
}

const fn kind_title(kind: StakeholderKind) -> &'static str {
    match kind {
        StakeholderKind::Sponsor => "Sponsor",
        StakeholderKind::Partner => "Partner",
        StakeholderKind::Insurer => "Insurer",
        StakeholderKind::EthicsCommittee => "Ethics committee",
        StakeholderKind::LawEnforcement => "Law enforcement",
        StakeholderKind::WorksCouncil => "Works council",
        StakeholderKind::Press => "Press",
        StakeholderKind::Bank => "Bank",
        StakeholderKind::Cert => "Response team (CERT)",
        StakeholderKind::Other => "Other",
    }
}

fn stakeholder_rows(plan: &Plan) -> Vec<Row> {
    let mut all: Vec<&Stakeholder> = plan.stakeholders.iter().collect();
    all.sort_by_key(|one| one.kind);
    let contact = |contact: &Contact| {
        let rest = joined([
            labelled("telephone", contact.phone.as_deref()),
            labelled("e-mail", contact.email.as_deref()),
            labelled("hours", contact.hours.as_deref()),
        ]);
        rest.map_or_else(|| contact.name.clone(), |rest| format!("{}: {rest}", contact.name))
    };
    let row = |one: &Stakeholder| {
        let about = joined([labelled("study", one.study.as_deref()), labelled("contract", one.contract.as_deref())]);
        let hours = one.hours_to_tell.map(|hours| format!("told within {hours} hours"));
        let lines = [hours, about].into_iter().flatten().chain(one.contacts.iter().map(contact)).collect();
        Row { depth: 0, head: format!("{}: {}", kind_title(one.kind), one.name), lines }
    };
    all.into_iter().map(row).collect()
}
