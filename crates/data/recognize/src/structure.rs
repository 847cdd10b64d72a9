//! What a value is, told by where it stands: a FHIR path, HL7 field, DICOM tag, SDTM variable, column header. Joins
//! the structure maps with the field names that recognisers claim for themselves.

use std::collections::HashMap;

use model::IdentifierType;

use crate::content::structure::{StructureMap, normal_header};
use crate::content::{Meaning, StructureFile};
use crate::embedded::Written;
use crate::engine::{Engine, EngineError};
use crate::validate::{self, Validator};

/// What a place tells about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// The structure entry of that number says what it is.
    Meaning(u32),
    /// The field name belongs to the recogniser of that index.
    Recognizer(u16),
    /// Values that pass the recogniser's check are its own, with its country; others what the structure entry says.
    Either {
        /// The recogniser's index.
        recognizer: u16,
        /// The structure entry's number.
        meaning: u32,
    },
}

/// All structure maps and claimed field names, made ready for look-up.
pub struct Structure {
    map: StructureMap,
    /// By entry number.
    validators: HashMap<u32, Validator>,
    /// Normalised header → recogniser.
    fields: HashMap<String, u16>,
}

impl Structure {
    /// From the content embedded in the program; `engine` gives the recognisers' own field names.
    ///
    /// # Errors
    /// When a structure file is wrong.
    pub fn embedded(engine: &Engine) -> Result<Self, EngineError> {
        Self::read(Written::Json, crate::embedded::FILES.iter().copied(), engine)
    }

    /// From content files given as `(path below content/recognizers, text)`; others than `structure/` are passed over.
    ///
    /// # Errors
    /// When a structure file is wrong.
    pub fn from_files<'a>(
        files: impl Iterator<Item = (&'a str, &'a str)>,
        engine: &Engine,
    ) -> Result<Self, EngineError> {
        Self::read(Written::Toml, files, engine)
    }

    fn read<'a>(
        written: Written,
        files: impl Iterator<Item = (&'a str, &'a str)>,
        engine: &Engine,
    ) -> Result<Self, EngineError> {
        let mut parsed = Vec::new();
        for (file, text) in files.filter(|(file, _)| file.starts_with("structure/") && file.ends_with(".toml")) {
            parsed.push(written.read::<StructureFile>(file, text)?);
        }
        let map = StructureMap::new(parsed);
        let mut validators = HashMap::new();
        for (vocabulary, meaning) in map.iter() {
            let Some(name) = &meaning.validator else { continue };
            let validator = validate::by_name(name).ok_or_else(|| EngineError::Validator {
                id: format!("{vocabulary}:{}", meaning.path.first().map_or("", String::as_str)),
                name: name.clone(),
            })?;
            validators.insert(meaning.number, validator);
        }
        let mut fields = HashMap::new();
        for (index, spec) in engine.recognizers().enumerate() {
            for field in &spec.fields {
                // A name of marks alone, such as `〒`, has no words: it must not stand for columns without a name.
                let name = Some(normal_header(field)).filter(|name| !name.is_empty());
                #[expect(clippy::cast_possible_truncation, reason = "the engine refuses more than 65,535 recognisers")]
                if let Some(name) = name {
                    fields.entry(name).or_insert(index as u16);
                }
            }
        }
        Ok(Self { map, validators, fields })
    }

    /// The entry of that number.
    #[must_use]
    pub fn meaning(&self, number: u32) -> Option<&Meaning> {
        self.map.entry(number).map(|(_, meaning)| meaning)
    }

    /// The check that the entry's values must pass.
    #[must_use]
    pub fn validator(&self, number: u32) -> Option<Validator> {
        self.validators.get(&number).copied()
    }

    /// `vocabulary:path` of the entry, for explanations.
    #[must_use]
    pub fn id(&self, number: u32) -> String {
        self.map.entry(number).map_or_else(String::new, |(vocabulary, meaning)| {
            format!("{vocabulary}:{}", meaning.path.first().map_or("", String::as_str))
        })
    }

    /// What `path` of `vocabulary` tells, given the qualifiers beside the value.
    #[must_use]
    pub fn path(&self, vocabulary: &str, path: &str, kind: &str, issuer: &str) -> Option<Told> {
        match vocabulary {
            "header" => self.header(path),
            "keys" => self.key(path),
            _ => self.map.meaning(vocabulary, path, kind, issuer).map(|meaning| Told::Meaning(meaning.number)),
        }
    }

    /// What a column header tells: by the structure map, else by the fields that recognisers claim; leading words are
    /// dropped one by one (`patient_home_phone` → `phone`). A header that tells nothing so is spelled out first: without
    /// numbers and versions behind it (`mrn_v2`), its words in full (`ph_num` → `phone_number`).
    #[must_use]
    pub fn header(&self, header: &str) -> Option<Told> {
        let name = normal_header(header);
        if let Some(meaning) = self.map.column(header) {
            return Some(self.narrowed(meaning, &name));
        }
        self.field(&name).or_else(|| self.spelled_out(&name))
    }

    fn spelled_out(&self, normal: &str) -> Option<Told> {
        self.map.other_writings(normal).find_map(|name| {
            self.map.column(&name).map(|meaning| self.narrowed(meaning, &name)).or_else(|| self.field(&name))
        })
    }

    /// A national number whose column is called as one country calls it.
    fn narrowed(&self, meaning: &Meaning, name: &str) -> Told {
        let meaning_number = meaning.number;
        match self.field(name) {
            Some(Told::Recognizer(recognizer)) if meaning.identifier == Some(IdentifierType::NationalId) => {
                Told::Either { recognizer, meaning: meaning_number }
            }
            _ => Told::Meaning(meaning_number),
        }
    }

    fn key(&self, path: &str) -> Option<Told> {
        let last = path.rsplit(['.', '/']).next().unwrap_or(path);
        let name = normal_header(last);
        if let Some(meaning) = self.map.key(path) {
            return Some(self.narrowed(meaning, &name));
        }
        self.field(&name).or_else(|| self.spelled_out(&name))
    }

    fn field(&self, name: &str) -> Option<Told> {
        let mut rest = name;
        loop {
            if let Some(&recognizer) = self.fields.get(rest) {
                return Some(Told::Recognizer(recognizer));
            }
            rest = rest.split_once('_')?.1;
        }
    }
}
