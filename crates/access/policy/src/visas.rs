//! Grants for somebody else's word: what a visa opens, for as long as it says and while it is shown.

use model::{By, PrincipalId, StudyId};
use store::grants::{self, Grant, GrantState};

use crate::access::Access;
use crate::error::AccessError;
use crate::grants::{NewGrant, Rights};

/// What somebody else's word opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Which study.
    pub study: StudyId,
    /// In which role.
    pub role: String,
    /// Until when, in milliseconds since 1970, UTC.
    pub until_ms: i64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Grants that were given.
    pub given: usize,
    /// Grants that were taken back.
    pub revoked: usize,
}

impl Access {
    /// Gives `principal` what `vouched` opens, and takes back what the same rule gave before and nobody vouches for any more.
    /// `by` is the rule: it tells these grants from others, and stands alone behind them, so that what takes two people stays
    /// closed.
    ///
    /// # Errors
    /// When a study or role is not there, something cannot be recorded, or the store refuses. What was done before stays.
    pub async fn keep_vouched(
        &self,
        principal: PrincipalId,
        vouched: &[Vouched],
        by: &By,
    ) -> Result<Kept, AccessError> {
        let mut before = Vec::new();
        let mut after = 0;
        loop {
            let page = grants::of(&self.store, principal, after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let is_ours = |grant: &Grant| {
                grant.requested_by == by.actor.id
                    && grant.state == GrantState::Active
                    && grant.valid_until.is_some_and(|until| until > by.now_ms)
            };
            before.extend(page.into_iter().filter(is_ours));
        }
        let mut kept = Kept::default();
        let is_same = |grant: &Grant, word: &Vouched| {
            grant.study.as_ref() == Some(&word.study)
                && grant.role.as_ref() == Some(&word.role)
                && grant.valid_until == Some(word.until_ms)
        };
        for grant in &before {
            if !vouched.iter().any(|word| is_same(grant, word)) {
                self.revoke(grant.id, by).await?;
                kept.revoked += 1;
            }
        }
        for (at, word) in vouched.iter().enumerate() {
            let is_known = before.iter().any(|grant| is_same(grant, word))
                || vouched.iter().take(at).any(|earlier| earlier == word);
            if is_known {
                continue;
            }
            let new = NewGrant {
                principal,
                study: Some(word.study.clone()),
                rights: Rights::Role(word.role.clone()),
                labels: None,
                from: None,
                until: Some(word.until_ms),
            };
            self.give(new, by).await?;
            kept.given += 1;
        }
        Ok(kept)
    }
}
