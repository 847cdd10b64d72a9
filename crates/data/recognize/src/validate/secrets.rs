//! Checks of credentials: randomness, published checksums, and the words that stand where a secret belongs.

use super::Validator;

/// The check of that name.
pub(crate) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "secret_value" => secret_value,
        "secret_random" => secret_random,
        "secret_token" => secret_token,
        "secret_not_placeholder" => not_placeholder,
        "secret_hex" => secret_hex,
        "secret_github" => github_token,
        "secret_jwt" => jwt,
        "secret_base64_key" => base64_key,
        "secret_connection" => connection,
        "secret_pem" => pem,
        "secret_uuid" => uuid,
        _ => return None,
    })
}

/// Words that stand where a secret is to be put in, whole parts of the value.
const PLACEHOLDERS: [&str; 33] = [
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "yourself",
    "insert",
    "replace",
    "redacted",
    "dummy",
    "fake",
    "sample",
    "xxxx",
    "xxx",
    "****",
    "...",
    "<",
    ">",
    "${",
    "{{",
    "%(",
    "$(",
    "test",
    "todo",
    "secret_here",
    "not_real",
    "notreal",
    "foobar",
    "abcdef",
    "123456",
    "012345",
    "deadbeef",
];

/// Whether the value holds no sign of being a placeholder: no word for one, no variable to be filled in, no run of
/// one character, no counting up.
fn not_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    !PLACEHOLDERS.iter().any(|word| lower.contains(word))
        && !has_run(value.as_bytes(), 6)
        && !repeats_unit(value.as_bytes())
}

/// `length` equal bytes in a row.
fn has_run(bytes: &[u8], length: usize) -> bool {
    let mut run = 1;
    bytes.windows(2).any(|pair| {
        run = if pair.first() == pair.last() { run + 1 } else { 1 };
        run >= length
    })
}

/// The second half of the value is one unit of up to eight bytes, repeated.
fn repeats_unit(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len() / 2..).unwrap_or(bytes);
    tail.len() >= 10
        && (1..=tail.len().min(24) / 3).any(|period| tail.iter().zip(tail.iter().skip(period)).all(|(a, b)| a == b))
}

/// Shannon entropy in bits a byte.
fn entropy_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum()
}

/// As random as generated keys are for their length: 3.0 bits a character for 16 to 23 characters, 3.4 from 24 on,
/// 3.7 from 40 on; a random base-62 text of these lengths lies above with more than 99.9 %.
fn random(value: &str) -> bool {
    let bytes = value.as_bytes();
    let least = match bytes.len() {
        0..8 => return false,
        8..16 => 2.5,
        16..24 => 3.0,
        24..40 => 3.4,
        _ => 3.7,
    };
    entropy_bits(bytes) >= least
}

/// A generated key: random, with a digit, and no placeholder.
fn secret_random(value: &str) -> bool {
    random(value) && value.bytes().any(|b| b.is_ascii_digit()) && not_placeholder(value)
}

/// A token whose prefix tells what it is: the rest must not be a placeholder. `test` may be part of a prefix.
fn secret_token(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    !PLACEHOLDERS.iter().any(|word| *word != "test" && lower.contains(word))
        && !has_run(value.as_bytes(), 6)
        && !repeats_unit(value.as_bytes())
        && entropy_bits(value.as_bytes()) >= 2.5
}

/// A generated key in hexadecimal: at least 3.0 bits a digit, digits and letters both.
fn secret_hex(value: &str) -> bool {
    let bytes = value.as_bytes();
    entropy_bits(bytes) >= 3.0
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_alphabetic)
        && not_placeholder(value)
}

/// A random UUID (version 4) that is not all of one digit.
fn uuid(value: &str) -> bool {
    let digits: Vec<u8> = value.bytes().filter(|b| *b != b'-').collect();
    entropy_bits(&digits) >= 2.8 && !has_run(&digits, 6)
}

/// A password or key as somebody chose it: 6 to 512 characters without spaces, two kinds of characters, no placeholder,
/// no word of code.
fn secret_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    let kinds = [
        bytes.iter().any(u8::is_ascii_lowercase),
        bytes.iter().any(u8::is_ascii_uppercase),
        bytes.iter().any(u8::is_ascii_digit),
        bytes.iter().any(u8::is_ascii_punctuation),
    ];
    let code =
        ["(", ")", "://", "::", "->", "=>", "[", "self.", "this.", "os.", "env.", "process.", "config.", "getenv"];
    (6..=512).contains(&bytes.len())
        && !value.contains(char::is_whitespace)
        && kinds.iter().filter(|kind| **kind).count() >= 2
        && (bytes.iter().any(u8::is_ascii_digit) || kinds.iter().filter(|kind| **kind).count() >= 3)
        && !value.starts_with(['$', '%', '@', '/', '.', '#', '&'])
        && !code.iter().any(|sign| value.contains(sign))
        && !is_path_of_names(value)
        && entropy_bits(bytes) >= 2.0
        && not_placeholder(value)
}

/// `settings.db_password1`, `user-password-v2`: names of code, lower-case words joined by signs, with at most a
/// short number at the end of one.
fn is_path_of_names(value: &str) -> bool {
    value.contains(['.', '_', '-'])
        && value.split(['.', '_', '-']).all(|part| {
            let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
            !word.is_empty() && part.len() - word.len() <= 2 && word.bytes().all(|b| b.is_ascii_lowercase())
        })
}

