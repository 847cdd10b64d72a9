//! Root keys in a hardware security module and in a key management service.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vault::format::{Purpose, sealed};
use vault::provider::{Passphrase, Pkcs11, Pkcs11Settings, Transit, TransitSettings};
use vault::{Key, ProviderError, Random, RootKey};

/// What every provider must do.
async fn conforms(provider: &dyn RootKey) {
    let random = Random::system();
    let key = Key::random(&random).unwrap();
    let wrapped = provider.wrap(b"organisation 1", &key).await.unwrap();
    assert!(!crate::world::holds(&wrapped, key.expose()));
    assert_eq!(provider.unwrap_key(b"organisation 1", &wrapped).await.unwrap().expose(), key.expose());
    assert_ne!(provider.wrap(b"organisation 1", &key).await.unwrap(), wrapped);
    assert!(provider.unwrap_key(b"organisation 2", &wrapped).await.is_err(), "bound to its context");
    for at in (0..wrapped.len()).step_by(3) {
        let mut flipped = wrapped.clone();
        flipped[at] ^= 1;
        assert!(provider.unwrap_key(b"organisation 1", &flipped).await.is_err(), "byte {at}");
        assert!(provider.unwrap_key(b"organisation 1", &wrapped[..at]).await.is_err(), "cut at {at}");
    }
    provider.rotate().await.unwrap();
    assert_eq!(provider.unwrap_key(b"organisation 1", &wrapped).await.unwrap().expose(), key.expose());
    let again = provider.wrap(b"organisation 1", &key).await.unwrap();
    provider.retire().await.unwrap();
    assert!(provider.unwrap_key(b"organisation 1", &wrapped).await.is_err(), "the older one is retired");
    assert_eq!(provider.unwrap_key(b"organisation 1", &again).await.unwrap().expose(), key.expose());
}

fn softhsm() -> Option<PathBuf> {
    let places = [
        "/usr/lib/softhsm",
        "/usr/lib/x86_64-linux-gnu/softhsm",
        "/usr/lib/aarch64-linux-gnu/softhsm",
        "/usr/local/lib/softhsm",
    ];
    let module = places.iter().map(|folder| Path::new(folder).join("libsofthsm2.so")).find(|path| path.exists());
    let tool = Command::new("softhsm2-util").arg("--version").output().is_ok_and(|output| output.status.success());
    module.filter(|_| tool)
}

