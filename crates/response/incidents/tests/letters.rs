//! Letters: what every text says, what a table of recipients may do to them, and what is owed to those whom none reaches.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::io::{self, Read};

use incidents::drafts::LANGUAGES;
use incidents::letters::{
    Common, Form, How, Kind, Letter, Limits, Merge, MergeError, Merged, Owed, PAGE_END, Prepared, media, merge,
    page_begin, prepare, substitute, to_email, to_html,
};
use incidents::plan::{EXAMPLE, Plan};
use obligations::Confidence;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const PLAN: &str = "[organisation]\nname = \"Test Clinic\"\ncountry = \"EU-DE\"\nlanguages = [\"de\", \"en\"]\n\
    address = [\"Street 1\", \"12345 Town\"]\nwebsite = \"https://www.clinic.de\"\ntoll_free = \"0800 123 456\"\n\
    [[person]]\nid = \"p\"\nname = \"Privacy Office\"\nroles = [\"privacy\"]\nemail = \"privacy@clinic.de\"\n\
    mobile = \"+49 170 7654321\"\n";
const HEAD: &str = "id,name,address1,city,email,language\n";

fn plan() -> Plan {
    Plan::parse(PLAN).expect("a plan")
}

fn facts() -> Map<String, Value> {
    let facts = json!({"what_happened": "FACT-HAPPENED", "cause": "FACT-CAUSE", "likely_consequences": "FACT-CONSEQUENCES",
        "measures_taken": "FACT-MEASURES", "steps_for_people": "FACT-STEPS", "contact_point": "FACT-CONTACT",
        "other_matters": "FACT-OTHER", "response_to_people": "FACT-RESPONSE", "publication": "FACT-PUBLICATION", "discovered_on": "2026-02-03", "organisation": "FACT-ORGANISATION",
        "affected": [{"jurisdiction": "EU-DE", "subjects": 12, "categories": ["health", "genetic"]},
            {"jurisdiction": "US-CA", "subjects": 7, "categories": ["contact"]},
            {"jurisdiction": "JP", "subjects": null, "categories": null}]});
    facts.as_object().expect("an object").clone()
}

fn prepared_of(kind: Kind, facts: &Map<String, Value>, plan: &Plan, breached_on: Option<&str>) -> Prepared {
    let date = jiff::civil::date(2026, 3, 1);
    prepare(kind, &Common { facts, plan, reference: "INC-77", date, breached_on }).expect("it is prepared")
}

fn prepared(kind: Kind) -> Prepared {
    prepared_of(kind, &facts(), &plan(), Some("2026-01-15"))
}

fn run(kind: Kind, table: impl Into<Vec<u8>>) -> (Vec<Letter>, Merged) {
    let mut merge = merge(&prepared(kind), io::Cursor::new(table.into()), Limits::default()).expect("a table");
    let letters: Vec<Letter> = merge.by_ref().map(|letter| letter.expect("a letter")).collect();
    (letters, merge.into_merged())
}

fn adds_up(merged: &Merged) -> bool {
    merged.rows
        == merged.made + merged.unreachable + merged.duplicates + merged.faults + merged.kin_unreached + merged.deceased
        && merged.made == merged.by_post + merged.by_email
}

fn refused(table: impl Into<Vec<u8>>) -> String {
    let refused = merge(&prepared(Kind::Staff), io::Cursor::new(table.into()), Limits::default());
    refused.map(|_| ()).expect_err("it is refused").to_string()
}

/// What each kind says, whatever its language.
fn said(kind: Kind) -> Vec<&'static str> {
    let mut said = vec!["FACT-HAPPENED", "FACT-CONTACT", "FACT-ORGANISATION", "INC-77"];
    said.extend(match kind {
        Kind::Gdpr34 => &["FACT-CONSEQUENCES", "FACT-MEASURES", "FACT-STEPS"][..],
        Kind::Hipaa404 => &["FACT-STEPS", "FACT-MEASURES"],
        Kind::Appi26Principals => &["FACT-CAUSE", "FACT-CONSEQUENCES", "FACT-OTHER"],
        Kind::Partner => {
            &["FACT-CAUSE", "FACT-MEASURES", "FACT-RESPONSE", "FACT-PUBLICATION", "FACT-OTHER", "12", "EU-DE", "US-CA"]
        }
        Kind::Staff => &["FACT-MEASURES"],
        Kind::Press => &["FACT-STEPS", "FACT-MEASURES"],
        Kind::Substitute => &["FACT-STEPS", "FACT-MEASURES", "FACT-CONSEQUENCES", "FACT-CAUSE", "FACT-OTHER"],
    });
    said
}

