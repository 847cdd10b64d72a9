//! The organisation's own offices: staff, pipelines, marketing, pictures, mail.

use std::fmt::Write as _;

use model::IdentifierType as T;

use super::tree::{Planted, Trap, Tree};
use super::{WriteError, discovery, secrets};
use crate::address::{self, Address};
use crate::calendar::Date;
use crate::identifier;
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::table::Table;
use crate::write::{image, office, text};

const STAFF: [(Language, &str, usize); 4] =
    [(Language::En, "US", 60), (Language::De, "DE", 30), (Language::Fr, "FR", 15), (Language::Ja, "JP", 35)];

/// Writes `hr/`, `it/`, `marketing/` and tells how many employees there are.
pub fn write(tree: &mut Tree, seed: u64) -> Result<u64, WriteError> {
    let mut random = Random::stream(seed, "office");
    let employees = staff(tree, &mut random)?;
    pipelines(tree, &mut random)?;
    marketing(tree, &mut random)?;
    Ok(employees)
}

fn staff(tree: &mut Tree, random: &mut Random) -> Result<u64, WriteError> {
    let mut employees = 0;
    let mut payroll =
        Table::of("payroll", &["employee_no", "name", "birth_date", "email", "country", "iban", "salary"]);
    for (language, country, count) in STAFF {
        let mut numbers = Table::of("マイナンバー", &["社員番号", "氏名", "フリガナ", "生年月日", "個人番号", "住所"]);
        for _ in 0..count {
            employees += 1;
            let name = Name::draw(random, language, Surnames::Test);
            let birth = Date::between(random, 1960, 2002);
            payroll.rows.push(vec![
                format!("E{employees:04}"),
                name.full(language),
                birth.iso(),
                format!("{}@example.com", name.mailbox(random)),
                country.to_owned(),
                identifier::iban(random, language),
                (random.within(38..=190) * 1000).to_string(),
            ]);
            if language == Language::Ja {
                let home = Address::draw(random, language);
                numbers.rows.push(vec![
                    format!("E{employees:04}"),
                    name.full(language),
                    format!("{} {}", name.kana.1, name.kana.0),
                    birth.iso(),
                    identifier::my_number(random),
                    format!("〒{} {}{}", home.postcode, home.city, home.street),
                ]);
            }
            if employees % 6 == 0 {
                curriculum(tree, random, &name, language, birth, employees)?;
            }
        }
        if language == Language::Ja {
            let planted =
                Planted::default().with(T::JpMyNumber, count).with(T::Person, count).trap(Trap::MyNumberSheet);
            let csv = text::encoded(&numbers.delimited(','), encoding_rs::SHIFT_JIS);
            tree.put("hr/japan/年末調整/個人番号一覧.xlsx", office::xlsx("総務部", &[numbers])?, planted.clone())?;
            tree.put("hr/japan/年末調整/個人番号一覧.csv", csv, planted)?;
        }
    }
    travel_documents(tree, random)?;
    let count = payroll.rows.len();
    let planted = Planted::default().with(T::Person, count).with(T::Iban, count).with(T::Email, count);
    tree.put("hr/payroll-2025.xlsx", office::xlsx("Payroll", &[payroll])?, planted)?;
    Ok(employees)
}

/// Copies of papers that the travel desk keeps.
fn travel_documents(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    let mut papers = Table::of("travel", &["name", "nationality", "passport_number", "driver_licence", "card_number"]);
    for language in [Language::En, Language::De, Language::Fr, Language::Es].repeat(6) {
        papers.rows.push(vec![
            Name::draw(random, language, Surnames::Test).full(language),
            language.code().to_uppercase(),
            identifier::passport(random, language),
            identifier::licence(random),
            identifier::card(random),
        ]);
    }
    let count = papers.rows.len();
    let planted = [T::Person, T::Passport, T::CreditCard]
        .into_iter()
        .fold(Planted::default(), |planted, kind| planted.with(kind, count));
    tree.put("hr/travel-desk/papers.csv", papers.delimited(','), planted)?;
    let mut cards = String::from("在留カード・運転免許証 控え\n");
    for _ in 0..12 {
        let name = Name::draw(random, Language::Ja, Surnames::Test).full(Language::Ja);
        let _ = writeln!(
            cards,
            "氏名 {name} 在留カード番号 {} 運転免許証番号 {}",
            identifier::jp_residence_card(random),
            identifier::jp_driver_licence(random)
        );
    }
    let planted = Planted::default().with(T::Person, 12).with(T::JpResidenceCard, 12).with(T::JpDriverLicence, 12);
    tree.put("hr/japan/身分証控え.txt", text::encoded(&cards, encoding_rs::SHIFT_JIS), planted)
}

