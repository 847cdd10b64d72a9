//! Whom an organisation reaches, and how, when an incident happens: one TOML file that its people write.
//!
//! What comes in: the text of `plan.toml`, with the organisation, its people and the roles they hold, authorities, and others who
//! are told. What goes out: a plan, or all that is wrong with the text and where; what the plan leaves open ([`Plan::gaps`]); who holds a
//! role, who receives what, who calls whom; and the whole as a sheet for the wall, for the day on which no system works. Nothing here
//! reads a file or a clock, and nothing is sent.

use obligations::Library;
use playbooks::Role;
use serde::Serialize;

mod check;
mod entry;
mod gaps;
mod outline;
mod pattern;
pub(crate) mod shape;
mod sheet;
mod tree;

pub use check::PlanFault;
pub use gaps::{Gap, GapKind};
pub use pattern::Pattern;
pub(crate) use sheet::escaped;
pub use tree::TreeLine;

/// The most bytes of a plan.
pub const BYTES_MAX: usize = 1 << 20;
/// The most people, authorities and stakeholders together.
pub const ENTRIES_MAX: usize = 2_000;
/// The most characters of a text of one line.
pub const LINE_CHARS_MAX: usize = 300;
/// The most characters of a note.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// The most items of a list.
pub const LIST_MAX: usize = 100;
/// The most faults that are told; one more says that there are others.
pub const FAULTS_MAX: usize = 500;

/// A skeleton of a plan with placeholders and comments. It parses, and [`Plan::gaps`] names its placeholders.
pub const EXAMPLE: &str = include_str!("../../../../content/plan/example.toml");

/// The plan of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Whose plan it is.
    pub organisation: Organisation,
    /// Its people, as they stand in the file.
    pub people: Vec<Person>,
    /// Authorities, as they stand in the file.
    pub authorities: Vec<Authority>,
    /// Others who are told, as they stand in the file.
    pub stakeholders: Vec<Stakeholder>,
}

/// Whose plan it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Organisation {
    /// Its name, as it signs.
    pub name: String,
    /// Its postal address, line by line.
    pub address: Vec<String>,
    /// Where it is, as jurisdictions are written: `EU-DE`, `US-CA`, `JP`.
    pub country: String,
    /// Languages it writes in, as ISO 639 codes; the first is the one for those of whom no language is known.
    pub languages: Vec<String>,
    /// Its website.
    pub website: Option<String>,
    /// A number that costs callers nothing (45 CFR 164.404(c)(1)(E), (d)(2)(ii)).
    pub toll_free: Option<String>,
    /// The roles that laws give it, as obligations name them: `controller`, `sponsor`. Empty: gaps are looked for in all obligations.
    pub legal_roles: Vec<String>,
    /// Its time zone, as the IANA database names it: incidents begin with it.
    pub timezone: Option<String>,
}

/// A role that somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Which.
    pub role: Role,
    /// 1: holds it; 2: first deputy, and so on. Written `legal` or `legal:2`.
    pub rank: u8,
}

/// One of the organisation's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// By which the plan names them.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What they do in an incident.
    pub roles: Vec<Held>,
    /// A telephone.
    pub phone: Option<String>,
    /// A mobile telephone.
    pub mobile: Option<String>,
    /// Their address at the organisation.
    pub email: Option<String>,
    /// An address that works while the organisation's e-mail and single sign-on do not.
    pub email_outside: Option<String>,
    /// Ids of those whom they call.
    pub calls: Vec<String>,
    /// When they can be reached, in words.
    pub hours: Option<String>,
}

/// How an authority wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A form on the web.
    Portal,
    /// E-mail.
    Email,
    /// Telephone.
    Phone,
    /// Letter.
    Post,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Portal, Self::Email, Self::Phone, Self::Post];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Post => "post",
        }
    }
}

/// An authority, or whoever else receives notices that laws ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Authority {
    /// By which the plan names it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Ids of obligations whose notices it receives.
    pub obligations: Vec<String>,
    /// Where the people live whose incident it is told of.
    pub jurisdictions: Vec<Pattern>,
    /// How it wants to be told.
    pub how: Channel,
    /// Its form on the web.
    pub url: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its telephone.
    pub phone: Option<String>,
    /// Its postal address, line by line.
    pub address: Vec<String>,
    /// Languages it reads, as ISO 639 codes.
    pub languages: Vec<String>,
    /// When it can be reached, in words.
    pub hours: Option<String>,
    /// What else to know.
    pub note: Option<String>,
}

impl Authority {
    /// Whether the plan says how to reach it in the way that it wants.
    #[must_use]
    pub fn has_address(&self) -> bool {
        match self.how {
            Channel::Portal => self.url.is_some(),
            Channel::Email => self.email.is_some(),
            Channel::Phone => self.phone.is_some(),
            Channel::Post => !self.address.is_empty(),
        }
    }
}

