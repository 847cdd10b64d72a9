//! Records become data subjects: parts of a record are collected, turned into keyed tokens and counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Jurisdiction;
use zeroize::Zeroizing;

use super::link::Linked;
use super::{birth, country};
use crate::report::{SubjectRecord, Token, TokenKind};

/// The key of all tokens of one installation: without it, nobody can tell whether a token is some person's number.
#[derive(Clone)]
pub struct TokenKey(Zeroizing<[u8; 32]>);

impl TokenKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// BLAKE3 in keyed mode over domain and value, cut to 128 bits.
    fn token(&self, domain: &[u8], value: &[u8]) -> Token {
        // A separator that no normalised value holds keeps ("ab", "c") apart from ("a", "bc").
        let hash = blake3::keyed_hash(&self.0, &[domain, &[0xFF], value].concat());
        let mut token = [0u8; 16];
        token.copy_from_slice(&hash.as_bytes()[..16]);
        Token(token)
    }
}

/// A strong identifier as a record holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strong {
    domain: u32,
    token: Token,
    is_empty: bool,
}

/// The parts of the record at hand.
#[derive(Default)]
pub(super) struct Record {
    strong: Vec<(u32, Token)>,
    full: String,
    family: String,
    given: String,
    /// A name that fills a cell or field of which nothing tells whose it is.
    unlabelled: String,
    birth: Option<u32>,
    country: String,
    state: String,
    postcode: String,
    study: String,
    site: String,
    /// USUBJID, SUBJID and their like wait for the study that may come later in the record.
    within_study: Vec<(String, bool)>,
    /// Country that issued a national number, when the record has one.
    issued_in: Option<&'static str>,
    links: Linked,
    used: bool,
    /// Domains that were made last, by class and issuer. They outlive the record.
    domains: Vec<(String, String, u32)>,
}

/// Domains that are remembered: files name a handful of issuers.
const DOMAINS_MAX: usize = 16;

impl Record {
    pub(super) fn name(&mut self, value: &str) {
        set(&mut self.full, value, &mut self.used);
    }
    pub(super) fn has_name(&self) -> bool {
        !self.full.is_empty() || !self.family.is_empty()
    }
    /// Takes a name that nothing says to be the subject's: it counts beside a birth date, where no other name does.
    pub(super) fn unlabelled_name(&mut self, value: &str) {
        if self.unlabelled.is_empty() {
            self.unlabelled.push_str(value.trim());
        }
    }
    pub(super) fn family(&mut self, value: &str) {
        set(&mut self.family, value, &mut self.used);
    }
    pub(super) fn given(&mut self, value: &str) {
        set(&mut self.given, value, &mut self.used);
    }
    pub(super) fn country(&mut self, value: &str) {
        set(&mut self.country, value, &mut self.used);
    }
    pub(super) fn state(&mut self, value: &str) {
        set(&mut self.state, value, &mut self.used);
    }
    pub(super) fn postcode(&mut self, value: &str) {
        set(&mut self.postcode, value, &mut self.used);
    }
    pub(super) fn study(&mut self, value: &str) {
        set(&mut self.study, value, &mut self.used);
    }
    pub(super) fn site(&mut self, value: &str) {
        set(&mut self.site, value, &mut self.used);
    }

    /// Takes what other records call this one by.
    pub(super) fn key(&mut self, value: &str) {
        self.links.is(value);
    }
    /// Takes the key of the record whose subject this one is about.
    pub(super) fn key_of(&mut self, value: &str) {
        self.links.of(value);
    }
    /// The keys, once.
    pub(super) fn take_links(&mut self) -> Option<Linked> {
        Some(std::mem::take(&mut self.links)).filter(|links| !links.is_empty())
    }

    /// Takes a birth date; tells whether another one was there already.
    pub(super) fn birth(&mut self, value: &str) -> bool {
        let Some(date) = birth::normalize(value) else { return false };
        self.used = true;
        match self.birth {
            Some(known) => known != date,
            None => {
                self.birth = Some(date);
                false
            }
        }
    }

    /// What `value` of `class` and `issuer` is held as.
    pub(super) fn strong_of(&mut self, key: &TokenKey, class: &str, issuer: &str, value: &str) -> Strong {
        let value = compact(value);
        let domain = self.domain(class, issuer);
        Strong { domain, token: key.token(&domain.to_le_bytes(), value.as_bytes()), is_empty: value.is_empty() }
    }