fn curriculum(
    tree: &mut Tree,
    random: &mut Random,
    name: &Name,
    language: Language,
    birth: Date,
    number: u64,
) -> Result<(), WriteError> {
    let home = Address::draw(random, language);
    let full = name.full(language);
    let text = format!(
        "Curriculum vitae\n{full}\nBorn {}\n{}, {} {}\nPhone {}\n\n2014-2019 Scientist\nsince 2019 Aurelion Bio\n",
        birth.iso(),
        home.street,
        home.postcode,
        home.city,
        address::phone(random, language)
    );
    let planted = Planted::default().with(T::Person, 1).with(T::Phone, 1).with(T::Date, 1);
    tree.put(&format!("hr/cv/E{number:04}.odt"), office::odt(&full, &text)?, planted)
}

fn pipelines(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    let (id, secret) = secrets::cloud_key(random);
    let config = format!(
        "# warehouse loader\n[source]\nurl = \"{}\"\n\n[target]\nbucket = \"aurelion-lake\"\naws_access_key_id = \"{id}\"\naws_secret_access_key = \"{secret}\"\n",
        secrets::database_url(random)
    );
    tree.put("it/pipelines/loader.toml", config, Planted::default().with(T::Secret, 3).trap(Trap::CloudKeys))?;
    let token = secrets::code_host_token(random);
    let script = format!("#!/bin/sh\nset -eu\nexport CI_TOKEN={token}\nmake test\n");
    tree.put("it/pipelines/build.sh", script, Planted::default().with(T::Secret, 1))?;
    tree.put("it/hosts/old-bastion/id_rsa", secrets::private_key(random), Planted::default().with(T::Secret, 1))?;
    let mut log = String::new();
    for line in 0..4_000 {
        let (second, user) = (line % 60, identifier::ip(random));
        let _ = if line % 400 == 7 {
            let token = secrets::web_token(random, &format!("svc-export-{line}"));
            writeln!(
                log,
                "2026-03-05T09:{:02}:{second:02}Z DEBUG http header authorization: Bearer {token} client={user}",
                line / 60 % 60
            )
        } else {
            writeln!(
                log,
                "2026-03-05T09:{:02}:{second:02}Z INFO  request id={} status=200 bytes={} client={user}",
                line / 60 % 60,
                random.number(8),
                random.within(100..=90_000)
            )
        };
    }
    tree.put("it/logs/gateway.log", log, Planted::default().with(T::Secret, 10).trap(Trap::TokensInLog))?;
    tree.put(
        "it/README.md",
        "# Platform\n\nRunbooks live in `it/`. Nothing here may hold patient data.\n",
        Planted::default(),
    )
}

fn marketing(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    let mut slides =
        vec!["Aurelion Bio\nInvestor day".to_owned(), "Pipeline\nThree programmes in the clinic".to_owned()];
    for lead in 1..=4 {
        slides.push(format!("Lead {lead}\nAUR-004{lead:04}\nSMILES: {}", discovery::compound(random)));
    }
    let planted = Planted::default().with(T::Smiles, 4).trap(Trap::CompoundsInSlides);
    tree.put("marketing/investor-day.pptx", office::pptx("Communications", &slides)?, planted)?;
    for number in 1..=24 {
        let artist = Name::draw(random, Language::En, Surnames::Test);
        let artist = format!("{} {}", crate::person::ascii(artist.given), crate::person::ascii(artist.family));
        let place = (random.within(30..=59), random.within(1..=120));
        let planted = Planted::default().with(T::Person, 1);
        if number % 2 == 0 {
            let picture = image::png(96, &artist, "Opening of the new site", place)?;
            tree.put(&format!("marketing/photos/opening-{number:02}.png"), picture, planted)?;
        } else {
            let picture = image::jpeg(&artist, "Opening of the new site", place);
            tree.put(&format!("marketing/photos/opening-{number:02}.jpg"), picture, planted)?;
        }
    }
    tree.put(
        "marketing/press-release.txt",
        "Aurelion Bio opens a new site. Three hundred guests came in May.\n",
        Planted::default(),
    )
}
