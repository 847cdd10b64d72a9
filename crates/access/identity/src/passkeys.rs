//! Passkeys (W3C Web Authentication Level 3): made, asked for, checked, taken away. Whoever shows one has something and showed
//! who they are to it, so that it counts as both factors.

use model::event::{Activity, Actor, Detail, Outcome};
use model::{By, PrincipalId, Scope};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::passkeys::{self, Passkey};
use store::principals::Principal;
use store::{StoreError, factors};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey as Credential, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, WebauthnError,
};

use crate::Identity;
use crate::error::IdentityError;
use crate::party::RelyingParty;
use crate::principals::told;

/// Passkeys of one principal: some devices and a key in a drawer.
pub const PASSKEYS_PER_PRINCIPAL_MAX: usize = 16;
/// The first characters of a passkey's id.
const PREFIX: &str = "LZPK";
/// Longest name, in characters.
const NAME_MAX: usize = 60;

/// A passkey that is being made, to be kept until the browser comes back with it.
#[derive(Debug, Clone)]
pub struct Registering {
    of: PrincipalId,
    name: String,
    state: PasskeyRegistration,
}

/// A passkey that was asked for, to be kept until somebody shows it. Good for one attempt.
#[derive(Debug, Clone)]
pub struct Asked {
    of: Option<PrincipalId>,
    state: DiscoverableAuthentication,
}

/// Somebody who showed a passkey.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Who it is.
    pub principal: Principal,
    /// The passkey's public id.
    pub passkey: String,
}

impl Proven {
    /// `by`, with the one who showed the passkey as the one who acts.
    #[must_use]
    pub fn by(&self, by: &By) -> By {
        let credential = Some(self.passkey.clone());
        By { actor: Actor { id: self.principal.id, kind: self.principal.kind, credential }, ..by.clone() }
    }
}

fn wrong(what: impl Into<String>) -> IdentityError {
    IdentityError::Wrong { what: what.into() }
}

/// A fault of ours: what the library wrote or is given does not fit.
fn unfit(error: &dyn std::error::Error) -> IdentityError {
    tracing::error!(%error, "a passkey cannot be handled");
    wrong("the passkey cannot be handled here; try again, and tell an administrator if it fails again")
}

impl Identity {
    /// Begins to make a passkey called `name`: what the browser is to be given, and what is to be kept meanwhile.
    ///
    /// # Errors
    /// When the name is none, there are too many, the principal is disabled, or the store refuses.
    pub async fn begin_passkey(
        &self,
        party: &RelyingParty,
        of: PrincipalId,
        name: &str,
    ) -> Result<(String, Registering), IdentityError> {
        let principal = self.living(of).await?;
        let name = name.trim().to_owned();
        if !(1..=NAME_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(wrong(format!("give the passkey a name of 1 to {NAME_MAX} characters, such as `laptop`")));
        }
        let known = self.not_full(of).await?;
        let excluded = known.into_iter().map(|passkey| passkey.credential_id).collect();
        let handle = Uuid::from_bytes(*of.as_bytes());
        let begun = party.webauthn.start_passkey_registration(handle, &principal.name, &principal.name, Some(excluded));
        let (options, state) = begun.map_err(|error| unfit(&error))?;
        let mut options = serde_json::to_value(&options).map_err(|error| unfit(&error))?;
        // The authenticator keeps it together with whose it is, so that nobody has to type a name.
        if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection").and_then(Value::as_object_mut)
        {
            selection.insert("residentKey".to_owned(), json!("required"));
            selection.insert("requireResidentKey".to_owned(), json!(true));
        }
        Ok((options.to_string(), Registering { of, name, state }))
    }

    async fn not_full(&self, of: PrincipalId) -> Result<Vec<Passkey>, IdentityError> {
        let known = passkeys::of(&self.store, of).await?;
        if known.len() >= PASSKEYS_PER_PRINCIPAL_MAX {
            let told = format!("there are {PASSKEYS_PER_PRINCIPAL_MAX} passkeys already; remove one that is not used");
            return Err(wrong(told));
        }
        Ok(known)
    }

