//! Who looks at an incident: which roles are theirs, what they may read, and what they may approve.

use playbooks::{Input, Role, Verb, Work};

use super::{Case, CaseError, Entry, InPlace, What, wrong};

/// Roles for whose holders privileged notes are.
pub const COUNSEL: [Role; 2] = [Role::Legal, Role::Commander];
/// Roles whose holders approve notices.
pub const APPROVERS: [Role; 3] = [Role::Privacy, Role::Legal, Role::Commander];

/// Who looks at an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reader {
    /// By id, as entries have it; empty: nobody who wrote any.
    pub id: String,
    /// The name that roles are given to.
    pub name: String,
    /// Whether they administer the installation: by a role of the console, or because they operate on the data folder itself.
    pub is_administrator: bool,
}

impl Reader {
    /// Whether a role that was given to `name` is theirs.
    fn is(&self, name: &str) -> bool {
        let name = name.trim();
        !name.is_empty() && (name.to_lowercase() == self.name.trim().to_lowercase() || name == self.id)
    }
}

impl Case {
    /// The roles that somebody holds in this incident.
    pub fn roles_of(&self, reader: &Reader) -> impl Iterator<Item = Role> {
        self.roles.iter().filter(|(_, name)| reader.is(name)).map(|(role, _)| *role)
    }

    /// The role that a task of a run asks people of; `None`: anybody may say what came of it, or nobody is asked.
    #[must_use]
    pub fn role_asked(&self, run: u64, task: u32) -> Option<Role> {
        let of = self.runs.get(&run)?;
        let (_, task) = of.tasks().find(|(number, _)| *number == task)?;
        match &task.work {
            Work::Ask(ask) => ask.role,
            Work::Act(act) if act.verb == Verb::AskApproval => Role::parse(act.arguments.get("role")?),
            Work::Act(_) => None,
        }
    }

    /// In whose place `reader` would say what came of a task, with why they do; `None`: the role is theirs, or nobody's in particular.
    ///
    /// # Errors
    /// When they neither hold the role nor administer the installation, or do not say why.
    pub fn in_place(&self, run: u64, task: u32, reader: &Reader, reason: &str) -> Result<Option<InPlace>, CaseError> {
        let Some(role) = self.role_asked(run, task) else { return Ok(None) };
        if self.roles_of(reader).any(|own| own == role) {
            return Ok(None);
        }
        let title = role.title().to_lowercase();
        let who = match self.roles.get(&role) {
            Some(name) => format!("{name} holds that role in this incident"),
            None => {
                format!("nobody holds that role in this incident yet; whoever takes `{}` can answer", role.as_str())
            }
        };
        if !reader.is_administrator {
            return wrong(format!(
                "task {task} is for the {title}, and {who}; an administrator may answer in their place, with a reason"
            ));
        }
        if reason.trim().is_empty() {
            return wrong(format!(
                "task {task} is for the {title}, and {who}; say in the note why you answer in their place"
            ));
        }
        Ok(Some(InPlace { role, reason: reason.trim().to_owned() }))
    }

    /// Whether `reader` may put something into a run: who holds the role that is asked, or an administrator who says why.
    pub(crate) fn check_step(&self, what: &What, reader: &Reader) -> Result<(), CaseError> {
        let What::Step { run, input, in_place } = what else { return Ok(()) };
        let (Input::Answered { task, .. } | Input::Refused { task, .. } | Input::Acted { task, .. }) = input else {
            return Ok(());
        };
        let reason = in_place.as_ref().map_or("", |in_place| in_place.reason.as_str());
        if self.in_place(*run, *task, reader, reason)? == *in_place {
            return Ok(());
        }
        wrong("roles changed meanwhile; look at the task again, then answer it")
    }

    /// Whether an entry is for the eyes of `reader`. A privileged note is for its author and for who holds the role of counsel or leads; who
    /// took such a role by themselves reads what was written since then.
    #[must_use]
    pub fn may_read(&self, entry: &Entry, reader: &Reader) -> bool {
        if !matches!(entry.what, What::Note { privileged: true, .. }) || entry.by == reader.id {
            return true;
        }
        self.roles_of(reader).filter(|role| COUNSEL.contains(role)).any(|role| {
            let given = self.given.get(&role);
            given.is_some_and(|(number, by)| *by != reader.id || *number < entry.number)
        })
    }

    /// How many notes are privileged.
    #[must_use]
    pub fn privileged(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.what, What::Note { privileged: true, .. })).count()
    }

    /// Whether `reader` may approve the notice for an obligation: who holds one of [`APPROVERS`], where anybody does; else anybody but its
    /// author. What the program drafted from the facts has none.
    ///
    /// # Errors
    /// Why not, and who may.
    pub fn check_approval(&self, obligation: &str, language: &str, reader: &Reader) -> Result<(), CaseError> {
        let holders: Vec<String> = APPROVERS
            .into_iter()
            .filter_map(|role| Some(format!("{} ({})", self.roles.get(&role)?, role.as_str())))
            .collect();
        if self.roles_of(reader).any(|role| APPROVERS.contains(&role)) {
            return Ok(());
        }
        if !holders.is_empty() {
            return wrong(format!(
                "a notice is approved by who answers for privacy, by counsel or by who leads this incident: {}; ask one of them",
                holders.join(", ")
            ));
        }
        if self.notice(obligation, language).is_some_and(|notice| notice.by_hand && notice.written_by == reader.id) {
            return wrong(
                "whoever wrote a draft cannot approve it; somebody else has to, or take the role privacy, legal or commander first",
            );
        }
        Ok(())
    }
}
