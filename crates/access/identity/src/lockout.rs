//! Guessing is made slow: whoever fails too often waits, and at last waits for an administrator.

use model::event::{Activity, Outcome};
use model::{By, PrincipalId};
use store::factors::{self, Failures};
use store::principals::Principal;

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::told;
use crate::secret::hash;

/// Failures in a row before the first wait.
const FREE_FAILURES: u32 = 5;
/// The first wait; each further failure doubles it.
const WAIT_FIRST_MS: i64 = 60_000;
/// The longest wait.
const WAIT_MAX_MS: i64 = 15 * 60_000;
/// Failures in a row after which only an administrator unlocks: the 100 of NIST SP 800-63B-4 section 3.2.2.
const FAILURES_MAX: u32 = 100;
/// Failures are forgotten after a day without another, unless there were too many.
const FORGET_AFTER_MS: i64 = 24 * 60 * 60_000;

fn next(before: Failures, now: i64) -> Failures {
    let is_over = before.failures < FAILURES_MAX && now - before.last_at > FORGET_AFTER_MS;
    let failures = if is_over { 1 } else { before.failures.saturating_add(1) };
    let locked_until = match failures.checked_sub(FREE_FAILURES) {
        _ if failures >= FAILURES_MAX => i64::MAX,
        Some(beyond) => now.saturating_add((WAIT_FIRST_MS << beyond.min(8)).min(WAIT_MAX_MS)),
        None => 0,
    };
    Failures { failures, last_at: now, locked_until }
}

fn suspect(of: PrincipalId) -> [u8; 32] {
    hash(format!("principal:{of}").as_bytes())
}

impl Identity {
    /// Refuses while a principal is locked. To be asked before a secret is looked at.
    ///
    /// # Errors
    /// When it is locked, or the store refuses.
    pub async fn check_lock(&self, of: PrincipalId, now_ms: i64) -> Result<(), IdentityError> {
        let known = factors::failures(&self.store, &suspect(of)).await?;
        let left = known.locked_until.saturating_sub(now_ms);
        if known.locked_until > now_ms { Err(IdentityError::Locked { wait_s: left / 1000 + 1 }) } else { Ok(()) }
    }

    /// Counts a failed attempt to prove who one is, and records it.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn failed(&self, principal: &Principal, by: &By) -> Result<(), IdentityError> {
        self.failed_because(principal, "identity:wrong-proof", None, by).await
    }

    /// As [`Identity::failed`], for the reason `code`, with the passkey that was shown.
    pub(crate) async fn failed_because(
        &self,
        principal: &Principal,
        code: &'static str,
        passkey: Option<&str>,
        by: &By,
    ) -> Result<(), IdentityError> {
        let mut event = told(Activity::Logon, principal, by);
        event.outcome = Outcome::Failure { code: code.into() };
        event.new = passkey.map(|id| format!("passkey={id}"));
        self.recorder.record(event).await?;
        let now = by.now_ms;
        let after = factors::fail(&self.store, &suspect(principal.id), |before| next(before, now)).await?;
        if after.locked_until > now {
            let mut event = told(Activity::AccountLock, principal, by);
            event.new = Some(format!("failures={} until={}", after.failures, after.locked_until));
            self.recorder.record(event).await?;
        }
        Ok(())
    }

    /// Forgets a principal's failures: it has proved who it is, or an administrator unlocks it.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn unlock(&self, of: PrincipalId, by: &By) -> Result<(), IdentityError> {
        if factors::failures(&self.store, &suspect(of)).await? == Failures::default() {
            return Ok(());
        }
        let principal = self.by_id(of).await?;
        let event = told(Activity::AccountEnable, &principal, by);
        self.effect(event, factors::forgive(&self.store, &suspect(of))).await
    }
}

#[cfg(test)]
mod tests {
    use store::factors::Failures;

    use super::{FAILURES_MAX, FORGET_AFTER_MS, FREE_FAILURES, WAIT_FIRST_MS, WAIT_MAX_MS, next};

    #[test]
    fn waits_double_and_end_with_an_administrator() {
        let mut known = Failures::default();
        for _ in 1..FREE_FAILURES {
            known = next(known, 10);
            assert_eq!(known.locked_until, 0);
        }
        known = next(known, 10);
        assert_eq!(known.locked_until, 10 + WAIT_FIRST_MS);
        assert_eq!(next(known, 10).locked_until, 10 + 2 * WAIT_FIRST_MS);
        assert_eq!(next(known, 11 + FORGET_AFTER_MS).failures, 1);
        while known.failures < FAILURES_MAX - 1 {
            known = next(known, 10);
            assert!(known.locked_until <= 10 + WAIT_MAX_MS);
        }
        known = next(known, 10);
        assert_eq!(known.locked_until, i64::MAX);
        assert_eq!(next(known, 11 + FORGET_AFTER_MS).locked_until, i64::MAX, "these are not forgotten");
    }
}