    /// Ends making a passkey with what the browser brought back. With the first second factor come recovery codes, which are
    /// told once.
    ///
    /// # Errors
    /// When what came back is not right, which is recorded; when there are too many, the principal is disabled, it cannot be
    /// recorded, or the store refuses.
    pub async fn finish_passkey(
        &self,
        party: &RelyingParty,
        begun: &Registering,
        shown: &str,
        by: &By,
    ) -> Result<(Passkey, Vec<SecretString>), IdentityError> {
        let principal = self.living(begun.of).await?;
        self.not_full(begun.of).await?;
        let made = match registered(party, begun, shown) {
            Ok(made) => made,
            Err(why) => {
                tracing::warn!(why, "a passkey was not accepted");
                let mut event = told(Activity::CredentialIssue, &principal, by);
                event.outcome = Outcome::Failure { code: "identity:passkey-refused".into() };
                event.new = Some("passkey".to_owned());
                self.recorder.record(event).await?;
                return Err(wrong(format!("the passkey was not accepted: {why}")));
            }
        };
        let passkey = Passkey {
            id: self.fresh_id(PREFIX)?,
            principal: begun.of,
            credential_id: made.cred_id().clone(),
            credential: serde_json::to_string(&made).map_err(|error| unfit(&error))?,
            name: begun.name.clone(),
            created_at: by.now_ms,
            last_used_at: None,
            suspected_at: None,
        };
        if passkeys::by_credential(&self.store, &passkey.credential_id).await?.is_some() {
            return Err(StoreError::Exists { what: "passkey", name: passkey.name }.into());
        }
        let mut event = told(Activity::CredentialIssue, &principal, by);
        event.new = Some(format!("passkey={}", passkey.id));
        let scope = Scope::Principal(begun.of);
        event.details.push(Detail { field: "passkey.name".into(), scope, value: passkey.name.clone() });
        self.effect(event, passkeys::create(&self.store, &passkey)).await?;
        let codes = match factors::recovery_codes_left(&self.store, begun.of).await? {
            0 => self.fresh_recovery_codes(&principal, by).await?,
            _ => Vec::new(),
        };
        Ok((passkey, codes))
    }

    /// Asks for a passkey, of somebody or of whoever it may be: what the browser is to be given, and what is to be kept meanwhile.
    ///
    /// # Errors
    /// When somebody has none, or the store refuses.
    pub async fn ask_passkey(
        &self,
        party: &RelyingParty,
        of: Option<PrincipalId>,
    ) -> Result<(String, Asked), IdentityError> {
        let begun = party.webauthn.start_discoverable_authentication();
        let (mut options, state) = begun.map_err(|error| unfit(&error))?;
        // Whoever is asked has pressed a button.
        options.mediation = None;
        if let Some(of) = of {
            let known = passkeys::of(&self.store, of).await?;
            let known = known.iter().map(credential).collect::<Result<Vec<_>, _>>()?;
            if known.is_empty() {
                return Err(wrong("there is no passkey; log in another way"));
            }
            // Only the list is taken from there: what is checked is read anew when the passkey is shown.
            let (listed, _) = party.webauthn.start_passkey_authentication(&known).map_err(|error| unfit(&error))?;
            options.public_key.allow_credentials = listed.public_key.allow_credentials;
        }
        let options = serde_json::to_string(&options).map_err(|error| unfit(&error))?;
        Ok((options, Asked { of, state }))
    }

    /// Who showed the passkey that was `asked` for; `None` when it is not right, which is recorded and counted.
    ///
    /// # Errors
    /// When the principal is locked, a failure cannot be recorded, or the store refuses.
    pub async fn check_passkey(
        &self,
        party: &RelyingParty,
        asked: Asked,
        shown: &str,
        by: &By,
    ) -> Result<Option<Proven>, IdentityError> {
        let shown = serde_json::from_str::<PublicKeyCredential>(shown).ok();
        let known = match &shown {
            Some(shown) => passkeys::by_credential(&self.store, shown.get_credential_id()).await?,
            None => None,
        };
        let expected = asked.of.or(known.as_ref().map(|known| known.principal));
        let Some(principal) = expected else {
            self.refused_logon(None, WRONG, by).await?;
            return Ok(None);
        };
        self.check_lock(principal, by.now_ms).await?;
        let principal = self.by_id(principal).await?;
        let (Some(shown), Some(known)) = (shown, known) else {
            self.failed(&principal, by).await?;
            return Ok(None);
        };
        let code = match self.accepted(party, asked, &shown, &known, by).await? {
            _ if principal.disabled_at.is_some() => DISABLED,
            Ok(()) => {
                let proven = Proven { principal, passkey: known.id };
                self.unlock(proven.principal.id, &proven.by(by)).await?;
                return Ok(Some(proven));
            }
            Err(code) => code,
        };
        self.failed_because(&principal, code, Some(&known.id), by).await?;
        Ok(None)
    }

