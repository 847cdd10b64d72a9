//! The treemap: which areas, how large, where they lead.

use std::collections::BTreeSet;

use landscape::queries::{Dimension, Node, Sum};
use model::Label;
use store::sources::SourceRow;

use crate::Console;
use crate::address;
use crate::drawing::treemap::{Item, Treemap, draw};
use crate::failure::Failure;
use crate::wording::{self, Tag};

/// Groups drawn; what is beyond becomes one more.
const GROUPS_MAX: usize = 24;
/// Tiles drawn within a group; what is beyond becomes one more.
const TILES_MAX: usize = 16;

/// A way to divide or to measure, as a link.
pub(super) struct Switch {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) is_chosen: bool,
}

/// A row of the table that says the same as the drawing.
pub(super) struct Row {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) detail: String,
    pub(super) href: String,
}

/// One drawing and the class that says on which screens.
pub(super) struct Drawing {
    pub(super) class: &'static str,
    pub(super) map: Treemap,
}

/// The treemap with its switches, legend and table.
pub(super) struct Map {
    pub(super) by: Vec<Switch>,
    pub(super) measures: Vec<Switch>,
    pub(super) shows: Vec<Switch>,
    pub(super) title: String,
    /// What is not drawn; empty when everything is.
    pub(super) left_out: String,
    pub(super) drawings: [Drawing; 2],
    pub(super) legend: Vec<Tag>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Bytes,
    Objects,
    People,
}

const BY: [(&str, &str, [Dimension; 2]); 4] = [
    ("study", "Study", [Dimension::Study, Dimension::Label]),
    ("label", "Label", [Dimension::Label, Dimension::Study]),
    ("format", "Format", [Dimension::Format, Dimension::Label]),
    ("source", "Source", [Dimension::Source, Dimension::Label]),
];
const MEASURES: [(&str, &str, Measure); 3] = [
    ("bytes", "Size", Measure::Bytes),
    ("objects", "Objects", Measure::Objects),
    ("people", "People", Measure::People),
];

/// What the address asks for: by what to divide, what to measure, and whether objects without findings are drawn.
pub(super) struct Wish<'a> {
    pub(super) by: &'a str,
    pub(super) measure: &'a str,
    pub(super) show: &'a str,
}

/// The map that the address asks for; sensitive objects by study and size by default.
pub(super) async fn map(console: &Console, wish: &Wish<'_>, sources: &[SourceRow]) -> Result<Map, Failure> {
    let Wish { by, measure, show } = *wish;
    let (by_value, by_name, dimensions) = BY.into_iter().find(|(value, ..)| *value == by).unwrap_or(BY[0]);
    let countable = dimensions.iter().all(|one| matches!(one, Dimension::Study | Dimension::Label));
    let offered = MEASURES.into_iter().filter(|(_, _, measure)| countable || *measure != Measure::People);
    let (measure_value, measure_name, measure) =
        offered.clone().find(|(value, ..)| *value == measure).unwrap_or(MEASURES[0]);
    let mut root = console.catalogue.treemap(&dimensions).await?;
    let whole = root.sum;
    if show != "all" {
        leave_out_none(&mut root, &dimensions);
    }
    let view = View { dimensions, measure, sources };
    let items = view.items(&root.children, &[], GROUPS_MAX);
    let link = |by: &str, measure: &str, show: &str| {
        format!("/{}#map", address::query(&[("by", by), ("measure", measure), ("show", show)]))
    };
    let show = if show == "all" { "all" } else { "" };
    let switch = |name, href, is_chosen| Switch { name, href, is_chosen };
    Ok(Map {
        by: Vec::from(BY.map(|(value, name, _)| switch(name, link(value, measure_value, show), value == by_value))),
        measures: offered
            .map(|(value, name, _)| switch(name, link(by_value, value, show), value == measure_value))
            .collect(),
        shows: vec![
            switch("Sensitive", link(by_value, measure_value, ""), show.is_empty()),
            switch("All", link(by_value, measure_value, "all"), !show.is_empty()),
        ],
        left_out: left_out(whole, root.sum),
        title: format!("{measure_name} by {}, then {}", by_name.to_lowercase(), second(dimensions)),
        drawings: [
            Drawing { class: "wide", map: draw(&items, 1120, 460) },
            Drawing { class: "narrow", map: draw(&items, 380, 560) },
        ],
        legend: legend(&root, dimensions),
        rows: rows(&items),
    })
}

/// Takes away what holds nothing sensitive, and sums up anew.
fn leave_out_none(node: &mut Node, dimensions: &[Dimension]) {
    let Some((first, rest)) = dimensions.split_first() else { return };
    if *first == Dimension::Label {
        node.children.retain(|child| child.name != Label::None.as_str());
    }
    node.sum = Sum::default();
    for child in &mut node.children {
        leave_out_none(child, rest);
        node.sum.objects += child.sum.objects;
        node.sum.bytes += child.sum.bytes;
    }
}

fn left_out(whole: Sum, drawn: Sum) -> String {
    match whole.objects - drawn.objects {
        0 => String::new(),
        objects => format!(
            "{} ({}) without anything sensitive left out.",
            wording::counted(objects, "object", "objects"),
            wording::bytes(whole.bytes.saturating_sub(drawn.bytes))
        ),
    }
}

