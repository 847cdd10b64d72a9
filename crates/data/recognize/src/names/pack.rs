//! Plain word lists in, the packed table of [`super::Gazetteer`] out. Run by `cargo xtask names`, not by the program.

use std::collections::BTreeMap;

use super::flags::WordFlags;
use super::gazetteer::{MAGIC, SET_BITS, WordHash};

/// Names of the lists under content/names that [`pack`] takes.
pub const LISTS: [&str; 8] = [
    "given.txt",
    "surnames.txt",
    "words.txt",
    "cities.txt",
    "japanese-surnames.txt",
    "japanese-given.txt",
    "japanese-words.txt",
    "vocabulary.txt",
];

/// Why lists cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A line is neither a comment nor a word with its class.
    #[error("`{list}` line {line}: expected a word and a class from 1 to 3")]
    Line {
        /// Which list.
        list: String,
        /// Which line, from 1.
        line: usize,
    },
    /// A section of the vocabulary is unknown.
    #[error("`{list}` line {line}: no flag is called so; see `WordFlags::of_section`")]
    Section {
        /// Which list.
        list: String,
        /// Which line, from 1.
        line: usize,
    },
    /// Two words share slot and fingerprint and differ in flags: lengthen the fingerprint or enlarge the table.
    #[error("`{0}` and another word cannot be told apart in the table")]
    Collision(String),
    /// More different sets of flags than a slot can number.
    #[error("{0} sets of flags are more than a slot can number")]
    Sets(usize),
}

/// All words of the lists with what they are. `lists` are pairs of a name from [`LISTS`] and the file's text.
///
/// # Errors
/// When a line cannot be read.
pub fn words(lists: &[(&str, &str)]) -> Result<BTreeMap<String, WordFlags>, PackError> {
    let mut words = BTreeMap::new();
    for (name, text) in lists {
        if *name == "vocabulary.txt" {
            add_vocabulary(&mut words, name, text)?;
        } else {
            add_list(&mut words, name, text)?;
        }
    }
    for flags in words.values_mut() {
        if flags.any(WordFlags::RARELY_WORD) {
            *flags = flags.with_common(flags.common().min(1));
        }
    }
    add_unaccented(&mut words);
    Ok(words)
}

/// The packed table of the lists.
///
/// # Errors
/// When a line cannot be read or the table's layout cannot hold the lists.
pub fn pack(lists: &[(&str, &str)]) -> Result<Vec<u8>, PackError> {
    let words = words(lists)?;
    let mut sets: Vec<WordFlags> = words.values().copied().collect();
    sets.push(WordFlags::NONE);
    sets.sort_unstable_by_key(|flags| flags.0);
    sets.dedup();
    if sets.len() >= 1 << SET_BITS {
        return Err(PackError::Sets(sets.len()));
    }
    let slot_count = (words.len() * 2).next_power_of_two();
    let mut slots = vec![0_u32; slot_count];
    for (word, flags) in &words {
        let set = sets.binary_search_by_key(&flags.0, |set| set.0).unwrap_or(0);
        place(&mut slots, word, u32::try_from(set).unwrap_or(0))?;
    }
    let mut packed = MAGIC.to_vec();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    packed.extend(count(sets.len()));
    packed.extend(count(slot_count));
    packed.extend(sets.iter().flat_map(|set| set.0.to_le_bytes()));
    packed.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
    Ok(packed)
}

fn place(slots: &mut [u32], word: &str, set: u32) -> Result<(), PackError> {
    let mask = slots.len() - 1;
    let (mut at, print) = WordHash::of(word).place(mask);
    while let Some(slot) = slots.get_mut(at) {
        if *slot == 0 {
            *slot = print << SET_BITS | set;
            return Ok(());
        }
        if *slot >> SET_BITS == print {
            // The same flags may be shared; a difference must not pass unseen.
            return if *slot & ((1 << SET_BITS) - 1) == set {
                Ok(())
            } else {
                Err(PackError::Collision(word.to_owned()))
            };
        }
        at = (at + 1) & mask;
    }
    Ok(())
}

fn add(words: &mut BTreeMap<String, WordFlags>, word: &str, flags: WordFlags) {
    let entry = words.entry(word.to_lowercase()).or_default();
    *entry = entry.merge(flags);
}