/// SoftHSM reads its settings from the environment, so that the test runs in a process of its own.
#[test]
fn a_pkcs11_token_holds_the_root_key() {
    let Some(module) = softhsm() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "SoftHSM2 is missing; run `cargo xtask setup`");
        eprintln!("skipped: SoftHSM2 is not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let conf = folder.path().join("softhsm2.conf");
    std::fs::write(&conf, format!("directories.tokendir = {}\n", folder.path().join("tokens").display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "lazaret", "--so-pin", "12345678", "--pin", "87654321"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "providers::within_softhsm", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env("LAZARET_PKCS11_MODULE", &module)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "runs within `a_pkcs11_token_holds_the_root_key`"]
async fn within_softhsm() {
    let settings = |pin: &str, token: &str| Pkcs11Settings {
        module: std::env::var_os("LAZARET_PKCS11_MODULE").unwrap().into(),
        token: token.to_owned(),
        pin: Passphrase::new(pin.to_owned()),
        key: "lazaret-root".to_owned(),
    };
    let wrong = Pkcs11::open(settings("11111111", "lazaret"), Random::system()).unwrap_err();
    assert!(matches!(wrong, ProviderError::Refused { .. }), "{wrong}");
    assert!(!format!("{wrong:?}").contains("11111111"));
    let missing = Pkcs11::open(settings("87654321", "another"), Random::system()).unwrap_err();
    assert!(matches!(missing, ProviderError::Setting { .. }), "{missing}");
    let token = Pkcs11::open(settings("87654321", "lazaret"), Random::system()).unwrap();
    conforms(&token).await;
    let key = Key::random(&Random::system()).unwrap();
    let wrapped = token.wrap(b"", &key).await.unwrap();
    drop(token);
    let token = Pkcs11::open(settings("87654321", "lazaret"), Random::system()).unwrap();
    assert_eq!(token.unwrap_key(b"", &wrapped).await.unwrap().expose(), key.expose(), "the key stays in the token");
    let mut nowhere = settings("87654321", "lazaret");
    nowhere.module = "/nowhere/module.so".into();
    assert!(Pkcs11::open(nowhere, Random::system()).unwrap_err().is_unavailable());
}

/// A transit engine with one key, as far as the vault uses it.
struct Engine {
    keys: Vec<Key>,
    oldest: usize,
}

impl Engine {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = |name: &str| STANDARD.decode(body[name].as_str().unwrap_or_default()).unwrap_or_default();
        let refused = |why: &str| (400, json!({ "errors": [why] }));
        match (method, path) {
            ("POST", "/v1/transit/encrypt/lazaret") => {
                let salt = Random::system().bytes().unwrap();
                let (key, context) = (self.keys.last().unwrap(), text("associated_data"));
                let sealed = sealed::seal(key, &salt, Purpose::Wrap, &[&context], &[], &text("plaintext")).unwrap();
                (
                    200,
                    json!({ "data": { "ciphertext": format!("vault:v{}:{}", self.keys.len(), STANDARD.encode(sealed)) } }),
                )
            }
            ("POST", "/v1/transit/decrypt/lazaret") => {
                let sealed = body["ciphertext"].as_str().unwrap_or_default();
                let mut parts = sealed.splitn(3, ':');
                let (Some("vault"), Some(version), Some(sealed)) = (parts.next(), parts.next(), parts.next()) else {
                    return refused("invalid ciphertext: no prefix");
                };
                let version: usize = version.trim_start_matches('v').parse().unwrap_or(0);
                if version < self.oldest || version > self.keys.len() || version == 0 {
                    return refused("ciphertext or signature version is disallowed by policy (too old)");
                }
                let sealed = STANDARD.decode(sealed).unwrap_or_default();
                let opened =
                    sealed::open(&self.keys[version - 1], Purpose::Wrap, &[&text("associated_data")], &[], &sealed);
                match opened {
                    Some(plain) => (200, json!({ "data": { "plaintext": STANDARD.encode(&*plain) } })),
                    None => refused("cipher: message authentication failed"),
                }
            }
            ("POST", "/v1/transit/keys/lazaret/rotate") => {
                self.keys.push(Key::random(&Random::system()).unwrap());
                (200, json!({}))
            }
            ("GET", "/v1/transit/keys/lazaret") => (200, json!({ "data": { "latest_version": self.keys.len() } })),
            ("POST", "/v1/transit/keys/lazaret/config") => {
                self.oldest = body["min_decryption_version"].as_u64().unwrap() as usize;
                (200, json!({}))
            }
            _ => (404, json!({ "errors": ["no handler for route"] })),
        }
    }
}

/// Serves one request a connection; the address.
async fn serve(engine: Arc<Mutex<Engine>>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut request, mut piece) = (Vec::new(), [0; 4096]);
            let (head, length) = loop {
                let count = stream.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                if let Some((head, _)) = text.split_once("\r\n\r\n") {
                    let lower = head.to_lowercase();
                    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    break (head.to_owned(), length.unwrap_or(0_usize));
                }
            };
            while request.len() < head.len() + 4 + length {
                let count = stream.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..count]);
            }
            let mut words = head.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let body: Value = serde_json::from_slice(&request[head.len() + 4..]).unwrap_or_default();
            let (status, answer) = if head.to_lowercase().contains("x-vault-token: s.token") {
                engine.lock().unwrap().answer(method, path, &body)
            } else {
                (403, json!({ "errors": ["permission denied"] }))
            };
            let answer = answer.to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, task)
}

fn settings(address: &str, token: &str) -> TransitSettings {
    TransitSettings {
        address: address.to_owned(),
        mount: "transit".to_owned(),
        key: "lazaret".to_owned(),
        token: Passphrase::new(token.to_owned()),
        namespace: None,
    }
}

#[tokio::test]
async fn a_transit_service_holds_the_root_key() {
    let keys = vec![Key::random(&Random::system()).unwrap()];
    let (address, server) = serve(Arc::new(Mutex::new(Engine { keys, oldest: 1 }))).await;
    let transit = Transit::new(settings(&address, "s.token")).unwrap();
    conforms(&transit).await;
    let key = Key::random(&Random::system()).unwrap();
    let wrapped = transit.wrap(b"", &key).await.unwrap();
    let stranger = Transit::new(settings(&address, "s.another")).unwrap();
    let refused = stranger.wrap(b"", &key).await.unwrap_err();
    assert!(matches!(refused, ProviderError::Refused { .. }) && !refused.is_unavailable(), "{refused}");
    assert!(!format!("{refused:?} {stranger:?}").contains("s.another"));
    server.abort();
    let _ended = server.await;
    let down = transit.unwrap_key(b"", &wrapped).await.unwrap_err();
    assert!(down.is_unavailable(), "{down}");
    assert!(transit.wrap(b"", &key).await.is_err());
}

#[test]
fn keys_are_not_sent_in_clear() {
    for wrong in ["http://vault.example.org:8200", "ftp://localhost", "localhost", ""] {
        let refused = Transit::new(settings(wrong, "t")).unwrap_err();
        assert!(matches!(refused, ProviderError::Setting { .. }), "{wrong}: {refused}");
    }
    let mut elsewhere = settings("https://vault.example.org", "t");
    elsewhere.key = "../sys/seal".to_owned();
    assert!(Transit::new(elsewhere).is_err());
}
