//! What a plan leaves open.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use obligations::{Audience, LawStatus, Library, Obligation};
use playbooks::Role;
use serde::Serialize;

use super::{Authority, Channel, Person, Plan, Stakeholder, StakeholderKind, shape, tree};
use crate::drafts::LANGUAGES;

/// What kind of gap it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Nobody holds a role.
    RoleUnheld,
    /// One person holds a role, and nobody stands in for them.
    RoleWithoutDeputy,
    /// Nothing reaches somebody while the organisation's e-mail and single sign-on are down.
    PersonUnreachable,
    /// An address that should work without the organisation's e-mail is of its own domain.
    EmailNotOutside,
    /// Nobody calls somebody, or only people whom nobody calls do.
    PersonNotCalled,
    /// An obligation in force has nobody who receives its notices.
    ObligationWithoutRecipient,
    /// An authority wants to be told in a way of which the plan has no address.
    AuthorityWithoutAddress,
    /// A stakeholder has nobody who can be reached.
    StakeholderWithoutContact,
    /// The plan names an obligation that the library does not have.
    ObligationUnknown,
    /// The plan names a role of laws that the library does not have.
    LegalRoleUnknown,
    /// No language is named, or none in which notices and letters are drafted.
    LanguageMissing,
    /// A value still is that of the skeleton.
    Placeholder,
}

/// One thing that a plan leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What kind.
    pub kind: GapKind,
    /// What it is about: a role, an id, a name, an obligation.
    pub about: String,
    /// What is missing.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; {}", self.about, self.why, self.remedy)
    }
}

fn gap(kind: GapKind, about: &str, why: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap { kind, about: about.to_owned(), why: why.into(), remedy: remedy.into() }
}

pub(super) fn find(plan: &Plan, library: &Library) -> Vec<Gap> {
    let mut gaps = roles(plan);
    people(plan, &mut gaps);
    recipients(plan, library, &mut gaps);
    languages(plan, &mut gaps);
    placeholders(plan, &mut gaps);
    gaps
}

fn roles(plan: &Plan) -> Vec<Gap> {
    let one = |role: Role| {
        let name = role.as_str();
        match plan.holders(role).as_slice() {
            [] => Some(gap(
                GapKind::RoleUnheld,
                name,
                "nobody holds this role",
                format!("give somebody `roles = [\"{name}\"]`"),
            )),
            [only] => Some(gap(
                GapKind::RoleWithoutDeputy,
                name,
                format!("only `{}` holds this role", only.id),
                format!("give somebody else `roles = [\"{name}:2\"]`"),
            )),
            _ => None,
        }
    };
    Role::ALL.into_iter().filter_map(one).collect()
}

