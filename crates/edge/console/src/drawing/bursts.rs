//! Files of a folder over its listings: a column each, with those that look encrypted at its foot, and where it began.

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
/// Room for marks above the columns, and for times below.
const ABOVE: f64 = 22.0;
const BELOW: f64 = 20.0;
/// Room for numbers to the left.
const LEFT: f64 = 48.0;
/// The widest column, and what lies between two at least.
const COLUMN_MAX: f64 = 26.0;
const GAP: f64 = 2.0;
/// What is there is seen.
const THIN: f64 = 2.0;

/// A listing of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) files: u64,
    /// Those that look encrypted or well compressed.
    pub(crate) random: u64,
    /// Those that look so and did not before, or got the same new ending.
    pub(crate) turned: u64,
    pub(crate) is_burst: bool,
    /// It is the last one before the burst.
    pub(crate) is_clean: bool,
    pub(crate) title: String,
}

/// A column in its place.
pub(crate) struct Column {
    pub(crate) x: f64,
    pub(crate) width: f64,
    /// Where each part begins, and how high it is: all files, those that look encrypted, those that turned so.
    pub(crate) files: (f64, f64),
    pub(crate) random: (f64, f64),
    pub(crate) turned: (f64, f64),
    /// `burst`, `clean` or nothing.
    pub(crate) class: &'static str,
    pub(crate) middle: f64,
    pub(crate) title: String,
}

/// The whole picture.
pub(crate) struct Bursts {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) left: f64,
    pub(crate) foot: f64,
    pub(crate) top: f64,
    /// What the top stands for.
    pub(crate) most: u64,
    pub(crate) columns: Vec<Column>,
}

/// Listings, oldest first, as columns.
#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
pub(crate) fn bursts(listed: &[Listed]) -> Bursts {
    let most = listed.iter().map(|one| one.files.max(one.random).max(one.turned)).max().unwrap_or(0).max(1);
    let (foot, high) = (HEIGHT - BELOW, HEIGHT - BELOW - ABOVE);
    let step = ((WIDTH - LEFT) / listed.len().max(1) as f64).min(COLUMN_MAX + GAP);
    let part = |count: u64| {
        let height = count as f64 / most as f64 * high;
        let height = if count > 0 { height.max(THIN) } else { 0.0 };
        (foot - height, height)
    };
    let mut x = LEFT;
    let mut columns = Vec::with_capacity(listed.len());
    for one in listed {
        let width = (step - GAP).max(1.0);
        columns.push(Column {
            x,
            width,
            files: part(one.files),
            random: part(one.random),
            turned: part(one.turned),
            class: match (one.is_burst, one.is_clean) {
                (true, _) => "burst",
                (false, true) => "clean",
                _ => "",
            },
            middle: x + width / 2.0,
            title: one.title.clone(),
        });
        x += step;
    }
    Bursts { width: WIDTH, height: HEIGHT, left: LEFT, foot, top: ABOVE, most, columns }
}

#[cfg(test)]
mod tests {
    use super::{Listed, bursts};

    fn listed(files: u64, random: u64, turned: u64) -> Listed {
        Listed { files, random, turned, is_burst: turned > 10, is_clean: false, title: String::new() }
    }

    #[test]
    fn columns_stand_on_one_foot_within_the_picture() {
        let drawn = bursts(&[listed(100, 1, 0), listed(50, 0, 0), listed(100, 100, 99)]);
        for column in &drawn.columns {
            for (y, height) in [column.files, column.random, column.turned] {
                assert!(y >= drawn.top - 1e-9 && (y + height - drawn.foot).abs() < 1e-9);
            }
            assert!(column.x >= drawn.left && column.x + column.width <= drawn.width);
        }
        assert!(drawn.columns[0].random.1 > 1.0, "one file is seen");
        assert_eq!(drawn.columns[1].random.1, 0.0);
        assert_eq!((drawn.most, drawn.columns[2].class, drawn.columns[0].class), (100, "burst", ""));
        let many = bursts(&vec![listed(7, 7, 0); 400]);
        let last = many.columns.last().unwrap();
        assert!(last.x + last.width <= many.width + 1.0 && last.width >= 1.0);
        assert!(bursts(&[]).columns.is_empty());
    }
}
