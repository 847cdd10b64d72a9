use std::sync::Arc;
use std::time::Duration;

use receive::push::{Push, PushError, Tokens};
use receive::{Payload, Spool, syslog};
use secrecy::ExposeSecret as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;

use crate::support::{NOW, inlet, open, random, waiting};

async fn until(spool: &Spool, count: u64) {
    for _ in 0..3_000 {
        if spool.end() - spool.place().next >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("only {} came", spool.end() - spool.place().next);
}

fn texts(spool: &Spool) -> Vec<String> {
    let text = |payload| match payload {
        Payload::Message(bytes) | Payload::Record { json: bytes, .. } | Payload::Unreadable { bytes, .. } => {
            String::from_utf8(bytes).unwrap()
        }
        Payload::Mark { .. } => panic!("no marks here"),
    };
    waiting(spool).into_iter().map(|(_, frame)| text(frame.payload)).collect()
}

#[tokio::test]
async fn tcp_takes_both_framings_and_what_is_left_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(syslog::serve_tcp(inlet(&spool), "syslog-tcp", listener, stopped));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"<13>one\n8 <13>t\nwo\n<13>last").await.unwrap();
    drop(stream);
    until(&spool, 3).await;
    assert_eq!(texts(&spool), ["<13>one", "<13>t\nwo", "<13>last"]);
    assert_eq!(waiting(&spool)[0].1.peer, Some(address.ip()));
    stop.send(true).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn udp_takes_datagrams() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let inlet = inlet(&spool);
    let board = Arc::clone(inlet.board());
    let serving = tokio::spawn(syslog::serve_udp(inlet, "syslog-udp", socket, stopped));
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..20 {
        client.send_to(format!("<13>{number}").as_bytes(), address).await.unwrap();
    }
    until(&spool, 20).await;
    stop.send(true).unwrap();
    serving.await.unwrap();
    let counted = &board.sources()[0];
    assert_eq!((counted.name.as_str(), counted.received, counted.dropped), ("syslog-udp", 20, 0));
    assert!(counted.waiting_bytes > 0 && counted.last_arrival_ms == NOW);
}

#[tokio::test]
async fn records_are_pushed_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder.path().join("spool"));
    let tokens = Arc::new(Tokens::open(&folder.path().join("tokens.json")).unwrap());
    let token = tokens.create("lab", &random(), NOW).unwrap();
    let push = Push::new(inlet(&spool), Arc::clone(&tokens));
    let body = b"{\"a\":1}\nnonsense\n{\"b\":2}\n".to_vec();
    let accepted = push.push(token.expose_secret(), "application/x-ndjson", body.clone()).await.unwrap();
    assert_eq!((accepted.records, accepted.unparsed), (3, 1));
    assert_eq!(texts(&spool), ["{\"a\":1}", "nonsense", "{\"b\":2}"]);
    assert_eq!(waiting(&spool)[0].1.source, "push/lab");
    let unreadable = push.push(token.expose_secret(), "application/octet-stream", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!((unreadable.records, unreadable.unparsed), (1, 1));
    let many: String = (0..20_000).map(|number| format!("{{\"number\":{number}}}\n")).collect();
    let accepted = push.push(token.expose_secret(), "", many.into_bytes()).await.unwrap();
    assert_eq!(accepted.records, 20_000);
    assert!(matches!(push.push("lzi_x", "", body.clone()).await, Err(PushError::Token)));
    assert!(matches!(push.push(token.expose_secret(), "image/png", body.clone()).await, Err(PushError::Type { .. })));
    tokens.revoke("lab", NOW).unwrap();
    assert!(matches!(push.push(token.expose_secret(), "", body).await, Err(PushError::Token)));
}

#[tokio::test]
async fn tls_takes_counted_messages() {
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};

    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output();
    if made.is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
        return;
    }
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let mut identity = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.clone(), PrivateKeyDer::from_pem_file(&key).unwrap())
        .unwrap();
    identity.alpn_protocols = vec![b"http/1.1".to_vec()];
    let spool = open(&folder.path().join("spool"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(syslog::serve_tls(inlet(&spool), "syslog-tls", listener, Arc::new(identity), stopped));
    // One that says nothing holds up nobody.
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    stream.write_all(b"7 <13>one7 <13>two").await.unwrap();
    stream.shutdown().await.unwrap();
    until(&spool, 2).await;
    assert_eq!(texts(&spool), ["<13>one", "<13>two"]);
    assert_eq!(waiting(&spool)[0].1.source, "syslog-tls");
    stop.send(true).unwrap();
    serving.abort();
}
