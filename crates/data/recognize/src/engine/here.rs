//! Patterns tried at one place of a text, and what matches judged by what stands around it.

use super::automaton::{After, Automaton, Match};
use super::context::{Asks, Voters};
use super::groups::{GATE_BYTES, Group, IN_CONTEXT_BYTES_MAX, Memories, Search, Sort, Sorts};
use super::shapes::{Gates, Shape};
use super::starts::{Start, WORD_BYTES_MAX};
use super::words::{Key, Place, SORTS, Word};
use super::{By, Engine, Hint, Hit, Scratch, ends_token, starts_token};

/// What waits until the whole text has been listened to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waits {
    /// A match.
    ToBeJudged(Match),
    /// The patterns of the sort [`Sort::Shape`], which need context.
    ForContext,
}

/// What is said around a place.
pub(super) struct Around {
    /// For whom.
    pub voters: Voters,
    /// Some of [`Sort::DigitInContext`] are among them.
    pub in_context: bool,
}

/// A text while it is searched.
pub(super) struct Here<'a> {
    pub engine: &'a Engine,
    pub search: &'a Search,
    pub memories: &'a mut Memories,
    pub text: &'a str,
    pub hint: Option<&'a Hint>,
    pub scratch: &'a mut Scratch,
    /// Whether the text has not been listened to whole yet.
    pub deaf: bool,
}

/// What is tried at words of letters.
const AT_WORDS: [Sort; SORTS] = [Sort::Shape, Sort::Title, Sort::Code, Sort::Sharp];

impl<'a> Here<'a> {
    /// Tries the wide patterns at every token start of the unbroken run around each literal.
    pub(super) fn around_literals(&mut self, out: &mut Vec<Hit>) {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let mut literals = std::mem::take(&mut self.scratch.literals);
        literals.sort_unstable();
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
        literals.clear();
        self.scratch.literals = literals;
    }

    /// Tries what may begin at a start.
    #[inline]
    pub(super) fn start(&mut self, start: Start, out: &mut Vec<Hit>) {
        let bytes = self.text.as_bytes();
        if start.letters
            && (1..=WORD_BYTES_MAX).contains(&start.word)
            // Else it goes on with letters beyond ASCII.
            && bytes.get(start.at + start.word).is_none_or(u8::is_ascii)
        {
            let key = Key::of(bytes, start.at, start.word);
            let place = match self.scratch.words.find(key) {
                Some(place) => place,
                None => self.learn(key, start),
            };
            if place != Place::NOTHING {
                self.word(place, start, out);
            }
            return;
        }
        self.elsewhere(start, out);
    }

    /// Tries what may begin with a word.
    fn word(&mut self, place: Place, start: Start, out: &mut Vec<Hit>) {
        let Some(&word) = self.scratch.words.get(place) else { return };
        if word.after != [After::DEAD; SORTS] {
            let rest = self.text.as_bytes().get(start.at + start.word..).and_then(<[u8]>::first_chunk::<2>);
            if !word.ends_here(rest)
                && let Some(taken) = self.after_word(&word, start, out)
            {
                self.scratch.words.learn_end(place, rest, taken - start.word);
            }
        }
        if let Some(head) = word.head {
            let range = (start.at, start.at + start.word);
            self.engine.lexicon.listen_word(self.text, range, head, &mut self.scratch.heard);
        }
        if word.literal {
            self.scratch.literals.push((start.at, start.at + start.word));
        }
        if word.literal_goes_on {
            let range = (start.at, start.at + start.word);
            self.search.literals.behind_word(self.text.as_bytes(), range, &mut self.scratch.literals);
        }
        if word.term {
            self.engine.term(self.text, start.at, out);
        }
    }

    /// Tries what may begin at a start that is no short word of letters.
    fn elsewhere(&mut self, start: Start, out: &mut Vec<Hit>) {
        let (at, bytes) = (start.at, self.text.as_bytes());
        let Some(&first) = bytes.get(at) else { return };
        if start.word == 0 {
            self.search.literals.at_mark(bytes, at, &mut self.scratch.literals);
        }
        if start.word == 0 && first.is_ascii() {
            for sort in self.scratch.beginnings.alive(bytes, at, Sorts::ELSEWHERE) {
                self.try_sort(sort, at, out);
            }
            return;
        }
        self.engine.lexicon.listen(self.text, at, &mut self.scratch.heard);
        let mut sorts = Sorts::ELSEWHERE;
        if first.is_ascii_digit() {
            self.scratch.pending.push((at, Waits::ForContext));
            sorts = Sorts::NONE;
        }
        if start.word > 0 {
            sorts.add(Sort::Numbered);
            self.literals_in(start);
        }
        for sort in self.scratch.beginnings.alive(bytes, at, sorts) {
            self.try_sort(sort, at, out);
        }
        if self.engine.terms.may_start(bytes, at) {
            self.engine.term(self.text, at, out);
        }
    }