#[test]
fn every_letter_says_everything_in_every_language() {
    let category = [
        ("en", "genetic data"),
        ("de", "genetische Daten"),
        ("fr", "données génétiques"),
        ("es", "datos genéticos"),
        ("ja", "遺伝情報"),
    ];
    let dates = [
        ("en", "1 March 2026", "15 January 2026", "3 February 2026"),
        ("de", "1. März 2026", "15. Januar 2026", "3. Februar 2026"),
        ("fr", "1er mars 2026", "15 janvier 2026", "3 février 2026"),
        ("es", "1 de marzo de 2026", "15 de enero de 2026", "3 de febrero de 2026"),
        ("ja", "2026年3月1日", "2026年1月15日", "2026年2月3日"),
    ];
    for kind in Kind::ALL {
        let prepared = prepared(kind);
        assert!(prepared.is_complete(), "{} {:?} {:?}", kind.as_str(), prepared.checked(), prepared.unfilled());
        let is_personal = !matches!(kind, Kind::Press | Kind::Substitute);
        let mut texts = BTreeSet::new();
        for language in LANGUAGES {
            let text = prepared.text(language, "Jo Doe").expect(language);
            let whole = format!("{}\n{}", text.subject, text.text);
            for word in said(kind) {
                assert!(whole.contains(word), "{} {language}: {word} is not in\n{whole}", kind.as_str());
            }
            assert!(!whole.contains(['{', '}']), "{} {language}\n{whole}", kind.as_str());
            assert_eq!(text.text.contains("Jo Doe"), is_personal, "{} {language}", kind.as_str());
            assert!(!whole.contains("\n\n\n") && !whole.contains("[to be") && !text.subject.contains('\n'));
            let (_, date, breached, discovered) = dates.into_iter().find(|one| one.0 == language).expect(language);
            assert!(whole.contains(date), "{} {language}: {date}\n{whole}", kind.as_str());
            if matches!(kind, Kind::Hipaa404 | Kind::Press | Kind::Substitute | Kind::Partner) {
                assert!(
                    whole.contains(breached) && whole.contains(discovered),
                    "{} {language}\n{whole}",
                    kind.as_str()
                );
                let (_, word) = category.into_iter().find(|one| one.0 == language).expect(language);
                assert!(whole.contains(word), "{} {language}: {word}\n{whole}", kind.as_str());
            }
            assert!(!whole.contains("7654321"), "a colleague's mobile is for colleagues");
            texts.insert(whole);
        }
        assert_eq!(texts.len(), LANGUAGES.len(), "{}: two languages are alike", kind.as_str());
        assert!(prepared.text("la", "").is_none());
    }
    assert_eq!(Kind::ALL.map(|kind| Kind::parse(kind.as_str())), Kind::ALL.map(Some));
    assert_eq!(serde_json::to_value(Kind::ALL).expect("JSON"), json!(Kind::ALL.map(Kind::as_str)));
}

#[test]
fn the_day_of_the_breach_is_a_fact_and_words_go_before_it() {
    let mut facts = facts();
    facts.insert("breached_on".to_owned(), json!("2026-01-15"));
    let text = |said| prepared_of(Kind::Hipaa404, &facts, &plan(), said).text("en", "Jo Doe").expect("English").text;
    assert!(text(None).contains("Date of the breach: 15 January 2026"), "{}", text(None));
    let words = text(Some("between 3 and 5 January 2026"));
    assert!(words.contains("between 3 and 5 January 2026") && !words.contains("15 January"), "{words}");
    facts.remove("breached_on");
    let prepared = prepared_of(Kind::Hipaa404, &facts, &plan(), None);
    let asked = prepared.checked().iter().find(|one| one.id == "breached_on").and_then(|one| one.question.clone());
    assert!(asked.is_some_and(|asked| asked.contains("On which day did the breach happen")));
}