/// GitHub's tokens end in six base-62 digits of the CRC-32 of the random part (GitHub, "Behind GitHub's new
/// authentication token formats", 2021-04-05). A token of the usual length that fails the check is still taken for one
/// when it is as random as a token: it may have been mistyped, or issued under a rule that was not published.
fn github_token(value: &str) -> bool {
    let Some((_, body)) = value.split_once('_') else { return false };
    if body.len() == 36 && secret_random(body) {
        return true;
    }
    let Some(split) = body.len().checked_sub(6) else { return false };
    let (Some(random), Some(check)) = (body.get(..split), body.get(split..)) else { return false };
    base62(crc32(random.as_bytes())) == check
}

/// CRC-32 of IEEE 802.3, bit by bit: tokens are short and rare.
fn crc32(bytes: &[u8]) -> u32 {
    let register = bytes.iter().fold(u32::MAX, |register, byte| {
        (0..8).fold(register ^ u32::from(*byte), |register, _| {
            if register & 1 == 1 { (register >> 1) ^ 0xEDB8_8320 } else { register >> 1 }
        })
    });
    !register
}

/// Six digits of base 62, zeros in front: digits, capitals, small letters.
fn base62(mut number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for place in out.iter_mut().rev() {
        *place = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A signed JSON Web Token: the first part decodes to a JSON object with `alg` (RFC 7515 section 4.1.1), the second to
/// a JSON object.
fn jwt(value: &str) -> bool {
    let mut parts = value.split('.');
    let (Some(header), Some(payload), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let header = base64_text(header);
    let payload = base64_text(payload);
    header.starts_with('{') && header.contains("\"alg\"") && payload.starts_with('{')
}

/// The start of base64 or base64url text, decoded as far as it is ASCII.
fn base64_text(encoded: &str) -> String {
    let mut out = String::new();
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in encoded.bytes().take(400) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(char::from(u8::try_from(buffer >> bits & 0xFF).unwrap_or(b'?')));
        }
    }
    out
}

/// A key in base64: random, with letters of both cases, no placeholder.
fn base64_key(value: &str) -> bool {
    let bytes = value.as_bytes();
    random(value)
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().any(u8::is_ascii_uppercase)
        && bytes.iter().any(u8::is_ascii_digit)
        && not_placeholder(value)
}

/// The password of a connection string or URL: three characters or more and not the words that documentation uses.
fn connection(value: &str) -> bool {
    const TAUGHT: [&str; 16] = [
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "mypassword",
        "userpass",
        "user",
        "root",
        "postgres",
        "guest",
        "admin",
        "hunter2",
        "mysecretpassword",
        "supersecret",
        "pw",
    ];
    let lower = value.to_ascii_lowercase();
    value.len() >= 4
        && !TAUGHT.contains(&lower.as_str())
        && !value.starts_with(['$', '%', '{', '<', '[', '*', ':'])
        && not_placeholder(value)
        && value.bytes().collect::<std::collections::BTreeSet<_>>().len() >= 3
}

/// The armour of a private key is followed by base64 of some length, not by `...`.
fn pem(value: &str) -> bool {
    let body: Vec<u8> = value
        .split("-----")
        .nth(2)
        .unwrap_or("")
        .replace("\\n", "\n")
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(str::bytes)
        .filter(u8::is_ascii_alphanumeric)
        .collect();
    body.len() >= 40 && entropy_bits(&body) >= 3.5
}

#[cfg(test)]
mod tests {
    use super::{base62, by_name, crc32};

    #[test]
    fn placeholders_and_words_are_no_secrets() {
        for (name, good, bad) in [
            (
                "secret_random",
                &["q7Zt9Lm2Xc4Vb8Nw"][..],
                &["AAAAAAAAAAAAAAAA", "your-api-key-1234", "abcdefabcdefabcdef12", "EXAMPLEq7Zt9Lm2Xc4V"][..],
            ),
            (
                "secret_value",
                &["Winter!2031x", "tr0ub4dor", "p4ssGood9"],
                &[
                    "changeme",
                    "password",
                    "${PASSWORD}",
                    "getPassword()",
                    "settings.db_password1",
                    "os.environ",
                    "string",
                    "<password>",
                ],
            ),
            (
                "secret_hex",
                &["9f86d081884c7d659a2feaa0c55ad015"],
                &["00000000000000000000000000000000", "deadbeefdeadbeefdeadbeefdeadbeef"],
            ),
            ("secret_connection", &["s3cr3tVal"], &["password", "${DB_PASS}", "xxxx", "aaa"]),
        ] {
            let valid = by_name(name).unwrap();
            for value in good {
                assert!(valid(value), "{name} must accept {value}");
            }
            for value in bad {
                assert!(!valid(value), "{name} must refuse {value}");
            }
        }
    }

    #[test]
    fn crc_and_base_62_are_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(0), "000000");
        assert_eq!(base62(61), "00000z");
        let random = "q7Zt9Lm2Xc4Vb8Nwq1Zt9Lm2Xc4Vb8";
        let token = format!("ghp_{random}{}", base62(crc32(random.as_bytes())));
        assert!(by_name("secret_github").unwrap()(&token));
        assert!(!by_name("secret_github").unwrap()("ghp_q7Zt9Lm2Xc4Vb8Nwq1Zt9Lm2Xc4Vb8000000"));
    }

    #[test]
    fn a_web_token_has_a_header_with_an_algorithm() {
        // {"alg":"HS256"} . {"sub":"1"} . signature
        let token = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", "c2lnbmF0dXJl"].join(".");
        assert!(by_name("secret_jwt").unwrap()(&token));
        assert!(!by_name("secret_jwt").unwrap()("eyJ4.eyJ5.x"));
    }
}
