//! Fake credentials. They are put together here, while running, so that none stands whole in the source.

use crate::random::Random;
use crate::write::text::base64;

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Key id and secret in the manner of a large cloud.
pub fn cloud_key(random: &mut Random) -> (String, String) {
    let id = ["AK", "IA"].concat() + &random.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
    (id, random.letters(ALNUM, 40))
}

/// Token of a code host.
pub fn code_host_token(random: &mut Random) -> String {
    ["gh", "p_"].concat() + &random.letters(ALNUM, 36)
}

/// A JSON Web Token with a made-up signature.
pub fn web_token(random: &mut Random, subject: &str) -> String {
    let part = |text: &str| base64(text.as_bytes()).replace('=', "").replace('+', "-").replace('/', "_");
    let (head, body) = (r#"{"alg":"HS256","typ":"JWT"}"#, format!(r#"{{"sub":"{subject}","scope":"export"}}"#));
    format!("{}.{}.{}", part(head), part(&body), random.letters(ALNUM, 43))
}

/// The URL of a database with a password.
pub fn database_url(random: &mut Random) -> String {
    let scheme = ["postgres", "ql://"].concat();
    format!("{scheme}etl_user:{}@db01.example.org:5432/warehouse", random.letters(ALNUM, 18))
}

/// A private key block of random content.
pub fn private_key(random: &mut Random) -> String {
    let rim = |edge: &str| ["-----", edge, " RSA PRIV", "ATE KEY-----"].concat();
    let mut block = rim("BEGIN") + "\n";
    for _ in 0..12 {
        block.push_str(&random.letters(ALNUM, 64));
        block.push('\n');
    }
    block + &rim("END") + "\n"
}
