//! Patterns tried at one place of a text, and what matches judged by what stands around it.

use super::automaton::Match;
use super::groups::{Memories, Search, Sort, Sorts};
use super::{By, Engine, Hint, Hit, Scratch, ends_token, starts_token};

/// A text while it is searched.
pub(super) struct Here<'a> {
    pub engine: &'a Engine,
    pub search: &'a Search,
    pub memories: &'a mut Memories,
    pub text: &'a str,
    pub hint: Option<&'a Hint>,
    pub scratch: &'a mut Scratch,
}

impl Here<'_> {
    /// Tries the wide patterns at every token start of the unbroken run around each literal.
    pub(super) fn around_literals(&mut self, out: &mut Vec<Hit>) {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let mut literals = std::mem::take(&mut self.scratch.literals);
        self.search.literals.find(bytes, &mut literals);
        let mut tried = 0;
        for &(start, to) in &literals {
            let from = run_start(bytes, start).max(tried);
            tried = tried.max(to);
            let mut skip = 0;
            for at in from..to {
                if at < skip || !text.is_char_boundary(at) || !starts_token(text, at) || bytes[at] <= b' ' {
                    continue;
                }
                if !self.scratch.beginnings.alive(bytes, at, Sorts::of(&[Sort::Wide])).is_empty() {
                    let before = out.len();
                    self.walk(Sort::Wide, at, out);
                    skip = out[before..].iter().map(|hit| hit.end).max().unwrap_or(skip);
                }
            }
        }
        self.scratch.literals = literals;
    }

    /// Tries the patterns of a group at `at` and judges what matches.
    pub(super) fn walk(&mut self, sort: Sort, at: usize, out: &mut Vec<Hit>) {
        let (group, memory) = (self.search.groups.get(sort), &mut self.memories[sort as usize]);
        let (text, bytes) = (self.text, self.text.as_bytes());
        let mut matches = std::mem::take(&mut self.scratch.matches);
        let taken = group.automaton.walk(memory, bytes, at, &mut matches);
        if matches.is_empty() {
            if let Some(taken) = taken {
                self.scratch.beginnings.learn(bytes, at, sort, taken);
            }
        } else {
            // The longest match decides: one that runs into a word is none, whatever a shorter one would say.
            let mut known = (usize::MAX, false);
            matches.retain_mut(|found| {
                found.pattern = u32::from(group.members[found.pattern as usize]);
                if known.0 != found.end {
                    known = (found.end, ends_token(text, found.end));
                }
                known.1 || self.engine.brief[found.pattern as usize].open_end
            });
            // Whether a token ends is decided by the byte behind the match and, behind a dot, by one more.
            if matches.is_empty()
                && let Some(taken) = taken
                && bytes.get(at..at + taken + 1).is_some_and(<[u8]>::is_ascii)
            {
                self.scratch.beginnings.learn(bytes, at, sort, taken + 1);
            }
            if !matches.is_empty() && starts_token(text, at) {
                self.judge(at, &matches, out);
            }
        }
        self.scratch.matches = matches;
    }

    /// Puts what matched before its context, negative words and validators.
    fn judge(&mut self, at: usize, matches: &[Match], out: &mut Vec<Hit>) {
        let (engine, text) = (self.engine, self.text);
        let mut heard = None;
        for found in matches {
            let index = found.pattern as usize;
            let brief = &engine.brief[index];
            let (start, end) = if brief.group {
                let range = (at, found.end);
                let Some(value) = engine.recognizers[index].value(text, range, &mut self.scratch.values) else {
                    continue;
                };
                value
            } else {
                (at, found.end)
            };
            if heard != Some((start, end)) {
                self.listen(at, start, end);
                heard = Some((start, end));
            }
            let context = self.scratch.voters.has(index);
            if (brief.context_required && !context) || self.scratch.against.has(index) {
                continue;
            }
            let Some(value) = text.get(start..end) else { continue };
            if brief.validator.is_some_and(|valid| !valid(value)) {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "the compiler refuses more than 65,535 recognisers")]
            out.push(Hit {
                start,
                end,
                kind: brief.kind,
                confidence: brief.confidence[usize::from(context)],
                by: By::Recognizer(index as u16),
                context,
            });
        }
    }

    fn listen(&mut self, at: usize, start: usize, end: usize) {
        let Scratch { listener, voters, against, .. } = &mut *self.scratch;
        voters.clear();
        against.clear();
        self.engine.lexicon.judge(self.text, (at, start, end), listener, (voters, against));
        if let Some(Hint(said)) = self.hint {
            voters.join(said);
        }
    }
}

/// How far a wide pattern may begin before its literal, in bytes.
const RUN_BYTES_MAX: usize = 320;

/// The start of the run without white space or quotes that holds `at`.
fn run_start(bytes: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(RUN_BYTES_MAX);
    let run = bytes.get(floor..at).unwrap_or_default();
    run.iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b',' | b';'))
        .map_or(floor, |last| floor + last + 1)
}