#[test]
fn what_the_law_wants_and_nobody_said_is_marked_asked_for_and_cited() {
    let wanted: [(Kind, &[&str]); 7] = [
        (Kind::Gdpr34, &["nature", "contact", "consequences", "measures"]),
        (Kind::Hipaa404, &["nature", "breached_on", "discovered_on", "data", "steps", "measures"]),
        (Kind::Appi26Principals, &["nature", "data", "cause", "consequences", "other"]),
        (
            Kind::Partner,
            &[
                "nature",
                "contact",
                "measures",
                "people",
                "breached_on",
                "discovered_on",
                "data",
                "cause",
                "consequences",
                "principals",
                "publication",
                "other",
            ],
        ),
        (Kind::Staff, &[]),
        (Kind::Press, &["nature", "breached_on", "discovered_on", "data", "steps", "measures", "contact"]),
        (
            Kind::Substitute,
            &[
                "nature",
                "contact",
                "consequences",
                "measures",
                "breached_on",
                "discovered_on",
                "data",
                "steps",
                "toll_free",
                "cause",
                "other",
            ],
        ),
    ];
    // The skeleton's placeholders say nothing: they must not reach people.
    let plan = Plan::parse(EXAMPLE).expect("the example");
    for (kind, expected) in wanted {
        let prepared = prepared_of(kind, &Map::new(), &plan, None);
        assert!(!prepared.is_complete(), "{}", kind.as_str());
        let unsaid: Vec<&str> =
            prepared.checked().iter().filter(|one| !one.is_said).map(|one| one.id.as_str()).collect();
        let mut expected = expected.to_vec();
        if kind == Kind::Hipaa404 {
            expected.push("contact");
        }
        assert_eq!(BTreeSet::from_iter(unsaid), BTreeSet::from_iter(expected.iter().copied()), "{}", kind.as_str());
        for one in prepared.checked() {
            assert!(!one.cites.is_empty() && one.question.as_ref().is_some_and(|asked| asked.len() > 10), "{one:?}");
        }
        assert!(prepared.unfilled().contains(&"what_happened") && prepared.unfilled().contains(&"organisation"));
        for (language, mark) in [("en", "[to be completed"), ("de", "[zu ergänzen"), ("ja", "［記入")] {
            let text = prepared.text(language, "Jo Doe").expect(language).text;
            assert!(
                text.matches(mark).count() >= prepared.unfilled().len() - 1,
                "{} {language}\n{text}",
                kind.as_str()
            );
            assert!(!text.contains("example.org") && !text.contains("[name"), "{text}");
        }
    }
    let checked = prepared(Kind::Partner);
    let nature = checked.checked().iter().find(|one| one.id == "nature").expect("it is there");
    for law in ["33(3)", "164.410(c)(2)", "Rules Art. 9"] {
        assert!(nature.cites.contains(law), "{}", nature.cites);
    }
}

#[test]
fn one_missing_fact_is_found_by_itself() {
    for (fact, kind, id) in [
        ("what_happened", Kind::Gdpr34, "nature"),
        ("likely_consequences", Kind::Gdpr34, "consequences"),
        ("steps_for_people", Kind::Hipaa404, "steps"),
        ("discovered_on", Kind::Hipaa404, "discovered_on"),
        ("affected", Kind::Hipaa404, "data"),
        ("cause", Kind::Appi26Principals, "cause"),
        ("other_matters", Kind::Appi26Principals, "other"),
    ] {
        let mut facts = facts();
        facts.remove(fact).expect("it is there");
        let prepared = prepared_of(kind, &facts, &plan(), Some("not known"));
        let unsaid: Vec<&str> =
            prepared.checked().iter().filter(|one| !one.is_said).map(|one| one.id.as_str()).collect();
        assert_eq!(unsaid, [id], "without {fact}");
        let text = prepared.text("en", "X").expect("English").text;
        assert!(text.contains("[to be completed"), "{text}");
    }
    // What no law wants is left out, with its heading.
    let mut without = facts();
    without.remove("steps_for_people").expect("it is there");
    let prepared = prepared_of(Kind::Gdpr34, &without, &plan(), None);
    assert!(prepared.is_complete());
    let text = prepared.text("en", "X").expect("English").text;
    assert!(!text.contains("What you can do\n") && !text.contains("When it happened"), "{text}");
    // The plan names a contact where the facts do not; its website alone is enough under HIPAA.
    let mut silent = facts();
    silent.remove("contact_point").expect("it is there");
    let text = prepared_of(Kind::Gdpr34, &silent, &plan(), None).text("de", "X").expect("German").text;
    assert!(text.contains("Privacy Office, privacy@clinic.de\nTelefon, kostenlos: 0800 123 456\n"), "{text}");
    let bare = "[organisation]\nname = \"C\"\ncountry = \"US-CA\"\nwebsite = \"https://c.org\"\n";
    let bare = Plan::parse(bare).expect("a plan");
    let is_said = |kind| {
        let prepared = prepared_of(kind, &silent, &bare, None);
        prepared.checked().iter().find(|one| one.id == "contact").map(|one| one.is_said)
    };
    assert_eq!((is_said(Kind::Hipaa404), is_said(Kind::Gdpr34)), (Some(true), Some(false)));
}

