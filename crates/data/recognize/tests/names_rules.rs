//! The rules for person names, case by case: what stands between `«` and `»` must be found, nothing else may be.

use proptest::prelude::*;
use recognize::names::pack::{LISTS, pack, words};
use recognize::names::{Gazetteer, NameHit, Names, Scratch};

fn find(names: &Names, text: &str) -> Vec<NameHit> {
    let mut hits = Vec::new();
    names.find(text, &mut Scratch::default(), &mut hits);
    hits
}

/// Runs one marked text and says what went wrong.
fn check(names: &Names, marked: &str) -> Result<(), String> {
    let (mut text, mut expected, mut open) = (String::new(), Vec::new(), 0);
    for c in marked.chars() {
        match c {
            '«' => open = text.len(),
            '»' => expected.push((open, text.len())),
            other => text.push(other),
        }
    }
    let hits = find(names, &text);
    let overlaps = |hit: &NameHit, span: &(usize, usize)| hit.start < span.1 && hit.end > span.0;
    for span in &expected {
        if !hits.iter().any(|hit| overlaps(hit, span)) {
            return Err(format!("missed `{}` in `{marked}`", &text[span.0..span.1]));
        }
    }
    match hits.iter().find(|hit| !expected.iter().any(|span| overlaps(hit, span))) {
        Some(wrong) => Err(format!("`{}` ({:?}) is no name in `{marked}`", &text[wrong.start..wrong.end], wrong.why)),
        None => Ok(()),
    }
}