/// The domain of an address of e-mail, as domains are compared.
fn domain(email: &str) -> Option<String> {
    email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

/// Whether an address is of the organisation: of its website's domain, or of the domain of the person's own address there.
fn is_inside(plan: &Plan, person: &Person, outside: &str) -> bool {
    let Some(domain_of) = domain(outside) else { return false };
    let site = plan.organisation.website.as_deref().and_then(shape::host).map(str::to_lowercase);
    let site = site.map(|host| host.strip_prefix("www.").unwrap_or(&host).to_owned());
    let own = person.email.as_deref().and_then(domain);
    [site, own]
        .into_iter()
        .flatten()
        .any(|inside| domain_of.strip_suffix(&inside).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn people(plan: &Plan, gaps: &mut Vec<Gap>) {
    let called: HashSet<&str> = tree::of(plan).iter().map(|line| line.person.id.as_str()).collect();
    for person in &plan.people {
        let outside = person.email_outside.as_deref();
        let is_inside = outside.is_some_and(|outside| is_inside(plan, person, outside));
        if is_inside {
            let why = "`email_outside` is of the organisation's own domain";
            gaps.push(gap(GapKind::EmailNotOutside, &person.id, why, "write one that works when that domain does not"));
        }
        if person.phone.is_none() && person.mobile.is_none() && (outside.is_none() || is_inside) {
            let why = "nothing reaches them while e-mail and single sign-on are down";
            gaps.push(gap(GapKind::PersonUnreachable, &person.id, why, "add `mobile`, `phone` or `email_outside`"));
        }
        if !called.contains(person.id.as_str()) {
            let (why, remedy) = if plan.people.iter().any(|one| one.calls.contains(&person.id)) {
                ("only people whom nobody calls call them", "have somebody call those, from a commander down")
            } else {
                ("nobody calls them", "add their id to `calls` of somebody who is called")
            };
            gaps.push(gap(GapKind::PersonNotCalled, &person.id, why, remedy));
        }
    }
}

/// The newest version in force of each obligation that the organisation's roles can owe.
fn owed<'l>(plan: &Plan, library: &'l Library) -> BTreeMap<&'l str, &'l Obligation> {
    let legal_roles = &plan.organisation.legal_roles;
    let concerns = |of: &&Obligation| {
        let mut names = library.vocabulary().role_names(of.roles);
        legal_roles.is_empty() || names.any(|name| legal_roles.iter().any(|one| one == name))
    };
    let in_force = library.obligations().iter().filter(|of| of.status == LawStatus::InForce);
    in_force.filter(concerns).map(|of| (of.id.as_str(), of)).collect()
}

fn recipients(plan: &Plan, library: &Library, gaps: &mut Vec<Gap>) {
    for name in &plan.organisation.legal_roles {
        if !library.vocabulary().roles().any(|(known, _)| known == name) {
            let known: Vec<&str> = library.vocabulary().roles().map(|(known, _)| known).collect();
            let why = "no law gives such a role, so its obligations are not looked at";
            gaps.push(gap(GapKind::LegalRoleUnknown, name, why, format!("known are {}", known.join(", "))));
        }
    }
    let has = |kinds: &[StakeholderKind]| plan.stakeholders.iter().any(|one| kinds.contains(&one.kind));
    for (id, of) in owed(plan, library) {
        let (is_met, remedy) = match of.audience {
            // Letters go to people, whose addresses are no part of a plan.
            Audience::People | Audience::Staff => continue,
            Audience::Authority => (false, "add an `[[authority]]`"),
            Audience::Media | Audience::Press => {
                (has(&[StakeholderKind::Press]), "add a `[[stakeholder]]` of the kind `press`")
            }
            Audience::Ethics => {
                (has(&[StakeholderKind::EthicsCommittee]), "add a `[[stakeholder]]` of the kind `ethics-committee`")
            }
            Audience::Insurer => (has(&[StakeholderKind::Insurer]), "add a `[[stakeholder]]` of the kind `insurer`"),
            Audience::Partner => (
                has(&[StakeholderKind::Partner, StakeholderKind::Sponsor]),
                "add a `[[stakeholder]]` of the kind `partner` or `sponsor`",
            ),
        };
        if !is_met && plan.recipients(id, &[]).is_empty() {
            let why = format!("nobody receives this notice, which goes to: {}", of.recipient);
            gaps.push(gap(GapKind::ObligationWithoutRecipient, id, why, remedy));
        }
    }
    for authority in &plan.authorities {
        authority_gaps(authority, library, gaps);
    }
    for one in &plan.stakeholders {
        if !one.contacts.iter().any(|contact| contact.phone.is_some() || contact.email.is_some()) {
            let remedy = "add `contacts` with `phone` or `email`";
            gaps.push(gap(GapKind::StakeholderWithoutContact, &one.name, "nobody can be reached there", remedy));
        }
    }
}

fn authority_gaps(authority: &Authority, library: &Library, gaps: &mut Vec<Gap>) {
    for id in &authority.obligations {
        if !library.obligations().iter().any(|of| of.id == *id) {
            let why = format!("`{}` receives its notices, and there is no such obligation", authority.id);
            gaps.push(gap(GapKind::ObligationUnknown, id, why, "`lazaret obligations` lists them; mind the spelling"));
        }
    }
    if !authority.has_address() {
        let field = match authority.how {
            Channel::Portal => "url",
            Channel::Email => "email",
            Channel::Phone => "phone",
            Channel::Post => "address",
        };
        let why = format!("it is told by {}, and there is no `{field}`", authority.how.as_str());
        gaps.push(gap(GapKind::AuthorityWithoutAddress, &authority.id, why, format!("add `{field}`")));
    }
}

fn languages(plan: &Plan, gaps: &mut Vec<Gap>) {
    let drafted = LANGUAGES.join(", ");
    let own = &plan.organisation.languages;
    if own.is_empty() {
        let why = "no language is named in which it writes";
        gaps.push(gap(GapKind::LanguageMissing, "organisation", why, format!("add `languages`, of {drafted}")));
    }
    for language in own.iter().filter(|one| !LANGUAGES.contains(&one.as_str())) {
        let why = "notices and letters are not drafted in this language";
        gaps.push(gap(
            GapKind::LanguageMissing,
            language,
            why,
            format!("plan for a translation; drafted are {drafted}"),
        ));
    }
    for authority in &plan.authorities {
        let reads = &authority.languages;
        if reads.is_empty() {
            let why = "no language is named that it reads";
            gaps.push(gap(GapKind::LanguageMissing, &authority.id, why, "add `languages`"));
        } else if !reads.iter().any(|one| LANGUAGES.contains(&one.as_str())) {
            let why = format!("it reads {}, in which nothing is drafted", reads.join(", "));
            gaps.push(gap(GapKind::LanguageMissing, &authority.id, why, "plan for a translation"));
        }
    }
}

fn placeholders(plan: &Plan, gaps: &mut Vec<Gap>) {
    let mut look = |about: &str, values: Vec<&str>| {
        if let Some(value) = values.into_iter().find(|value| shape::is_placeholder(value)) {
            let why = format!("`{value}` is a placeholder");
            gaps.push(gap(GapKind::Placeholder, about, why, "write the real one"));
        }
    };
    let of = |all: &[&'_ Option<String>]| -> Vec<String> { all.iter().filter_map(|one| (*one).clone()).collect() };
    let organisation = &plan.organisation;
    let rest = of(&[&organisation.website, &organisation.toll_free]);
    let own = std::iter::once(&organisation.name).chain(&organisation.address).chain(&rest);
    look("organisation", own.map(String::as_str).collect());
    for person in &plan.people {
        let rest = of(&[&person.phone, &person.mobile, &person.email, &person.email_outside, &person.hours]);
        look(&person.id, std::iter::once(&person.name).chain(&rest).map(String::as_str).collect());
    }
    for authority in &plan.authorities {
        let rest = of(&[&authority.url, &authority.email, &authority.phone, &authority.hours, &authority.note]);
        let all = std::iter::once(&authority.name).chain(&authority.address).chain(&rest);
        look(&authority.id, all.map(String::as_str).collect());
    }
    for Stakeholder { name, study, contract, contacts, .. } in &plan.stakeholders {
        let mut rest = of(&[study, contract]);
        for contact in contacts {
            rest.push(contact.name.clone());
            rest.extend(of(&[&contact.phone, &contact.email, &contact.hours]));
        }
        look(name, std::iter::once(name).chain(&rest).map(String::as_str).collect());
    }
}
