//! Each outlet to a small server of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use detect::rule::Level;
use model::Label;
use outlets::{Email, Outlet, Security, SendError, signature};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use watch::outlet::Told;

const LINK: &str = "https://lazaret.example.org/findings/1";

fn told() -> Told<'static> {
    Told {
        uid: "f1",
        rule: "r1",
        title: "Many subjects",
        level: Level::High,
        tags: &[],
        rank: 80,
        principal: None,
        study: Some("onc-201"),
        labels: &[Label::PhiDirect],
        subjects: 12,
        matches: 3,
        between: (0, 1_000),
        found_at: 2_000,
        entries: &[4],
    }
}

/// Answers one request with `status`; what came.
async fn web(status: u16) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut came = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = stream.read(&mut chunk).await.unwrap();
            came.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&came).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                break;
            }
        }
        stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        String::from_utf8(came).unwrap()
    });
    (url, served)
}

#[tokio::test]
async fn a_web_hook_is_signed() {
    let secret = SecretString::from("shared".to_owned());
    let (url, served) = web(200).await;
    Outlet::Webhook { url, secret: Some(secret.clone()) }.send(&told(), LINK, 77).await.unwrap();
    let came = served.await.unwrap();
    let (head, body) = came.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("lazaret-signature: {}", signature(&secret, 77, body))), "{head}");
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((event["class_uid"].as_u64(), event["finding_info"]["src_url"].as_str()), (Some(2004), Some(LINK)));
}

#[test]
fn the_signature_is_hmac_sha_256() {
    // HMAC-SHA-256 with the key "key" of "1.The quick brown fox", as `openssl dgst -sha256 -hmac key` computes it.
    let made = signature(&SecretString::from("key".to_owned()), 1, "The quick brown fox");
    assert_eq!(made, "t=1,v1=1ef269d2a2a1f8d397e0e25c3e3013fb5687509234565e6e49ea45a138768457");
}

#[tokio::test]
async fn a_refusal_is_told() {
    let (url, _served) = web(403).await;
    let error = Outlet::Webhook { url, secret: None }.send(&told(), LINK, 77).await.unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 403, .. }), "{error}");
    let nobody = Outlet::Webhook { url: "http://127.0.0.1:1/".to_owned(), secret: None };
    assert!(matches!(nobody.send(&told(), LINK, 77).await, Err(SendError::Web { .. })));
}

#[tokio::test]
async fn syslog_goes_as_a_datagram_and_with_its_length() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let outlet = |address, is_tcp| Outlet::Syslog { address, is_tcp, host: "guard1".to_owned() };
    outlet(socket.local_addr().unwrap(), false).send(&told(), LINK, 77).await.unwrap();
    let mut came = [0; 2048];
    let (length, _) = socket.recv_from(&mut came).await.unwrap();
    let datagram = String::from_utf8_lossy(&came[..length]).into_owned();
    assert!(datagram.starts_with("<107>1 1970-01-01T00:00:02Z guard1 lazaret"), "{datagram}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reading = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    });
    outlet(address, true).send(&told(), LINK, 77).await.unwrap();
    let framed = reading.await.unwrap();
    assert_eq!(framed, format!("{} {datagram}", datagram.len()));
}

#[tokio::test]
async fn a_file_grows_by_a_line_and_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("findings.ndjson");
    let outlet = Outlet::File { path: path.clone() };
    outlet.send(&told(), LINK, 77).await.unwrap();
    outlet.send(&told(), LINK, 78).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let full = Outlet::File { path: "/dev/full".into() };
    assert!(matches!(full.send(&told(), LINK, 77).await, Err(SendError::Write { .. })));
}

#[tokio::test]
async fn a_message_goes_over_smtp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        write.write_all(b"220 mail.example.org ESMTP\r\n").await.unwrap();
        let (mut lines, mut came, mut in_data) = (BufReader::new(read).lines(), Vec::new(), false);
        while let Some(line) = lines.next_line().await.unwrap() {
            let answer: &[u8] = match line.get(..4).unwrap_or_default() {
                _ if in_data && line == "." => {
                    in_data = false;
                    b"250 taken\r\n"
                }
                _ if in_data => b"",
                "EHLO" => b"250 mail.example.org\r\n",
                "DATA" => {
                    in_data = true;
                    b"354 go on\r\n"
                }
                "QUIT" => break,
                _ => b"250 ok\r\n",
            };
            came.push(line);
            write.write_all(answer).await.unwrap();
        }
        came.join("\n")
    });
    let email = Email {
        server: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        credentials: None,
        from: "Lazaret <lazaret@example.org>".to_owned(),
        to: vec!["soc@example.org".to_owned()],
    };
    Outlet::Email(email.clone()).send(&told(), LINK, 77).await.unwrap();
    let came = served.await.unwrap();
    for part in ["RCPT TO:<soc@example.org>", "Subject: [Lazaret] Many subjects (high)", "Study: onc-201", LINK] {
        assert!(came.contains(part), "no {part} in {came}");
    }
    let wrong = Outlet::Email(Email { to: vec!["nobody".to_owned()], ..email });
    assert!(matches!(wrong.send(&told(), LINK, 77).await, Err(SendError::Address { .. })));
}
