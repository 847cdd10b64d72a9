//! Plans that people write, well and badly: what is wrong with them, what they leave open, whom they name, and what hangs on the wall.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use incidents::plan::{BYTES_MAX, ENTRIES_MAX, EXAMPLE, FAULTS_MAX, GapKind, Plan};
use playbooks::Role;

const HEAD: &str = "[organisation]\nname = \"Test Clinic\"\ncountry = \"EU-DE\"\nlanguages = [\"de\"]\n\
    address = [\"Street 1\", \"12345 Town\"]\nwebsite = \"https://www.clinic.de\"\n";

fn plan(rest: &str) -> Plan {
    let told = |faults: Vec<_>| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    Plan::parse(&format!("{HEAD}{rest}")).map_err(told).expect("a plan")
}

fn faults(text: &str) -> Vec<String> {
    Plan::parse(text).expect_err("it is broken").iter().map(ToString::to_string).collect()
}

fn person(id: &str, more: &str) -> String {
    format!("[[person]]\nid = \"{id}\"\nname = \"Name of {id}\"\n{more}\n")
}

fn authority(id: &str, obligation: &str, places: &str, more: &str) -> String {
    format!(
        "[[authority]]\nid = \"{id}\"\nname = \"Authority {id}\"\nobligations = [\"{obligation}\"]\n\
         jurisdictions = {places}\nhow = \"portal\"\n{more}\n"
    )
}

fn library() -> &'static obligations::Library {
    obligations::shipped().expect("the library")
}

fn gaps(plan: &Plan, kind: GapKind) -> Vec<String> {
    let all = plan.gaps(library());
    all.iter().filter(|gap| gap.kind == kind).map(|gap| gap.about.clone()).collect()
}

#[test]
fn what_is_wrong_with_a_plan_is_told_with_its_place_and_what_to_do() {
    let two = format!("{}{}", person("a", ""), person("a", ""));
    let cases: &[(&str, &[&str])] = &[
        ("[[person]\n", &["line 7", "the plan", "TOML"]),
        ("colour = \"red\"\n", &["organisation", "no field `colour`", "known are name, country"]),
        ("[[persons]]\nid = \"a\"\n", &["the plan", "no field `persons`", "line 7"]),
        (&person("a", "colour = \"red\""), &["line 10", "person `a`", "no field `colour`"]),
        ("[[person]]\nname = \"X\"\n", &["line 7", "person no. 1", "`id` is missing", "add `id"]),
        ("[[person]]\nid = \"a b\"\nname = \"X\"\n", &["`id` cannot be `a b`", "1 to 64 letters"]),
        ("[[person]]\nid = \"a\"\n", &["person `a`", "`name` is missing"]),
        (&two, &["line 12", "person `a`", "the id stands there twice", "give one of them another"]),
        (&person("a", "roles = [\"boss\"]"), &["no role `boss`", "commander, scribe, privacy"]),
        (&person("a", "roles = [\"legal:0\"]"), &["no role `legal:0`", "`legal:2`"]),
        (&person("a", "roles = [\"legal\", \"legal:2\"]"), &["`roles` has `legal` twice"]),
        (&person("a", "calls = [\"b\"]"), &["line 10", "person `a`", "`calls` names `b`, whom nobody is"]),
        (&person("a", "calls = [\"a\"]"), &["turns in a circle: `a` calls `a`", "take one"]),
        (&person("a", "email = \"a@b\""), &["`email` cannot be `a@b`", "name@example.org"]),
        (&person("a", "email = \"A <a@b.de>\""), &["`email` cannot be"]),
        (&person("a", "email_outside = \"a b@c.de\""), &["`email_outside` cannot be"]),
        (&person("a", "mobile = \"call me\""), &["`mobile` cannot be `call me`", "+00"]),
        (&person("a", "phone = \"12\""), &["`phone` cannot be `12`"]),
        (&person("a", "phone = 112"), &["`phone` is of type integer", "a text in quotes"]),
        (&person("a", "phone = \"\""), &["`phone` is empty"]),
        (&person("a", "hours = \"9\\u001b[2J\""), &["`hours` has characters that cannot be printed"]),
        (&person("a", &format!("hours = \"{}\"", "x".repeat(301))), &["`hours` is too long", "300"]),
        (&person("a", &format!("calls = [{}]", "\"x\",".repeat(101))), &["`calls` has 101 items", "100"]),
        ("[[person]]\nid = \"a\"\nname = [1]\n", &["`name` is of type array"]),
        ("person = 1\n", &["organisation", "no field `person`"]),
        (
            &authority("x", "GDPR-33-1", "[\"germany\"]", ""),
            &["authority `x`", "`jurisdictions` cannot have `germany`"],
        ),
        (&authority("x", "GDPR-33-1", "[\"unknown\"]", ""), &["`jurisdictions` cannot have `unknown`"]),
        (&authority("x", "GDPR-33-1", "[]", ""), &["`jurisdictions` names none", "[\"EU-DE\"]"]),
        (&authority("x", "a b", "[\"JP\"]", ""), &["`obligations` cannot be `a b`"]),
        (&authority("x", "A", "[\"JP\"]", "url = \"javascript:alert(1)\""), &["`url` cannot be", "`https://`"]),
        (&authority("x", "A", "[\"JP\"]", "url = \"https://user@host.de/\""), &["`url` cannot be"]),
        (&authority("x", "A", "[\"JP\"]", "languages = [\"German\"]"), &["`languages` cannot be `German`"]),
        (&authority("x", "A", "[\"JP\"]", "").replace("portal", "fax"), &["`how` cannot be `fax`", "`portal`"]),
        (
            "[[stakeholder]]\nkind = \"friend\"\nname = \"Y\"\n",
            &["stakeholder `Y`", "`kind` cannot be `friend`", "sponsor"],
        ),
        ("[[stakeholder]]\nkind = \"bank\"\nname = \"Y\"\nhours_to_tell = 0\n", &["`hours_to_tell`", "from 1 to 8784"]),
        ("[[stakeholder]]\nkind = \"bank\"\nname = \"Y\"\nhours_to_tell = \"soon\"\n", &["`hours_to_tell`"]),
        (
            "[[stakeholder]]\nkind = \"bank\"\nname = \"Y\"\ncontacts = [{ phone = \"112\" }]\n",
            &["line 10", "stakeholder `Y`, contacts no. 1", "`name` is missing"],
        ),
    ];
    for (rest, expected) in cases {
        let told = faults(&format!("{HEAD}{rest}"));
        let all_there = |fault: &&String| expected.iter().all(|word| fault.contains(word));
        assert!(told.iter().any(|fault| all_there(&fault)), "{rest}\nwanted {expected:?}, told {told:#?}");
    }
    assert!(faults("").iter().any(|fault| fault.contains("`[organisation]` is missing")));
    assert!(faults("[organisation]\nname = \"X\"\ncountry = \"Germany\"\n")[0].contains("write it as `EU-DE`"));
}