    fn domain(&mut self, class: &str, issuer: &str) -> u32 {
        let known = self.domains.iter().find(|(known, its, _)| known == class && its == issuer);
        if let Some((_, _, domain)) = known {
            return *domain;
        }
        if self.domains.len() >= DOMAINS_MAX {
            self.domains.clear();
        }
        let domain = domain(class, issuer);
        self.domains.push((class.to_owned(), issuer.to_owned(), domain));
        domain
    }

    /// Whether a strong identifier would contradict what the record holds already.
    pub(super) fn contradicts(&self, strong: Strong) -> bool {
        self.strong.iter().any(|&(known, other)| known == strong.domain && other != strong.token)
    }

    /// Whether another birth date would contradict the one that is held.
    pub(super) fn contradicts_birth(&self, value: &str) -> bool {
        matches!((self.birth, birth::normalize(value)), (Some(a), Some(b)) if a != b)
    }

    /// Takes a strong identifier; the first of a domain counts.
    pub(super) fn strong(&mut self, key: &TokenKey, class: &str, issuer: &str, value: &str) {
        let strong = self.strong_of(key, class, issuer, value);
        self.take(strong);
    }

    /// As [`Self::strong`].
    pub(super) fn take(&mut self, Strong { domain, token, is_empty }: Strong) {
        if !is_empty && !self.strong.iter().any(|(known, _)| *known == domain) {
            self.strong.push((domain, token));
            self.used = true;
        }
    }

    /// Takes a trial subject's number: `unique` within its study (USUBJID), or within its site only.
    pub(super) fn trial_subject(&mut self, value: &str, unique: bool) {
        self.used = true;
        self.within_study.push((compact(value), unique));
    }

    /// Notes that a national number of that country was found.
    pub(super) fn issued_in(&mut self, country: &str) {
        if self.issued_in.is_none() {
            self.issued_in = country::country_code(country);
        }
    }

    /// Ends the record: a data subject if it tells one, and an empty record again.
    pub(super) fn finish(&mut self, key: &TokenKey, places: &mut Places) -> Option<SubjectRecord> {
        if !self.used {
            self.unlabelled.clear();
            return None;
        }
        self.take_trial_subject(key);
        let mut tokens: Vec<(TokenKind, Token)> =
            self.strong.iter().map(|&(domain, token)| (TokenKind::Strong { domain }, token)).collect();
        if let Some(birth) = self.birth {
            let full = if self.has_name() { &self.full } else { &self.unlabelled };
            let name = full_name(full, &self.family, &self.given);
            if name.len() >= 3 {
                let token = key.token(b"name+birth", format!("{name}|{birth}").as_bytes());
                tokens.push((TokenKind::NameAndBirth, token));
            }
        }
        let mut jurisdiction = places.jurisdiction(&self.country, &self.state, &self.postcode);
        if !jurisdiction.is_known()
            && let Some(code) = self.issued_in
        {
            jurisdiction = Jurisdiction::country(code);
        }
        self.clear();
        (!tokens.is_empty()).then_some(SubjectRecord { tokens, jurisdiction })
    }

    /// A subject unique within the study wins over one unique within its site. Most sponsors begin USUBJID with STUDYID
    /// (SDTMIG 3.4 section 4.1.2 wants it unique across studies): such a number names its study itself, and is the same
    /// number in a listing that has no column for the study.
    fn take_trial_subject(&mut self, key: &TokenKey) {
        let numbers = std::mem::take(&mut self.within_study);
        let unique = numbers.iter().find(|(_, unique)| *unique);
        let Some((value, unique)) = unique.or_else(|| numbers.first()) else { return };
        let study = compact(&self.study);
        let issuer = match unique {
            true if value.starts_with(&study) => String::new(),
            true => study,
            false => format!("{study}/{}", self.site),
        };
        let class = if *unique { "usubjid" } else { "subjid" };
        self.strong(key, class, &issuer, value);
    }

    fn clear(&mut self) {
        self.strong.clear();
        self.within_study.clear();
        for text in [
            &mut self.full,
            &mut self.family,
            &mut self.given,
            &mut self.unlabelled,
            &mut self.country,
            &mut self.state,
            &mut self.postcode,
            &mut self.study,
            &mut self.site,
        ] {
            text.clear();
        }
        self.birth = None;
        self.issued_in = None;
        self.links = Linked::default();
        self.used = false;
    }
}

