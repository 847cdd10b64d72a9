//! Places that facts may name: which there are, and what to write instead of what is none.

use std::collections::HashMap;

use serde::Deserialize;

/// The jurisdiction of people of whom nobody knows where they live.
pub(crate) const UNKNOWN: &str = "unknown";

/// Places as they stand in content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    #[serde(rename = "confidence")]
    _confidence: crate::obligation::Confidence,
    countries: Vec<String>,
    bloc: Vec<Bloc>,
    same: HashMap<String, String>,
    meant: HashMap<String, String>,
}

/// A bloc or federation whose law tells its parts apart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bloc {
    prefix: String,
    /// Its parts are countries, which are never written without it.
    #[serde(default)]
    of_countries: bool,
    name: String,
    #[serde(rename = "cites")]
    _cites: String,
    parts: Vec<String>,
}

/// Places that facts may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Sorted.
    countries: Vec<String>,
    /// Each with its parts sorted.
    blocs: Vec<Bloc>,
    same: HashMap<String, String>,
    meant: HashMap<String, String>,
}

impl Places {
    pub(crate) fn of(written: Written) -> Result<Self, String> {
        let Written { mut countries, mut bloc, same, meant, .. } = written;
        countries.sort_unstable();
        for one in &mut bloc {
            one.parts.sort_unstable();
            let strange = one.parts.iter().find(|part| one.of_countries && countries.binary_search(part).is_err());
            if let Some(strange) = strange {
                return Err(format!("bloc `{}`: `{strange}` is no country", one.prefix));
            }
        }
        let places = Self { countries, blocs: bloc, same, meant };
        for (written, meant) in places.same.iter().chain(&places.meant) {
            if places.written(meant).is_err() {
                return Err(format!("`{written}` stands for `{meant}`, which is no jurisdiction"));
            }
        }
        Ok(places)
    }

    /// Blocs with their parts, countries, and the unknown.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = Vec::new();
        for bloc in &self.blocs {
            all.push(bloc.prefix.clone());
            all.extend(bloc.parts.iter().map(|part| format!("{}-{part}", bloc.prefix)));
        }
        let apart =
            |country: &&String| !all.contains(*country) && self.named(country).is_ok_and(|same| same == **country);
        let countries: Vec<String> = self.countries.iter().filter(apart).cloned().collect();
        all.extend(countries);
        all.push(UNKNOWN.to_owned());
        all
    }

    /// The jurisdiction that counts for what was written.
    pub(crate) fn named<'p>(&'p self, text: &'p str) -> Result<&'p str, String> {
        match self.same.get(text) {
            Some(same) => Ok(same),
            None => self.written(text),
        }
    }

    fn written<'p>(&self, text: &'p str) -> Result<&'p str, String> {
        let (country, part) = match text.split_once('-') {
            Some((country, part)) => (country, Some(part)),
            None => (text, None),
        };
        if let Some(bloc) = self.blocs.iter().find(|bloc| bloc.prefix == country) {
            return match part {
                None => Ok(text),
                Some(part) if has(&bloc.parts, part) => Ok(text),
                Some(part) => Err(self.no_part(text, bloc, part)),
            };
        }
        let bloc = self.blocs.iter().find(|bloc| bloc.of_countries && has(&bloc.parts, country));
        match bloc {
            Some(bloc) if part.is_none_or(is_part) => {
                Err(format!("`{text}` is written with its prefix; write `{}-{country}`", bloc.prefix))
            }
            None if text == UNKNOWN || (has(&self.countries, country) && part.is_none_or(is_part)) => Ok(text),
            _ => Err(self.none_such(text)),
        }
    }

    fn no_part(&self, text: &str, bloc: &Bloc, part: &str) -> String {
        let (prefix, name) = (&bloc.prefix, &bloc.name);
        if let Some(meant) = self.meant.get(text) {
            return format!("`{text}` is no jurisdiction; write `{meant}`");
        }
        if bloc.of_countries && has(&self.countries, part) {
            let meant = self.same.get(part).map_or(part, String::as_str);
            return format!("`{text}` is no jurisdiction, as `{part}` is not {name}; write `{meant}`");
        }
        let first = bloc.parts.first().map_or("", String::as_str);
        format!(
            "`{text}` is no jurisdiction, as `{part}` is not {name}; write one such as `{prefix}-{first}`, or `{prefix}`"
        )
    }

    fn none_such(&self, text: &str) -> String {
        let upper = text.to_ascii_uppercase();
        let meant = self.meant.get(&upper).map(String::as_str);
        let meant = meant.or_else(|| text.eq_ignore_ascii_case(UNKNOWN).then_some(UNKNOWN));
        let meant = meant.or_else(|| (upper != text).then(|| self.named(&upper).ok()).flatten());
        match meant {
            Some(meant) => format!("`{text}` is no jurisdiction; write `{meant}`"),
            // A country in small letters that wants a prefix.
            None if upper != text && upper.len() == 2 && has(&self.countries, &upper) => {
                self.written(&upper).err().unwrap_or_default()
            }
            None => format!("`{text}` is no jurisdiction; write `EU-DE`, `US-CA`, `JP` or `unknown`"),
        }
    }
}

fn has(sorted: &[String], code: &str) -> bool {
    sorted.binary_search_by(|known| known.as_str().cmp(code)).is_ok()
}

/// The second half of an ISO 3166-2 code.
fn is_part(part: &str) -> bool {
    (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
