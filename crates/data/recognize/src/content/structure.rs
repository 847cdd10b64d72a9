//! Looking up what a path means: exact paths, wildcards, qualifiers and the normal form of headers. The engine asks
//! once for each distinct path and keeps the answer; nothing here is hot.

use std::collections::HashMap;

use crate::content::{Meaning, StructureFile};

/// All structure files, ready to be asked.
#[derive(Debug, Default)]
pub struct StructureMap {
    vocabularies: HashMap<String, Entries>,
    /// Where the entry of each number is.
    order: Vec<(String, usize)>,
    endings: Vec<String>,
    abbreviations: HashMap<String, String>,
}

/// One vocabulary's entries by the shape of their paths. Values are indices into `meanings`.
#[derive(Debug, Default)]
struct Entries {
    meanings: Vec<Meaning>,
    exact: HashMap<String, Vec<usize>>,
    /// `Patient.photo.*`, without the wildcard.
    prefix: HashMap<String, Vec<usize>>,
    /// `*.USUBJID`, without the wildcard.
    suffix: HashMap<String, Vec<usize>>,
    /// `*.amount.*`, without the wildcards.
    within: Vec<(String, usize)>,
    /// `*.*DTC`, without the wildcards.
    ending: Vec<(String, usize)>,
}

impl StructureMap {
    /// Collects files; several may speak of one vocabulary.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = StructureFile>) -> Self {
        let mut map = Self::default();
        for file in files {
            map.endings.extend(file.endings);
            map.abbreviations.extend(file.abbreviations);
            let entries = map.vocabularies.entry(file.vocabulary.clone()).or_default();
            for mut meaning in file.map {
                meaning.number = u32::try_from(map.order.len()).unwrap_or(u32::MAX);
                map.order.push((file.vocabulary.clone(), entries.meanings.len()));
                entries.insert(meaning);
            }
        }
        map
    }

    /// What the values at `path` of `vocabulary` are, given the qualifiers beside them (empty: none).
    #[must_use]
    pub fn meaning(&self, vocabulary: &str, path: &str, kind: &str, issuer: &str) -> Option<&Meaning> {
        self.vocabularies.get(vocabulary)?.find(&separated(path), kind, issuer, true)
    }

    /// The entry of that number, with its vocabulary.
    #[must_use]
    pub fn entry(&self, number: u32) -> Option<(&str, &Meaning)> {
        let (vocabulary, index) = self.order.get(number as usize)?;
        Some((vocabulary, self.vocabularies.get(vocabulary)?.meanings.get(*index)?))
    }

    /// What a table's column is, by its header: the whole normalised header first, then without its leading words
    /// one by one (`study_patient_id`, `patient_id`, `id`).
    #[must_use]
    pub fn column(&self, header: &str) -> Option<&Meaning> {
        self.last_word(&normal_header(header), true)
    }

    /// Other ways to write a normalised header, to be tried in turn: without what tells versions apart, then with its
    /// abbreviated words in full.
    pub fn other_writings(&self, normal: &str) -> impl Iterator<Item = String> {
        let mut words: Vec<&str> = normal.split('_').collect();
        while let Some(last) = words.last().filter(|_| words.len() > 1) {
            let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
            if !last.is_empty() && !self.endings.iter().any(|ending| ending == last) {
                break;
            }
            words.pop();
        }
        if let Some(last) = words.last_mut() {
            let bare = last.trim_end_matches(|c: char| c.is_ascii_digit());
            *last = if bare.is_empty() { *last } else { bare };
        }
        let full = |word: &&str| self.abbreviations.get(*word).map_or(*word, String::as_str).to_owned();
        let (short, spelled) = (words.join("_"), words.iter().map(full).collect::<Vec<_>>().join("_"));
        let spelled = Some(spelled).filter(|spelled| *spelled != short);
        Some(short).filter(|short| *short != normal).into_iter().chain(spelled)
    }

    fn last_word(&self, normal: &str, mut whole: bool) -> Option<&Meaning> {
        let entries = self.vocabularies.get("header")?;
        let mut rest = normal;
        loop {
            if let Some(meaning) = entries.find(rest, "", "", whole) {
                return Some(meaning);
            }
            rest = rest.split_once('_')?.1;
            whole = false;
        }
    }

    /// What a key path of a tree without a finer vocabulary is: by vocabulary `keys`, else its last key as a header
    /// (which is a whole one only where the path has no other part).
    #[must_use]
    pub fn key(&self, path: &str) -> Option<&Meaning> {
        let parts: Vec<String> = path.split('.').map(normal_header).collect();
        let by_path = self.vocabularies.get("keys").and_then(|entries| entries.find(&parts.join("."), "", "", true));
        by_path.or_else(|| self.last_word(parts.last()?, parts.len() == 1))
    }

    /// Every entry of every vocabulary, for checks.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Meaning)> {
        self.vocabularies.iter().flat_map(|(name, entries)| entries.meanings.iter().map(move |m| (name.as_str(), m)))
    }
}

