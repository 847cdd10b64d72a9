//! The root key file.

use std::os::unix::fs::PermissionsExt as _;

use vault::provider::{KeyFile, Passphrase, Warning};
use vault::{Key, ProviderError, Random, RootKey as _};

use crate::world::{EFFORT, PASSPHRASE, files, holds};

fn open(path: &std::path::Path, words: Option<&str>) -> Result<(KeyFile, Option<Warning>), ProviderError> {
    let words = words.map(|words| Passphrase::new(words.to_owned()));
    KeyFile::open(path, words.as_ref(), EFFORT, Random::system())
}

#[tokio::test]
async fn a_sealed_file_wants_its_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/root.json");
    let (file, warning) = open(&path, Some(PASSPHRASE)).unwrap();
    assert_eq!(warning, None);
    let key = Key::random(&Random::system()).unwrap();
    let wrapped = file.wrap(b"organisation", &key).await.unwrap();
    assert!(matches!(open(&path, None).unwrap_err(), ProviderError::PassphraseMissing { .. }));
    let wrong = open(&path, Some("Correct horse battery staple")).unwrap_err();
    assert!(matches!(wrong, ProviderError::WrongPassphrase { .. }));
    assert!(!format!("{wrong} {wrong:?} {file:?} {key:?}").contains("horse"));
    let (file, _) = open(&path, Some(PASSPHRASE)).unwrap();
    assert_eq!(file.unwrap_key(b"organisation", &wrapped).await.unwrap().expose(), key.expose());
    assert!(file.unwrap_key(b"organization", &wrapped).await.is_err());
    for at in 0..wrapped.len() {
        let mut flipped = wrapped.clone();
        flipped[at] ^= 1;
        assert!(file.unwrap_key(b"organisation", &flipped).await.is_err(), "byte {at}");
        assert!(file.unwrap_key(b"organisation", &wrapped[..at]).await.is_err(), "cut at {at}");
    }
    file.rotate().await.unwrap();
    assert_eq!(
        file.unwrap_key(b"organisation", &wrapped).await.unwrap().expose(),
        key.expose(),
        "the old one still opens"
    );
    let again = file.wrap(b"organisation", &key).await.unwrap();
    file.retire().await.unwrap();
    assert!(file.unwrap_key(b"organisation", &wrapped).await.is_err(), "and is gone when it is retired");
    let (file, _) = open(&path, Some(PASSPHRASE)).unwrap();
    assert_eq!(file.unwrap_key(b"organisation", &again).await.unwrap().expose(), key.expose());
}

#[tokio::test]
async fn without_a_passphrase_it_is_its_owners_alone_and_warns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.json");
    let (file, warning) = open(&path, None).unwrap();
    assert!(warning.unwrap().to_string().contains("no passphrase"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = Key::random(&Random::system()).unwrap();
    let wrapped = file.wrap(b"", &key).await.unwrap();
    assert!(matches!(open(&path, Some(PASSPHRASE)).unwrap_err(), ProviderError::Unprotected { .. }));
    let clear = std::fs::read_to_string(&path).unwrap();
    let digits = clear.split('"').max_by_key(|word| word.len()).unwrap().to_owned();
    assert_eq!(digits.len(), 64, "the key, in hexadecimal");
    file.set_passphrase(&Passphrase::new(PASSPHRASE.to_owned()), EFFORT).unwrap();
    for (path, content) in files(folder.path()) {
        assert!(!holds(&content, digits.as_bytes()), "{}", path.display());
    }
    let (file, warning) = open(&path, Some(PASSPHRASE)).unwrap();
    assert_eq!(warning, None);
    assert_eq!(file.unwrap_key(b"", &wrapped).await.unwrap().expose(), key.expose());

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(open(&path, Some(PASSPHRASE)).unwrap_err(), ProviderError::Open { mode: 0o640, .. }));
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.json");
    for text in ["", "{}", r#"{"format":"lazaret-root-key/1","keys":[]}"#, r#"{"format":"another","keys":[]}"#] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(open(&path, None).unwrap_err(), ProviderError::Damaged { .. }), "{text}");
    }
}