    /// Looks for literals in a word that is not among those that are learned.
    fn literals_in(&mut self, start: Start) {
        let rest = self.text.as_bytes().get(start.at..).unwrap_or_default();
        let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let literals = &self.search.literals;
        if literals.are_in_mixed(word) {
            self.scratch.literals.push((start.at, start.at + length));
        }
        if literals.may_go_on_behind(word) {
            literals.behind_word(self.text.as_bytes(), (start.at, start.at + length), &mut self.scratch.literals);
        }
    }

    #[inline]
    fn try_sort(&mut self, sort: Sort, at: usize, out: &mut Vec<Hit>) {
        if sort == Sort::Shape {
            self.scratch.pending.push((at, Waits::ForContext));
        } else {
            self.walk(sort, at, out);
        }
    }

    /// Works out what is to be known of a word.
    #[cold]
    #[inline(never)]
    fn learn(&mut self, key: Key, start: Start) -> Place {
        let bytes = self.text.as_bytes();
        let word = bytes.get(start.at..start.at + start.word).unwrap_or_default();
        let mut known = Word {
            term: self.engine.terms.may_start_with(word),
            literal: self.search.literals.are_in(word),
            literal_goes_on: self.search.literals.may_go_on_behind(word),
            head: self.engine.lexicon.head(word),
            ..Word::NOTHING
        };
        for (after, sort) in known.after.iter_mut().zip(AT_WORDS) {
            let group = self.search.groups.get(sort);
            let open = |pattern: u32| self.engine.brief[usize::from(group.members[pattern as usize])].open_end;
            *after = group.automaton.after(&mut self.memories.sorts[sort as usize], word, open);
        }
        // Learning may have numbered the states of an automaton anew.
        self.refresh();
        self.scratch.words.learn(key, known)
    }

    /// Forgets the words when an automaton has numbered its states anew.
    fn refresh(&mut self) {
        let ages = AT_WORDS.map(|sort| Automaton::age(&self.memories.sorts[sort as usize]));
        if self.scratch.ages != ages {
            self.scratch.ages = ages;
            self.scratch.words.forget();
        }
    }

    /// Goes on behind a word. Returns after how many bytes nothing was left that might match, if nothing did.
    fn after_word(&mut self, word: &Word, start: Start, out: &mut Vec<Hit>) -> Option<usize> {
        let mut most = Some(start.word);
        for ((after, sort), age) in word.after.into_iter().zip(AT_WORDS).zip(self.scratch.ages) {
            if after == After::DEAD {
                continue;
            }
            let search: &'a Search = self.search;
            let (group, memory) = (search.groups.get(sort), &mut self.memories.sorts[sort as usize]);
            let known = after != After::UNKNOWN && Automaton::age(memory) == age;
            let mut matches = std::mem::take(&mut self.scratch.matches);
            let bytes = self.text.as_bytes();
            let resumed = if known {
                group.automaton.resume(memory, bytes, (start.at, start.word), after, &mut matches)
            } else {
                None
            };
            let Some(taken) = resumed else {
                self.scratch.matches = matches;
                self.walk(sort, start.at, out);
                self.refresh();
                most = None;
                continue;
            };
            if matches.is_empty() {
                most = most.zip(taken).map(|(a, b)| a.max(b));
            } else {
                self.matched(group, start.at, &mut matches, out);
                most = None;
            }
            self.scratch.matches = matches;
        }
        most
    }

    /// Tries the patterns of a group at `at` and judges what matches.
    pub(super) fn walk(&mut self, sort: Sort, at: usize, out: &mut Vec<Hit>) {
        let search: &'a Search = self.search;
        let (group, memory) = (search.groups.get(sort), &mut self.memories.sorts[sort as usize]);
        let bytes = self.text.as_bytes();
        let mut matches = std::mem::take(&mut self.scratch.matches);
        let taken = group.automaton.walk(memory, bytes, at, &mut matches);
        if matches.is_empty() {
            if let Some(taken) = taken {
                self.scratch.beginnings.learn(bytes, at, sort, taken);
            }
        } else {
            let ended = self.matched(group, at, &mut matches, out);
            // Whether a token ends is decided by the byte behind the match and, behind a dot, by one more.
            if !ended
                && let Some(taken) = taken
                && bytes.get(at..at + taken + 1).is_some_and(<[u8]>::is_ascii)
            {
                self.scratch.beginnings.learn(bytes, at, sort, taken + 1);
            }
        }
        self.scratch.matches = matches;
    }

    /// Judges what matches from `at`; false when no match ends where a token does.
    fn matched(&mut self, group: &Group, at: usize, matches: &mut Vec<Match>, out: &mut Vec<Hit>) -> bool {
        let text = self.text;
        self.ended(group, matches);
        if matches.is_empty() {
            return false;
        }
        if starts_token(text, at) {
            if self.deaf {
                // What is said behind the match is not known yet.
                self.scratch.pending.extend(matches.iter().map(|found| (at, Waits::ToBeJudged(*found))));
            } else {
                self.judge(at, matches, out);
            }
        }
        true
    }