impl Entries {
    fn insert(&mut self, meaning: Meaning) {
        let index = self.meanings.len();
        for path in &meaning.path {
            let path = separated(path);
            if let Some(rest) = path.strip_prefix("*.*") {
                self.ending.push((rest.to_owned(), index));
            } else if let Some(rest) = path.strip_prefix("*.").and_then(|rest| rest.strip_suffix(".*")) {
                self.within.push((format!(".{rest}."), index));
            } else if let Some(rest) = path.strip_prefix("*.") {
                self.suffix.entry(rest.to_owned()).or_default().push(index);
            } else if let Some(rest) = path.strip_suffix(".*") {
                self.prefix.entry(rest.to_owned()).or_default().push(index);
            } else {
                self.exact.entry(path).or_default().push(index);
            }
        }
        self.meanings.push(meaning);
    }

    fn find(&self, path: &str, kind: &str, issuer: &str, whole: bool) -> Option<&Meaning> {
        let select = |indices: Option<&Vec<usize>>| self.select(indices?.iter().copied(), kind, issuer, whole);
        if let Some(found) = select(self.exact.get(path)) {
            return Some(found);
        }
        let prefix = heads(path).find_map(|head| Some((head.len(), select(self.prefix.get(head))?)));
        let suffix = tails(path).find_map(|tail| Some((tail.len(), select(self.suffix.get(tail))?)));
        match (prefix, suffix) {
            (Some((head, by_head)), Some((tail, by_tail))) => Some(if head > tail { by_head } else { by_tail }),
            (Some((_, found)), None) | (None, Some((_, found))) => Some(found),
            (None, None) => {
                self.by_within(path, kind, issuer, whole).or_else(|| self.by_ending(path, kind, issuer, whole))
            }
        }
    }

    fn by_within(&self, path: &str, kind: &str, issuer: &str, whole: bool) -> Option<&Meaning> {
        let path = format!("{path}.");
        self.longest(&self.within, |part| path.contains(part), kind, issuer, whole)
    }

    fn by_ending(&self, path: &str, kind: &str, issuer: &str, whole: bool) -> Option<&Meaning> {
        let last = path.rsplit_once('.')?.1;
        self.longest(&self.ending, |ending| last.ends_with(ending), kind, issuer, whole)
    }

    /// Among the patterns that match, the entries of the longest one.
    fn longest(
        &self,
        patterns: &[(String, usize)],
        matches: impl Fn(&str) -> bool,
        kind: &str,
        issuer: &str,
        whole: bool,
    ) -> Option<&Meaning> {
        let found: Vec<&(String, usize)> = patterns.iter().filter(|(pattern, _)| matches(pattern)).collect();
        let longest = found.iter().map(|(pattern, _)| pattern.len()).max()?;
        let indices = found.iter().filter(|(pattern, _)| pattern.len() == longest).map(|(_, index)| *index);
        self.select(indices, kind, issuer, whole)
    }

    /// The first entry that asks for the most and gets it.
    fn select(&self, indices: impl Iterator<Item = usize>, kind: &str, issuer: &str, whole: bool) -> Option<&Meaning> {
        let candidates = indices.filter_map(|index| self.meanings.get(index));
        let mut best: Option<(usize, &Meaning)> = None;
        for meaning in candidates.filter(|meaning| whole || !meaning.whole) {
            let Some(rank) = rank(meaning, kind, issuer) else { continue };
            if best.is_none_or(|(highest, _)| rank > highest) {
                best = Some((rank, meaning));
            }
        }
        best.map(|(_, meaning)| meaning)
    }
}

/// How much of what the entry asks for is there; `None` when something it asks for is not.
fn rank(meaning: &Meaning, kind: &str, issuer: &str) -> Option<usize> {
    let by_kind = asked(&meaning.kind, |wanted| wanted.eq_ignore_ascii_case(kind))?;
    let by_issuer = asked(&meaning.issuer, |wanted| match wanted.strip_suffix('*') {
        Some(start) => issuer.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => wanted.eq_ignore_ascii_case(issuer.trim_end_matches('/')),
    })?;
    Some(2 * by_kind + by_issuer)
}

fn asked(wanted: &[String], matches: impl Fn(&str) -> bool) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    wanted.iter().any(|one| matches(one)).then_some(1)
}

fn separated(path: &str) -> String {
    path.replace(['/', '-'], ".")
}