#[test]
fn all_faults_are_told_at_once_in_order_and_not_without_end() {
    let rest = format!("{}{}", person("a", "phone = \"x\""), person("b", "email = \"y\"\nmobile = \"z\""));
    let told = Plan::parse(&format!("{HEAD}{rest}")).expect_err("three faults");
    let lines: Vec<Option<usize>> = told.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [Some(10), Some(14), Some(15)]);
    let many: String = (0..FAULTS_MAX + 7).map(|n| person(&format!("p{n}"), "phone = \"x\"")).collect();
    let told = Plan::parse(&format!("{HEAD}{many}")).expect_err("many faults");
    assert_eq!(told.len(), FAULTS_MAX + 1);
    assert!(told.last().is_some_and(|last| last.why.contains("7 more faults")), "{:?}", told.last());
}

#[test]
fn limits_hold() {
    let long = format!("{HEAD}# {}", "x".repeat(BYTES_MAX));
    assert!(faults(&long)[0].contains("1048576 are the most"));
    let many: String = (0..=ENTRIES_MAX).map(|n| person(&format!("p{n}"), "")).collect();
    assert!(faults(&format!("{HEAD}{many}"))[0].contains("2001 entries, 2000 are the most"));
    let most: String = (0..ENTRIES_MAX).map(|n| person(&format!("p{n}"), "")).collect();
    assert_eq!(plan(&most).people.len(), ENTRIES_MAX);
}

