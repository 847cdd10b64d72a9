//! Lines by their indentation.

use super::Wrong;

/// A line, its first word, and the lines that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) word: String,
    pub(crate) rest: String,
    pub(crate) inner: Vec<Line>,
}

/// Lines inside one another.
const DEPTH_MAX: usize = 40;

/// Reads a text. Empty lines, and lines that begin with `#`, are passed over.
pub(crate) fn tree(text: &str) -> Result<Vec<Line>, Wrong> {
    // Lists that are open, the outermost first.
    let mut open: Vec<Vec<Line>> = vec![Vec::new()];
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let depth = spaces / 2;
        if spaces % 2 == 1 || depth >= DEPTH_MAX || line.get(spaces..).is_some_and(|rest| rest.starts_with('\t')) {
            return Err((number, "its indentation is not two spaces for each level; correct it".to_owned()));
        }
        while open.len() > depth + 1 {
            close(&mut open);
        }
        if open.len() < depth + 1 {
            if open.len() != depth || open.last().is_none_or(Vec::is_empty) {
                return Err((
                    number,
                    "it is indented more than one level below the line before; correct it".to_owned(),
                ));
            }
            open.push(Vec::new());
        }
        let (word, rest) = bare.split_once(' ').unwrap_or((bare, ""));
        let line = Line { number, word: word.to_owned(), rest: rest.trim().to_owned(), inner: Vec::new() };
        if let Some(list) = open.last_mut() {
            list.push(line);
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    Ok(open.pop().unwrap_or_default())
}

/// The innermost list becomes what belongs to the line before it.
fn close(open: &mut Vec<Vec<Line>>) {
    if let Some(list) = open.pop()
        && let Some(line) = open.last_mut().and_then(|outer| outer.last_mut())
    {
        line.inner = list;
    }
}

impl Line {
    /// The lines `| …` below it, joined.
    pub(crate) fn text(&self) -> String {
        let parts = self.inner.iter().filter(|line| line.word == "|").map(|line| line.rest.as_str());
        parts.collect::<Vec<_>>().join(" ")
    }

    /// What stands behind a word below it.
    pub(crate) fn below(&self, word: &str) -> Option<&str> {
        self.inner.iter().find(|line| line.word == word).map(|line| line.rest.as_str())
    }

    /// The lines below one that begins with this word.
    pub(crate) fn block(&self, word: &str) -> Option<&[Line]> {
        self.inner.iter().find(|line| line.word == word).map(|line| line.inner.as_slice())
    }

    /// An error if a line below begins with another word.
    pub(crate) fn only(&self, words: &[&str]) -> Result<(), Wrong> {
        match self.inner.iter().find(|line| !words.contains(&line.word.as_str())) {
            None => Ok(()),
            Some(line) => {
                let why =
                    format!("`{}` does not belong to `{}`; write one of {}", line.word, self.word, words.join(", "));
                Err((line.number, why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_those_above() {
        let tree = tree("a 1\n  b\n    c x y\n# no\n\n  d\ne\n").unwrap();
        assert_eq!(tree.len(), 2);
        assert_eq!(tree[0].inner.len(), 2);
        assert_eq!(tree[0].inner[0].inner[0].rest, "x y");
        assert!(super::tree("a\n   b").is_err() && super::tree("a\n    b").is_err() && super::tree("  a").is_err());
    }
}