/// What somebody who is told is to the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StakeholderKind {
    /// Sponsor of a study.
    Sponsor,
    /// Partner.
    Partner,
    /// Insurer.
    Insurer,
    /// Ethics committee or review board.
    EthicsCommittee,
    /// Police or prosecutors.
    LawEnforcement,
    /// Works council.
    WorksCouncil,
    /// Press.
    Press,
    /// Bank.
    Bank,
    /// Response team of a sector or country.
    Cert,
    /// Anybody else.
    Other,
}

impl StakeholderKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Sponsor,
        Self::Partner,
        Self::Insurer,
        Self::EthicsCommittee,
        Self::LawEnforcement,
        Self::WorksCouncil,
        Self::Press,
        Self::Bank,
        Self::Cert,
        Self::Other,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sponsor => "sponsor",
            Self::Partner => "partner",
            Self::Insurer => "insurer",
            Self::EthicsCommittee => "ethics-committee",
            Self::LawEnforcement => "law-enforcement",
            Self::WorksCouncil => "works-council",
            Self::Press => "press",
            Self::Bank => "bank",
            Self::Cert => "cert",
            Self::Other => "other",
        }
    }
}

/// Whom to reach at a stakeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Name or office.
    pub name: String,
    /// Telephone.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// When, in words.
    pub hours: Option<String>,
}

/// Somebody else who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stakeholder {
    /// What they are to the organisation.
    pub kind: StakeholderKind,
    /// Their name.
    pub name: String,
    /// The study that they are told about; otherwise all.
    pub study: Option<String>,
    /// The contract that says so.
    pub contract: Option<String>,
    /// Whom to reach there.
    pub contacts: Vec<Contact>,
    /// Within how many hours the contract wants them told.
    pub hours_to_tell: Option<u32>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// All that is wrong with the text, in the order of its lines, each with what to do; at most [`FAULTS_MAX`] and one that says that
    /// there are more. Never empty.
    pub fn parse(text: &str) -> Result<Self, Vec<PlanFault>> {
        check::read(text)
    }

    /// What the plan leaves open: roles, people, obligations and languages that nobody or nothing stands for. A plan with gaps is still a
    /// plan.
    #[must_use]
    pub fn gaps(&self, library: &Library) -> Vec<Gap> {
        gaps::find(self, library)
    }

    /// Who holds a role: whoever holds it first, then deputies by rank; of one rank as they stand in the file.
    #[must_use]
    pub fn holders(&self, role: Role) -> Vec<&Person> {
        let rank = |person: &&Person| person.roles.iter().filter(|held| held.role == role).map(|held| held.rank).min();
        let mut holders: Vec<&Person> = self.people.iter().filter(|person| rank(person).is_some()).collect();
        holders.sort_by_key(rank);
        holders
    }

    /// Who receives notices of an obligation about people of these jurisdictions, the most closely named first; whoever matches is there,
    /// so a pattern such as `EU-*` stands beside an `EU-DE`. Without jurisdictions: everybody who receives them anywhere.
    #[must_use]
    pub fn recipients(&self, obligation: &str, jurisdictions: &[&str]) -> Vec<&Authority> {
        let width = |authority: &Authority| {
            let holds =
                |pattern: &&Pattern| jurisdictions.is_empty() || jurisdictions.iter().any(|place| pattern.holds(place));
            authority.jurisdictions.iter().filter(holds).map(Pattern::width).min()
        };
        let receives = |authority: &&Authority| authority.obligations.iter().any(|id| id == obligation);
        let all = self.authorities.iter().filter(receives);
        let mut found: Vec<(u8, &Authority)> =
            all.filter_map(|authority| width(authority).map(|width| (width, authority))).collect();
        found.sort_by_key(|(width, _)| *width);
        found.into_iter().map(|(_, authority)| authority).collect()
    }

    /// Who calls whom, from the commanders down, in the order in which calls are made. Whoever is called by several stands under each; those
    /// whom they call stand under the first. People whom nobody calls are not there; [`Plan::gaps`] names them.
    #[must_use]
    pub fn tree(&self) -> Vec<TreeLine<'_>> {
        tree::of(self)
    }

    /// The plan as a sheet of at most 80 columns: contact tree, roles, authorities by obligation, others.
    #[must_use]
    pub fn to_text(&self) -> String {
        sheet::text(&outline::of(self))
    }

    /// The same as one page of HTML that asks for nothing from outside. All values are escaped.
    #[must_use]
    pub fn to_html(&self) -> String {
        sheet::html(&outline::of(self))
    }
}