fn add_list(words: &mut BTreeMap<String, WordFlags>, name: &str, text: &str) -> Result<(), PackError> {
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let wrong = || PackError::Line { list: name.to_owned(), line: number + 1 };
        let (word, class) = line.split_once(' ').unwrap_or((line, "1"));
        let class: u8 = class.parse().ok().filter(|class| (1..=3).contains(class)).ok_or_else(wrong)?;
        let flags = match name {
            "given.txt" => WordFlags::classes(class, 0, 0),
            "surnames.txt" => WordFlags::classes(0, class, 0),
            "words.txt" => WordFlags::classes(0, 0, class),
            "cities.txt" => WordFlags::PLACE,
            "japanese-surnames.txt" => WordFlags::japanese(0, class),
            "japanese-given.txt" => WordFlags::japanese(class, 0),
            "japanese-words.txt" => WordFlags::JAPANESE_WORD,
            _ => return Err(wrong()),
        };
        add(words, word, flags);
    }
    Ok(())
}

fn add_vocabulary(words: &mut BTreeMap<String, WordFlags>, name: &str, text: &str) -> Result<(), PackError> {
    let mut flag = WordFlags::NONE;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            flag =
                section_flags(section).ok_or_else(|| PackError::Section { list: name.to_owned(), line: number + 1 })?;
            continue;
        }
        for word in line.split_whitespace() {
            add(words, word, flag);
        }
    }
    Ok(())
}

/// What words of a section of the vocabulary are: a flag, or a usual name that the lists of names lack.
fn section_flags(section: &str) -> Option<WordFlags> {
    match section {
        "given" => Some(WordFlags::classes(2, 0, 0)),
        "surname" => Some(WordFlags::classes(0, 2, 0)),
        other => WordFlags::of_section(other),
    }
}

/// Names are often written without their accents, or with German umlauts spelled out: those spellings count too,
/// where they mean nothing else.
fn add_unaccented(words: &mut BTreeMap<String, WordFlags>) {
    let mut plain: BTreeMap<String, WordFlags> = BTreeMap::new();
    for (word, flags) in words.iter().filter(|(word, flags)| !word.is_ascii() && (flags.given() | flags.surname()) > 0)
    {
        let flags = WordFlags::classes(flags.given(), flags.surname(), 0);
        for spelling in [word.chars().map(unaccent).collect::<String>(), spell_umlauts(word)] {
            if spelling.is_ascii() && !words.contains_key(&spelling) {
                let entry = plain.entry(spelling).or_default();
                *entry = entry.merge(flags);
            }
        }
    }
    words.append(&mut plain);
}

fn spell_umlauts(word: &str) -> String {
    let mut spelled = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            'ä' => spelled.push_str("ae"),
            'ö' | 'ø' => spelled.push_str("oe"),
            'ü' => spelled.push_str("ue"),
            'ß' => spelled.push_str("ss"),
            'å' => spelled.push_str("aa"),
            'æ' => spelled.push_str("ae"),
            other => spelled.push(unaccent(other)),
        }
    }
    spelled
}

/// The plain letter below an accent, for the Latin letters of the lists.
fn unaccent(c: char) -> char {
    const GROUPS: [(char, &str); 21] = [
        ('a', "àáâãäåāăąạảấầẩẫậắằẳẵặǎ"),
        ('c', "çćĉċč"),
        ('d', "ďđð"),
        ('e', "èéêëēĕėęěẹẻẽếềểễệ"),
        ('g', "ĝğġģǧ"),
        ('h', "ĥħ"),
        ('i', "ìíîïĩīĭįıỉịǐ"),
        ('j', "ĵ"),
        ('k', "ķ"),
        ('l', "ĺļľŀł"),
        ('n', "ñńņňŋ"),
        ('o', "òóôõöøōŏőọỏốồổỗộớờởỡợơǒ"),
        ('r', "ŕŗř"),
        ('s', "śŝşšș"),
        ('t', "ţťŧț"),
        ('u', "ùúûüũūŭůűųụủứừửữựưǔ"),
        ('w', "ŵ"),
        ('y', "ýÿŷỳỵỷỹ"),
        ('z', "źżž"),
        ('\'', "ʻ\u{2018}"),
        ('b', "ḃ"),
    ];
    GROUPS.iter().find(|(_, accented)| accented.contains(c)).map_or(c, |(plain, _)| *plain)
}
