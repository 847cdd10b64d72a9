//! Messages over one connection, to a small server that does as it is told.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::{Arc, Mutex};

use outlets::{MailFault, Mailer, Post, Security, Sender};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// What came: connections, and messages with their recipients.
#[derive(Default)]
struct Came {
    connections: u32,
    messages: Vec<(String, String)>,
}

/// Serves connections; each ends after so many messages. The local part of an address says what becomes of it.
async fn server(messages_max: usize) -> (u16, Arc<Mutex<Came>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(Mutex::new(Came::default()));
    let kept = Arc::clone(&came);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            kept.lock().unwrap().connections += 1;
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                write.write_all(b"220 mail.internal ESMTP\r\n").await.unwrap();
                let mut lines = BufReader::new(read).lines();
                let (mut to, mut text, mut in_data, mut taken) = (String::new(), Vec::new(), false, 0);
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer: &[u8] = match line.split([' ', ':']).next().unwrap_or_default() {
                        _ if in_data && line == "." => {
                            in_data = false;
                            if to.starts_with("silent") {
                                break;
                            }
                            if to.starts_with("spam") {
                                b"554 5.7.1 this looks like spam\r\n"
                            } else {
                                kept.lock().unwrap().messages.push((to.clone(), text.join("\n")));
                                taken += 1;
                                b"250 2.0.0 taken\r\n"
                            }
                        }
                        _ if in_data => {
                            text.push(line);
                            b""
                        }
                        "EHLO" => b"250 mail.internal\r\n",
                        "MAIL" if taken >= messages_max => {
                            write.write_all(b"421 4.3.2 enough for now\r\n").await.unwrap();
                            break;
                        }
                        "MAIL" if line.contains("stranger@") => b"550 5.7.1 who are you\r\n",
                        "RCPT" => {
                            to = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                            match to.split('@').next().unwrap_or_default() {
                                "gone" => b"550 5.1.1 no such user\r\n",
                                "later" => b"451 4.7.1 come back\r\n",
                                "closing" => {
                                    write.write_all(b"421 4.3.0 going down\r\n").await.unwrap();
                                    break;
                                }
                                _ => b"250 ok\r\n",
                            }
                        }
                        "DATA" => {
                            (in_data, text) = (true, Vec::new());
                            b"354 go on\r\n"
                        }
                        "QUIT" => {
                            write.write_all(b"221 bye\r\n").await.unwrap();
                            break;
                        }
                        _ => b"250 ok\r\n",
                    };
                    write.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (port, came)
}

fn sender(port: u16) -> Sender {
    Sender {
        server: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        credentials: None,
        from: "Privacy Office <privacy@clinic.internal>".to_owned(),
        reply_to: Some("answers@clinic.internal".to_owned()),
    }
}

fn post<'a>(to: &'a str, text: &'a str) -> Post<'a> {
    Post {
        to,
        subject: "Wichtige Nachricht über\r\nBcc: x@y.internal",
        text,
        id: "<lazaret.7@clinic.internal>",
        at_ms: 1_764_000_000_000,
    }
}