/// `a.b.c`, `a.b`, `a`.
fn heads(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |head| head.rsplit_once('.').map(|(rest, _)| rest))
}

/// `b.c`, `c`.
fn tails(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.split_once('.').map(|(_, rest)| rest), |tail| tail.split_once('.').map(|(_, rest)| rest))
}

/// A header's normal form: lower case, words joined by `_`, whether they were parted by case (`dateOfBirth`), spaces
/// or signs. Runs of capitals stay together (`PatientID` is `patient_id`, `USUBJID` is `usubjid`).
#[must_use]
pub fn normal_header(header: &str) -> String {
    let mut normal = String::with_capacity(header.len() + 4);
    let mut before: Option<char> = None;
    let mut rest = header.chars().peekable();
    while let Some(c) = rest.next() {
        if !c.is_alphanumeric() {
            part(&mut normal);
        } else {
            let follows_lower = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
            let ends_capitals =
                before.is_some_and(char::is_uppercase) && rest.peek().is_some_and(|next| next.is_lowercase());
            if c.is_uppercase() && (follows_lower || ends_capitals) {
                part(&mut normal);
            }
            normal.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    normal.truncate(normal.trim_end_matches('_').len());
    normal
}

fn part(normal: &mut String) {
    if !normal.is_empty() && !normal.ends_with('_') {
        normal.push('_');
    }
}

#[cfg(test)]
mod tests {
    use super::{StructureMap, normal_header};
    use crate::content::StructureFile;

    fn map(vocabulary: &str, entries: &str) -> StructureMap {
        let text = format!(
            "vocabulary = \"{vocabulary}\"\ncitation = \"x\"\nsource_date = \"2026\"\nchecked = \"2026-11-23\"\n{entries}"
        );
        StructureMap::new([toml::from_str::<StructureFile>(&text).unwrap()])
    }

    #[test]
    fn headers_have_one_normal_form() {
        for (given, normal) in [
            ("Date of Birth", "date_of_birth"),
            ("dateOfBirth", "date_of_birth"),
            ("PatientID", "patient_id"),
            ("USUBJID", "usubjid"),
            (" E-Mail: ", "e_mail"),
            ("患者 氏名", "患者_氏名"),
            ("address2", "address2"),
            ("GeburtsDatum", "geburts_datum"),
        ] {
            assert_eq!(normal_header(given), normal, "{given}");
        }
    }

    #[test]
    fn the_most_specific_entry_wins() {
        let map = map(
            "cdisc",
            r#"
            map = [
              { path = ["*.USUBJID"], type = "SUBJECT_ID" },
              { path = ["CO.USUBJID"], skip = true },
              { path = ["*.*DTC"], type = "DATE" },
              { path = ["DM.*"], scan = true },
            ]"#,
        );
        assert!(map.meaning("cdisc", "AE.USUBJID", "", "").unwrap().identifier.is_some());
        assert!(map.meaning("cdisc", "CO.USUBJID", "", "").unwrap().skip);
        assert!(map.meaning("cdisc", "XX.XXSTDTC", "", "").unwrap().identifier.is_some());
        assert!(map.meaning("cdisc", "DM.XYZ", "", "").unwrap().scan);
        assert!(map.meaning("cdisc", "AE.AESEQ", "", "").is_none());
    }

    #[test]
    fn qualifiers_choose_among_entries_of_one_path() {
        let map = map(
            "fhir",
            r#"
            map = [
              { path = ["Patient.identifier.value"], type = "MRN" },
              { path = ["Patient.identifier.value"], kind = ["SS"], type = "US_SSN" },
              { path = ["Patient.identifier.value"], issuer = ["http://hl7.org/fhir/sid/passport-*"], type = "PASSPORT" },
            ]"#,
        );
        let kind = |kind: &str, issuer: &str| {
            map.meaning("fhir", "Patient.identifier.value", kind, issuer).unwrap().identifier.unwrap().as_str()
        };
        assert_eq!(kind("", ""), "MRN");
        assert_eq!(kind("ss", ""), "US_SSN");
        assert_eq!(kind("", "http://hl7.org/fhir/sid/passport-DEU"), "PASSPORT");
    }

    #[test]
    fn leading_words_of_a_header_may_be_dropped_unless_it_must_be_whole() {
        let map = map(
            "header",
            r#"
            map = [
              { path = ["name"], type = "PERSON", whole = true },
              { path = ["birth_date"], type = "DATE" },
            ]"#,
        );
        assert!(map.column("Name").is_some());
        assert!(map.column("gene_name").is_none());
        assert!(map.column("Patient Birth Date").is_some());
        assert!(map.key("patients.subject.birthDate").is_some());
    }
}
