//! What surrounds every page: title, navigation, who is logged in, colours.

use crate::access::Role;
use crate::assets;

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The landscape at a glance.
    Landscape,
    /// Search and one object.
    Objects,
    /// People and merges.
    People,
    /// Scans, sources, schedules.
    Scans,
    /// What could not be read.
    Problems,
    /// The catalogue of recognisers.
    Recognizers,
    /// Incidents.
    Incidents,
    /// Obligations.
    Obligations,
    /// Playbooks.
    Playbooks,
    /// Whom to reach.
    Plan,
    /// Backups and drills.
    Backups,
    /// What detection found.
    Findings,
    /// Questions over the record.
    Hunts,
    /// Who may do what, and why.
    Access,
    /// Keys that seal objects.
    Keys,
    /// What the rules kept back.
    Quarantine,
    /// What happened, as it was recorded.
    Record,
    /// Who may log in.
    Users,
    /// Nowhere: login, errors.
    None,
}

/// Colours that a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every choice.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in forms, the cookie and the page's root.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The choice of that name; the system's for any other.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name).unwrap_or_default()
    }
}

/// One entry of the navigation.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    /// Whether it is the page's own section.
    pub(crate) is_here: bool,
}

/// One choice of colours.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) is_chosen: bool,
}

/// What surrounds a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) theme: &'static str,
    pub(crate) themes: Vec<Choice>,
    pub(crate) links: Vec<Link>,
    /// Name of who is logged in; empty for nobody.
    pub(crate) user: String,
    pub(crate) role: &'static str,
    /// Whether there is a guard, and so a page of one's own credentials.
    pub(crate) is_guarded: bool,
    /// The page's own address, to come back to after a change of colours.
    pub(crate) here: String,
    pub(crate) css: &'static str,
    pub(crate) htmx: &'static str,
    pub(crate) icon: &'static str,
}

const LINKS: [(&str, &str, Section); 6] = [
    ("Landscape", "/", Section::Landscape),
    ("Objects", "/objects", Section::Objects),
    ("People", "/people", Section::People),
    ("Scans", "/scans", Section::Scans),
    ("Problems", "/problems", Section::Problems),
    ("Recognisers", "/recognizers", Section::Recognizers),
];

/// Where there is a guard.
const GUARDED: [(&str, &str, Section); 11] = [
    ("Findings", "/findings", Section::Findings),
    ("Incidents", "/incidents", Section::Incidents),
    ("Playbooks", "/playbooks", Section::Playbooks),
    ("Obligations", "/obligations", Section::Obligations),
    ("Plan", "/plan", Section::Plan),
    ("Backups", "/backups", Section::Backups),
    ("Hunts", "/hunts", Section::Hunts),
    ("Access", "/access", Section::Access),
    ("Keys", "/keys", Section::Keys),
    ("Quarantine", "/quarantine", Section::Quarantine),
    ("Record", "/record", Section::Record),
];

impl Frame {
    /// The frame of a page for `user`.
    pub(crate) fn new(
        title: &str,
        section: Section,
        user: Option<(&str, Role)>,
        theme: Theme,
        here: &str,
        is_guarded: bool,
    ) -> Self {
        let link =
            |(name, href, of): (&'static str, &'static str, Section)| Link { name, href, is_here: of == section };
        let mut links = Vec::new();
        if let Some((_, role)) = user {
            links.extend(LINKS.map(link));
            if is_guarded {
                links.extend(GUARDED.map(link));
            }
            if role == Role::Administrator {
                links.push(link(("Users", "/users", Section::Users)));
            }
        }
        let choice = |choice: Theme| Choice { value: choice.as_str(), is_chosen: choice == theme };
        Self {
            title: title.to_owned(),
            theme: theme.as_str(),
            themes: Theme::ALL.map(choice).to_vec(),
            links,
            user: user.map_or_else(String::new, |(name, _)| name.to_owned()),
            role: user.map_or("", |(_, role)| role.as_str()),
            is_guarded,
            here: here.to_owned(),
            css: assets::address("console.css"),
            htmx: assets::address("htmx.min.js"),
            icon: assets::address("icon.svg"),
        }
    }
}
