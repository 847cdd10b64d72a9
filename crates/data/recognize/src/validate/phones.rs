//! Telephone numbers: lengths and leading digits of the numbering plans (ITU-T E.164 and the national plans).

use super::Validator;
use super::digits::{Compact, is_repeated, is_separator, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("phone-nanp", nanp),
    ("phone-nanp-local", nanp_local),
    ("phone-e164", e164),
    ("phone-jp", japan),
    ("phone-de", germany),
    ("phone-uk", united_kingdom),
    ("phone-fr", france),
    ("phone-cn-mobile", china_mobile),
    ("phone-national", national),
    ("phone-any", any),
];

/// Digits of a number written with any of the usual signs, without `+` and `(0)`.
fn dialled(text: &str) -> Option<Compact> {
    let dialled = text.split("(0)").flat_map(str::chars).filter(|c| !matches!(c, '(' | ')' | '+' | '（' | '）'));
    Compact::of(dialled).filter(|c| c.as_bytes().iter().all(u8::is_ascii_digit))
}

/// North American Numbering Plan (NANPA, 47 CFR 52.13): area and exchange begin 2–9 and are not N11; an
/// extension may follow.
fn nanp(text: &str) -> bool {
    let number = text.split(['x', 'X', 'e', 'E', '#', ',']).next().unwrap_or(text);
    let Some(compact) = dialled(number) else { return false };
    let digits = compact.as_bytes();
    let ten = if digits.len() == 11 && digits.first() == Some(&b'1') { digits.get(1..) } else { Some(digits) };
    let Some(d) = ten.and_then(values::<10>) else { return false };
    let code = |part: &[u8]| part[0] >= 2 && !(part[1] == 1 && part[2] == 1);
    code(&d[..3]) && code(&d[3..6]) && !is_repeated(&d)
}

/// Seven digits: an exchange and a line.
fn nanp_local(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    values::<7>(compact.as_bytes()).is_some_and(|d| d[0] >= 2 && !is_repeated(&d))
}

/// `+`, a country code that ITU has assigned (E.164 Annex to Operational Bulletin 1114) and as many digits as that
/// country's plan uses.
fn e164(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    let digits = compact.as_bytes();
    if digits.starts_with(b"1") {
        return nanp(text);
    }
    (2..=3).any(|len| {
        let (Some(code), Some(rest)) = (digits.get(..len), digits.get(len..)) else { return false };
        let code = code.iter().fold(0, |n, b| n * 10 + u16::from(b - b'0'));
        PLANS.iter().any(|(known, least, most)| *known == code && (*least..=*most).contains(&rest.len()))
    }) && !digits.windows(8).any(|run| run.iter().all(|b| *b == run[0]))
}

/// Country codes with the shortest and longest national number.
#[rustfmt::skip] // one row a country would be two hundred lines
const PLANS: &[(u16, usize, usize)] = &[
    (7, 10, 10), (20, 8, 10), (27, 9, 9), (30, 10, 10), (31, 9, 9), (32, 8, 9), (33, 9, 9), (34, 9, 9), (36, 8, 9),
    (39, 8, 11), (40, 9, 9), (41, 9, 9), (43, 7, 13), (44, 9, 10), (45, 8, 8), (46, 7, 10), (47, 8, 8), (48, 9, 9),
    (49, 7, 12), (51, 8, 9), (52, 10, 10), (53, 8, 8), (54, 10, 11), (55, 10, 11), (56, 9, 9), (57, 8, 10), (58, 10, 10),
    (60, 8, 10), (61, 9, 9), (62, 8, 12), (63, 8, 10), (64, 8, 10), (65, 8, 8), (66, 8, 9), (81, 9, 10), (82, 8, 10),
    (84, 9, 10), (86, 10, 11), (90, 10, 10), (91, 10, 10), (92, 9, 10), (93, 9, 9), (94, 9, 9), (95, 8, 10), (98, 10, 10),
    (212, 9, 9), (213, 8, 9), (216, 8, 8), (218, 9, 9), (220, 7, 7), (221, 9, 9), (225, 10, 10), (233, 9, 9),
    (234, 8, 10), (237, 9, 9), (243, 9, 9), (244, 9, 9), (249, 9, 9), (250, 9, 9), (251, 9, 9), (254, 9, 9), (255, 9, 9),
    (256, 9, 9), (258, 9, 9), (260, 9, 9), (263, 9, 10), (264, 8, 9), (297, 7, 7), (298, 6, 6), (350, 8, 8), (351, 9, 9),
    (352, 6, 11), (353, 7, 9), (354, 7, 9), (355, 8, 9), (356, 8, 8), (357, 8, 8), (358, 6, 11), (359, 8, 9), (370, 8, 8),
    (371, 8, 8), (372, 7, 8), (373, 8, 8), (374, 8, 8), (375, 9, 9), (376, 6, 9), (377, 8, 9), (378, 6, 10), (380, 9, 9),
    (381, 8, 9), (382, 8, 8), (383, 8, 9), (385, 8, 9), (386, 8, 8), (387, 8, 8), (389, 8, 8), (420, 9, 9), (421, 9, 9),
    (423, 7, 9), (501, 7, 7), (502, 8, 8), (503, 8, 8), (504, 8, 8), (505, 8, 8), (506, 8, 8), (507, 7, 8), (509, 8, 8),
    (590, 9, 9), (591, 8, 8), (592, 7, 7), (593, 8, 9), (594, 9, 9), (595, 9, 9), (596, 9, 9), (597, 6, 7), (598, 8, 8),
    (673, 7, 7), (675, 8, 8), (679, 7, 7), (852, 8, 8), (853, 8, 8), (855, 8, 9), (856, 8, 10), (880, 8, 10), (886, 8, 9),
    (960, 7, 7), (961, 7, 8), (962, 8, 9), (963, 8, 9), (964, 8, 10), (965, 8, 8), (966, 9, 9), (967, 7, 9), (968, 8, 8),
    (970, 8, 9), (971, 8, 9), (972, 8, 9), (973, 8, 8), (974, 8, 8), (975, 7, 8), (976, 8, 8), (977, 8, 10), (992, 9, 9),
    (993, 8, 8), (994, 9, 9), (995, 9, 9), (996, 9, 9), (998, 9, 9),
];

