//! The merge rule, applied to the profiles that are connected through any token.
//!
//! Within such a region: tokens are taken in a fixed order, strong ones (by domain, then bytes) before names with birth
//! dates (by bytes), the bearers of each in the order of their own tokens' bytes. Every bearer joins the first group of
//! earlier bearers that it may join, or opens another group. A strong token joins unless a person keeps the two apart;
//! name and birth date join unless that, or unless both sides hold a strong identifier of one domain (they would be one
//! already if these were equal). The order depends on content alone, so the outcome does not depend on the order in
//! which records were read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::report::Token;

/// One profile of the region.
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    /// Its number.
    pub(super) profile: u32,
    /// Its tokens: number, domain (`None` for name and birth date), value.
    pub(super) tokens: Vec<(u32, Option<u32>, Token)>,
}

/// Why two profiles are one person: both carry the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Link {
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) token: u32,
}

/// Groups of one person each, by position in `bearers`, and the links that made them.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The group's canonical profile, by profile.
    pub(super) canonical: Vec<(u32, u32)>,
    /// Evidence, one for each union.
    pub(super) links: Vec<Link>,
}

/// Tokens in the order in which they join: strong ones first, by domain.
type TokenOrder = (bool, Option<u32>, Token);

/// Applies the rule to one region. `apart` tells whom a person keeps apart.
pub(super) fn resolve(mut bearers: Vec<Bearer>, apart: &HashMap<u32, BTreeSet<u32>>) -> Outcome {
    for bearer in &mut bearers {
        bearer.tokens.sort_by_key(|(_, domain, token)| (domain.is_none(), *domain, *token));
    }
    bearers.sort_by(|a, b| values(a).cmp(values(b)));
    let mut by_token: BTreeMap<TokenOrder, (u32, Vec<usize>)> = BTreeMap::new();
    for (at, bearer) in bearers.iter().enumerate() {
        for (number, domain, token) in &bearer.tokens {
            by_token.entry((domain.is_none(), *domain, *token)).or_insert((*number, Vec::new())).1.push(at);
        }
    }
    let mut groups = Groups::new(&bearers, apart);
    for ((is_name, ..), (number, at)) in &by_token {
        if at.len() > 1 {
            groups.join_bearers(*number, at, *is_name);
        }
    }
    groups.outcome()
}

fn values(bearer: &Bearer) -> impl Iterator<Item = Token> + '_ {
    bearer.tokens.iter().map(|(_, _, token)| *token)
}

struct Groups<'a> {
    bearers: &'a [Bearer],
    apart: &'a HashMap<u32, BTreeSet<u32>>,
    parent: Vec<usize>,
    domains: Vec<BTreeSet<u32>>,
    /// Profiles of a group by its root; filled only where someone is kept apart.
    members: HashMap<usize, BTreeSet<u32>>,
    links: Vec<Link>,
}

impl<'a> Groups<'a> {
    fn new(bearers: &'a [Bearer], apart: &'a HashMap<u32, BTreeSet<u32>>) -> Self {
        let domains = bearers.iter().map(|b| b.tokens.iter().filter_map(|(_, domain, _)| *domain).collect()).collect();
        let kept_apart = bearers.iter().any(|bearer| apart.contains_key(&bearer.profile));
        let members = if kept_apart {
            bearers.iter().enumerate().map(|(at, bearer)| (at, BTreeSet::from([bearer.profile]))).collect()
        } else {
            HashMap::new()
        };
        Self { bearers, apart, parent: (0..bearers.len()).collect(), domains, members, links: Vec::new() }
    }

    #[expect(clippy::indexing_slicing, reason = "parents are positions of `bearers` by construction")]
    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// Opens groups for the bearers of one token. Groups open so far are kept by their domains, so that a name that
    /// thousands share who all have numbers of one hospital does not compare all with all.
    #[expect(clippy::indexing_slicing, reason = "positions come from `bearers` by construction")]
    fn join_bearers(&mut self, token: u32, bearers: &[usize], is_name: bool) {
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut by_root: HashMap<usize, usize> = HashMap::new();
        let mut by_domains: BTreeMap<BTreeSet<u32>, BTreeSet<usize>> = BTreeMap::new();
        for &bearer in bearers {
            let root = self.root(bearer);
            if by_root.contains_key(&root) {
                continue;
            }
            match self.first_fit(root, &open, &by_domains, is_name) {
                Some(group) => {
                    let (old_root, witness) = open[group];
                    if let Some(set) = by_domains.get_mut(&self.domains[old_root]) {
                        set.remove(&group);
                    }
                    by_root.remove(&old_root);
                    let new_root = self.union(old_root, root);
                    let (first, second) = (self.bearers[witness].profile, self.bearers[bearer].profile);
                    self.links.push(Link { first, second, token });
                    open[group] = (new_root, witness);
                    by_root.insert(new_root, group);
                    by_domains.entry(self.domains[new_root].clone()).or_default().insert(group);
                }
                None => {
                    by_domains.entry(self.domains[root].clone()).or_default().insert(open.len());
                    by_root.insert(root, open.len());
                    open.push((root, bearer));
                }
            }
        }
    }

    #[expect(clippy::indexing_slicing, reason = "positions come from `bearers` by construction")]
    fn first_fit(
        &self,
        root: usize,
        open: &[(usize, usize)],
        by_domains: &BTreeMap<BTreeSet<u32>, BTreeSet<usize>>,
        is_name: bool,
    ) -> Option<usize> {
        let fits = |domains: &BTreeSet<u32>| !is_name || domains.is_disjoint(&self.domains[root]);
        by_domains
            .iter()
            .filter(|(domains, _)| fits(domains))
            .filter_map(|(_, groups)| groups.iter().copied().find(|group| !self.kept_apart(open[*group].0, root)))
            .min()
    }

    fn kept_apart(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (self.members.get(&a), self.members.get(&b)) else { return false };
        a.iter().any(|profile| self.apart.get(profile).is_some_and(|others| !others.is_disjoint(b)))
    }

    #[expect(clippy::indexing_slicing, reason = "positions come from `bearers` by construction")]
    fn union(&mut self, a: usize, b: usize) -> usize {
        let (root, other) = (a.min(b), a.max(b));
        self.parent[other] = root;
        let domains = std::mem::take(&mut self.domains[other]);
        self.domains[root].extend(domains);
        if let Some(members) = self.members.remove(&other) {
            self.members.entry(root).or_default().extend(members);
        }
        root
    }

    fn outcome(mut self) -> Outcome {
        let mut smallest: HashMap<usize, u32> = HashMap::new();
        for (at, bearer) in self.bearers.iter().enumerate() {
            let root = self.root(at);
            let profile = bearer.profile;
            smallest.entry(root).and_modify(|least| *least = profile.min(*least)).or_insert(profile);
        }
        let mut canonical = Vec::with_capacity(self.bearers.len());
        for (at, bearer) in self.bearers.iter().enumerate() {
            let root = self.root(at);
            canonical.push((bearer.profile, smallest.get(&root).copied().unwrap_or(bearer.profile)));
        }
        Outcome { canonical, links: self.links }
    }
}
