//! The server's identity, and pages over TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use console::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::site::Site;

#[test]
fn a_wrong_identity_is_refused_with_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("key.pem"));
    let error = Identity::read(&certificate, &key).unwrap_err().to_string();
    assert!(error.contains("server.pem") && error.contains("certificate"), "{error}");
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let error = Identity::read(&certificate, &key).unwrap_err().to_string();
    assert!(error.contains("key.pem") && error.contains("private key"), "{error}");
    std::fs::write(&certificate, "no certificate").unwrap();
    assert!(Identity::read(&certificate, &key).is_err());
}

/// A certificate for `localhost`, made on the spot; `false` where `openssl` is not installed, which fails in CI.
fn issue(certificate: &Path, key: &Path) -> bool {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .output();
    match made {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
            eprintln!("skipped: openssl is not installed");
            false
        }
    }
}

#[tokio::test]
async fn pages_come_over_tls_while_another_client_dawdles() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("key.pem"));
    if !issue(&certificate, &key) {
        return;
    }
    let site = Site::with(true).await;
    let identity = Identity::read(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(console::serve_tls(listener, identity, Arc::clone(&site.console), stopped));
    let _dawdles = TcpStream::connect(address).await.unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "the client's address is known over TLS: {answer}");
    assert!(answer.contains("strict-transport-security: max-age=") && answer.contains("lazaret_objects 0"), "{answer}");
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
