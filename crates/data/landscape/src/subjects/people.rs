//! Who is known: tokens, profiles, which profiles are one person, and where they live.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use model::Jurisdiction;
use roaring::RoaringBitmap;
use store::subjects::{Delta, MergeRow, ProfileRow, TokenRow};

use super::rule::{Bearer, Link, resolve};
use super::{Accumulator, Counts, DamagedBitmap};
use crate::report::{SubjectRecord, Token, TokenKind};

/// Everybody known, in memory: about 200 bytes a profile. The store keeps the same, row by row.
#[derive(Debug, Default, Clone)]
pub struct People {
    token_ids: HashMap<Token, u32>,
    tokens: Vec<(Token, Option<u32>)>,
    bearers: Vec<Vec<u32>>,
    profiles: Vec<Box<[u32]>>,
    canonical: Vec<u32>,
    /// Profiles that are not canonical.
    merged: Accumulator,
    /// Members by canonical profile, for people with more than one.
    groups: HashMap<u32, Vec<u32>>,
    links: HashMap<u32, BTreeSet<Link>>,
    apart: HashMap<u32, BTreeSet<u32>>,
    jurisdictions: BTreeMap<Jurisdiction, Accumulator>,
    /// Worked out when it is first needed after a change.
    places: OnceLock<Places>,
}

/// People (canonical profiles) by jurisdiction.
#[derive(Debug, Default, Clone)]
struct Places {
    members: BTreeMap<Jurisdiction, Accumulator>,
    /// Whoever is in one of them.
    known: Accumulator,
    /// By person, which of `members` has them.
    homes: Vec<Home>,
}

/// Where somebody lives, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Home {
    #[default]
    Unknown,
    /// In this one of [`Places::members`] alone.
    One(u16),
    Several,
}

/// What assigning the records of one batch gave.
#[derive(Debug, Default)]
pub struct Assigned {
    /// Profiles by object, in the order given.
    pub profiles: Vec<Vec<u32>>,
    /// What is new or different, to be written down.
    pub delta: Delta,
}

impl People {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everybody the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(store: &store::Store) -> Result<Self, store::StoreError> {
        let mut people = Self::new();
        for row in store::subjects::tokens(store).await? {
            people.token_ids.insert(Token(row.token), row.id);
            people.tokens.push((Token(row.token), row.domain));
            people.bearers.push(Vec::new());
        }
        for row in store::subjects::profiles(store).await? {
            people.put_profile(row.tokens.into_boxed_slice(), row.canonical);
        }
        people.groups_from_canonical();
        for (first, second, token) in store::subjects::merges_in_force(store).await? {
            people.links.entry(second).or_default().insert(Link { first, second, token });
        }
        for row in store::subjects::separations(store).await? {
            if row.withdrawn_at.is_none() {
                people.keep_apart(row.first, row.second);
            }
        }
        for (profile, name) in store::subjects::jurisdictions(store).await? {
            if let Ok(jurisdiction) = name.parse::<Jurisdiction>() {
                people.jurisdictions.entry(jurisdiction).or_default().insert(profile);
            }
        }
        Ok(people)
    }

