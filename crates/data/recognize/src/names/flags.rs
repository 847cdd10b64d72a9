//! What the gazetteer says of a word.

/// Bit flags and frequency classes of one word. Classes run from 0 (not listed) to 3 (frequent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WordFlags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:expr, $section:literal;)*) => {
        impl WordFlags {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            /// The flag of a section of `content/names/vocabulary.txt`.
            #[must_use]
            pub fn of_section(section: &str) -> Option<Self> {
                match section {
                    $($section => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

flags! {
    /// Form of address before a name: `Dr`, `Frau`.
    TITLE = 6, "title";
    /// Field label or role before a name: `Patient`, `Hausarzt`.
    LABEL = 7, "label";
    /// State, country or city.
    PLACE = 8, "place";
    /// Makes an organisation of the name before it: `Hospital`.
    ORGANISATION = 9, "organisation";
    /// Makes a medical eponym of the name before it: `disease`, `catheter`.
    EPONYM_HEAD = 10, "eponymhead";
    /// A name known from an eponym: `Parkinson`.
    EPONYM = 11, "eponym";
    /// Month, weekday, holiday.
    CALENDAR = 12, "calendar";
    /// Part inside a name: `van`, `de`, `al`.
    PARTICLE = 13, "particle";
    /// After a name: `Jr`, `MD`.
    SUFFIX = 14, "suffix";
    /// Opens or closes a letter: `Dear`, `Sincerely`.
    GREETING = 15, "greeting";
    /// Drug, gene, clinical abbreviation.
    TERM = 16, "term";
    /// Part of a street address: `Street`, `Platz`.
    STREET = 17, "street";
    /// Nationality, language, faith.
    NATIONALITY = 18, "nationality";
    /// In lower case right before a name, speaks for it: `wife`, `named`.
    INTRO = 19, "intro";
    /// In lower case right before a name, speaks a little for it: `by`, `with`.
    PREPOSITION = 20, "preposition";
    /// In lower case right after a name, speaks for it: `reports`, `klagt`.
    VERB = 21, "verb";
    /// A function word or heading, never a name by itself.
    STOP = 22, "stop";
    /// An ordinary word in dictionaries, but a capital makes it a name nearly always: `Peter`.
    RARELY_WORD = 23, "rarelyword";
    /// An ordinary Japanese word or place that reads like a name.
    JAPANESE_WORD = 28, "japaneseword";
}

impl WordFlags {
    /// Nothing known.
    pub const NONE: Self = Self(0);

    /// A word of these classes (each 0 to 3) and no flag.
    #[must_use]
    pub fn classes(given: u8, surname: u8, common: u8) -> Self {
        Self(u32::from(given & 3) | u32::from(surname & 3) << 2 | u32::from(common & 3) << 4)
    }

    /// A Japanese word of these classes.
    #[must_use]
    pub fn japanese(given: u8, surname: u8) -> Self {
        Self(u32::from(given & 3) << 24 | u32::from(surname & 3) << 26)
    }

    /// How frequent it is as a given name in Latin writing.
    #[must_use]
    pub fn given(self) -> u8 {
        (self.0 & 3) as u8
    }

    /// How frequent it is as a family name in Latin writing.
    #[must_use]
    pub fn surname(self) -> u8 {
        (self.0 >> 2 & 3) as u8
    }

    /// How frequent it is as an ordinary word.
    #[must_use]
    pub fn common(self) -> u8 {
        (self.0 >> 4 & 3) as u8
    }

    /// How frequent it is as a given name in Japanese writing.
    #[must_use]
    pub fn japanese_given(self) -> u8 {
        (self.0 >> 24 & 3) as u8
    }

    /// How frequent it is as a family name in Japanese writing.
    #[must_use]
    pub fn japanese_surname(self) -> u8 {
        (self.0 >> 26 & 3) as u8
    }

    /// Whether any of `other`'s bits is set.
    #[must_use]
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together; of each class the more frequent.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut bits = (self.0 | other.0) & !CLASS_BITS;
        for shift in [0, 2, 4, 24, 26] {
            bits |= (self.0 >> shift & 3).max(other.0 >> shift & 3) << shift;
        }
        Self(bits)
    }

    /// The same with another class as an ordinary word.
    #[must_use]
    pub fn with_common(self, common: u8) -> Self {
        Self(self.0 & !0x30 | u32::from(common & 3) << 4)
    }
}

impl std::ops::BitOr for WordFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

const CLASS_BITS: u32 = 0x3F | 0xF << 24;

#[cfg(test)]
mod tests {
    use super::WordFlags;

    #[test]
    fn merging_keeps_the_more_frequent_class() {
        let both = WordFlags::classes(1, 3, 0).merge(WordFlags::classes(2, 0, 1) | WordFlags::PLACE);
        assert_eq!((both.given(), both.surname(), both.common()), (2, 3, 1));
        assert!(both.any(WordFlags::PLACE));
        assert_eq!(both.with_common(3).common(), 3);
    }

    #[test]
    fn japanese_classes_lie_apart_from_the_flags() {
        let word = WordFlags::japanese(3, 2) | WordFlags::JAPANESE_WORD;
        assert_eq!((word.japanese_given(), word.japanese_surname(), word.given()), (3, 2, 0));
        assert!(!word.any(WordFlags::RARELY_WORD));
    }
}