#[test]
fn circles_are_found_however_long_and_chains_are_none() {
    let chain = |last: &str| -> String {
        let calls = |n: usize| if n == 1_999 { last.to_owned() } else { format!("calls = [\"p{}\"]", n + 1) };
        (0..2_000).map(|n| person(&format!("p{n}"), &calls(n))).collect()
    };
    assert_eq!(plan(&chain("")).people.len(), 2_000);
    let told = faults(&format!("{HEAD}{}", chain("calls = [\"p1998\"]")));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("`p1998` calls `p1999` calls `p1998`"), "{told:?}");
    // Two ways to one person are no circle.
    let diamond = [
        person("a", "roles = [\"commander\"]\ncalls = [\"b\", \"c\"]"),
        person("b", "calls = [\"d\"]"),
        person("c", "calls = [\"d\"]"),
        person("d", "calls = [\"e\"]"),
        person("e", ""),
    ];
    let plan = plan(&diamond.concat());
    let tree = plan.tree();
    let tree: Vec<(usize, &str, bool)> =
        tree.iter().map(|line| (line.depth, line.person.id.as_str(), line.is_repeated)).collect();
    let expected =
        [(0, "a", false), (1, "b", false), (2, "d", false), (3, "e", false), (1, "c", false), (2, "d", true)];
    assert_eq!(tree, expected);
    assert!(plan.to_text().contains("\n    Name of d, as above\n"), "{}", plan.to_text());
}

#[test]
fn the_example_parses_and_says_what_is_still_to_be_written() {
    let plan = Plan::parse(EXAMPLE).expect("the example is a plan");
    for role in Role::ALL {
        assert!(!plan.holders(role).is_empty(), "{}", role.as_str());
    }
    let placeholders = gaps(&plan, GapKind::Placeholder);
    for person in &plan.people {
        assert!(placeholders.contains(&person.id), "{} is invented", person.id);
    }
    assert!(placeholders.iter().any(|about| about == "organisation"));
    assert_eq!(gaps(&plan, GapKind::PersonNotCalled), [""; 0]);
    assert_eq!(gaps(&plan, GapKind::PersonUnreachable), [""; 0]);
    assert_eq!(gaps(&plan, GapKind::ObligationUnknown), [""; 0]);
    assert_eq!(gaps(&plan, GapKind::LegalRoleUnknown), [""; 0]);
    assert_eq!(gaps(&plan, GapKind::EmailNotOutside), [""; 0]);
    assert_eq!(gaps(&plan, GapKind::AuthorityWithoutAddress).len(), plan.authorities.len(), "no address is invented");
    // Names of authorities are those of content/obligations, or placeholders.
    let known = |name: &str, id: &str| {
        library().obligations().iter().any(|of| of.id == id && of.recipient.contains(name))
            || library().authority("gdpr", "EU-FR") == Some(name)
    };
    for authority in &plan.authorities {
        let id = authority.obligations.first().expect("it has one");
        assert!(authority.name.starts_with('[') || known(&authority.name, id), "{}", authority.name);
    }
}

#[test]
fn gaps_are_found_and_go_when_they_are_filled() {
    let bare = plan(&person("a", "roles = [\"commander\", \"privacy:2\"]"));
    let unheld = gaps(&bare, GapKind::RoleUnheld);
    assert_eq!(unheld, ["scribe", "legal", "communications", "it", "study_lead", "quality"]);
    assert_eq!(gaps(&bare, GapKind::RoleWithoutDeputy), ["commander", "privacy"]);
    assert_eq!(gaps(&bare, GapKind::PersonUnreachable), ["a"]);
    let reachable = [
        person("a", "mobile = \"+49 170 123\"\ncalls = [\"b\"]\nroles = [\"commander\"]"),
        person("b", "email_outside = \"b@elsewhere.org\"\nroles = [\"commander:2\"]"),
        person("c", "email = \"c@clinic.de\"\nemail_outside = \"c@mail.clinic.de\""),
        person("d", "calls = [\"e\"]\nphone = \"112\""),
        person("e", "phone = \"112\""),
    ];
    let plan_ = plan(&reachable.concat());
    assert_eq!(gaps(&plan_, GapKind::PersonUnreachable), ["c"], "its outside address is inside");
    assert_eq!(gaps(&plan_, GapKind::EmailNotOutside), ["c"]);
    assert_eq!(gaps(&plan_, GapKind::PersonNotCalled), ["c", "d", "e"]);
    assert!(!gaps(&plan_, GapKind::RoleWithoutDeputy).iter().any(|role| role == "commander"));
    let why: Vec<String> = plan_.gaps(library()).iter().map(ToString::to_string).collect();
    assert!(why.iter().any(|gap| gap.contains("`e`: only people whom nobody calls call them")), "{why:#?}");
}

