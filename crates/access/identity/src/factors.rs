//! Second factors: one-time codes, and recovery codes for when the generator is lost.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::event::Activity;
use model::{By, PrincipalId, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::principals::Principal;
use store::{factors, passkeys};
use zeroize::Zeroizing;

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::told;
use crate::secret::{base32, draw, hash};
use crate::totp::{Algorithm, DIGITS, STEP_S, STEPS_AROUND, code, step_at};

/// Bytes of a generator's secret: 160 bits (RFC 4226 section 4).
const SECRET_BYTES: usize = 20;
/// Recovery codes of one principal.
const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code in base32: 120 random bits, more than the 112 from which a plain hash is enough (NIST SP
/// 800-63B-4 section 3.1.2.2).
const RECOVERY_CHARACTERS: usize = 24;

/// A new generator of one-time codes. It counts once a first code has [confirmed](Identity::confirm) it.
#[derive(Debug)]
pub struct Enrolment {
    /// The `otpauth:` address for an authenticator program, which holds the secret.
    pub address: SecretString,
}

impl Identity {
    /// Makes a generator of one-time codes for a principal, in place of the one before.
    ///
    /// # Errors
    /// When the principal is disabled, it cannot be recorded, or the store refuses.
    pub async fn enrol(&self, of: PrincipalId, by: &By) -> Result<Enrolment, IdentityError> {
        let principal = self.living(of).await?;
        let bytes = draw(&self.random)?;
        let secret = bytes.get(..SECRET_BYTES).unwrap_or_default();
        let sealed = self.envelope.seal(&Scope::Principal(of), CONTEXT, secret).await?;
        let mut event = told(Activity::CredentialIssue, &principal, by);
        event.new = Some("second-factor=totp".to_owned());
        self.effect(event, factors::enrol(&self.store, of, &sealed, by.now_ms)).await?;
        let text = Zeroizing::new(base32(secret, SECRET_BYTES * 8 / 5));
        let address = format!(
            "otpauth://totp/Lazaret:{of}?secret={}&issuer=Lazaret&algorithm=SHA1&digits={DIGITS}&period={STEP_S}",
            *text
        );
        Ok(Enrolment { address: SecretString::from(address) })
    }

    /// Confirms a new generator by its first code, and gives recovery codes, which are told once.
    ///
    /// # Errors
    /// As [`Identity::check_code`]; also when the code is wrong.
    pub async fn confirm(&self, of: PrincipalId, shown: &str, by: &By) -> Result<Vec<SecretString>, IdentityError> {
        if !self.take(of, shown, false, by).await? {
            let what = "this code is not right; check the clock of the device and try the next one".to_owned();
            return Err(IdentityError::Wrong { what });
        }
        self.fresh_recovery_codes(&self.by_id(of).await?, by).await
    }

    /// New recovery codes in place of all earlier ones, told once.
    pub(crate) async fn fresh_recovery_codes(
        &self,
        of: &Principal,
        by: &By,
    ) -> Result<Vec<SecretString>, IdentityError> {
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            codes.push(SecretString::from(base32(draw(&self.random)?.as_slice(), RECOVERY_CHARACTERS)));
        }
        let hashes: Vec<[u8; 32]> = codes.iter().map(|code| hash(code.expose_secret().as_bytes())).collect();
        let mut event = told(Activity::CredentialIssue, of, by);
        event.new = Some(format!("recovery-codes={RECOVERY_CODES}"));
        self.effect(event, factors::put_recovery_codes(&self.store, of.id, &hashes)).await?;
        Ok(codes)
    }

    /// Whether a principal has a second factor that counts: one-time codes or a passkey.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn has_second_factor(&self, of: PrincipalId) -> Result<bool, IdentityError> {
        Ok(self.has_codes(of).await? || !passkeys::of(&self.store, of).await?.is_empty())
    }

    /// Whether a principal has one-time codes that count.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn has_codes(&self, of: PrincipalId) -> Result<bool, IdentityError> {
        Ok(factors::totp(&self.store, of).await?.is_some_and(|totp| totp.confirmed_at.is_some()))
    }

    /// How many recovery codes of a principal are left.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn recovery_codes_left(&self, of: PrincipalId) -> Result<u64, IdentityError> {
        Ok(factors::recovery_codes_left(&self.store, of).await?)
    }

    /// Whether `shown` is a principal's one-time code at this time and was not used before. Failures are counted.
    ///
    /// # Errors
    /// When the principal is locked, a failure cannot be recorded, or the store refuses.
    pub async fn check_code(&self, of: PrincipalId, shown: &str, by: &By) -> Result<bool, IdentityError> {
        self.take(of, shown, true, by).await
    }

    async fn take(&self, of: PrincipalId, shown: &str, confirmed: bool, by: &By) -> Result<bool, IdentityError> {
        self.check_lock(of, by.now_ms).await?;
        let principal = self.living(of).await?;
        let known = factors::totp(&self.store, of).await?;
        let Some(known) = known.filter(|known| known.confirmed_at.is_some() == confirmed) else {
            self.failed(&principal, by).await?;
            return Ok(false);
        };
        let secret = Zeroizing::new(self.envelope.open(&Scope::Principal(of), CONTEXT, &known.sealed).await?);
        let now = step_at(by.now_ms);
        let right = (now - STEPS_AROUND..=now + STEPS_AROUND).find(|step| {
            let expected = code(Algorithm::Sha1, &secret, u64::try_from(*step).unwrap_or(0), DIGITS);
            verify_slices_are_equal(expected.as_bytes(), shown.trim().as_bytes()).is_ok()
        });
        // A step is used up in the store in one statement, so that of two uses at the same time one is refused.
        let good = match right {
            Some(step) => factors::use_step(&self.store, of, step, by.now_ms).await?,
            None => false,
        };
        if good {
            self.unlock(of, by).await?
        } else {
            self.failed(&principal, by).await?
        }
        Ok(good)
    }

    /// Uses a recovery code up; whether it was good. Failures are counted.
    ///
    /// # Errors
    /// As [`Identity::check_code`].
    pub async fn recover(&self, of: PrincipalId, shown: &str, by: &By) -> Result<bool, IdentityError> {
        self.check_lock(of, by.now_ms).await?;
        let principal = self.living(of).await?;
        let text = Zeroizing::new(shown.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
        let digest = hash(text.to_ascii_uppercase().as_bytes());
        let good = factors::use_recovery_code(&self.store, of, &digest, by.now_ms).await?;
        if good {
            let mut event = told(Activity::CredentialRevoke, &principal, by);
            event.old = Some("recovery-code".to_owned());
            self.recorder.record(event).await?;
            self.unlock(of, by).await?;
        } else {
            self.failed(&principal, by).await?;
        }
        Ok(good)
    }

    /// Takes a principal's one-time codes away, such as when they are lost, and the recovery codes unless it has a passkey.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn remove_second_factor(&self, of: PrincipalId, by: &By) -> Result<(), IdentityError> {
        let mut event = told(Activity::CredentialRevoke, &self.by_id(of).await?, by);
        event.old = Some("second-factor=totp".to_owned());
        self.effect(event, factors::remove(&self.store, of)).await.map(|_was_there| ())
    }
}

const CONTEXT: &[u8] = b"identity:totp";
