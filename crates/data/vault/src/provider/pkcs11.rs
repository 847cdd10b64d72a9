//! The root key in a hardware security module, through PKCS#11.
//!
//! It is an AES-256 key that the module made and never gives away (`CKA_SENSITIVE`, not `CKA_EXTRACTABLE`); what is wrapped
//! is encrypted there with `CKM_AES_GCM`. Versions have the same label and a `CKA_ID` that counts. The module is loaded when
//! it is first needed, so that nothing of it has to be there to build this.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use model::Answer;
use zeroize::Zeroizing;

use super::{Passphrase, ProviderError, RootKey};
use crate::{Key, Random};

const PROVIDER: &str = "the PKCS#11 module";
/// First byte of what a module wrapped; the version of its key follows, then the nonce.
const WRAPPED: u8 = b'P';
const HEAD_BYTES: usize = 9;
const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

/// Which module, token and key.
#[derive(Debug)]
pub struct Pkcs11Settings {
    /// The module's library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The user's PIN.
    pub pin: Passphrase,
    /// The key's label. The key is made if there is none.
    pub key: String,
}

/// The root key in a token.
#[derive(Debug)]
pub struct Pkcs11 {
    work: Arc<Work>,
}

#[derive(Debug)]
struct Work {
    settings: Pkcs11Settings,
    random: Random,
    session: Mutex<Option<Session>>,
}

fn failed(what: &'static str) -> impl FnOnce(Error) -> ProviderError {
    move |error| match &error {
        Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinLocked | RvError::PinInvalid | RvError::MechanismInvalid,
            _,
        ) => ProviderError::Refused { provider: PROVIDER, what, why: error.to_string() },
        _ => ProviderError::Unreachable { provider: PROVIDER, source: Box::new(error) },
    }
}

impl Pkcs11 {
    /// Loads the module, logs on and looks for the key, which is made if it is not there. Blocks while the module works.
    ///
    /// # Errors
    /// When the module cannot be loaded, there is no such token, or it refuses.
    pub fn open(settings: Pkcs11Settings, random: Random) -> Result<Self, ProviderError> {
        let work = Work { settings, random, session: Mutex::new(None) };
        work.with(|session| match work.keys(session)?.last() {
            Some(_) => Ok(()),
            None => work.make(session, 1),
        })?;
        Ok(Self { work: Arc::new(work) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Work) -> Result<T, ProviderError> + Send + 'static,
    ) -> Result<T, ProviderError> {
        let work = Arc::clone(&self.work);
        match tokio::task::spawn_blocking(move || act(&work)).await {
            Ok(done) => done,
            Err(stopped) => Err(ProviderError::Unreachable { provider: PROVIDER, source: Box::new(stopped) }),
        }
    }
}

impl Work {
    /// Runs `act` in the session, which is opened if there is none and given up after a fault.
    fn with<T>(&self, act: impl FnOnce(&Session) -> Result<T, ProviderError>) -> Result<T, ProviderError> {
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = match kept.take() {
            Some(session) => session,
            None => self.log_on()?,
        };
        let done = act(&session);
        if !matches!(done, Err(ProviderError::Unreachable { .. })) {
            *kept = Some(session);
        }
        done
    }