#[test]
fn obligations_in_force_want_somebody_who_receives_their_notices() {
    let open = gaps(&plan(""), GapKind::ObligationWithoutRecipient);
    for id in ["GDPR-33-1", "HIPAA-406", "GDPR-33-2", "SEC-8K"] {
        assert!(open.iter().any(|one| one == id), "{id}: {open:?}");
    }
    for id in ["GDPR-34-1", "HIPAA-404", "CIRCIA-72"] {
        assert!(!open.iter().any(|one| one == id), "{id} goes to people, or is no law yet");
    }
    let ours = "legal_roles = [\"controller\"]\n";
    assert_eq!(gaps(&plan(ours), GapKind::ObligationWithoutRecipient), ["GDPR-33-1"]);
    let typo = plan("legal_roles = [\"controler\"]\n");
    assert_eq!(gaps(&typo, GapKind::LegalRoleUnknown), ["controler"], "a typo must not empty the list in silence");
    let named = plan(&format!("{ours}{}", authority("x", "GDPR-33-1", "[\"EU-DE\"]", "languages = [\"it\"]")));
    assert_eq!(gaps(&named, GapKind::ObligationWithoutRecipient), [""; 0]);
    assert_eq!(gaps(&named, GapKind::AuthorityWithoutAddress), ["x"]);
    assert_eq!(gaps(&named, GapKind::LanguageMissing), ["x"]);
    let whole =
        authority("x", "GDPR-33-9", "[\"EU-DE\"]", "languages = [\"it\", \"de\"]\nurl = \"https://a.de/b?c=d\"");
    let whole = plan(&format!("{ours}{whole}"));
    assert_eq!(gaps(&whole, GapKind::AuthorityWithoutAddress), [""; 0]);
    assert_eq!(gaps(&whole, GapKind::LanguageMissing), [""; 0]);
    assert_eq!(gaps(&whole, GapKind::ObligationUnknown), ["GDPR-33-9"]);
    let press = "[[stakeholder]]\nkind = \"press\"\nname = \"News\"\n";
    let press = plan(&format!("legal_roles = [\"covered_entity\"]\n{press}"));
    assert!(!gaps(&press, GapKind::ObligationWithoutRecipient).iter().any(|id| id == "HIPAA-406"));
    assert_eq!(gaps(&press, GapKind::StakeholderWithoutContact), ["News"]);
    let no_languages = HEAD.replace("languages = [\"de\"]\n", "");
    let no_languages = Plan::parse(&no_languages).expect("a plan");
    assert_eq!(gaps(&no_languages, GapKind::LanguageMissing), ["organisation"]);
}

#[test]
fn recipients_are_found_by_pattern_the_closest_first() {
    let all = [
        authority("any", "GDPR-33-1", "[\"*\"]", ""),
        authority("eu", "GDPR-33-1", "[\"EU-*\"]", ""),
        authority("de", "GDPR-33-1", "[\"EU-AT\", \"EU-DE\"]", ""),
        authority("us", "HIPAA-408b", "[\"US*\"]", ""),
        authority("ca", "HIPAA-408b", "[\"US-CA\"]", ""),
        authority("jp", "APPI-26-pre", "[\"JP\"]", ""),
    ];
    let plan = plan(&all.concat());
    let ids = |obligation: &str, places: &[&str]| -> Vec<String> {
        plan.recipients(obligation, places).iter().map(|one| one.id.clone()).collect()
    };
    assert_eq!(ids("GDPR-33-1", &["EU-DE"]), ["de", "eu", "any"]);
    assert_eq!(ids("GDPR-33-1", &["EU-FR"]), ["eu", "any"]);
    assert_eq!(ids("GDPR-33-1", &["EU"]), ["any"], "`EU-*` is its parts alone");
    assert_eq!(ids("GDPR-33-1", &["JP", "EU-AT"]), ["de", "eu", "any"]);
    assert_eq!(ids("GDPR-33-1", &["unknown"]), ["any"]);
    assert_eq!(ids("HIPAA-408b", &["US"]), ["us"]);
    assert_eq!(ids("HIPAA-408b", &["US-CA"]), ["ca", "us"]);
    assert_eq!(ids("HIPAA-408b", &["USX"]), [""; 0]);
    assert_eq!(ids("HIPAA-408b", &[]), ["ca", "us"], "of all places");
    assert_eq!(ids("APPI-26-pre", &["US-CA"]), [""; 0]);
}

