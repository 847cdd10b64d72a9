//! What slots are filled with.

use std::collections::BTreeMap;

use model::IdentifierType as T;

use crate::address::{self, Address};
use crate::calendar::Date;
use crate::lexicon::{words, words_in};
use crate::person::{self, Language, Name, Surnames};
use crate::random::Random;
use crate::{identifier, person::ascii};

/// A stretch of a filled slot; unlabelled when it is no identifier.
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: Option<T>,
}

/// The people and the source of chance of one text.
pub struct Filling<'a> {
    random: &'a mut Random,
    language: Language,
    surnames: Surnames,
    people: BTreeMap<usize, Somebody>,
    /// Numbers of the person that the text is about, where they are given.
    numbers: BTreeMap<&'static str, String>,
}

/// The person that a text is to be about.
pub struct About<'a> {
    /// The name.
    pub name: &'a Name,
    /// The birth date.
    pub birth: Date,
    /// The e-mail address.
    pub email: &'a str,
    /// Numbers by slot: `mrn`, `ssn`, `nid`, `subj`, `phone`, `sample`, `my`.
    pub numbers: BTreeMap<&'static str, String>,
}

#[derive(Clone)]
struct Somebody {
    name: Name,
    email: String,
    birth: Date,
    age: u32,
}

impl<'a> Filling<'a> {
    /// For one text.
    pub fn new(random: &'a mut Random, language: Language, surnames: Surnames) -> Self {
        Self { random, language, surnames, people: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// Lets the text be about somebody.
    pub fn about(&mut self, about: &About) {
        let age = u32::try_from(2025 - about.birth.year).unwrap_or(40).min(89);
        let somebody = Somebody { name: about.name.clone(), email: about.email.to_owned(), birth: about.birth, age };
        self.people.insert(0, somebody);
        self.numbers.clone_from(&about.numbers);
    }

    fn somebody(&mut self, number: usize) -> Somebody {
        if let Some(somebody) = self.people.get(&number) {
            return somebody.clone();
        }
        let name = Name::draw(self.random, self.language, self.surnames);
        let domain =
            self.random.pick(&["example.com", "example.org", "example.net", "mail.example.com", "hospital.test"]);
        let email = format!("{}@{domain}", name.mailbox(self.random));
        let birth = Date::between(self.random, 1934, 2006);
        let age = u32::try_from(2025 - birth.year).unwrap_or(40).min(89);
        let somebody = Somebody { name, email, birth, age };
        self.people.insert(number, somebody.clone());
        somebody
    }
}

fn plain(text: impl Into<String>) -> Vec<Piece> {
    vec![Piece { text: text.into(), kind: None }]
}

fn labelled(kind: T, text: impl Into<String>) -> Vec<Piece> {
    vec![Piece { text: text.into(), kind: Some(kind) }]
}

/// Fills the slots of one group of kinds.
type SlotKind = fn(&mut Filling, &str, usize) -> Option<Vec<Piece>>;

/// The pieces of a slot; none for an unknown kind.
pub fn fill(filling: &mut Filling, kind: &str, person: usize) -> Vec<Piece> {
    let tries: [SlotKind; 5] = [name_slot, date_slot, number_slot, place_slot, word_slot];
    tries.iter().find_map(|slot| slot(filling, kind, person)).unwrap_or_default()
}

fn name_slot(filling: &mut Filling, kind: &str, person: usize) -> Option<Vec<Piece>> {
    let language = filling.language;
    let somebody = filling.somebody(person);
    let name = &somebody.name;
    let (given, family, middle) = (name.given, name.family, name.middle);
    let initial = given.chars().next().unwrap_or('A');
    let text = match kind {
        "name" => name.full(language),
        "full" if language == Language::Ja => name.full(language),
        "full" => format!("{given} {middle}. {family}"),
        "first" => given.to_owned(),
        "last" => family.to_owned(),
        "lf" => format!("{family}, {given}"),
        "LF" => format!("{}, {}", family.to_uppercase(), given.to_uppercase()),
        "NAME" => name.full(language).to_uppercase(),
        "lower" => name.full(language).to_lowercase(),
        "il" => format!("{initial}. {family}"),
        "li" => format!("{family} {initial}"),
        "glued" => format!("{family}{given}"),
        "kana" => format!("{} {}", name.kana.1, name.kana.0),
        "caret" => format!("{family}^{given}"),
        "email" => return Some(labelled(T::Email, somebody.email)),
        "dob" => {
            let text = if filling.random.chance(60) {
                somebody.birth.numeric(language, filling.random)
            } else {
                somebody.birth.long(language, filling.random)
            };
            return Some(labelled(T::Date, text));
        }
        "age" => return Some(plain(somebody.age.to_string())),
        "dea" => {
            let initial = ascii(family).to_uppercase().chars().next().unwrap_or('K');
            return Some(labelled(T::UsDea, identifier::dea(filling.random, initial)));
        }
        "nid" => {
            return Some(labelled(
                T::NationalId,
                filling
                    .numbers
                    .get("nid")
                    .cloned()
                    .unwrap_or_else(|| identifier::national(filling.random, language, name.female)),
            ));
        }
        _ => return gendered(kind, name.female).map(plain),
    };
    Some(labelled(T::Person, text))
}

fn gendered(kind: &str, female: bool) -> Option<&'static str> {
    let (woman, man) = match kind {
        "mr" => ("Ms.", "Mr."),
        "mrs" => ("Mrs.", "Mr."),
        "he" => ("she", "he"),
        "He" => ("She", "He"),
        "his" => ("her", "his"),
        "His" => ("Her", "His"),
        "him" => ("her", "him"),
        "man" => ("woman", "man"),
        "male" => ("female", "male"),
        "mf" => ("F", "M"),
        "herr" => ("Frau", "Herr"),
        "herrn" => ("Frau", "Herrn"),
        "er" => ("sie", "er"),
        "Er" => ("Sie", "Er"),
        "der" => ("die", "der"),
        "patient" => ("Patientin", "Patient"),
        "mme" => ("Mme", "M."),
        "elle" => ("elle", "il"),
        "sr" => ("Sra.", "Sr."),
        "don" => ("doña", "don"),
        "sei" => ("女性", "男性"),
        _ => return None,
    };
    Some(if female { woman } else { man })
}

fn date_slot(filling: &mut Filling, kind: &str, _person: usize) -> Option<Vec<Piece>> {
    let language = filling.language;
    let random = &mut *filling.random;
    let date = Date::between(random, 2015, 2027);
    let (hour, minute) = (random.within(0..=23), random.within(0..=59));
    Some(match kind {
        "date" if random.chance(60) => labelled(T::Date, date.numeric(language, random)),
        "date" | "date_long" => labelled(T::Date, date.long(language, random)),
        "date_num" => labelled(T::Date, date.numeric(language, random)),
        "iso" => labelled(T::Date, date.iso()),
        "md" => labelled(T::Date, date.month_day(language, random)),
        "year" => plain(date.year.to_string()),
        "month" => plain(date.month_name(language)),
        "time" => plain(format!("{hour:02}:{minute:02}")),
        "age90" => labelled(T::AgeOver89, random.within(90..=104).to_string()),
        _ => return None,
    })
}

fn number_slot(filling: &mut Filling, kind: &str, _person: usize) -> Option<Vec<Piece>> {
    let language = filling.language;
    let given = filling.numbers.get(kind).cloned();
    let random = &mut *filling.random;
    let (kind, text) = match kind {
        "phone" => (T::Phone, address::phone(random, language)),
        "fax" => (T::Fax, address::phone(random, language)),
        "url" => (
            T::Url,
            format!(
                "https://{}.example.org/{}",
                random.pick(&["portal", "records", "www", "trials"]),
                random.letters("abcdefghkmnp", 7)
            ),
        ),
        "ip" => (T::IpAddress, identifier::ip(random)),
        "ssn" => (T::UsSsn, identifier::ssn(random)),
        "mrn" => (T::Mrn, identifier::mrn(random)),
        "mbi" => (T::UsMbi, identifier::mbi(random)),
        "npi" => (T::UsNpi, identifier::npi(random)),
        "hpid" => (T::HealthPlanId, identifier::health_plan(random)),
        "account" => (T::Account, identifier::account(random)),
        "iban" => (T::Iban, identifier::iban(random, language)),
        "card" => (T::CreditCard, identifier::card(random)),
        "licence" => (T::Licence, identifier::licence(random)),
        "plate" => (T::VehicleId, identifier::plate(random, language)),
        "vin" => (T::VehicleId, identifier::vin(random)),
        "device" => (T::DeviceId, identifier::device(random)),
        "passport" => (T::Passport, identifier::passport(random, language)),
        "my" => (T::JpMyNumber, identifier::my_number(random)),
        "jhi" => (T::JpHealthInsurance, identifier::jp_insurer(random)),
        "jins" => (T::JpHealthInsurance, identifier::jp_insured(random)),
        "jdl" => (T::JpDriverLicence, identifier::jp_driver_licence(random)),
        "jrc" => (T::JpResidenceCard, identifier::jp_residence_card(random)),
        "subj" => (T::SubjectId, identifier::subject(random)),
        "trial" => (T::TrialId, identifier::trial(random, language)),
        "sample" => (T::SampleId, identifier::sample(random)),
        "var" => (T::GeneticVariant, random.pick(words("hgvs")).to_owned()),
        "rs" => (T::GeneticVariant, identifier::rsid(random)),
        "smiles" => (T::Smiles, random.pick(words("smiles")).to_owned()),
        "cas" => (T::CasNumber, identifier::cas(random)),
        "dx" => (T::Diagnosis, random.pick(words_in("dx", language.code())).to_owned()),
        "dxc" => (T::Diagnosis, random.pick(words("icd")).to_owned()),
        "med" => (T::Medication, random.pick(words_in("med", language.code())).to_owned()),
        _ => return None,
    };
    Some(labelled(kind, given.unwrap_or(text)))
}

fn place_slot(filling: &mut Filling, kind: &str, _person: usize) -> Option<Vec<Piece>> {
    let language = filling.language;
    let random = &mut *filling.random;
    let place = Address::draw(random, language);
    let piece = |kind, text: &str| Piece { text: text.to_owned(), kind };
    Some(match kind {
        "addr" => {
            let (first, between, second) = match language {
                Language::En => (format!("{}, {}", place.street, place.city), " ", place.postcode),
                Language::Ja => {
                    let whole = format!("{}{}", place.city, place.street);
                    let postcode = vec![piece(None, "〒"), piece(Some(T::Postcode), &place.postcode), piece(None, " ")];
                    return Some(postcode.into_iter().chain([piece(Some(T::Address), &whole)]).collect());
                }
                _ => {
                    let town = [
                        piece(Some(T::Postcode), &place.postcode),
                        piece(None, " "),
                        piece(Some(T::Address), place.city),
                    ];
                    let street = [piece(Some(T::Address), &place.street), piece(None, ", ")];
                    return Some(street.into_iter().chain(town).collect());
                }
            };
            vec![piece(Some(T::Address), &first), piece(None, between), piece(Some(T::Postcode), &second)]
        }
        "street" => labelled(T::Address, place.street),
        "city" => labelled(T::Address, place.town()),
        "citystate" => labelled(T::Address, place.city),
        "zip" => labelled(T::Postcode, place.postcode),
        "hospital" => plain(person::hospital(random, language)),
        "company" => plain(random.pick(words("company.en"))),
        _ => return None,
    })
}

/// Words and numbers that are no identifiers.
fn word_slot(filling: &mut Filling, kind: &str, _person: usize) -> Option<Vec<Piece>> {
    let random = &mut *filling.random;
    Some(plain(match kind {
        "dept" => random.pick(words("department")).to_owned(),
        "eponym" => random.pick(words("eponym")).to_owned(),
        "gene" => random.pick(words("gene")).to_owned(),
        "lab" => format!("{} {}.{}", random.pick(words("lab")), random.within(1..=180), random.within(0..=9)),
        "bp" => format!("{}/{}", random.within(95..=180), random.within(55..=105)),
        "hr" => random.within(52..=124).to_string(),
        "temp" => format!("{}.{}", random.within(36..=39), random.within(0..=9)),
        "spo2" => format!("{}%", random.within(88..=100)),
        "wt" => format!("{}.{}", random.within(44..=121), random.within(0..=9)),
        "dose" => format!("{} mg", random.pick(&[5, 10, 20, 25, 40, 50, 100, 250, 500, 850])),
        "n" => random.within(2..=28).to_string(),
        "n3" => random.within(100..=989).to_string(),
        "n5" => random.number(5),
        "size" => format!(
            "{}.{} x {}.{}",
            random.within(1..=6),
            random.within(0..=9),
            random.within(1..=6),
            random.within(0..=9)
        ),
        "ver" => format!("{}.{}.{}", random.within(1..=9), random.within(0..=20), random.within(0..=30)),
        "isbn" => format!("978-0-{}-{}-{}", random.digits(4), random.digits(4), random.digits(1)),
        "room" => format!("{}{}", random.within(1..=9), random.digits(2)),
        "lot" => format!("lot {}{}", random.letters("ABCDEFGHKM", 2), random.number(4)),
        "pct" => format!("{}.{}%", random.within(0..=99), random.within(0..=9)),
        "pval" => format!("p = 0.0{}", random.digits(2)),
        _ => return None,
    }))
}