    fn log_on(&self) -> Result<Session, ProviderError> {
        let module = Module::new(&self.settings.module).map_err(failed("be loaded"))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed("start")(error)),
        }
        let slots = module.get_slots_with_token().map_err(failed("list its tokens"))?;
        let is_ours = |slot: &cryptoki::slot::Slot| {
            module.get_token_info(*slot).is_ok_and(|token| token.label() == self.settings.token)
        };
        let missing = || ProviderError::Setting {
            provider: PROVIDER,
            why: format!("there is no token `{}`; check its label and that it is plugged in", self.settings.token),
        };
        let slot = slots.into_iter().find(is_ours).ok_or_else(missing)?;
        let session = module.open_rw_session(slot).map_err(failed("open a session"))?;
        let pin = AuthPin::new(self.settings.pin.expose().into());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(failed("log on")(error)),
        }
    }

    /// The versions of the key, oldest first.
    fn keys(&self, session: &Session) -> Result<Vec<(u64, ObjectHandle)>, ProviderError> {
        let label = Attribute::Label(self.settings.key.clone().into_bytes());
        let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), label];
        let mut keys = Vec::new();
        for handle in session.find_objects(&template).map_err(failed("find the root key"))? {
            let found = session.get_attributes(handle, &[AttributeType::Id]).map_err(failed("name the root key"))?;
            if let Some(Attribute::Id(id)) = found.first()
                && let Ok(id) = <[u8; 8]>::try_from(id.as_slice())
            {
                keys.push((u64::from_be_bytes(id), handle));
            }
        }
        keys.sort_unstable_by_key(|(version, _handle)| *version);
        Ok(keys)
    }

    fn make(&self, session: &Session, version: u64) -> Result<(), ProviderError> {
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(32.into()),
            Attribute::Label(self.settings.key.clone().into_bytes()),
            Attribute::Id(version.to_be_bytes().to_vec()),
        ];
        session.generate_key(&Mechanism::AesKeyGen, &template).map(drop).map_err(failed("make the root key"))
    }

    fn wrap(&self, context: &[u8], key: &Key) -> Result<Vec<u8>, ProviderError> {
        self.with(|session| {
            let keys = self.keys(session)?;
            let (version, handle) = keys.last().ok_or(ProviderError::Unknown { provider: PROVIDER })?;
            let head = [&[WRAPPED][..], &version.to_be_bytes()].concat();
            let bound = [&head, context].concat();
            let nonce: [u8; NONCE_BYTES] = self.random.bytes()?;
            let mut given = nonce;
            let params = GcmParams::new(&mut given, &bound, TAG_BITS.into()).map_err(failed("wrap a key"))?;
            let sealed = session.encrypt(&Mechanism::AesGcm(params), *handle, key.expose());
            Ok([head.as_slice(), &nonce, &sealed.map_err(failed("wrap a key"))?].concat())
        })
    }

    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Key, ProviderError> {
        let unknown = || ProviderError::Unknown { provider: PROVIDER };
        let (head, rest) = wrapped.split_at_checked(HEAD_BYTES).ok_or_else(unknown)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(unknown)?;
        let version = head.strip_prefix(&[WRAPPED]).and_then(|version| version.try_into().ok());
        let version = u64::from_be_bytes(version.ok_or_else(unknown)?);
        self.with(|session| {
            let keys = self.keys(session)?;
            let (_, handle) = keys.iter().find(|(known, _)| *known == version).ok_or_else(unknown)?;
            let bound = [head, context].concat();
            let mut nonce = *nonce;
            let params = GcmParams::new(&mut nonce, &bound, TAG_BITS.into()).map_err(failed("unwrap a key"))?;
            let plain = session.decrypt(&Mechanism::AesGcm(params), *handle, sealed).map_err(|error| match error {
                // What modules say of a tag that does not fit; SoftHSM's word for it is the last one.
                Error::Pkcs11(
                    RvError::EncryptedDataInvalid
                    | RvError::EncryptedDataLenRange
                    | RvError::DataInvalid
                    | RvError::GeneralError,
                    _,
                ) => unknown(),
                error => failed("unwrap a key")(error),
            });
            Key::from_slice(&Zeroizing::new(plain?)).ok_or_else(unknown)
        })
    }
}

impl RootKey for Pkcs11 {
    fn name(&self) -> String {
        format!("PKCS#11 token {}", self.work.settings.token)
    }

    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a Key) -> Answer<'a, Result<Vec<u8>, ProviderError>> {
        let (context, key) = (context.to_vec(), key.clone());
        Box::pin(self.blocking(move |work| work.wrap(&context, &key)))
    }

    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Result<Key, ProviderError>> {
        let (context, wrapped) = (context.to_vec(), wrapped.to_vec());
        Box::pin(self.blocking(move |work| work.unwrap(&context, &wrapped)))
    }

    fn rotate(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(self.blocking(|work| {
            work.with(|session| {
                let newest = work.keys(session)?.last().map_or(0, |(version, _handle)| *version);
                work.make(session, newest + 1)
            })
        }))
    }

    fn retire(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(self.blocking(|work| {
            work.with(|session| {
                let mut keys = work.keys(session)?;
                keys.pop();
                let destroy = |(_, handle)| session.destroy_object(handle).map_err(failed("destroy a root key"));
                keys.into_iter().try_for_each(destroy)
            })
        }))
    }
}
