//! E-mail addresses, network addresses and ages.

use std::net::Ipv6Addr;

use super::Validator;

pub(super) const CHECKS: &[(&str, Validator)] =
    &[("email", email), ("ipv4", ipv4), ("ipv4-public-shape", ipv4_telling), ("ipv6", ipv6), ("mac", mac)];

/// RFC 5321 §4.5.3.1 lengths and RFC 5322 §3.4.1 dots; `icon@2x.png` and its like are file names.
fn email(text: &str) -> bool {
    const FILES: [&str; 12] = ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "html", "ico"];
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let top = domain.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    (1..=64).contains(&local.len())
        && domain.len() <= 255
        && dots(local)
        && dots(domain)
        && domain.split('.').all(|label| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-'))
        && !FILES.contains(&top.as_str())
}

/// Four octets without leading zeros (RFC 791; RFC 6943 §3.1.1 on why zeros are refused).
fn ipv4(text: &str) -> bool {
    octets(text).is_some()
}

/// An IPv4 address that is not as easily a version or section number: some octet above 31, and no
/// first one that object identifiers begin with.
fn ipv4_telling(text: &str) -> bool {
    octets(text).is_some_and(|octets| octets[0] > 2 && octets.iter().any(|octet| *octet > 31))
}

/// The octets of an address that a host can have: no loopback, mask or network zero.
fn octets(text: &str) -> Option<[u8; 4]> {
    let address: std::net::Ipv4Addr = text.parse().ok()?;
    let host = !address.is_loopback() && address.octets()[0] != 0 && address.octets()[0] != 255;
    host.then(|| address.octets())
}

/// RFC 4291 §2.2: all eight groups, or a shortened form in a range that hosts use; `std::fmt` and `10:20` are not.
fn ipv6(text: &str) -> bool {
    let Ok(address) = text.parse::<Ipv6Addr>() else { return false };
    let first = address.segments()[0];
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    let in_use = matches!(first, 0x2000..=0x3FFF | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF);
    in_use && groups >= 3 && text.bytes().any(|b| b.is_ascii_digit())
}

/// IEEE 802-2014 §8: six octets, neither all zero nor all one.
fn mac(text: &str) -> bool {
    let mut hex = text.bytes().filter(u8::is_ascii_hexdigit).map(|b| b.to_ascii_lowercase());
    let count = hex.clone().count();
    let first = hex.next();
    count == 12 && hex.any(|b| Some(b) != first)
}

#[cfg(test)]
mod tests {
    use super::{email, ipv4, ipv4_telling, ipv6, mac};

    #[test]
    fn addresses() {
        assert!(email("a.b@example.org") && !email("a..b@example.org") && !email("icon@2x.png"));
        assert!(ipv4("10.0.0.1") && !ipv4_telling("1.2.3.4") && ipv4_telling("192.0.2.7") && !ipv4("256.1.1.1"));
        assert!(ipv6("2001:db8::17:1") && ipv6("fe80::1:2:3") && !ipv6("a::b") && !ipv6("std::fmt"));
        assert!(mac("00:1b:63:84:45:e6") && !mac("00:00:00:00:00:00"));
    }
}