#[tokio::test]
async fn many_messages_go_over_one_connection_past_refusals() {
    let (port, came) = server(usize::MAX).await;
    let mut mailer = Mailer::new(sender(port));
    let taken = mailer.send(&post("one@a.internal", "First line\n.\n.dotted")).await.unwrap();
    assert_eq!((taken.code, taken.codes().as_str()), (250, "250 2.0.0"));
    let refused = mailer.send(&post("gone@a.internal", "x")).await.unwrap_err();
    assert!(matches!(&refused, MailFault::Refused(reply) if reply.codes() == "550 5.1.1"), "{refused}");
    let later = mailer.send(&post("later@a.internal", "x")).await.unwrap_err();
    assert!(matches!(&later, MailFault::Deferred(reply) if reply.codes() == "451 4.7.1"), "{later}");
    let spam = mailer.send(&post("spam@a.internal", "x")).await.unwrap_err();
    assert!(matches!(&spam, MailFault::Refused(reply) if reply.code == 554), "{spam}");
    let nobody = mailer.send(&post("nobody", "x")).await.unwrap_err();
    assert!(matches!(nobody, MailFault::Message(_)), "{nobody}");
    let beyond = mailer.send(&post("jürgen@a.internal", "x")).await.unwrap_err();
    assert!(matches!(&beyond, MailFault::Refused(reply) if reply.codes() == "553 5.6.7"), "{beyond}");
    mailer.send(&post("two@a.internal", "Grüße")).await.unwrap();
    mailer.close().await;
    let came = came.lock().unwrap();
    assert_eq!(came.connections, 1);
    let to: Vec<&str> = came.messages.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["one@a.internal", "two@a.internal"]);
    let first = &came.messages[0].1;
    for part in [
        "From: \"Privacy Office\" <privacy@clinic.internal>",
        "Reply-To: answers@clinic.internal",
        "To: one@a.internal",
        "Message-ID: <lazaret.7@clinic.internal>",
        "Date: Mon, 24 Nov 2025 16:00:00 +0000",
        "First line\n..\n..dotted",
    ] {
        assert!(first.contains(part), "no {part} in {first}");
    }
    assert!(!first.contains("\nBcc:"), "a subject is one line: {first}");
    assert!(came.messages[1].1.contains("R3LDvMOfZQ=="), "{}", came.messages[1].1);
}

#[tokio::test]
async fn a_server_that_ends_conversations_is_asked_anew_and_one_that_is_gone_is_told() {
    let (port, came) = server(2).await;
    let mut mailer = Mailer::new(sender(port));
    for at in 0..5 {
        mailer.send(&post(&format!("p{at}@a.internal"), "x")).await.unwrap();
    }
    let seen = {
        let came = came.lock().unwrap();
        (came.connections, came.messages.len())
    };
    assert_eq!(seen, (3, 5));
    // It closes on a fresh connection too: then it is not there.
    let closing = mailer.send(&post("closing@a.internal", "x")).await.unwrap_err();
    assert!(matches!(closing, MailFault::Unreachable { .. }), "{closing}");
    let silent = mailer.send(&post("silent@a.internal", "x")).await.unwrap_err();
    assert!(matches!(silent, MailFault::Uncertain { .. }), "{silent}");
    mailer.send(&post("after@a.internal", "x")).await.unwrap();
    let mut stranger = Mailer::new(Sender { from: "stranger@else.internal".to_owned(), ..sender(port) });
    let denied = stranger.send(&post("p@a.internal", "x")).await.unwrap_err();
    assert!(matches!(denied, MailFault::Denied { .. }), "{denied}");
    let mut dead = Mailer::new(sender(1));
    let gone = dead.send(&post("p@a.internal", "x")).await.unwrap_err();
    assert!(matches!(gone, MailFault::Unreachable { .. }), "{gone}");
    // STARTTLS must succeed, and a password is not given to who does not ask for one.
    let mut plain = Mailer::new(Sender { security: Security::StartTls, ..sender(port) });
    assert!(matches!(plain.send(&post("p@a.internal", "x")).await, Err(MailFault::Unreachable { .. })));
    let credentials = Some(("relay".to_owned(), SecretString::from("secret".to_owned())));
    let mut user = Mailer::new(Sender { credentials, ..sender(port) });
    let none = user.send(&post("p@a.internal", "x")).await.unwrap_err();
    assert!(matches!(none, MailFault::Unreachable { .. }) && !none.to_string().contains("secret"), "{none}");
}

#[test]
fn addresses_of_the_sender_are_checked() {
    assert!(sender(25).check().is_ok());
    assert_eq!(sender(25).domain(), "clinic.internal");
    assert!(Sender { from: "us".to_owned(), ..sender(25) }.check().is_err());
    assert!(Sender { reply_to: Some("us".to_owned()), ..sender(25) }.check().is_err());
    let shown = format!("{:?} {:?}", Mailer::new(sender(25)), post("jane@a.internal", "dear Jane"));
    assert!(!shown.contains("jane") && !shown.contains("Jane"), "{shown}");
}