    /// Whether what was shown is right, and notes the use; else under which code it is refused.
    async fn accepted(
        &self,
        party: &RelyingParty,
        asked: Asked,
        shown: &PublicKeyCredential,
        known: &Passkey,
        by: &By,
    ) -> Result<Result<(), &'static str>, IdentityError> {
        // Web Authentication Level 3 section 7.2, step 6.
        let is_owner = match shown.get_user_unique_id() {
            Some(handle) => handle == known.principal.as_bytes(),
            None => asked.of.is_some(),
        };
        if !is_owner || asked.of.is_some_and(|of| of != known.principal) {
            return Ok(Err(WRONG));
        }
        let mut credential = credential(known)?;
        match party.webauthn.finish_discoverable_authentication_v2(shown, asked.state, &credential) {
            Ok(result) => {
                credential.update_credential(&result);
                let after = serde_json::to_string(&credential).map_err(|error| unfit(&error))?;
                // In one statement, so that of two uses of one state of the counter one is refused.
                let used = passkeys::used(&self.store, &known.id, &known.credential, &after, by.now_ms).await?;
                Ok(if used { Ok(()) } else { Err(WRONG) })
            }
            Err(WebauthnError::CredentialPossibleCompromise) => {
                passkeys::suspect(&self.store, &known.id, by.now_ms).await?;
                Ok(Err(COUNTER))
            }
            Err(error) => {
                tracing::warn!(%error, passkey = known.id, "a passkey was not accepted");
                Ok(Err(WRONG))
            }
        }
    }

    /// Passkeys of a principal, oldest first.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn passkeys_of(&self, of: PrincipalId) -> Result<Vec<Passkey>, IdentityError> {
        Ok(passkeys::of(&self.store, of).await?)
    }

    /// Takes a passkey of a principal away; it works no more from this moment on.
    ///
    /// # Errors
    /// When there is none, it cannot be recorded, or the store refuses.
    pub async fn remove_passkey(&self, of: PrincipalId, id: &str, by: &By) -> Result<(), IdentityError> {
        let missing = || IdentityError::Missing { what: "passkey", id: id.chars().take(NAME_MAX).collect() };
        let known = passkeys::of(&self.store, of).await?;
        let passkey = known.into_iter().find(|passkey| passkey.id == id).ok_or_else(missing)?;
        let mut event = told(Activity::CredentialRevoke, &self.by_id(of).await?, by);
        event.old = Some(format!("passkey={}", passkey.id));
        self.effect(event, passkeys::remove(&self.store, of, id)).await.map(|_was_there| ())
    }

    /// Takes every passkey of a principal away, such as when they are lost; how many there were.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn remove_passkeys(&self, of: PrincipalId, by: &By) -> Result<u64, IdentityError> {
        let mut event = told(Activity::CredentialRevoke, &self.by_id(of).await?, by);
        event.old = Some("passkey=all".to_owned());
        self.effect(event, passkeys::remove_all(&self.store, of)).await
    }
}

/// The proof is not right.
const WRONG: &str = "identity:wrong-proof";
/// The counter of the authenticator went back: there may be two of it.
const COUNTER: &str = "identity:passkey-counter";
/// It is right, and whose it is was shut out.
const DISABLED: &str = "identity:disabled";

fn credential(passkey: &Passkey) -> Result<Credential, IdentityError> {
    serde_json::from_str(&passkey.credential).map_err(|error| unfit(&error))
}

/// The passkey that came back, or why it is none.
fn registered(party: &RelyingParty, begun: &Registering, shown: &str) -> Result<Credential, &'static str> {
    let Ok(shown) = serde_json::from_str::<RegisterPublicKeyCredential>(shown) else {
        return Err("what the browser sent cannot be read; try again");
    };
    party.webauthn.finish_passkey_registration(&shown, &begun.state).map_err(|error| {
        tracing::warn!(%error, "a passkey was not made");
        match error {
            WebauthnError::UserNotVerified => {
                "the device did not ask who you are; take one with a PIN, a fingerprint or a face"
            }
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => {
                "it was made for another address; open the console under the one that is shown"
            }
            WebauthnError::CredentialAlteredAlgFromRequest => "the device makes no keys of a kind that is taken here",
            _ => "what the device sent is not right; try again",
        }
    })
}