fn set(slot: &mut String, value: &str, used: &mut bool) {
    if slot.is_empty() {
        slot.push_str(value.trim());
        *used = true;
    }
}

/// Class and issuer as a number, so that a disagreement within a domain can be seen without keeping names.
fn domain(class: &str, issuer: &str) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(class.as_bytes());
    hasher.update(&[0xFF]);
    hasher.update(compact(issuer).as_bytes());
    let bytes = hasher.finalize();
    u32::from_le_bytes(std::array::from_fn(|i| bytes.as_bytes()[i]))
}

/// Letters and digits alone, upper case, full-width folded.
fn compact(value: &str) -> String {
    if value.is_ascii() {
        let mut compact = value.to_ascii_uppercase();
        compact.retain(|c| c.is_ascii_alphanumeric());
        return compact;
    }
    value.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Full-width forms to their ASCII counterparts (Unicode block Halfwidth and Fullwidth Forms).
fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// A name as sorted words without titles, initials and case, so that `Smith, Jane A.` and `Jane Smith` are one.
fn full_name(full: &str, family: &str, given: &str) -> String {
    const TITLES: [&str; 14] =
        ["mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "jr", "sr", "ii", "iii", "phd", "md"];
    let text = if family.is_empty() { full.to_owned() } else { format!("{family} {}", first_word(given)) };
    let folded: String = text.chars().map(narrow).flat_map(char::to_lowercase).map(unaccented).collect();
    let mut words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
        .filter(|word| !word.is_empty() && !TITLES.contains(word))
        .filter(|word| word.chars().count() > 1 || !word.is_ascii())
        .collect();
    // A full name's middle names are dropped, as they are where family and given names stand apart.
    if family.is_empty() && words.len() > 2 {
        words = match full.contains(',') {
            true => vec![words[0], words[1]],
            false => vec![words[0], words[words.len() - 1]],
        };
    }
    words.sort_unstable();
    words.join(" ")
}

fn first_word(given: &str) -> &str {
    given.split_whitespace().next().unwrap_or("")
}

/// The Latin-1 letters without their accents.
fn unaccented(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        _ => c,
    }
}

/// Remembers how places resolved: files repeat a handful of them.
#[derive(Default)]
pub(super) struct Places {
    known: HashMap<String, Jurisdiction>,
}

impl Places {
    /// Distinct places remembered before starting over.
    const REMEMBERED_MAX: usize = 10_000;

    fn jurisdiction(&mut self, country: &str, state: &str, postcode: &str) -> Jurisdiction {
        if country.is_empty() && state.is_empty() {
            return Jurisdiction::unknown();
        }
        let postcode = if country.is_empty() { postcode } else { "" };
        let key = format!("{country}\u{1F}{state}\u{1F}{postcode}");
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        if self.known.len() >= Self::REMEMBERED_MAX {
            self.known.clear();
        }
        let found = country::jurisdiction(country, state, postcode);
        self.known.insert(key, found.clone());
        found
    }
}

/// The distinct records of one object.
#[derive(Default)]
pub(super) struct Subjects {
    seen: HashSet<Vec<Token>>,
    records: Vec<SubjectRecord>,
}

impl Subjects {
    pub(super) fn add(&mut self, record: SubjectRecord) {
        let tokens = record.tokens.iter().map(|(_, token)| *token).collect();
        if self.seen.insert(tokens) {
            self.records.push(record);
        } else if record.jurisdiction.is_known() {
            let same = |known: &&mut SubjectRecord| known.tokens == record.tokens;
            if let Some(known) = self.records.iter_mut().rev().take(64).find(same)
                && !known.jurisdiction.is_known()
            {
                known.jurisdiction = record.jurisdiction;
            }
        }
    }

    pub(super) fn into_records(self) -> Vec<SubjectRecord> {
        self.records
    }
}

/// Distinct subjects among records, and how many live where.
///
/// Strong identifiers join first; name and birth date then join what no strong identifier of one domain keeps apart.
pub(crate) fn distinct(records: &[SubjectRecord]) -> (u64, BTreeMap<Jurisdiction, u64>) {
    let mut groups = Groups::of(records);
    let mut by_name: HashMap<Token, Vec<usize>> = HashMap::new();
    for (i, record) in records.iter().enumerate() {
        for (kind, token) in &record.tokens {
            if matches!(kind, TokenKind::NameAndBirth) {
                by_name.entry(*token).or_default().push(i);
            }
        }
    }
    let mut names: Vec<(Token, Vec<usize>)> = by_name.into_iter().collect();
    names.sort_unstable_by_key(|(_, members)| members.first().copied());
    for (_, members) in names {
        groups.join_by_name(&members);
    }
    let mut homes: HashMap<usize, Jurisdiction> = HashMap::new();
    for (i, record) in records.iter().enumerate() {
        let home = homes.entry(groups.root(i)).or_insert_with(Jurisdiction::unknown);
        if !home.is_known() {
            *home = record.jurisdiction.clone();
        }
    }
    let mut by_jurisdiction = BTreeMap::new();
    for home in homes.values() {
        *by_jurisdiction.entry(home.clone()).or_insert(0) += 1;
    }
    (homes.len() as u64, by_jurisdiction)
}

struct Groups {
    parent: Vec<usize>,
    /// Strong tokens of each root, by domain.
    strong: Vec<Vec<(u32, Token)>>,
}

impl Groups {
    fn of(records: &[SubjectRecord]) -> Self {
        let mut groups = Self { parent: (0..records.len()).collect(), strong: vec![Vec::new(); records.len()] };
        let mut first: HashMap<Token, usize> = HashMap::new();
        for (i, record) in records.iter().enumerate() {
            for (kind, token) in &record.tokens {
                if let TokenKind::Strong { domain } = kind {
                    let root = groups.root(i);
                    groups.strong[root].push((*domain, *token));
                    let other = *first.entry(*token).or_insert(i);
                    groups.join(other, i);
                }
            }
        }
        groups
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parent[b] = a;
            let moved = std::mem::take(&mut self.strong[b]);
            self.strong[a].extend(moved);
        }
    }

    /// Joins each member to the first group of the same name that no strong identifier keeps it apart from.
    fn join_by_name(&mut self, members: &[usize]) {
        let mut roots: Vec<usize> = Vec::new();
        for &member in members {
            let root = self.root(member);
            if roots.contains(&root) {
                continue;
            }
            match roots.iter().copied().find(|&known| !self.disagree(known, root)) {
                Some(known) => self.join(known, root),
                None => roots.push(root),
            }
        }
    }

    fn disagree(&self, a: usize, b: usize) -> bool {
        self.strong[a].iter().any(|(domain, token)| {
            let same = |(other, _): &&(u32, Token)| other == domain;
            let mut rivals = self.strong[b].iter().filter(same).peekable();
            rivals.peek().is_some() && !rivals.any(|(_, other)| other == token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, Record, Subjects, TokenKey, distinct, full_name};

    fn record(mrn: &str, ssn: &str, name: &str, birth: &str) -> crate::report::SubjectRecord {
        let key = TokenKey::new([7; 32]);
        let mut record = Record::default();
        if !mrn.is_empty() {
            record.strong(&key, "MRN", "hospital", mrn);
        }
        if !ssn.is_empty() {
            record.strong(&key, "US_SSN", "", ssn);
        }
        record.name(name);
        record.birth(birth);
        record.finish(&key, &mut Places::default()).unwrap()
    }

    #[test]
    fn names_in_any_order_are_one() {
        assert_eq!(full_name("Smith, Jane A.", "", ""), full_name("", "SMITH", "Jane Ann"));
        assert_eq!(full_name("Dr. José  Núñez", "", ""), full_name("Nunez, Jose", "", ""));
    }

    #[test]
    fn strong_identifiers_join_and_keep_apart() {
        let records = [
            record("1", "", "Jane Smith", "1961-03-05"),
            record("1", "123456789", "", ""),
            record("", "123-45-6789", "J Smith", "1970-01-01"),
            // The same name and birth date with another MRN of the same hospital: somebody else.
            record("2", "", "Smith, Jane", "03/05/1961"),
            // The same name and birth date with no number: the first of the two.
            record("", "", "Jane Smith", "19610305"),
        ];
        assert_eq!(distinct(&records).0, 2);
    }

    #[test]
    fn equal_records_are_kept_once() {
        let mut subjects = Subjects::default();
        for _ in 0..3 {
            subjects.add(record("1", "", "Jane Smith", "1961-03-05"));
        }
        assert_eq!(subjects.into_records().len(), 1);
    }
}