    /// Gives every record its profile, object by object, and applies the merge rule to whoever is concerned. `now` is
    /// when merges found here happened, in milliseconds since 1970, UTC.
    pub fn assign<'r>(&mut self, objects: impl IntoIterator<Item = &'r [SubjectRecord]>, now: i64) -> Assigned {
        let mut assigned = Assigned::default();
        let first_new = self.profiles.len();
        let mut placed = false;
        for records in objects {
            let mut ids: Vec<u32> = Vec::with_capacity(records.len());
            for record in records.iter().filter(|record| !record.tokens.is_empty()) {
                let profile = self.profile_of(record, &mut assigned.delta);
                placed |= self.place(profile, &record.jurisdiction, &mut assigned.delta);
                ids.push(profile);
            }
            ids.sort_unstable();
            ids.dedup();
            assigned.profiles.push(ids);
        }
        let new: Vec<u32> = (first_new..self.profiles.len()).filter_map(|id| u32::try_from(id).ok()).collect();
        self.settle(&new, now, &mut assigned.delta);
        if placed || !new.is_empty() {
            self.places = OnceLock::new();
        }
        delta_of_known(&mut assigned.delta, first_new);
        for row in &mut assigned.delta.profiles {
            row.canonical = self.canonical(row.id);
        }
        assigned
    }

    /// Keeps two profiles apart from now on, whatever they share. What changes is returned to be written down.
    pub fn separate(&mut self, first: u32, second: u32, now: i64) -> Delta {
        let mut delta = Delta::default();
        self.keep_apart(first, second);
        self.settle(&[first, second], now, &mut delta);
        self.places = OnceLock::new();
        delta
    }

    /// Takes a separation back.
    pub fn rejoin(&mut self, first: u32, second: u32, now: i64) -> Delta {
        let mut delta = Delta::default();
        for (one, other) in [(first, second), (second, first)] {
            if let Some(others) = self.apart.get_mut(&one) {
                others.remove(&other);
            }
        }
        self.apart.retain(|_, others| !others.is_empty());
        self.settle(&[first, second], now, &mut delta);
        self.places = OnceLock::new();
        delta
    }

    /// The profile that stands for the person whom `profile` describes.
    #[must_use]
    pub fn canonical(&self, profile: u32) -> u32 {
        self.canonical.get(profile as usize).copied().unwrap_or(profile)
    }

    /// Every profile of the person whom `profile` describes, rising.
    #[must_use]
    pub fn profiles_of(&self, profile: u32) -> Vec<u32> {
        let canonical = self.canonical(profile);
        self.groups.get(&canonical).cloned().unwrap_or_else(|| vec![canonical])
    }

    /// How many profiles there are.
    #[must_use]
    pub fn profile_count(&self) -> usize {
        self.profiles.len()
    }

    /// How many people there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.profiles.len() as u64 - self.merged.len()
    }

    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Distinct people among a set of profiles.
    #[must_use]
    pub fn count(&self, mut profiles: Accumulator) -> Counts {
        self.to_people(&mut profiles);
        let people = profiles.len();
        let mut jurisdictions: BTreeMap<Jurisdiction, u64> = BTreeMap::new();
        let places = self.places.get_or_init(|| self.places());
        for (jurisdiction, members) in &places.members {
            let count = profiles.common(members);
            if count > 0 {
                jurisdictions.insert(jurisdiction.clone(), count);
            }
        }
        let unknown = people - profiles.common(&places.known);
        if unknown > 0 {
            jurisdictions.insert(Jurisdiction::unknown(), unknown);
        }
        Counts { people, jurisdictions }
    }

    /// Makes of a set of profiles the set of the people whom they describe.
    pub(crate) fn settle_on_people(&self, profiles: &mut Accumulator) {
        self.to_people(profiles);
    }

    /// The person whom a record is about, if anybody known is: by a strong identifier, or by exactly what the record tells.
    #[must_use]
    pub fn known(&self, record: &SubjectRecord) -> Option<u32> {
        let bearers = |token: &Token| {
            let id = self.token_ids.get(token)?;
            self.bearers.get(*id as usize).filter(|bearers| !bearers.is_empty())
        };
        let is_strong = |kind: &TokenKind| matches!(kind, TokenKind::Strong { .. });
        let strong = record.tokens.iter().filter(|(kind, _)| is_strong(kind)).find_map(|(_, token)| bearers(token));
        if let Some(profile) = strong.and_then(|bearers| bearers.first()) {
            return Some(self.canonical(*profile));
        }
        let has_strong = record.tokens.iter().any(|(kind, _)| is_strong(kind));
        let mut named = record.tokens.iter().filter(|_| !has_strong).filter_map(|(_, token)| bearers(token));
        let mut people: BTreeSet<u32> = named.next()?.iter().map(|profile| self.canonical(*profile)).collect();
        // Two people of one name and birth date: nobody can say who it is.
        people.pop_first().filter(|_| people.is_empty())
    }

    /// Of each set of profiles how many distinct people live where: by jurisdiction, the sets in which somebody is, by their place in what is
    /// given, and how many. Whoever is known in two counts in both, whoever is known nowhere as `unknown`. A set is given in parts.
    ///
    /// # Errors
    /// When a stored bitmap is damaged.
    pub fn count_each<'b, P: IntoIterator<Item = &'b [u8]>>(
        &self,
        sets: impl IntoIterator<Item = P>,
    ) -> Result<BTreeMap<Jurisdiction, Vec<(usize, u64)>>, DamagedBitmap> {
        let places = self.places.get_or_init(|| self.places());
        let members: Vec<&Accumulator> = places.members.values().collect();
        // The last one is for people of whom no record tells.
        let mut found: Vec<Vec<(usize, u64)>> = vec![Vec::new(); members.len() + 1];
        let (mut people, mut counts) = (Vec::new(), vec![0_u64; found.len()]);
        for (at, parts) in sets.into_iter().enumerate() {
            people.clear();
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                let profiles = RoaringBitmap::deserialize_from(part).map_err(|_damaged| DamagedBitmap)?;
                people.extend(profiles.iter().map(|profile| self.canonical(profile)));
            }
            people.sort_unstable();
            people.dedup();
            let mut count = |place: usize| counts.get_mut(place).into_iter().for_each(|count| *count += 1);
            for person in &people {
                match places.homes.get(*person as usize).copied().unwrap_or_default() {
                    Home::Unknown => count(members.len()),
                    Home::One(place) => count(usize::from(place)),
                    Home::Several => {
                        let of = members.iter().enumerate().filter(|(_, members)| members.contains(*person));
                        of.for_each(|(place, _)| count(place));
                    }
                }
            }
            for (found, count) in found.iter_mut().zip(&mut counts).filter(|(_, count)| **count > 0) {
                found.push((at, std::mem::take(count)));
            }
        }
        let names = places.members.keys().cloned().chain(std::iter::once(Jurisdiction::unknown()));
        Ok(names.zip(found).filter(|(_, found)| !found.is_empty()).collect())
    }

    /// Replaces every profile by its canonical one.
    fn to_people(&self, profiles: &mut Accumulator) {
        for profile in profiles.common_ids(&self.merged) {
            profiles.remove(profile);
            profiles.insert(self.canonical(profile));
        }
    }

    fn profile_of(&mut self, record: &SubjectRecord, delta: &mut Delta) -> u32 {
        let mut tokens: Vec<u32> = record.tokens.iter().map(|(kind, token)| self.token(*kind, *token, delta)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let rarest = tokens.iter().min_by_key(|token| self.bearers.get(**token as usize).map_or(0, Vec::len)).copied();
        let candidates = rarest.and_then(|token| self.bearers.get(token as usize));
        let known = candidates.and_then(|candidates| {
            candidates.iter().copied().find(|id| self.profiles.get(*id as usize).is_some_and(|own| **own == *tokens))
        });
        if let Some(profile) = known {
            return profile;
        }
        let id = u32::try_from(self.profiles.len()).unwrap_or(u32::MAX);
        delta.profiles.push(ProfileRow { id, tokens: tokens.clone(), canonical: id });
        self.put_profile(tokens.into_boxed_slice(), id);
        id
    }

    fn token(&mut self, kind: TokenKind, token: Token, delta: &mut Delta) -> u32 {
        if let Some(id) = self.token_ids.get(&token) {
            return *id;
        }
        let id = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        let domain = match kind {
            TokenKind::Strong { domain } => Some(domain),
            TokenKind::NameAndBirth => None,
        };
        self.token_ids.insert(token, id);
        self.tokens.push((token, domain));
        self.bearers.push(Vec::new());
        delta.tokens.push(TokenRow { id, token: token.0, domain });
        id
    }

    fn put_profile(&mut self, tokens: Box<[u32]>, canonical: u32) {
        let id = u32::try_from(self.profiles.len()).unwrap_or(u32::MAX);
        for token in &tokens {
            if let Some(bearers) = self.bearers.get_mut(*token as usize) {
                bearers.push(id);
            }
        }
        self.profiles.push(tokens);
        self.canonical.push(canonical);
        if canonical != id {
            self.merged.insert(id);
        }
    }

    fn place(&mut self, profile: u32, jurisdiction: &Jurisdiction, delta: &mut Delta) -> bool {
        if !jurisdiction.is_known() {
            return false;
        }
        if !self.jurisdictions.contains_key(jurisdiction) {
            self.jurisdictions.insert(jurisdiction.clone(), Accumulator::new());
        }
        let Some(members) = self.jurisdictions.get_mut(jurisdiction) else { return false };
        let is_new = !members.contains(profile);
        if is_new {
            members.insert(profile);
            delta.jurisdictions.push((profile, jurisdiction.to_string()));
        }
        is_new
    }

    fn keep_apart(&mut self, first: u32, second: u32) {
        self.apart.entry(first).or_default().insert(second);
        self.apart.entry(second).or_default().insert(first);
    }

    /// Applies the rule to every region that `seeds` lie in.
    fn settle(&mut self, seeds: &[u32], now: i64, delta: &mut Delta) {
        let mut seen: HashSet<u32> = HashSet::new();
        for &seed in seeds {
            if seen.contains(&seed) {
                continue;
            }
            let region = self.region(seed, &mut seen);
            if region.len() > 1 {
                self.settle_region(&region, now, delta);
            }
        }
    }

    /// Every profile connected with `seed` through any token.
    fn region(&self, seed: u32, seen: &mut HashSet<u32>) -> Vec<u32> {
        let mut region = vec![seed];
        let mut tokens_seen: HashSet<u32> = HashSet::new();
        seen.insert(seed);
        let mut at = 0;
        while let Some(&profile) = region.get(at) {
            at += 1;
            for token in self.profiles.get(profile as usize).into_iter().flatten() {
                let bearers = self.bearers.get(*token as usize).filter(|bearers| bearers.len() > 1);
                let Some(bearers) = bearers.filter(|_| tokens_seen.insert(*token)) else { continue };
                region.extend(bearers.iter().copied().filter(|other| seen.insert(*other)));
            }
        }
        region
    }

    fn settle_region(&mut self, region: &[u32], now: i64, delta: &mut Delta) {
        let outcome = resolve(region.iter().map(|profile| self.bearer(*profile)).collect(), &self.apart);
        for (profile, canonical) in &outcome.canonical {
            self.groups.remove(profile);
            if let Some(present) = self.canonical.get_mut(*profile as usize)
                && *present != *canonical
            {
                *present = *canonical;
                delta.canonical.push((*profile, *canonical));
            }
            if profile == canonical { self.merged.remove(*profile) } else { self.merged.insert(*profile) }
        }
        for (profile, canonical) in &outcome.canonical {
            self.groups.entry(*canonical).or_default().push(*profile);
        }
        for (profile, _) in &outcome.canonical {
            if let Some(members) = self.groups.get_mut(profile) {
                members.sort_unstable();
            }
            if self.groups.get(profile).is_some_and(|members| members.len() < 2) {
                self.groups.remove(profile);
            }
        }
        self.replace_links(region, &outcome.links, now, delta);
    }

    fn replace_links(&mut self, region: &[u32], links: &[Link], now: i64, delta: &mut Delta) {
        let before: BTreeSet<Link> = region.iter().filter_map(|profile| self.links.remove(profile)).flatten().collect();
        let after: BTreeSet<Link> = links.iter().copied().collect();
        delta.ended.extend(before.difference(&after).map(|link| (link.first, link.second, link.token)));
        for link in after.difference(&before) {
            let domain = self.tokens.get(link.token as usize).and_then(|(_, domain)| *domain);
            delta.merges.push(MergeRow {
                id: 0,
                first: link.first,
                second: link.second,
                token_id: link.token,
                rule: if domain.is_some() { "strong" } else { "name_birth" }.to_owned(),
                merged_at: now,
                ended_at: None,
            });
        }
        for link in after {
            self.links.entry(link.second).or_default().insert(link);
        }
    }

    fn bearer(&self, profile: u32) -> Bearer {
        let tokens = self.profiles.get(profile as usize).into_iter().flatten();
        let tokens =
            tokens.filter_map(|id| self.tokens.get(*id as usize).map(|(token, domain)| (*id, *domain, *token)));
        Bearer { profile, tokens: tokens.collect() }
    }

    fn groups_from_canonical(&mut self) {
        for (profile, canonical) in (0_u32..).zip(&self.canonical) {
            if profile != *canonical {
                self.groups.entry(*canonical).or_insert_with(|| vec![*canonical]).push(profile);
            }
        }
    }

    fn places(&self) -> Places {
        let mut places = Places {
            members: self.jurisdictions.clone(),
            known: Accumulator::new(),
            homes: vec![Home::Unknown; self.profiles.len()],
        };
        for (number, members) in (0_u16..).zip(places.members.values_mut()) {
            self.to_people(members);
            places.known.union(members);
            for person in members.common_ids(members) {
                if let Some(home) = places.homes.get_mut(person as usize) {
                    *home = if *home == Home::Unknown { Home::One(number) } else { Home::Several };
                }
            }
        }
        places
    }
}

/// New profiles are written with their canonical profile at once; only older ones need an update.
fn delta_of_known(delta: &mut Delta, first_new: usize) {
    delta.canonical.retain(|(profile, _)| (*profile as usize) < first_new);
}

/// Counts for a run that keeps nothing: the same rule, in memory.
#[derive(Debug, Default)]
pub struct Tally {
    people: People,
    all: Accumulator,
}

impl Tally {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the records of one object; how many distinct people are in this object alone, as far as is known by now.
    pub fn add(&mut self, records: &[SubjectRecord]) -> Counts {
        let assigned = self.people.assign([records], 0);
        let mut own = Accumulator::new();
        assigned.profiles.iter().flatten().for_each(|profile| own.insert(*profile));
        self.all.union(&own);
        self.people.count(own)
    }

    /// Distinct people over all objects so far.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.people.count(self.all.clone())
    }
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