    /// Numbers matches by their recognisers and leaves those that end where a token does.
    fn ended(&self, group: &Group, matches: &mut Vec<Match>) {
        // The longest match decides: one that runs into a word is none, whatever a shorter one would say.
        let mut known = (usize::MAX, false);
        matches.retain_mut(|found| {
            found.pattern = u32::from(group.members[found.pattern as usize]);
            if known.0 != found.end {
                known = (found.end, ends_token(self.text, found.end));
            }
            known.1 || self.engine.brief[found.pattern as usize].open_end
        });
    }

    /// Tries and judges what waited for the rest of the text.
    pub(super) fn judge_pending(&mut self, out: &mut Vec<Hit>) {
        self.deaf = false;
        let mut pending = std::mem::take(&mut self.scratch.pending);
        let mut matches = Vec::new();
        for waiting in pending.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(at, _)) = waiting.first() else { continue };
            matches.clear();
            for (_, waits) in waiting {
                match waits {
                    Waits::ToBeJudged(found) => matches.push(*found),
                    Waits::ForContext => self.shape(at, out),
                }
            }
            if !matches.is_empty() {
                self.judge(at, &matches, out);
            }
        }
        pending.clear();
        self.scratch.pending = pending;
    }

    /// Tries the patterns of which the shape tells whether they may match, where context speaks for those that need it.
    fn shape(&mut self, at: usize, out: &mut Vec<Hit>) {
        if !starts_token(self.text, at) {
            return;
        }
        let shape = Shape::at(self.text.as_bytes(), at);
        let mut matches = std::mem::take(&mut self.scratch.matches);
        matches.clear();
        let gates = match self.scratch.shapes.find(shape) {
            Some((known, gates)) => {
                let found = |&(recognizer, length): &(u16, u8)| Match {
                    pattern: u32::from(recognizer),
                    end: at + usize::from(length),
                };
                matches.extend(known.iter().map(found));
                gates
            }
            None => self.learn_shape(shape, at, &mut matches),
        };
        if gates.in_context || !matches.is_empty() {
            self.in_context(at, gates, &mut matches, out);
        }
        self.scratch.matches = matches;
        if gates.free {
            self.walk(Sort::Digit, at, out);
        }
    }

    /// What a shape tells that is not known yet.
    #[cold]
    #[inline(never)]
    fn learn_shape(&mut self, shape: Shape, at: usize, matches: &mut Vec<Match>) -> Gates {
        let (search, bytes) = (self.search, self.text.as_bytes());
        let group = search.groups.get(Sort::Shape);
        let taken = group.automaton.walk(&mut self.memories.sorts[Sort::Shape as usize], bytes, at, matches);
        self.ended(group, matches);
        let is_digit = bytes.get(at).is_some_and(u8::is_ascii_digit);
        let gates = if is_digit { search.groups.gates(self.memories, bytes, at) } else { Gates::default() };
        if let Some(taken) = taken {
            // Where a token ends is decided by the byte behind it and, behind a dot, by one more.
            let decisive = if is_digit { (taken + 1).max(GATE_BYTES) } else { taken + 1 };
            self.scratch.shapes.learn(shape, bytes, (at, decisive), matches, gates);
        }
        gates
    }

    /// Judges matches that need context, and tries what else does, where context speaks for it.
    fn in_context(&mut self, at: usize, gates: Gates, matches: &mut Vec<Match>, out: &mut Vec<Hit>) {
        let Scratch { heard, around, .. } = &mut *self.scratch;
        if self.engine.lexicon.around(at, IN_CONTEXT_BYTES_MAX, heard, &mut around.voters) {
            if let Some(Hint(said)) = self.hint {
                around.voters.join(said);
            }
            around.in_context = self.search.groups.get(Sort::DigitInContext).voters.meets(&around.voters);
        }
        let walks = gates.in_context && around.in_context;
        matches.retain(|found| around.voters.has(found.pattern as usize));
        if !matches.is_empty() {
            self.judge(at, matches, out);
        }
        if walks {
            self.walk(Sort::DigitInContext, at, out);
        }
    }

    /// Puts what matched before its context, negative words and validators.
    fn judge(&mut self, at: usize, matches: &[Match], out: &mut Vec<Hit>) {
        let (engine, text) = (self.engine, self.text);
        let mut listened = None;
        for found in matches {
            let index = found.pattern as usize;
            let brief = &engine.brief[index];
            let (start, end) = if brief.group {
                let range = (at, found.end);
                if brief.context_required && !self.may_have_context(index, range) {
                    continue;
                }
                let Some(value) = engine.recognizers[index].value(text, range, &mut self.scratch.values) else {
                    continue;
                };
                value
            } else {
                (at, found.end)
            };
            if listened != Some((start, end)) {
                self.listen(Asks { at, start, end });
                listened = Some((start, end));
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

    /// Whether the text around a match, or the hint, may speak for a recogniser.
    fn may_have_context(&mut self, index: usize, range: (usize, usize)) -> bool {
        self.hint.is_some_and(|Hint(said)| said.has(index))
            || self.engine.lexicon.may_speak_for(index, range, &mut self.scratch.heard)
    }

    fn listen(&mut self, asks: Asks) {
        let Scratch { heard, voters, against, .. } = &mut *self.scratch;
        voters.clear();
        against.clear();
        self.engine.lexicon.judge(asks, heard, (voters, against));
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
