//! The server's identity.

use console::Identity;

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
