//! Whose keys are believed, from where, and for how long.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use identity::{Federation, FederationError, JwtError, KeysAt, Trusted};

use crate::tokens::{ISSUER, NOW_S, Signers, claims, with};

const NOW_MS: i64 = NOW_S * 1000;
const MINUTE_MS: i64 = 60_000;

fn trusted(issuer: &str, keys: KeysAt) -> Trusted {
    Trusted { issuer: issuer.to_owned(), audiences: vec!["lazaret".to_owned()], keys, login: None }
}

fn es(kid: &str) -> serde_json::Value {
    serde_json::json!({"alg": "ES256", "kid": kid})
}

#[tokio::test]
async fn keys_of_a_file_are_read_again_for_one_that_is_not_known_and_when_they_are_old() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (old, new) = (Signers::new(), Signers::new());
    std::fs::write(&file, old.jwks()).unwrap();
    let federation = Federation::new(vec![trusted(ISSUER, KeysAt::File(file.clone()))]).unwrap();
    let checked = async |token: &str, now| federation.verify_for(token, ISSUER, "lazaret", now).await;
    let good = old.token(&es("e1"), &claims());
    assert_eq!(checked(&good, NOW_MS).await.unwrap().text("sub"), Some("repo:trial/pipeline"));
    let other = federation.verify_for(&good, ISSUER, "somebody", NOW_MS).await.unwrap_err();
    assert_eq!(other, JwtError::Audience);

    std::fs::write(&file, new.jwks().replace("\"e1\"", "\"e2\"")).unwrap();
    let turned = new.token(&es("e2"), &claims());
    assert_eq!(checked(&turned, NOW_MS + 1).await.unwrap_err(), JwtError::Key, "not at every stranger's word");
    assert!(checked(&turned, NOW_MS + MINUTE_MS).await.is_ok());
    assert_eq!(checked(&good, NOW_MS + MINUTE_MS).await.unwrap_err(), JwtError::Key, "withdrawn keys are no keys");

    std::fs::remove_file(&file).unwrap();
    let late = new.token(&es("e2"), &with("exp", (NOW_S + 3 * 3600).into()));
    assert!(checked(&late, NOW_MS + 30 * MINUTE_MS).await.is_ok(), "known keys go on for a while");
    let lost = checked(&late, NOW_MS + 62 * MINUTE_MS).await.unwrap_err();
    assert!(matches!(lost, JwtError::Keys { .. }), "and not for ever: {lost}");
    let stranger = checked(&new.token(&es("e2"), &with("iss", "https://x.example".into())), NOW_MS).await.unwrap_err();
    assert!(matches!(stranger, JwtError::Issuer { .. }));
    assert!(matches!(checked("a.b.c", NOW_MS).await.unwrap_err(), JwtError::Shape { .. }));
}

/// Answers every request with what the path has in `pages`; counts them.
fn serve(pages: Arc<Mutex<Vec<(String, String)>>>, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let path = lines.next().unwrap().unwrap().split(' ').nth(1).unwrap().to_owned();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let found = pages.lock().unwrap().iter().find(|(page, _)| *page == path).map(|(_, body)| body.clone());
            asked.lock().unwrap().push(path);
            let (status, body) = found.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _gone = stream.write_all((head + &body).as_bytes());
        }
    });
    address
}

#[tokio::test]
async fn keys_are_discovered_once_for_many_and_never_from_another() {
    let (pages, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let issuer = serve(Arc::clone(&pages), Arc::clone(&asked));
    let signers = Signers::new();
    let token = signers.token(&es("e1"), &with("iss", issuer.as_str().into()));
    let discovery = "/.well-known/openid-configuration".to_owned();
    let document = |of: &str, jwks: &str| serde_json::json!({"issuer": of, "jwks_uri": jwks}).to_string();
    let put = |document: String| {
        let keys = signers.jwks();
        *pages.lock().unwrap() = vec![(discovery.clone(), document), ("/jwks".to_owned(), keys)];
    };
    let federation = || Federation::new(vec![trusted(&issuer, KeysAt::Discovered)]).unwrap();
    let fails = async |of: Federation| of.verify_for(&token, &issuer, "lazaret", NOW_MS).await.unwrap_err();

    assert!(fails(federation()).await.to_string().contains("404"));
    put(document("https://other.example", &format!("{issuer}/jwks")));
    assert!(fails(federation()).await.to_string().contains("not of the issuer"));
    put(document(&issuer, "http://keys.example.org/jwks"));
    assert!(fails(federation()).await.to_string().contains("use https"), "keys never come in clear");
    put(document(&issuer, &format!("{issuer}/nothing")));
    assert!(fails(federation()).await.to_string().contains("404"));

    put(document(&issuer, &format!("{issuer}/jwks")));
    let federation = Arc::new(federation());
    asked.lock().unwrap().clear();
    let many: Vec<_> = (0..50)
        .map(|_| {
            let (federation, token, issuer) = (Arc::clone(&federation), token.clone(), issuer.clone());
            tokio::spawn(async move { federation.verify_for(&token, &issuer, "lazaret", NOW_MS).await })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    assert_eq!(*asked.lock().unwrap(), [discovery.as_str(), "/jwks"], "fetched once");
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused_when_it_is_configured() {
    let clear = Federation::new(vec![trusted("http://login.example.org", KeysAt::Discovered)]).unwrap_err();
    assert!(matches!(clear, FederationError::Address { .. }), "{clear}");
    let file = || KeysAt::File("keys.json".into());
    let twice = Federation::new(vec![trusted(ISSUER, file()), trusted(ISSUER, file())]).unwrap_err();
    assert!(matches!(twice, FederationError::Twice { .. }), "{twice}");
}