#[test]
fn laws_of_places_where_nobody_is_affected_ask_for_nothing() {
    let mut facts = facts();
    facts.insert("affected".to_owned(), json!([{"jurisdiction": "EU-FR", "subjects": 3, "categories": ["health"]}]));
    facts.remove("cause");
    for kind in [Kind::Partner, Kind::Press, Kind::Substitute] {
        let prepared = prepared_of(kind, &facts, &plan(), None);
        assert!(prepared.is_complete(), "{}: {:?}", kind.as_str(), prepared.checked());
        assert!(prepared.checked().iter().all(|one| !one.cites.contains("164.") && !one.cites.contains("Rules")));
    }
    let mut plan = plan();
    plan.organisation.toll_free = None;
    facts.insert("affected".to_owned(), json!([{"jurisdiction": "US-NY", "subjects": 3, "categories": ["health"]}]));
    let american = prepared_of(Kind::Substitute, &facts, &plan, Some("not known"));
    let unsaid: Vec<&str> = american.checked().iter().filter(|one| !one.is_said).map(|one| one.id.as_str()).collect();
    assert_eq!(unsaid, ["toll_free"], "45 CFR 164.404(d)(2)(ii)");
}

#[test]
fn a_row_becomes_a_letter_in_its_language_by_the_way_that_there_is() {
    let table = "\u{feff}ID;Name;Address1;Address2;Postcode;City;Country;Email;Language\r\n\
        1;\"Doe; Jo\";Street 2;;75001;Paris;France;jo@doe.fr;fr-FR\r\n\
        2;山田太郎;丸の内1-1;;100-0005;東京都千代田区;;;ja\r\n\
        3;\"Ann \"\"A\"\" Ray\";\"Street 3\nRear\";;;Town;;;it\r\n\
        4;Bo;;;;;;bo@x.org;\r\n\
        5;Cy;;;;Town;;;en\r\n\
        1;Doe;;;;;;;\r\n";
    let (letters, merged) = run(Kind::Gdpr34, table);
    let ways: Vec<(How, &str)> = letters.iter().map(|letter| (letter.how, letter.language)).collect();
    assert_eq!(
        ways,
        [(How::Post, "fr"), (How::Post, "ja"), (How::Post, "de"), (How::Email, "de"), (How::None, "en")],
        "the organisation's first language stands in"
    );
    assert_eq!(letters[0].address, ["Doe; Jo", "Street 2", "75001 Paris", "FRANCE"]);
    assert_eq!(letters[1].address, ["〒100-0005", "東京都千代田区丸の内1-1", "山田太郎 様"]);
    assert_eq!(letters[2].address, ["Ann \"A\" Ray", "Street 3 Rear", "Town"]);
    assert_eq!(letters[3].email.as_deref(), Some("bo@x.org"));
    assert!(letters[0].email.is_none() && letters[4].address.is_empty());
    assert!(letters[0].text.contains("Bonjour Doe; Jo,") && letters[1].text.contains("山田太郎 様"));
    assert_eq!(letters[0].sender, ["Test Clinic", "Street 1", "12345 Town"]);
    let expected = (6, 4, 3, 1, 1, 1, 0, 1);
    let Merged { rows, made, by_post, by_email, unreachable, duplicates, faults, other_language, .. } = merged;
    assert_eq!((rows, made, by_post, by_email, unreachable, duplicates, faults, other_language), expected);
    let shown = format!("{letters:?}");
    assert!(!shown.contains("Doe") && !shown.contains("bo@x.org"), "{shown}");
    let us =
        "id,name,address1,postcode,city,country\n1,A,1 Road,02115,\"Boston, MA\",usa\n2,B,2 Road,N1 1AA,London,UK\n";
    let (letters, _) = run(Kind::Staff, us);
    assert_eq!(letters[0].address, ["A", "1 Road", "Boston, MA 02115", "USA"]);
    assert_eq!(letters[1].address, ["B", "2 Road", "London", "N1 1AA", "UK"]);
}

#[test]
fn under_hipaa_email_goes_to_those_who_agreed_alone() {
    let table = "id,name,email,email_agreed,address1,city\n1,A,a@x.org,,,\n2,B,b@x.org,Yes,,\n3,C,c@x.org,no,S,T\n\
        4,D,d@x.org,yes,S,T\n5,E,e@x.org,perhaps,,\n";
    let ways = |kind: Kind, is_email_first: bool| -> Vec<How> {
        let prepared = if is_email_first { prepared(kind).email_first() } else { prepared(kind) };
        let merge = merge(&prepared, table.as_bytes(), Limits::default()).expect("a table");
        merge.map(|letter| letter.expect("a letter").how).collect()
    };
    assert_eq!(ways(Kind::Hipaa404, false), [How::None, How::Email, How::Post, How::Post]);
    assert_eq!(ways(Kind::Hipaa404, true), [How::None, How::Email, How::Post, How::Email]);
    assert_eq!(ways(Kind::Gdpr34, false), [How::Email, How::Email, How::Post, How::Post]);
    assert_eq!(ways(Kind::Gdpr34, true), [How::Email, How::Email, How::Email, How::Email]);
}