fn second(dimensions: [Dimension; 2]) -> &'static str {
    match dimensions[1] {
        Dimension::Study => "study",
        _ => "gravest label",
    }
}

/// How nodes become items.
struct View<'s> {
    dimensions: [Dimension; 2],
    measure: Measure,
    sources: &'s [SourceRow],
}

impl View<'_> {
    /// Items of `nodes`, which lie within the nodes named by `path`, largest first; at most `most` and one for the rest.
    fn items(&self, nodes: &[Node], path: &[&str], most: usize) -> Vec<Item> {
        let mut nodes: Vec<&Node> = nodes.iter().filter(|node| self.value(node) > 0).collect();
        nodes.sort_by_key(|node| (std::cmp::Reverse(self.value(node)), node.name.clone()));
        let rest = nodes.split_off(most.min(nodes.len()));
        let mut items: Vec<Item> = nodes.into_iter().map(|node| self.item(node, path)).collect();
        if !rest.is_empty() {
            items.push(self.rest(&rest, path));
        }
        items
    }

    fn item(&self, node: &Node, path: &[&str]) -> Item {
        let dimension = self.dimensions[usize::from(!path.is_empty())];
        let path: Vec<&str> = path.iter().copied().chain([node.name.as_str()]).collect();
        let items =
            if path.len() < self.dimensions.len() { self.items(&node.children, &path, TILES_MAX) } else { Vec::new() };
        let name = self.name(dimension, &node.name);
        Item {
            alternative: self.alternative(&name, node, &path),
            detail: self.detail(self.value(node)),
            href: self.href(&path),
            class: class(self.dimensions, &path),
            weight: weight(self.value(node)),
            items,
            name,
        }
    }

    /// One item for all that there is no room for.
    fn rest(&self, nodes: &[&Node], path: &[&str]) -> Item {
        let value = nodes.iter().map(|node| self.value(node)).sum();
        let name = format!("{} more", nodes.len());
        Item {
            alternative: format!("{name}: {}", self.detail(value)),
            detail: self.detail(value),
            href: self.href(path),
            class: "rest",
            weight: weight(value),
            items: Vec::new(),
            name,
        }
    }

    fn value(&self, node: &Node) -> u64 {
        match self.measure {
            Measure::Bytes => node.sum.bytes,
            Measure::Objects => node.sum.objects,
            Measure::People => node.people.unwrap_or(0),
        }
    }

    fn detail(&self, value: u64) -> String {
        match self.measure {
            Measure::Bytes => wording::bytes(value),
            Measure::Objects => wording::counted(value, "object", "objects"),
            Measure::People => wording::counted(value, "person", "people"),
        }
    }

    fn name(&self, dimension: Dimension, name: &str) -> String {
        match dimension {
            Dimension::Study if name.is_empty() => "No study".to_owned(),
            Dimension::Source => self
                .sources
                .iter()
                .find(|source| source.id.to_string() == name)
                .map_or_else(|| format!("source {name}"), |source| source.location.clone()),
            _ => name.to_owned(),
        }
    }

    fn alternative(&self, name: &str, node: &Node, path: &[&str]) -> String {
        let within = match path {
            [outer, _] => format!(" in {}", self.name(self.dimensions[0], outer)),
            _ => String::new(),
        };
        let people = node.people.filter(|people| *people > 0);
        let people = people.map_or_else(String::new, |n| format!(", {}", wording::counted(n, "person", "people")));
        let objects = wording::counted(node.sum.objects, "object", "objects");
        format!("{name}{within}: {objects}, {}{people}", wording::bytes(node.sum.bytes))
    }

    fn href(&self, path: &[&str]) -> String {
        let name = |dimension| match dimension {
            Dimension::Study => "study",
            Dimension::Label => "label",
            Dimension::Format => "format",
            Dimension::Source => "source",
        };
        let pairs: Vec<(&str, &str)> =
            self.dimensions.iter().zip(path).map(|(dimension, value)| (name(*dimension), *value)).collect();
        format!("/objects{}", address::query(&pairs))
    }
}

/// A tile takes the colour of its label, or of the label around it.
fn class(dimensions: [Dimension; 2], path: &[&str]) -> &'static str {
    let label = dimensions.iter().zip(path).find(|(dimension, _)| **dimension == Dimension::Label);
    match label.map(|(_, name)| name.parse::<Label>()) {
        Some(Ok(label)) => wording::tag(label).class,
        _ => "plain",
    }
}

#[expect(clippy::cast_precision_loss, reason = "areas on a screen")]
fn weight(value: u64) -> f64 {
    value as f64
}

/// The labels that colour the drawing, in the order of their set.
fn legend(root: &Node, dimensions: [Dimension; 2]) -> Vec<Tag> {
    let inner = root.children.iter().flat_map(|node| &node.children);
    let names: BTreeSet<Label> = if dimensions[0] == Dimension::Label {
        root.children.iter().filter_map(|node| node.name.parse().ok()).collect()
    } else {
        inner.filter_map(|node| node.name.parse().ok()).collect()
    };
    names.into_iter().map(wording::tag).collect()
}

fn rows(items: &[Item]) -> Vec<Row> {
    let row = |group: &str, item: &Item| Row {
        group: group.to_owned(),
        name: item.name.clone(),
        detail: item.detail.clone(),
        href: item.href.clone(),
    };
    items.iter().flat_map(|group| group.items.iter().map(|item| row(&group.name, item))).collect()
}
