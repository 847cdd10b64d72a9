//! Bank accounts, payment cards and bank codes.

use super::Validator;
use super::checksums::{luhn, mod_97_10};
use super::digits::{Compact, alnum, is_repeated, value};

pub(super) const CHECKS: &[(&str, Validator)] =
    &[("iban", iban), ("credit-card", credit_card), ("bic", bic), ("lei", lei), ("account-number", account_number)];

/// ISO 13616-1:2020: length and structure of the country (SWIFT IBAN Registry), check digits by MOD 97-10.
fn iban(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let (Some(country), Some(check), Some(rest)) = (code.get(..2), code.get(2..4), code.get(4..)) else {
        return false;
    };
    let Some((_, structure)) = IBANS.iter().find(|(known, _)| known.as_bytes() == country) else { return false };
    check.iter().all(u8::is_ascii_digit)
        && fits(rest, structure)
        && mod_97_10(rest.iter().chain(country).chain(check).copied())
}

/// Whether the bytes follow a structure such as `4a14n`: counts of digits (n), upper-case letters (a), either (c).
fn fits(mut bytes: &[u8], structure: &str) -> bool {
    let mut count = 0;
    for c in structure.bytes() {
        if let Some(digit) = value(c) {
            count = count * 10 + usize::from(digit);
            continue;
        }
        let Some((part, rest)) = bytes.split_at_checked(count) else { return false };
        let class = |b: &u8| match c {
            b'n' => b.is_ascii_digit(),
            b'a' => b.is_ascii_uppercase(),
            _ => b.is_ascii_alphanumeric(),
        };
        if !part.iter().all(class) {
            return false;
        }
        bytes = rest;
        count = 0;
    }
    bytes.is_empty()
}

/// The part after country and check digits, per country (SWIFT IBAN Registry, release 101).
#[rustfmt::skip] // one row a country would be ninety lines
const IBANS: &[(&str, &str)] = &[
    ("AD", "8n12c"), ("AE", "19n"), ("AL", "8n16c"), ("AT", "16n"), ("AZ", "4a20c"), ("BA", "16n"), ("BE", "12n"),
    ("BG", "4a6n8c"), ("BH", "4a14c"), ("BI", "23n"), ("BR", "23n1a1c"), ("BY", "4c4n16c"), ("CH", "5n12c"),
    ("CR", "18n"), ("CY", "8n16c"), ("CZ", "20n"), ("DE", "18n"), ("DJ", "23n"), ("DK", "14n"), ("DO", "4c20n"),
    ("EE", "16n"), ("EG", "25n"), ("ES", "20n"), ("FI", "14n"), ("FK", "2a12n"), ("FO", "14n"), ("FR", "10n11c2n"),
    ("GB", "4a14n"), ("GE", "2a16n"), ("GI", "4a15c"), ("GL", "14n"), ("GR", "7n16c"), ("GT", "24c"), ("HN", "4a20n"),
    ("HR", "17n"), ("HU", "24n"), ("IE", "4a14n"), ("IL", "19n"), ("IQ", "4a15n"), ("IS", "22n"), ("IT", "1a10n12c"),
    ("JO", "4a4n18c"), ("KW", "4a22c"), ("KZ", "3n13c"), ("LB", "4n20c"), ("LC", "4a24c"), ("LI", "5n12c"),
    ("LT", "16n"), ("LU", "3n13c"), ("LV", "4a13c"), ("LY", "21n"), ("MC", "10n11c2n"), ("MD", "20c"), ("ME", "18n"),
    ("MK", "3n10c2n"), ("MN", "16n"), ("MR", "23n"), ("MT", "4a5n18c"), ("MU", "4a19n3a"), ("NI", "4a20n"),
    ("NL", "4a10n"), ("NO", "11n"), ("OM", "3n16c"), ("PK", "4a16c"), ("PL", "24n"), ("PS", "4a21c"), ("PT", "21n"),
    ("QA", "4a21c"), ("RO", "4a16c"), ("RS", "18n"), ("RU", "14n15c"), ("SA", "2n18c"), ("SC", "4a20n3a"),
    ("SD", "14n"), ("SE", "20n"), ("SI", "15n"), ("SK", "20n"), ("SM", "1a10n12c"), ("SO", "19n"), ("ST", "21n"),
    ("SV", "4a20n"), ("TL", "19n"), ("TN", "20n"), ("TR", "6n16c"), ("UA", "6n19c"), ("VA", "18n"), ("VG", "4a16n"),
    ("XK", "16n"), ("YE", "4a4n18c"),
];

/// ISO/IEC 7812-1:2017: Luhn, and an issuer's range with its lengths (the schemes' published BIN ranges).
fn credit_card(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let mut digits = [0; 19];
    let bytes = compact.as_bytes();
    let Some(d) = digits.get_mut(..bytes.len()) else { return false };
    for (slot, byte) in d.iter_mut().zip(bytes) {
        let Some(v) = value(*byte) else { return false };
        *slot = v;
    }
    let prefix = |n: usize| d.get(..n).map_or(0, super::digits::number);
    let (two, three, four, six) = (prefix(2), prefix(3), prefix(4), prefix(6));
    let issued = match bytes.len() {
        13 | 19 if prefix(1) == 4 => true,
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            prefix(1) == 4
                || matches!(two, 51..=55 | 62 | 65)
                || four == 6011
                || matches!(four, 2221..=2720 | 3528..=3589)
                || matches!(three, 644..=649)
                || matches!(six, 508_500..=508_999)
        }
        17..=19 => two == 62,
        _ => false,
    };
    issued && luhn(d) && !is_repeated(d)
}

/// ISO 9362:2022: four letters of party, two of country, two of place, three of branch or none.
fn bic(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let Some(country) = code.get(4..6) else { return false };
    matches!(code.len(), 8 | 11)
        && code.iter().take(6).all(u8::is_ascii_uppercase)
        && COUNTRIES.as_bytes().chunks(2).any(|known| known == country)
}

/// ISO 3166-1 alpha-2 codes, and XK for Kosovo as SWIFT uses it.
const COUNTRIES: &str = concat!(
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR",
    "CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU",
    "IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ",
    "MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI",
    "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW",
);

/// ISO 17442-1:2020: twenty letters and digits, check digits by MOD 97-10.
fn lei(text: &str) -> bool {
    let Some(code) = alnum::<20>(text) else { return false };
    code[18..].iter().all(u8::is_ascii_digit) && mod_97_10(code.iter().copied())
}

/// An account number of no known scheme: at least five digits, not all alike.
fn account_number(text: &str) -> bool {
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    let first = digits.next();
    let rest = digits.clone().count();
    rest >= 4 && digits.any(|b| Some(b) != first)
}

#[cfg(test)]
mod tests {
    use super::{bic, credit_card, iban, lei};

    #[test]
    fn published_examples_hold() {
        assert!(iban("DE89 3704 0044 0532 0130 00") && iban("GB29NWBK60161331926819"), "the registry's own examples");
        assert!(!iban("DE89 3704 0044 0532 0130 01") && !iban("DE8937040044053201300"));
        assert!(credit_card("4111 1111 1111 1111") && credit_card("378282246310005"), "the schemes' test numbers");
        assert!(!credit_card("4111 1111 1111 1112") && !credit_card("9111111111111111"));
        assert!(bic("DEUTDEFF500") && !bic("DEUTQQFF") && lei("5493001KJTIIGC8Y1R12"));
    }
}