#[test]
fn of_those_who_have_died_the_next_of_kin_is_written_to_by_post() {
    let table = "id,name,address1,city,email,language,email_agreed,deceased,next_of_kin\n\
        1,Ann Gone,Street 2,12345 Town,kin@x.org,en,yes,yes,Bea Left\n\
        2,Carl Gone,,,carl@x.org,de,yes,yes,Dora Left\n\
        3,Emil Gone,Street 3,12345 Town,,fr,,yes,\n\
        4,Fay Lives,Street 4,12345 Town,,en,,no,\n\
        5,Gil Lives,Street 5,12345 Town,,en,,,Hans Other\n\
        6,Ida Gone,Street 6,12345 Town,,en,,perhaps,Jo Left\n";
    let (letters, merged) = run(Kind::Hipaa404, table);
    assert!(adds_up(&merged), "{merged:?}");
    assert_eq!((merged.by_post, merged.by_email, merged.kin, merged.kin_unreached, merged.faults), (2, 0, 1, 2, 2));
    assert_eq!(merged.unreachable, 0, "nothing takes the place of letters to next of kin");
    let kin = letters.iter().find(|letter| letter.to_kin).expect("a letter to next of kin");
    assert_eq!((kin.recipient_id.as_str(), kin.how, &kin.email), ("1", How::Post, &None), "never by e-mail");
    assert_eq!(kin.address, ["Bea Left", "Street 2", "12345 Town"]);
    assert!(kin.subject.contains("Ann Gone") && kin.text.contains("Dear Bea Left,"), "{}", kin.text);
    assert!(kin.text.contains("next of kin or personal representative of Ann Gone"), "{}", kin.text);
    let told: Vec<&str> = merged.told.iter().map(|fault| fault.why.as_str()).collect();
    assert!(
        told.iter().any(|why| why.contains("people who have died"))
            && told.iter().any(|why| why.contains("neither `yes` nor `no`")),
        "{told:?}"
    );
    assert!(
        told.iter().all(|why| !why.contains("Gil") && !why.contains("perhaps")),
        "a fault tells no value: {told:?}"
    );
    // The GDPR and the APPI are about the living.
    for kind in [Kind::Gdpr34, Kind::Appi26Principals] {
        let (letters, merged) = run(kind, table);
        assert!(adds_up(&merged), "{merged:?}");
        assert_eq!((merged.deceased, merged.kin, merged.kin_unreached, letters.len()), (3, 0, 0, 1), "{kind:?}");
    }
    for language in LANGUAGES {
        let text = prepared(Kind::Hipaa404).text_to_kin(language, "NAME-GONE", "NAME-KIN").expect("a text");
        let whole = format!("{}\n{}", text.subject, text.text);
        for part in said(Kind::Hipaa404).into_iter().chain(["NAME-GONE", "NAME-KIN"]) {
            assert!(whole.contains(part), "{language}: no {part} in {whole}");
        }
    }
    assert_eq!(prepared(Kind::Gdpr34).text_to_kin("en", "A", "B"), None);
}

#[test]
fn values_are_never_taken_for_fields_or_for_lines_of_a_mail() {
    let mut facts = facts();
    facts.insert("what_happened".to_owned(), json!("{name} {contact}\u{0}\u{202e}"));
    facts.insert("organisation".to_owned(), json!("Clinic\nStreet 1"));
    let press = prepared_of(Kind::Press, &facts, &plan(), None).text("en", "").expect("English");
    assert_eq!(press.subject, "Security incident: statement of Clinic");
    let prepared = prepared_of(Kind::Staff, &facts, &plan(), None);
    let table = format!("{HEAD}1,\"{{contact}}\r\nBcc: x@y.z\",,,a@x.org,en\n2,=SUM(A1),S,T,,en\n");
    let letters: Vec<Letter> = merge(&prepared, table.as_bytes(), Limits::default())
        .expect("a table")
        .map(|letter| letter.expect("a letter"))
        .collect();
    assert!(letters[0].text.contains("Dear {contact}  Bcc: x@y.z,"), "{}", letters[0].text);
    assert!(letters[0].text.contains("{name} {contact}\n"), "{}", letters[0].text);
    assert_eq!(letters[1].address[0], "=SUM(A1)", "no spreadsheet reads this");
    let email = to_email(&letters[0]).expect("it goes by e-mail");
    assert_eq!((email.to.as_str(), email.subject.contains('\n')), ("a@x.org", false));
    assert_eq!(email.body, format!("{}\n", letters[0].text));
    assert!(to_email(&letters[1]).is_none());
}