#[test]
fn holders_stand_by_rank_then_as_written() {
    let all = [
        person("third", "roles = [\"it:3\"]"),
        person("first", "roles = [\"legal:2\", \"it\"]"),
        person("second", "roles = [\"it:2\", \"legal\"]"),
        person("also", "roles = [\"it:2\"]"),
    ];
    let plan = plan(&all.concat());
    let ids = |role| plan.holders(role).iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(Role::It), ["first", "second", "also", "third"]);
    assert_eq!(ids(Role::Legal), ["second", "first"]);
    assert_eq!(ids(Role::Scribe), [""; 0]);
}

#[test]
fn the_sheet_has_everything_on_eighty_columns_the_contact_tree_first() {
    let long = "https://portal.authority.de/".to_owned() + &"a".repeat(150);
    let rest = [
        person("a", "roles = [\"commander\"]\nmobile = \"+49 170 1234567\"\ncalls = [\"b\"]"),
        person("b", "roles = [\"it\"]\nemail_outside = \"b@elsewhere.org\"")
            .replace("Name of b", "山田太郎東京都千代田区丸の内一丁目山田太郎東京都千代田区丸の内一丁目長い名前"),
        person("lost", "phone = \"112\""),
        authority("x", "GDPR-33-1", "[\"EU-DE\"]", &format!("url = \"{long}\"\nnote = \"\"\"one\ntwo\"\"\"")),
        "[[stakeholder]]\nkind = \"sponsor\"\nname = \"Sponsor Y\"\nstudy = \"ONC-1\"\nhours_to_tell = 24\n\
         contacts = [{ name = \"Desk\", phone = \"112\" }]\n"
            .to_owned(),
    ];
    let plan = plan(&rest.concat());
    let text = plan.to_text();
    for line in text.lines() {
        let wide = line.chars().filter(|c| ('\u{2e80}'..='\u{ffdf}').contains(c)).count();
        assert!(line.chars().count() + wide <= 80, "{line}");
        assert_eq!(line.trim_end(), line);
    }
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word} is not in\n{text}"));
    let order = [
        "Test Clinic",
        "WHO CALLS WHOM",
        "+49 170 1234567",
        "b@elsewhere.org",
        "CALLED BY NOBODY",
        "Name of lost",
        "WHO HOLDS WHICH ROLE",
        "WHO RECEIVES WHICH NOTICE",
        "GDPR-33-1",
        "AUTHORITIES",
        "one two",
        "OTHERS WHO ARE TOLD",
        "told within 24 hours",
        "ONC-1",
    ];
    let places: Vec<usize> = order.iter().map(|word| at(word)).collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
    assert!(text.replace(['\n', ' '], "").contains(&long), "a long address is broken, not cut");
}

#[test]
fn the_page_escapes_what_people_write_and_asks_for_nothing_from_outside() {
    let rest = person("a", "roles = [\"commander\"]\nhours = \"<script>alert('1')</script> & \\\"x\\\"\"");
    let html = plan(&rest.replace("Name of a", "<b>A</b>")).to_html();
    assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;"), "{html}");
    assert!(html.contains("&lt;b&gt;A&lt;/b&gt;") && !html.contains("<b>") && !html.contains("<script"), "{html}");
    for outside in ["src=", "href=", "url(", "@import", "<link", "<img"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
}

#[test]
fn shapes_take_what_works() {
    for phone in
        ["112", "+49 30 1234-567", "(030) 123/456", "+1 800 555 0100 x 12", "0120-000-000", "+1 800 555 0100 ext. 7"]
    {
        plan(&person("a", &format!("phone = \"{phone}\"")));
    }
    for email in ["a.b+c@d-e.example.de", "müller@klinik-köln.de", "x@sub.sub.ac.jp"] {
        plan(&person("a", &format!("email = \"{email}\"")));
    }
    for url in ["https://a.de", "http://a.b.de:8443/c/d?e=f&g=h#i", "https://個人情報.jp/form"] {
        plan(&authority("x", "A", "[\"JP\"]", &format!("url = \"{url}\"")));
    }
    assert!(Plan::parse(&format!("\u{feff}{HEAD}")).is_ok(), "a byte order mark is no fault");
    assert!(Plan::parse(&HEAD.replace('\n', "\r\n")).is_ok());
}