/// Ministry of Internal Affairs, numbering plan (電気通信番号計画): ten digits, eleven after 020, 050, 060, 070, 080, 090
/// and 0800.
fn japan(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    let digits = compact.as_bytes();
    let long = ["020", "050", "060", "070", "080", "090"].iter().any(|p| digits.starts_with(p.as_bytes()));
    let area = digits.first() == Some(&b'0') && digits.get(1).is_some_and(|b| *b != b'0');
    area && match digits.len() {
        11 => long,
        10 => !long && values::<10>(digits).is_some_and(|d| number(&d[1..]) > 9_999_999),
        _ => false,
    }
}

/// Bundesnetzagentur, Nummernplan: prefix 0, then two to five digits of area (2–9) or mobile (15, 16, 17), 7–12 in all.
fn germany(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    let digits = compact.as_bytes();
    digits.first() == Some(&b'0')
        && digits.get(1).is_some_and(|b| *b != b'0')
        && (7..=13).contains(&digits.len())
        && digits.get(1..).is_some_and(|rest| rest.windows(2).any(|pair| pair[0] != pair[1]))
}

/// Ofcom, National Telephone Numbering Plan: 0 and nine or ten digits beginning 1, 2, 3, 5, 7, 8 or 9.
fn united_kingdom(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    let digits = compact.as_bytes();
    (10..=11).contains(&digits.len()) && digits[0] == b'0' && b"1235789".contains(&digits[1])
}

/// ARCEP, plan de numérotation: 0, then 1–9, then four pairs.
fn france(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    values::<10>(compact.as_bytes()).is_some_and(|d| d[0] == 0 && d[1] != 0 && !is_repeated(&d[1..]))
}

/// Ministry of Industry and Information Technology, numbering plan: eleven digits beginning 13–19.
fn china_mobile(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    values::<11>(compact.as_bytes()).is_some_and(|d| d[0] == 1 && d[1] >= 3 && !is_repeated(&d[1..]))
}

/// Any national plan: 7 to 12 digits, not all alike.
fn national(text: &str) -> bool {
    let Some(compact) = dialled(text) else { return false };
    let digits = compact.as_bytes();
    (7..=12).contains(&digits.len()) && digits.windows(2).any(|pair| pair[0] != pair[1])
}

/// What a column of telephone numbers may hold: 5 to 15 digits (E.164 §6.1), perhaps with an extension.
fn any(text: &str) -> bool {
    let count = text.chars().filter(|c| c.is_ascii_digit() || ('０'..='９').contains(c)).count();
    let strange = text
        .chars()
        .any(|c| !(c.is_ascii_digit() || ('０'..='９').contains(&c) || is_separator(c) || "()+xet.#,（）".contains(c)));
    (5..=20).contains(&count) && !strange
}

#[cfg(test)]
mod tests {
    use super::{any, e164, france, germany, japan, nanp, united_kingdom};

    #[test]
    fn plans() {
        assert!(nanp("(415) 555-0123") && nanp("+1 415 555 0123") && nanp("415-555-0123 x12") && !nanp("115-555-0123"));
        assert!(e164("+49 30 901820") && e164("+49 (0)30 901820") && e164("+81-3-1234-5678") && !e164("+999 1234567"));
        assert!(
            japan("03-1234-5678")
                && japan("０９０－１２３４－５６７８")
                && !japan("03-1234-567")
                && !japan("090-1234-567")
        );
        assert!(germany("030/901820") && united_kingdom("020 7946 0958") && france("01 99 00 12 34"));
        assert!(any("415-555-0123 ext. 4") && !any("unknown"));
    }
}
