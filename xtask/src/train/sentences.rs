//! The sentences of content/names/sentences.txt, filled with names, places and words from the lists beside it.

use std::path::Path;

use anyhow::Context;

use super::Labelled;

/// Fillings of each sentence.
const FILLINGS: usize = 40;
/// Percent of the names that are made up of halves of two names, as names that no list holds.
const UNLISTED_PERCENT: usize = 15;

/// `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let wide = u128::from(z ^ (z >> 31)) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, words: &'a [String]) -> &'a str {
        words.get(self.below(words.len())).map_or("", String::as_str)
    }
}

/// Words of one list by class; the first is class 1.
struct Classed([Vec<String>; 3]);

impl Classed {
    /// Frequent words for half of the draws, usual ones for a third.
    fn draw<'a>(&'a self, random: &mut Random) -> &'a str {
        let [rare, usual, frequent] = &self.0;
        match random.below(10) {
            0..=4 => random.pick(frequent),
            5..=8 => random.pick(usual),
            _ => random.pick(rare),
        }
    }
}

struct Lists {
    given: Classed,
    surnames: Classed,
    words: Classed,
    japanese_given: Classed,
    japanese_surnames: Classed,
    places: Vec<String>,
}

/// All sentences, each filled several times.
///
/// # Errors
/// When a list or the sentences cannot be read, or a slot is unknown.
pub fn generate(folder: &Path, seed: u64) -> anyhow::Result<Vec<Labelled>> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    let lists = Lists {
        given: classed(&read("given.txt")?),
        surnames: classed(&read("surnames.txt")?),
        words: classed(&read("words.txt")?),
        japanese_given: classed(&read("japanese-given.txt")?),
        japanese_surnames: classed(&read("japanese-surnames.txt")?),
        places: places(&read("cities.txt")?, &read("vocabulary.txt")?),
    };
    let file = read("sentences.txt")?;
    let mut random = Random::new(seed);
    let mut texts = Vec::new();
    for (at, sentence) in (1..).zip(file.lines()) {
        if sentence.starts_with('#') || sentence.is_empty() {
            continue;
        }
        for _ in 0..FILLINGS {
            let mut text = fill(sentence, &lists, &mut random).with_context(|| format!("`sentences.txt` line {at}"))?;
            text.template = at;
            texts.push(text);
        }
    }
    Ok(texts)
}

/// Cities, and States and countries of the vocabulary, which are few and so stand there several times.
fn places(cities: &str, vocabulary: &str) -> Vec<String> {
    const SHARE: usize = 20;
    let section = vocabulary.split_once("\n[place]\n").map_or("", |(_, rest)| rest.split("\n[").next().unwrap_or(""));
    let states: Vec<&str> = section.split_whitespace().collect();
    let cities = cities.lines().filter(|line| !line.starts_with('#'));
    cities.chain(states.iter().copied().cycle().take(states.len() * SHARE)).map(str::to_owned).collect()
}

fn classed(text: &str) -> Classed {
    let mut classes = [Vec::new(), Vec::new(), Vec::new()];
    for (word, class) in text.lines().filter_map(|line| line.split_once(' ')) {
        if let Some(list) =
            class.parse::<usize>().ok().and_then(|class| class.checked_sub(1)).and_then(|at| classes.get_mut(at))
        {
            list.push(word.to_owned());
        }
    }
    Classed(classes)
}

fn fill(sentence: &str, lists: &Lists, random: &mut Random) -> anyhow::Result<Labelled> {
    let (mut text, mut persons) = (String::new(), Vec::new());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&before.replace("\\n", "\n").replace("\\t", "\t"));
        let (slot, after) = after.split_once('}').context("a brace is not closed")?;
        let start = text.len();
        text.push_str(&filling(slot, lists, random).with_context(|| format!("there is no slot `{slot}`"))?);
        if slot.starts_with(['G', 'F', 'N', 'R', 'I', 'C', 'L', 'J', 'K']) {
            persons.push((start, text.len()));
        }
        rest = after;
    }
    text.push_str(&rest.replace("\\n", "\n").replace("\\t", "\t"));
    if random.chance(30) {
        text.push('\n');
    }
    Ok(Labelled { template: 0, text, persons })
}

fn filling(slot: &str, lists: &Lists, random: &mut Random) -> Option<String> {
    Some(match slot {
        "G" | "g" => given(lists, random),
        "F" | "s" => family(lists, random),
        "N" => full(lists, random),
        "R" => format!("{}, {}", family(lists, random), given(lists, random)),
        "I" => format!("{}. {}", initial(random), family(lists, random)),
        "C" => full(lists, random).to_uppercase(),
        "L" => format!("{}, {}", family(lists, random), given(lists, random)).to_uppercase(),
        "J" | "j" => lists.japanese_surnames.draw(random).to_owned(),
        "K" => lists.japanese_given.draw(random).to_owned(),
        "JK" => {
            let blank = ["", "", " ", "\u{3000}"][random.below(4)];
            format!("{}{blank}{}", lists.japanese_surnames.draw(random), lists.japanese_given.draw(random))
        }
        "p" => capitalised(random.pick(&lists.places)),
        "w" => invented(lists, random),
        "W" => invented(lists, random).chars().take(2 + random.below(6)).collect::<String>().to_uppercase(),
        "c" => family(lists, random).to_uppercase(),
        "o" => capitalised(lists.words.draw(random)),
        "d" => (0..=random.below(4)).map(|_| char::from(b"0123456789"[random.below(10)])).collect(),
        _ => return None,
    })
}

fn given(lists: &Lists, random: &mut Random) -> String {
    name(&lists.given, random)
}

fn family(lists: &Lists, random: &mut Random) -> String {
    let family = name(&lists.surnames, random);
    match random.below(24) {
        0 => format!("{family}-{}", name(&lists.surnames, random)),
        1 => format!("{} {family}", ["van", "van der", "de", "von", "da", "del", "al"][random.below(7)]),
        _ => family,
    }
}

fn full(lists: &Lists, random: &mut Random) -> String {
    let (given, family) = (given(lists, random), family(lists, random));
    match random.below(12) {
        0 => format!("{given} {}. {family}", initial(random)),
        1 => format!("{given} {} {family}", name(&lists.given, random)),
        _ => format!("{given} {family}"),
    }
}

fn initial(random: &mut Random) -> char {
    char::from(b"ABCDEFGHJKLMNPRSTVW"[random.below(19)])
}

fn name(list: &Classed, random: &mut Random) -> String {
    let drawn = list.draw(random);
    if random.chance(UNLISTED_PERCENT) {
        return capitalised(&joined(drawn, list.draw(random)));
    }
    capitalised(drawn)
}

/// The first half of one word and the second half of another.
fn joined(first: &str, second: &str) -> String {
    let head = first.chars().count().div_ceil(2);
    let tail = second.chars().count() / 2;
    first.chars().take(head).chain(second.chars().skip(tail)).collect()
}

/// A word in the manner of drugs, products and companies.
fn invented(lists: &Lists, random: &mut Random) -> String {
    const ENDS: [&str; 24] = [
        "ra", "mab", "nib", "vir", "pril", "stat", "zol", "xa", "gen", "tec", "med", "lab", "soft", "ium", "ex", "on",
        "ix", "ine", "ide", "ol", "ase", "tron", "ity", "us",
    ];
    let stem: String = lists.words.draw(random).chars().take(3 + random.below(3)).collect();
    capitalised(&format!("{stem}{}", ENDS[random.below(ENDS.len())]))
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
