//! Who is in many objects and versions at once: read from the store once, counted as often as a question needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::Jurisdiction;

use crate::subjects::{Counts, LabelUnions};
use crate::{Catalogue, CatalogueError};

/// Groups that one thread counts as fast as two.
const GROUPS_FEW: usize = 1_000;

/// What people are counted in together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Objects of the catalogue: as each was last inspected.
    pub objects: Vec<u32>,
    /// Versions behind the guard, by id: as each was inspected when it was stored.
    pub versions: Vec<[u8; 16]>,
}

/// Labels in force, joined by commas, and the stored bitmap of profiles.
type Part = (String, Vec<u8>);

/// Who is in what was asked for, as it was stored when it was read.
#[derive(Debug, Default)]
pub struct HeldPeople {
    objects: HashMap<u32, Part>,
    versions: HashMap<[u8; 16], Vec<Part>>,
}

impl HeldPeople {
    /// Parts in which people of `held` are, each once. What was not read has none.
    fn of<'a, 'h>(&'a self, held: &'h Held) -> impl Iterator<Item = &'a Part> + use<'a, 'h> {
        let objects = held.objects.iter().filter_map(|id| self.objects.get(id));
        objects.chain(held.versions.iter().filter_map(|id| self.versions.get(id)).flatten())
    }

    fn sets<'a, 'h>(&'a self, held: &'h Held) -> impl Iterator<Item = &'a [u8]> + use<'a, 'h> {
        self.of(held).map(|(_, ids)| ids.as_slice())
    }
}

impl Catalogue {
    /// Who is in all that is held, read once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_held<'a>(&self, all: impl IntoIterator<Item = &'a Held>) -> Result<HeldPeople, CatalogueError> {
        let (mut objects, mut versions): (BTreeSet<u32>, BTreeSet<[u8; 16]>) = Default::default();
        for held in all {
            objects.extend(&held.objects);
            versions.extend(&held.versions);
        }
        let (objects, versions) = (Vec::from_iter(objects), Vec::from_iter(versions));
        let mut known = HeldPeople::default();
        for (id, labels, ids) in store::subjects::people_labelled(self.store(), &objects).await? {
            known.objects.insert(id, (labels, ids));
        }
        for part in store::guarded::people::of(self.store(), &versions).await? {
            known.versions.entry(part.version).or_default().push((part.labels, part.ids));
        }
        Ok(known)
    }

    /// The distinct people of each of some sets by label in force; the empty key is the total. A set that begins with the one
    /// before it (as sets up to rising grades do) costs only what it adds.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn count_held(
        &self,
        known: &HeldPeople,
        sets: &[Held],
    ) -> Result<Vec<BTreeMap<String, Counts>>, CatalogueError> {
        let counted = self.with_people(|people| {
            let mut unions = LabelUnions::default();
            let mut before = Held::default();
            let mut counted = Vec::with_capacity(sets.len());
            for held in sets {
                let more = (held.objects.strip_prefix(&*before.objects), held.versions.strip_prefix(&*before.versions));
                let more = match more {
                    (Some(objects), Some(versions)) => Held { objects: objects.to_vec(), versions: versions.to_vec() },
                    _ => {
                        unions = LabelUnions::default();
                        held.clone()
                    }
                };
                for (labels, ids) in known.of(&more) {
                    unions.add(labels, ids)?;
                }
                counted.push(unions.counts(people));
                before = held.clone();
            }
            Ok::<_, crate::subjects::DamagedBitmap>(counted)
        });
        Ok(counted.await??)
    }

    /// Of each group how many distinct people live where: by jurisdiction, the groups in which somebody is, by their place in what is given,
    /// and how many.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn place_held(
        &self,
        known: &HeldPeople,
        groups: &[Held],
    ) -> Result<BTreeMap<Jurisdiction, Vec<(usize, u64)>>, CatalogueError> {
        let (first, second) = groups.split_at(if groups.len() < GROUPS_FEW { groups.len() } else { groups.len() / 2 });
        let counted = self.with_people(|people| {
            let count = |groups: &[Held]| people.count_each(groups.iter().map(|held| known.sets(held)));
            std::thread::scope(|scope| {
                let other = (!second.is_empty()).then(|| scope.spawn(|| count(second)));
                let mut all = count(first)?;
                if let Some(other) = other {
                    let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    for (place, found) in other? {
                        let moved = found.into_iter().map(|(at, people)| (at + first.len(), people));
                        all.entry(place).or_default().extend(moved);
                    }
                }
                Ok::<_, crate::subjects::DamagedBitmap>(all)
            })
        });
        Ok(counted.await??)
    }
}
