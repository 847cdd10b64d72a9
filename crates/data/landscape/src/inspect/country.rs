//! Countries and States as people write them, to jurisdictions.

use std::collections::HashMap;
use std::sync::OnceLock;

use model::Jurisdiction;

/// ISO 3166 codes and English names: `alpha-2 alpha-3 name;other name…` a line, from content/places.
const COUNTRIES: &str = include_str!("../../../../../content/places/countries.txt");
/// `code name` of the States, the District of Columbia and the territories that 45 CFR 160.103 counts as States.
const US_STATES: &str = include_str!("../../../../../content/places/us-states.txt");

/// The jurisdiction of an address's country and State, as far as they tell.
pub(crate) fn jurisdiction(country: &str, state: &str, postcode: &str) -> Jurisdiction {
    let code = country_code(country);
    match code {
        Some("US") => us_state(state).map_or_else(|| Jurisdiction::country("US"), Jurisdiction::us_state),
        Some(code) => Jurisdiction::country(code),
        None if country.trim().is_empty() && is_zip(postcode) => {
            us_state(state).map_or_else(Jurisdiction::unknown, Jurisdiction::us_state)
        }
        None => Jurisdiction::unknown(),
    }
}

/// ISO alpha-2 code of a country given by code or name, in any case.
pub(crate) fn country_code(text: &str) -> Option<&'static str> {
    static CODES: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        by_name(lines(COUNTRIES).filter_map(|line| {
            let (two, rest) = line.split_once(' ')?;
            let (three, names) = rest.split_once(' ')?;
            Some((two, [two, three].into_iter().chain(names.split(';'))))
        }))
    });
    codes.get(&text.trim().to_ascii_lowercase()).copied()
}

fn us_state(text: &str) -> Option<&'static str> {
    static CODES: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        by_name(lines(US_STATES).filter_map(|line| {
            let (code, name) = line.split_once(' ')?;
            Some((code, [code, name].into_iter()))
        }))
    });
    codes.get(&text.trim().to_ascii_lowercase()).copied()
}

/// Codes by each of their names in lower case; what is listed first wins.
fn by_name<'a, N: Iterator<Item = &'a str>>(
    listed: impl Iterator<Item = (&'static str, N)>,
) -> HashMap<String, &'static str> {
    let mut codes = HashMap::new();
    for (code, names) in listed {
        for name in names {
            codes.entry(name.to_ascii_lowercase()).or_insert(code);
        }
    }
    codes
}

fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn is_zip(text: &str) -> bool {
    let text = text.trim();
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('-') {
        Some((five, four)) => digits(five, 5) && digits(four, 4),
        None => digits(text, 5) || digits(text, 9),
    }
}

#[cfg(test)]
mod tests {
    use super::jurisdiction;

    #[test]
    fn codes_and_names_are_understood_and_nothing_is_guessed() {
        assert_eq!(jurisdiction("US", "Massachusetts", "").as_str(), "US-MA");
        assert_eq!(jurisdiction("USA", "", "").as_str(), "US");
        assert_eq!(jurisdiction("deu", "", "").as_str(), "EU-DE");
        assert_eq!(jurisdiction("Japan", "", "").as_str(), "JP");
        assert_eq!(jurisdiction("日本", "東京都", "").as_str(), "JP");
        assert_eq!(jurisdiction("", "CA", "94110").as_str(), "US-CA");
        assert_eq!(jurisdiction("", "CA", "").as_str(), "unknown");
        assert_eq!(jurisdiction("Atlantis", "CA", "94110").as_str(), "unknown");
    }
}
