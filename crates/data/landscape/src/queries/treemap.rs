//! The landscape as nested areas.

use std::collections::BTreeMap;

use model::Label;
use store::totals;

use super::Sum;
use crate::catalogue::{PeopleByPath, Sets, risk};
use crate::subjects::{Accumulator, DamagedBitmap, People};
use crate::{Catalogue, CatalogueError};

/// By what areas are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The study; the empty name is objects of no known study.
    Study,
    /// The gravest label in force, so that areas do not overlap.
    Label,
    /// The format.
    Format,
    /// The source's id.
    Source,
}

/// One area.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Node {
    /// The value that its objects share; empty for the whole, or where it is unknown.
    pub name: String,
    /// Objects and bytes.
    pub sum: Sum,
    /// Distinct people, where areas above and including this one are divided by study and label alone.
    pub people: Option<u64>,
    /// Areas within, largest first.
    pub children: Vec<Node>,
}

impl Dimension {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Label => "label",
            Self::Format => "format",
            Self::Source => "source",
        }
    }
}

impl Catalogue {
    /// The landscape divided by `dimensions`, outermost first. What is gone is left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn treemap(&self, dimensions: &[Dimension]) -> Result<Node, CatalogueError> {
        let rows = totals::all(self.store()).await?;
        let mut root = Branch::default();
        // What is gone or could not be read has no area: a bomb would else cover the picture with what it expands to.
        for (key, total) in rows.iter().filter(|(key, _)| key.state == crate::catalogue::PRESENT) {
            let names = dimensions.iter().map(|dimension| match dimension {
                Dimension::Study => key.study.clone(),
                Dimension::Label => gravest(&key.labels),
                Dimension::Format => key.format.clone(),
                Dimension::Source => key.source_id.to_string(),
            });
            root.add(names, total);
        }
        let countable = dimensions.iter().take_while(|d| matches!(d, Dimension::Study | Dimension::Label));
        let countable: Vec<Dimension> = countable.copied().collect();
        let counts = self.people_by_area(&countable, |people, unions| count(people, unions, &countable)).await?;
        Ok(root.node("", &counts, &[]))
    }
}

fn gravest(labels: &str) -> String {
    let labels: Vec<Label> = labels.split(',').filter_map(|name| name.parse().ok()).collect();
    risk::gravest(&labels).as_str().to_owned()
}

#[derive(Default)]
struct Branch {
    sum: Sum,
    children: BTreeMap<String, Branch>,
}

impl Branch {
    fn add(&mut self, mut names: impl Iterator<Item = String>, total: &totals::Total) {
        self.sum.add(total);
        if let Some(name) = names.next() {
            self.children.entry(name).or_default().add(names, total);
        }
    }

    fn node(&self, name: &str, people: &PeopleByPath, path: &[String]) -> Node {
        let mut children: Vec<Node> = self
            .children
            .iter()
            .map(|(name, branch)| {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                branch.node(name, people, &path)
            })
            .collect();
        children.sort_by_key(|node| std::cmp::Reverse(node.sum.bytes));
        Node { name: name.to_owned(), sum: self.sum, people: people.get(path).copied(), children }
    }
}

/// Distinct people of every area that is divided by study and label alone.
fn count(people: &People, unions: &Sets, dimensions: &[Dimension]) -> Result<PeopleByPath, DamagedBitmap> {
    let mut sets: BTreeMap<Vec<String>, Accumulator> = BTreeMap::new();
    for ((study, labels), set) in unions.iter().filter(|(_, set)| !set.is_empty()) {
        let mut path = Vec::new();
        sets.entry(path.clone()).or_default().add(set)?;
        for dimension in dimensions {
            path.push(if *dimension == Dimension::Study { study.clone() } else { gravest(labels) });
            sets.entry(path.clone()).or_default().add(set)?;
        }
    }
    Ok(sets.into_iter().map(|(path, set)| (path, people.count(set).people)).collect())
}
