//! The landscape as a treemap of two levels: groups with a headline, tiles within.

use super::squares::{Area, squarify};
use crate::wording::shortened;

/// What a group or tile stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    /// Its name as shown.
    pub(crate) name: String,
    /// Its size as shown: `12.3 MB`.
    pub(crate) detail: String,
    /// What a screen reader says.
    pub(crate) alternative: String,
    /// Where it leads.
    pub(crate) href: String,
    /// Class of its colour.
    pub(crate) class: &'static str,
    /// Its size as a number; the larger, the more room.
    pub(crate) weight: f64,
    /// What is within.
    pub(crate) items: Vec<Item>,
}

/// A drawn group or tile: numbers as SVG wants them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tile {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    pub(crate) href: String,
    pub(crate) class: &'static str,
    pub(crate) alternative: String,
    /// Name, as much as there is room for; may be empty.
    pub(crate) name: String,
    /// Size, if there is room; may be empty.
    pub(crate) detail: String,
    pub(crate) tiles: Vec<Tile>,
}

/// A drawing in its own coordinates.
#[derive(Debug, Clone, Default)]
pub(crate) struct Treemap {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) groups: Vec<Tile>,
}

/// Height of a group's headline.
const HEADLINE: f64 = 24.0;
/// Room between groups.
const GAP: f64 = 2.0;
/// Mean width of a character at the size that the style sheet sets.
const CHARACTER: f64 = 7.2;
/// Room beside text within a tile.
const PADDING: f64 = 8.0;
/// Below this height a tile has no second line.
const TWO_LINES: f64 = 40.0;
/// Below this height or width it has no text.
const ONE_LINE: f64 = 20.0;

/// Draws `items` into `width` × `height`.
pub(crate) fn draw(items: &[Item], width: u32, height: u32) -> Treemap {
    let whole = Area { x: 0.0, y: 0.0, width: f64::from(width), height: f64::from(height) };
    let weights: Vec<f64> = items.iter().map(|item| item.weight).collect();
    let groups = squarify(&weights, whole)
        .into_iter()
        .zip(items)
        .filter(|(area, _)| is_visible(*area))
        .map(|(area, item)| group(item, area.inset(GAP)))
        .collect();
    Treemap { width, height, groups }
}

fn group(item: &Item, area: Area) -> Tile {
    let has_headline = area.height > 2.5 * HEADLINE && area.width > 60.0;
    let headline = if has_headline { HEADLINE } else { 0.0 };
    let within = Area { y: area.y + headline, height: (area.height - headline).max(0.0), ..area };
    let weights: Vec<f64> = item.items.iter().map(|item| item.weight).collect();
    let tiles = squarify(&weights, within)
        .into_iter()
        .zip(&item.items)
        .filter(|(area, _)| is_visible(*area))
        .map(|(area, item)| leaf(item, area.inset(0.5)))
        .collect();
    let mut drawn = tile(item, area);
    if has_headline {
        let room = letters(area.width);
        drawn.detail = if item.name.chars().count() + item.detail.chars().count() + 2 <= room {
            item.detail.clone()
        } else {
            String::new()
        };
        drawn.name = shortened(&item.name, room);
    }
    Tile { tiles, ..drawn }
}

fn leaf(item: &Item, area: Area) -> Tile {
    let mut drawn = tile(item, area);
    let room = letters(area.width);
    if area.height >= ONE_LINE && room >= 4 {
        drawn.name = shortened(&item.name, room);
        if area.height >= TWO_LINES && item.detail.chars().count() <= room {
            drawn.detail = item.detail.clone();
        }
    }
    drawn
}

fn tile(item: &Item, area: Area) -> Tile {
    let number = |value: f64| format!("{value:.1}");
    Tile {
        x: number(area.x),
        y: number(area.y),
        width: number(area.width),
        height: number(area.height),
        href: item.href.clone(),
        class: item.class,
        alternative: item.alternative.clone(),
        ..Tile::default()
    }
}

/// How many characters fit.
fn letters(width: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a drawing is a few hundred units wide"
    )]
    let letters = ((width - PADDING).max(0.0) / CHARACTER) as usize;
    letters
}

/// Less than a unit cannot be seen or pointed at.
fn is_visible(area: Area) -> bool {
    area.width >= 1.0 && area.height >= 1.0
}

#[cfg(test)]
mod tests {
    use super::{Item, draw};

    #[test]
    fn text_only_where_it_fits() {
        let item = |name: &str, weight: f64| Item {
            name: name.to_owned(),
            detail: "1 MB".to_owned(),
            weight,
            items: vec![Item { name: "within".to_owned(), detail: "1 MB".to_owned(), weight, ..Item::default() }],
            ..Item::default()
        };
        let map =
            draw(&[item("a study with a long name", 1_000.0), item("small", 10.0), item("unseen", 1e-9)], 400, 300);
        assert_eq!(map.groups.len(), 2);
        assert_eq!(map.groups[0].name, "a study with a long name");
        assert_eq!(map.groups[0].detail, "1 MB");
        assert_eq!(map.groups[0].tiles[0].name, "within");
        assert_eq!(map.groups[1].name, "");
        assert!(map.groups[1].tiles.iter().all(|tile| tile.name.is_empty()));
    }
}