fn check_all(cases: &[&str]) {
    let names = Names::load();
    let faults: Vec<String> = cases.iter().filter_map(|case| check(&names, case).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn english_names() {
    check_all(&[
        "Patient: «John Smith», DOB 01/02/1960",
        "Seen today by Dr. «Hargrove» in clinic.",
        "«SMITH, JOHN A» (M, 45)",
        "Name: «Nguyen, Thi Lan»",
        "cc: «Margaret O'Brien», MD; «J. R. Whitfield», PhD",
        "Dear «Susan»,\n\nThank you.",
        "Dear Mrs. «May», please come back in May.",
        "Sincerely,\n\n«Robert T. Kowalski Jr.»",
        "His wife, «Linda», drove him; daughter «Amy» called.",
        "«Hans van der Berg» and «Maria de la Cruz» consented.",
        "Referred by Dr «al-Hassan» for cough.",
        "patient: «john smith»",
        "Dear «mary», see you soon",
        "«Tanaka Hiroshi» was admitted under Prof. «Yamamoto».",
        "The chart of Mr. «Will» shows «Grace Lee» as next of kin.",
        "«Jean-Luc Marchetti»'s daughter reports pain.",
        "Attending Physician: «Emily Le», MD",
        "My name is «Kathryn»",
        "Discussed with «Seung-ho Kim» by phone.",
        "Name ............ «Miller, Paula»",
    ]);
}

#[test]
fn names_in_other_languages() {
    check_all(&[
        "Herr «Klaus Müller» berichtet über Schwindel.",
        "Wir berichten über Ihre Patientin, Frau «Ingeborg von Stetten», geb. 03.04.1950.",
        "Sehr geehrte Frau Kollegin, sehr geehrter Herr Kollege,",
        "Hausärztin: Dr. med. «Sabine Köhler»",
        "Mme «Dupont» se plaint de toux. Le Dr «Lefèvre» a revu la patiente.",
        "Selon l'investigateur, le Pr «Bertrand», le lien est possible.",
        "Paciente: «María García López», 45 años",
        "La Dra. «Fernández» solicita una ecografía.",
    ]);
}

#[test]
fn japanese_names() {
    check_all(&[
        "患者氏名：«山田 太郎» 様",
        "主治医 «田中一郎»、看護師 «鈴木花子»",
        "«佐藤»先生が診察した。",
        "«高橋美咲»さんは昨日退院した。",
        "フリガナ：«ヤマダ タロウ»",
        "«ジョン・スミス»氏が来院",
        "担当医：«渡辺»",
        "«石川　さくら»は元気です。",
        "山形大学医学部附属病院で高血圧と診断された。",
        "患者様にご説明しました。皆様、お客様へ。",
        "東京都千代田区、石川県、和歌山県、広島市",
        "平成三十年四月一日 入院 高熱 中央検査部",
    ]);
}

#[test]
fn eponyms_places_and_organisations_are_no_persons() {
    check_all(&[
        "Parkinson's disease, Crohn's disease, Hodgkin lymphoma and Alzheimer disease.",
        "A Foley catheter was placed. Glasgow Coma Scale 15, Apgar score 9.",
        "Transferred from Washington Hospital to St. Mary's Medical Center in Boston.",
        "She lives in Charlotte, NC near Jackson Street.",
        "Johnson & Johnson, Baker Institute, Wilson Therapeutics Inc.",
        "Will continue aspirin. May repeat in June. Mark the site. Hope to discharge Friday.",
        "Grace period. Art therapy. Bill to insurance. Rich in protein.",
        "PAST MEDICAL HISTORY\nCHIEF COMPLAINT\nREVIEW OF SYSTEMS",
        "Metformin 500 mg, Lisinopril 10 mg, Keytruda, BRCA1, TP53.",
        "Virchow's node, Murphy's sign, Wilson disease, Graves disease, Bell palsy.",
    ]);
}

#[test]
fn methods_scales_and_abbreviations_are_no_persons() {
    check_all(&[
        "Survival was estimated by Kaplan-Meier and compared by Cox regression.",
        "Mann-Whitney, Kruskal-Wallis and Bland-Altman were used; Benjamini-Hochberg corrected.",
        "Barthel 85, Glasgow 15, Karnofsky 70. Child-Pugh B.",
        "Hautschnitt nach Kocher. Naht nach Donati. Sonde nach Sengstaken. Redon.",
        "Hosp No 88231. Hosp. Nr 12. Fax results to the ward.",
        "Steuer-ID laut Ausweis.",
        "Pat.-ID 0099182. Pat.: «Käthe Mühlbauer»",
        "Dr. «Kocher» operated. Herr «Steuer» kam. Dr. «Kaplan-Meier» called.",
        "«Pat Smith» was seen. Mrs. «Pat Miller» called.",
        "Mr. «Whitney» and Anna «Wallis» came.",
    ]);
}

#[test]
fn firms_ships_and_houses_are_no_persons() {
    check_all(&[
        "She spent a year at Baker, Ortiz and Lund.",
        "The Baker, Ortiz and Lund Orchestra plays tonight.",
        "Baker, Ortiz and Lund is a law firm.",
        "Aboard the USS Bergman and HMS Collingwood.",
        "Clinique Pasteur, Hôpital Saint-Antoine, Krankenhaus Maria Hilf, Hospital Doctor Peset.",
        "The wards were run by «Ortega», «Johansson» and «Ramirez».",
        "Vive en Fernando Ortiz, 79, 49594 Valencia",
    ]);
}

#[test]
fn japanese_roles_lead_to_names() {
    check_all(&[
        "当直医は«原田»。",
        "理学療法士«三浦»。",
        "欠席:«長谷川»",
        "担当:«近藤»です。",
        "看護師の«原»が採血。",
    ]);
}

#[test]
fn numbers_and_code_are_no_persons() {
    check_all(&[
        "4417 1234 5678 9113, 123-45-6789, +1 (555) 010-0000",
        "impl Debug for Lite<syn::Abi> {\n    fn make(name: Ident) -> Pat {\n    fn minor(dev: Dev) -> Pat {\n// Miri and Tokio are tools\n",
        "let Scratch = Names::load(); fn Smith() -> Result<John, Error> {}",
        "https://www.example.com/John/Smith C:\\Users\\John john.smith@example.com",
        "ACGTACGTNNNNACGT MARKDLEIVLSAPDH",
        "10 20 30 40.5 1e-9 NaN",
    ]);
}

#[test]
fn whole_values() {
    let names = Names::load();
    for name in
        ["John Smith", "SMITH, JOHN", "Müller, Anna", "山田 太郎", "山田太郎", "J. Whitfield", "Dr. Karen Hughes"]
    {
        assert!(names.is_name(name).is_some(), "{name}");
    }
    for other in [
        "",
        "12345",
        "Blood Pressure",
        "MALE",
        "USA",
        "heart failure",
        "2024-01-01",
        "a@b.c",
        "高血圧",
        "N/A",
        "Placebo",
    ] {
        assert_eq!(names.is_name(other), None, "{other}");
    }
}

#[test]
fn a_name_once_clear_is_known_again() {
    check_all(&["Patient: «Quillan Brackenridge». Later «Brackenridge» left."]);
}

#[test]
fn the_packed_table_is_made_from_the_lists() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/names");
    let texts: Vec<String> = LISTS.iter().map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
    let lists: Vec<(&str, &str)> = LISTS.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    let packed = pack(&lists).unwrap();
    assert!(packed == std::fs::read(folder.join("gazetteer.bin")).unwrap(), "run `cargo xtask names`");
    let gazetteer = Gazetteer::load();
    for (word, flags) in words(&lists).unwrap() {
        assert_eq!(gazetteer.word(&word), flags, "{word}");
    }
}

#[test]
fn loading_is_fast_and_finding_is_linear() {
    let start = std::time::Instant::now();
    let names = Names::load();
    assert!(start.elapsed().as_millis() < 50);
    for piece in ["A", "A ", "Smith, ", "Dr. ", "van ", ": a", "山", "山 ", "ア・", "'s ", "John\n", "J.", "é", "É"]
    {
        let text = piece.repeat(1_000_000 / piece.len());
        let start = std::time::Instant::now();
        find(&names, &text);
        assert!(start.elapsed().as_secs() < 5, "{piece}: {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "\\PC*") {
        let names = Names::load();
        for hit in find(&names, &text) {
            prop_assert!(text.get(hit.start..hit.end).is_some_and(|name| !name.is_empty()));
        }
        let _ = names.is_name(&text);
    }

    #[test]
    fn hits_are_ordered_and_apart(parts in proptest::collection::vec(
        prop_oneof![
            Just("Dr. "), Just("Smith"), Just("John "), Just(", "), Just("MD"), Just("'s "), Just(": "), Just("\n"), Just("patient"),
            Just("van der "), Just("山田"), Just("太郎"), Just(" "), Just("様"), Just("é"), Just("Ö"), Just("J."), Just("-"), Just("ﾔﾏﾀﾞ"),
            Just("・"), Just("9"), Just("Dear "), Just("\u{301}"), Just("’s "), Just("氏名："), Just("Mc"), Just("O'")
        ], 0..40))
    {
        let text = parts.concat();
        let names = Names::load();
        let hits = find(&names, &text);
        for pair in hits.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "{text:?} {hits:?}");
        }
        for hit in &hits {
            let name = text.get(hit.start..hit.end);
            prop_assert!(name.is_some_and(|name| name.chars().any(char::is_alphabetic) && !name.chars().any(|c| c.is_ascii_digit())));
        }
    }
}