#[test]
fn pages_escape_and_break_after_each_letter() {
    let table = format!("{HEAD}1,\"<b>&'\"\"</b>\",\"<script>\",T,,en\n2,B,S,T,,de\n");
    let (letters, _) = run(Kind::Gdpr34, table);
    let page: String = page_begin("<x>") + &letters.iter().map(to_html).collect::<String>() + PAGE_END;
    assert_eq!(page.matches("break-after:page").count(), 2);
    assert!(page.contains("&lt;b&gt;&amp;&#39;&quot;&lt;/b&gt;") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<x>"), "{page}");
    assert!(page.contains("<article lang=\"de\"") && page.contains("FACT-HAPPENED<br>"), "{page}");
    for outside in ["src=", "href=", "url(", "@import", "<link", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_table_without_a_first_line_that_names_its_columns_is_refused() {
    for (table, words) in [
        (&b""[..], &["empty", "name the columns"][..]),
        (b"\n\n", &["empty"]),
        (b"name,email\nA,a@x.org\n", &["`id` is missing"]),
        (b"id,email\n", &["`name` is missing"]),
        (b"id,name\n", &["nobody can be reached", "`address1` and `city`, or `email`"]),
        (b"id,name,address1\n", &["nobody can be reached"]),
        (b"id,name,email,email\n", &["`email` stands there twice"]),
        (b"id,name,e-mail\n", &["no column `e-mail`", "columns are id, name"]),
        (b"id,name,email,birth\x1b[2Jdate\n", &["no column `birth[2jdate`"]),
        (b"id,name,\"email\n1,A,a@x.org\n", &["a quote is opened and not closed"]),
        (b"\xff\xfei\0d\0", &["UTF-16", "UTF-8"]),
        (b"id\tname\temail\n", &["no column"]),
    ] {
        let told = refused(table);
        assert!(words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
    }
    assert!(refused(vec![b'x'; 70_000]).contains("too long"));
}

#[test]
fn rows_that_are_wrong_are_told_by_line_and_cost_nothing_but_themselves() {
    let good = |n: u32| format!("{n},N{n},S,T,,en\n");
    let long_field = format!("2,{},S,T,,en\n", "x".repeat(1_001));
    let long_row = format!("2,N,S,T,{},en\n", "x".repeat(70_000));
    let long_quoted = format!("2,\"{}\n", "x".repeat(70_000));
    for (row, why) in [
        (&b"2,N,S,T,,en,more\n"[..], "7 fields, and the first line 6"),
        (b"2,N\n", "2 fields, and the first line 6"),
        (b"2,N\0,S,T,,en\n", "`name` has characters that cannot be printed"),
        (b"2,N\xe9,S,T,,en\n", "`name` is no UTF-8"),
        ("2,N\u{202e},S,T,,en\n".as_bytes(), "`name` has characters"),
        (b",N,S,T,,en\n", "`id` is empty"),
        (b"2,,S,T,,en\n", "`name` is empty"),
        (b"2,N,,,nowhere,en\n", "`email` is no address"),
        (b"2,N \"n\",S,T,,en\n", "a quote stands within a field"),
        (b"2,\"N\"n,S,T,,en\n", "a quote stands within a field"),
        (b"2,\"N,S,T,,en\n", "a quote is opened and not closed"),
        (long_field.as_bytes(), "`name` is too long; 1000"),
        (long_row.as_bytes(), "the row is too long; 65536 bytes"),
        (long_quoted.as_bytes(), "a quote is opened and not closed"),
    ] {
        let table = [HEAD.as_bytes(), good(1).as_bytes(), row, good(3).as_bytes(), good(4).as_bytes()].concat();
        let (letters, merged) = run(Kind::Staff, table);
        let ids: Vec<&str> = letters.iter().map(|letter| letter.recipient_id.as_str()).collect();
        assert_eq!(ids, ["1", "3", "4"], "{why}");
        assert_eq!((merged.rows, merged.faults), (4, 1), "{why}");
        assert!(merged.told[0].why.contains(why) && merged.told[0].line == 3, "{why}: {:?}", merged.told);
        assert!(adds_up(&merged));
    }
    // Whoever stands in a wrong row can be written to from a mended one.
    let (letters, merged) = run(Kind::Staff, format!("{HEAD}2,,S,T,,en\n2,N,S,T,,en\n"));
    assert_eq!((letters.len(), merged.duplicates, merged.faults), (1, 0, 1));
}

#[test]
fn lines_end_in_every_way_and_empty_ones_are_none() {
    for end in ["\n", "\r\n", "\r"] {
        let table = format!("{HEAD}1,A,S,T,,en\n\n2,\"B\n\",S,T,,\n3,,,,,\n4,C,S,T,,en").replace('\n', end);
        let (letters, merged) = run(Kind::Staff, table);
        assert_eq!((letters.len(), merged.rows, merged.faults), (3, 4, 1), "{end:?}: {:?}", merged.told);
        assert_eq!(merged.told[0].line, 6, "{end:?}");
    }
}

#[test]
fn faults_beyond_the_thousandth_are_counted() {
    let table: String = HEAD.to_owned() + &",N,S,T,,en\n".repeat(1_500);
    let (_, merged) = run(Kind::Staff, table);
    assert_eq!((merged.faults, merged.told.len()), (1_500, 1_000));
}

#[test]
fn too_many_rows_and_a_stream_that_breaks_end_the_merge_with_an_error() {
    let table = format!("{HEAD}1,A,S,T,,\n2,B,S,T,,\n3,C,S,T,,\n");
    let limits = Limits { rows: 2, ..Limits::default() };
    let mut two = merge(&prepared(Kind::Staff), table.as_bytes(), limits).expect("a table");
    let outcomes: Vec<bool> = two.by_ref().map(|letter| letter.is_ok()).collect();
    assert_eq!(outcomes, [true, true, false]);
    assert!(two.next().is_none() && adds_up(two.merged()));
    let exactly = merge(&prepared(Kind::Staff), table.as_bytes(), Limits { rows: 3, ..limits }).expect("a table");
    assert!(exactly.collect::<Result<Vec<_>, _>>().is_ok_and(|all| all.len() == 3));

    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let mut breaks = merge(&prepared(Kind::Staff), table.as_bytes().chain(Breaks), Limits::default()).expect("a table");
    let outcomes: Vec<Result<Letter, MergeError>> = breaks.by_ref().collect();
    assert!(matches!(outcomes.last(), Some(Err(MergeError::Read(_)))), "{outcomes:?}");
    assert!(breaks.next().is_none());
}

#[test]
fn a_row_that_hardly_ends_is_one_fault_and_reading_goes_on_after_it() {
    /// A header, and then one row that hardly ends.
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let length = room.len().min(usize::try_from(self.0).unwrap_or(usize::MAX));
            room[..length].fill(b'x');
            self.0 -= length as u64;
            Ok(length)
        }
    }
    let table = HEAD.as_bytes().chain(Endless(1 << 22)).chain(&b"\n1,A,S,T,,\n"[..]);
    let mut all: Merge<_> = merge(&prepared(Kind::Staff), table, Limits::default()).expect("a table");
    assert_eq!(all.by_ref().filter_map(Result::ok).count(), 1);
    assert_eq!((all.merged().rows, all.merged().faults), (2, 1));
}

#[test]
fn what_takes_the_place_of_letters_turns_at_ten() {
    let of = |kind, unreachable| substitute(kind, unreachable).expect("the rules");
    assert_eq!(of(Kind::Hipaa404, 0).form, Form::None);
    for few in [1, 9] {
        let few = of(Kind::Hipaa404, few);
        assert_eq!((few.form, few.posted_days_min, few.toll_free_days_min), (Form::Alternative, None, None));
        assert_eq!((few.cites.as_str(), few.confidence), ("45 CFR 164.404(d)(2)(i)", Some(Confidence::V1)));
    }
    for many in [10, 11, 5_000_000] {
        let many = of(Kind::Hipaa404, many);
        assert_eq!((many.form, many.posted_days_min, many.toll_free_days_min), (Form::Posting, Some(90), Some(90)));
        assert_eq!((many.cites.as_str(), many.confidence), ("45 CFR 164.404(d)(2)(ii)", Some(Confidence::K)));
    }
    let european = of(Kind::Gdpr34, 1);
    assert_eq!(european.form, Form::PublicCommunication);
    assert!(european.cites.contains("34(3)(c)") && european.uncertain.is_some());
    let japanese = of(Kind::Appi26Principals, 10);
    assert_eq!((japanese.form, japanese.confidence), (Form::Measures, Some(Confidence::V2)));
    assert!(japanese.uncertain.is_some_and(|text| text.contains("counsel")));
    for kind in [Kind::Partner, Kind::Staff, Kind::Press, Kind::Substitute] {
        assert_eq!(of(kind, 1_000).form, Form::None);
    }
}

#[test]
fn media_are_told_of_more_than_five_hundred_residents_of_one_state() {
    let told = |affected: Value| -> Vec<(String, u64, Owed)> {
        let facts = json!({"affected": affected});
        let told = media(facts.as_object().expect("an object")).expect("the rules");
        assert!(told.iter().all(|one| one.cites == "45 CFR 164.406" && one.confidence == Confidence::K));
        told.into_iter().map(|one| (one.jurisdiction, one.residents, one.owed)).collect()
    };
    let of = |place: &str, subjects: Option<u64>| json!({"jurisdiction": place, "subjects": subjects});
    let one = |place: &str, residents, owed| (place.to_owned(), residents, owed);
    assert_eq!(told(json!([of("US-CA", Some(500))])), []);
    assert_eq!(told(json!([of("US-CA", Some(501))])), [one("US-CA", 501, Owed::Yes)]);
    assert_eq!(told(json!([of("US-CA", Some(400)), of("US-NY", Some(400))])), []);
    assert_eq!(told(json!([of("US-CA", Some(300)), of("US-CA", Some(201))])), [one("US-CA", 501, Owed::Yes)]);
    assert_eq!(told(json!([of("EU-DE", Some(9_000)), of("JP", None)])), []);
    assert_eq!(told(json!([of("US-CA", None)])), [one("US-CA", 0, Owed::Unknown)]);
    assert_eq!(told(json!([of("US-CA", Some(400)), of("US", Some(100))])), []);
    assert_eq!(told(json!([of("US-CA", Some(400)), of("US", Some(101))])), [one("US-CA", 400, Owed::Unknown)]);
    assert_eq!(told(json!([of("unknown", Some(501))])), [one("US", 501, Owed::Unknown)]);
    assert_eq!(told(json!([of("US", Some(500))])), []);
    assert_eq!(told(json!([])), []);
}

/// A source that gives a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(self.0.len()).min(room.len());
        let (now, later) = self.0.split_at(length);
        room[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Well-formed rows, whatever stands in them: each is a letter, unreachable, a duplicate or a fault, and their number is that of the rows.
    #[test]
    fn no_row_is_lost(
        rows in prop::collection::vec(("[0-9]{0,2}", any::<String>(), "[a-z,;\" \n]{0,4}", "[a-z@.]{0,9}", "(|en|de|ja|xx)"), 0..60),
        bytes_at_once in 1_usize..40,
        delimiter in prop::sample::select(vec![",", ";"]),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let mut table = HEAD.trim_end().replace(',', delimiter) + end;
        for (id, name, address, email, language) in &rows {
            let row = [quoted(id), quoted(name), quoted(address), quoted("T"), quoted(email), language.clone()];
            table += &(row.join(delimiter) + end);
        }
        let prepared = prepared(Kind::Gdpr34);
        let mut merge = merge(&prepared, Dribble(table.as_bytes(), bytes_at_once), Limits::default()).expect("a table");
        let letters: Vec<Letter> = merge.by_ref().map(|letter| letter.expect("a letter")).collect();
        let merged = merge.into_merged();
        prop_assert_eq!(merged.rows, rows.len() as u64);
        prop_assert!(adds_up(&merged), "{:?}", merged);
        prop_assert_eq!(letters.len() as u64, merged.made + merged.unreachable);
        let ids: BTreeSet<&str> = letters.iter().map(|letter| letter.recipient_id.as_str()).collect();
        prop_assert_eq!(ids.len(), letters.len(), "nobody is written to twice");
        for (id, name, ..) in &rows {
            let is_told = ids.contains(id.as_str());
            let plain = !name.trim().is_empty() && name.chars().all(|c| c.is_ascii_graphic());
            prop_assert!(is_told || !plain || id.is_empty() || merged.faults > 0, "{} is lost", id);
        }
    }

    /// Any bytes: no panic, and it adds up; how many bytes come at once makes no difference.
    #[test]
    fn any_bytes_add_up(
        bytes in prop::collection::vec(prop::sample::select(b"\"\"\",,;\n\n\rab1\xff\0 ".to_vec()), 0..300),
        bytes_at_once in 1_usize..9,
    ) {
        let table = [HEAD.as_bytes(), &bytes].concat();
        let prepared = prepared(Kind::Staff);
        let mut slow = merge(&prepared, Dribble(&table, bytes_at_once), Limits::default()).expect("a table");
        let slow_letters: Vec<Letter> = slow.by_ref().map(|letter| letter.expect("a letter")).collect();
        let (letters, merged) = run(Kind::Staff, table.as_slice());
        prop_assert!(adds_up(&merged), "{:?}", merged);
        prop_assert_eq!(slow_letters, letters);
        prop_assert_eq!(slow.into_merged(), merged);
    }
}
