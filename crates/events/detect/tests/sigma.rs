//! What rules mean: every modifier, condition and correlation, by the fast engine and the slow evaluator alike.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use detect::correlate::{Bound, Correlator};
use detect::correlation::Correlation;
use detect::logsource::Logsources;
use detect::rule::{Document, Rule, parse};
use detect::test::Placeholders;
use detect::{Engine, Ruleset, oracle};
use proptest::prelude::*;

fn rule(detection: &str) -> Rule {
    let indented: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("title: t\nid: r\nlogsource:\n  product: windows\ndetection:\n{indented}");
    let placeholders = Placeholders::from([("admins".to_owned(), vec!["ada".to_owned(), "grace".to_owned()])]);
    let (mut documents, errors) = parse(&text, &placeholders);
    assert!(errors.is_empty(), "{errors:?} in {text}");
    match documents.pop() {
        Some(Document::Rule(rule)) => *rule,
        other => panic!("no rule: {other:?}"),
    }
}

fn why_not(text: &str) -> String {
    let (_, errors) = parse(text, &Placeholders::new());
    errors.first().expect("it is rejected").to_string()
}

/// Both evaluators, which must agree.
fn fires(rule: &Rule, event: &str) -> bool {
    let logsources = Logsources::shipped().unwrap();
    let set = Ruleset::new(vec![rule.clone()], logsources.clone(), &[]).unwrap();
    let mut fired = false;
    Engine::new(&set).evaluate("json", event.as_bytes(), &mut |_, _| fired = true).unwrap();
    let slow = !oracle::matches(set.rules(), &logsources, "json", &serde_json::from_str(event).unwrap()).is_empty();
    assert_eq!(fired, slow, "the fast engine and the slow evaluator differ on {event}");
    fired
}

/// The selection, an event that matches it, and one that nearly does. Members of the event beside its channel.
const SELECTIONS: &[(&str, &str, &str)] = &[
    ("F: abc", r#""F":"ABC""#, r#""F":"abcd""#),
    ("F: 4688", r#""F":4688"#, r#""F":46880"#),
    ("F: 'a*c'", r#""F":"aXXc""#, r#""F":"aXXcd""#),
    ("F: 'a?c'", r#""F":"aéc""#, r#""F":"ac""#),
    (r"F: 'a\*c'", r#""F":"a*c""#, r#""F":"abc""#),
    (r"F|contains: '\\srv\share'", r#""F":"open \\\\srv\\share now""#, r#""F":"open srv""#),
    ("F|contains: über", r#""F":"Die ÜBERgabe""#, r#""F":"Die Ubergabe""#),
    ("F|startswith: 'C:\\'", r#""F":"c:\\x""#, r#""F":"xc:\\""#),
    ("F|endswith: '.exe'", r#""F":"A.EXE""#, r#""F":"a.exe2""#),
    ("F|contains|all: [a1, b2]", r#""F":"b2 a1""#, r#""F":"a1 b1""#),
    ("F|cased: Abc", r#""F":"Abc""#, r#""F":"abc""#),
    ("F|contains|cased: Abc", r#""F":"xAbcx""#, r#""F":"xabcx""#),
    ("F|re: '^a[0-9]+$'", r#""F":"a12""#, r#""F":"A12""#),
    ("F|re|i: '^a[0-9]+$'", r#""F":"A12""#, r#""F":"A12b""#),
    ("F|re|s: 'a.b'", r#""F":"a\nb""#, r#""F":"a\nc""#),
    ("F|re|m: '^b$'", r#""F":"a\nb""#, r#""F":"a b""#),
    ("F|cidr: 10.0.0.0/8", r#""F":"10.200.3.4""#, r#""F":"11.0.0.1""#),
    ("F|cidr: 'fe80::/10'", r#""F":"fe80::1""#, r#""F":"fec0::1""#),
    ("F|gt: 5", r#""F":6"#, r#""F":5"#),
    ("F|gte: 5", r#""F":"5.0""#, r#""F":4.9"#),
    ("F|lt: 5", r#""F":-1"#, r#""F":5"#),
    ("F|lte: 5", r#""F":5"#, r#""F":"many""#),
    ("F|exists: true", r#""F":"""#, r#""G":1"#),
    ("F|exists: false", r#""G":1"#, r#""F":1"#),
    ("F: null", r#""F":null"#, r#""F":"""#),
    ("F: null", r#""G":1"#, r#""F":0"#),
    ("F: ''", r#""F":"""#, r#""F":null"#),
    ("F: '*'", r#""F":"""#, r#""G":"""#),
    ("F|neq: a", r#""F":"b""#, r#""F":"A""#),
    ("F|fieldref: G", r#""F":"x","G":"X""#, r#""F":"x","G":"y""#),
    ("F|fieldref|endswith: G", r#""F":"path/x","G":"X""#, r#""F":"x/path","G":"x""#),
    ("F|windash|contains: ' -enc'", r#""F":"p /enc x""#, r#""F":"p +enc x""#),
    ("F|windash|contains: ' -enc'", "\"F\":\"p \u{2013}enc x\"", r#""F":"p-enc""#),
    ("F|base64|contains: hello", r#""F":"xx aGVsbG8= yy""#, r#""F":"hello""#),
    ("F|base64offset|contains: secret", r#""F":"YSBzZWNyZXQgYg==""#, r#""F":"YSBzZWNyZQ==""#),
    ("F|wide|base64offset|contains: ping", r#""F":"cABpAG4AZwA=""#, r#""F":"cGluZw==""#),
    ("F|utf16be|base64|contains: hi", r#""F":"AGgAaQ==""#, r#""F":"aABpAA==""#),
    ("F|utf16|base64|contains: hi", r#""F":"//5oAGkA""#, r#""F":"aABpAA==""#),
    ("F|expand: '%admins%'", r#""F":"Grace""#, r#""F":"linus""#),
    ("F|expand|contains: 'x-%admins%-y'", r#""F":"(x-ada-y)""#, r#""F":"x--y""#),
    ("F|hour: 23", r#""F":"2026-03-01T23:59:59Z""#, r#""F":"2026-03-01T22:59:59Z""#),
    ("F|month: 3", r#""F":"2026-03-01 10:00:00""#, r#""F":"later""#),
    ("F: [a, b]", r#""F":["x","B"]"#, r#""F":["x","y"]"#),
    ("F: b", r##""F":{"#text":["a","b"]}"##, r##""F":{"#text":["a"]}"##),
    ("F.G: 1", r#""F":{"G":1}"#, r#""F":{"H":1}"#),
    ("F.G: 1", r#""F.G":1"#, r#""F":1"#),
    ("F.G: 1", r#""F":[{"G":2},{"G":1}]"#, r#""F":[{"G":2}]"#),
];

#[test]
fn every_modifier_tells_what_matches_from_what_nearly_does() {
    for (selection, matches, misses) in SELECTIONS {
        let rule = rule(&format!("selection:\n  {selection}\ncondition: selection"));
        for (members, wanted) in [(matches, true), (misses, false)] {
            let event = format!(r#"{{"Channel":"Application",{members}}}"#);
            assert_eq!(fires(&rule, &event), wanted, "{selection} on {event}");
        }
    }
}

#[test]
fn conditions_bind_as_the_specification_says() {
    let searches = "a:\n  A: 1\nb_x:\n  B: 1\nb_y:\n  C: 1\n_hidden:\n  D: 1\n";
    let cases = [
        ("a or b_x and b_y", r#""A":1"#, true),
        ("(a or b_x) and b_y", r#""A":1"#, false),
        ("not a and b_x", r#""B":1"#, true),
        ("not (a and b_x)", r#""A":1"#, true),
        ("1 of b_*", r#""C":1"#, true),
        ("all of b_*", r#""B":1"#, false),
        ("all of b_*", r#""B":1,"C":1"#, true),
        ("1 of them", r#""D":1"#, false),
        ("all of them", r#""A":1,"B":1,"C":1"#, true),
        ("a and not 1 of b_*", r#""A":1,"B":1"#, false),
        ("a AND NOT b_x", r#""A":1"#, true),
    ];
    for (condition, members, wanted) in cases {
        let rule = rule(&format!("{searches}condition: {condition}"));
        assert_eq!(fires(&rule, &format!(r#"{{"Channel":"System",{members}}}"#)), wanted, "{condition} on {members}");
    }
}

#[test]
fn keywords_are_looked_for_in_every_value() {
    let any = rule("keywords:\n  - wiped\n  - 'log*cleared'\ncondition: keywords");
    assert!(fires(&any, r#"{"Channel":"System","Deep":{"er":["the LOG was cleared"]}}"#));
    assert!(!fires(&any, r#"{"Channel":"System","wiped":"no"}"#));
    for hidden in [r"\u0077iped", "WIPED", r"\u0057\u0069PED"] {
        assert!(fires(&any, &format!(r#"{{"Channel":"System","A":"{hidden}"}}"#)), "{hidden}");
    }
    let kelvin = rule("keywords:\n  - kelvin\ncondition: keywords");
    assert!(fires(&kelvin, "{\"Channel\":\"System\",\"A\":\"\u{212a}elvin\"}"));
    assert!(fires(&kelvin, r#"{"Channel":"System","A":"\u212aelvin"}"#));
    let all = rule("keywords:\n  '|all':\n    - one\n    - two\ncondition: keywords");
    assert!(fires(&all, r#"{"Channel":"System","A":"one","B":"two"}"#));
    assert!(!fires(&all, r#"{"Channel":"System","A":"one"}"#));
}

#[test]
fn an_event_is_tried_by_rules_of_its_own_log_source_only() {
    let mut creation = rule("selection:\n  CommandLine|contains: whoami\ncondition: selection");
    creation.logsource.category = Some("process_creation".to_owned());
    let sysmon = r#"{"Event":{"System":{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1},"EventData":{"CommandLine":"whoami /all"}}}"#;
    assert!(fires(&creation, sysmon));
    assert!(
        fires(&creation, r#"{"Channel":"Security","EventID":4688,"CommandLine":"whoami"}"#),
        "process creation is audited by Windows itself too"
    );
    assert!(!fires(&creation, r#"{"Channel":"Security","EventID":4689,"CommandLine":"whoami"}"#));
    assert!(!fires(&creation, r#"{"CommandLine":"whoami"}"#), "an event of no known source is tried by no rule");
    let mut image = rule("selection:\n  Image|endswith: '\\whoami.exe'\ncondition: selection");
    image.logsource.category = Some("process_creation".to_owned());
    assert!(
        fires(&image, r#"{"Channel":"Security","EventID":"4688","NewProcessName":"C:\\Windows\\whoami.exe"}"#),
        "the audit calls the image otherwise"
    );
    let mut cloud = rule("selection:\n  eventName: DeleteTrail\ncondition: selection");
    cloud.logsource = detect::rule::Logsource {
        product: Some("aws".to_owned()),
        service: Some("cloudtrail".to_owned()),
        category: None,
    };
    assert!(fires(&cloud, r#"{"eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail"}"#));
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_its_line() {
    let with = |detection: &str| why_not(&format!("title: t\nlogsource:\n  product: windows\ndetection:\n{detection}"));
    insta::assert_snapshot!(
        [
            why_not("title: [unclosed"),
            why_not("title: t\ndetection:\n  a: {F: 1}\n  condition: a"),
            why_not("title: t\nlogsource: {definition: x}\ndetection:\n  a: {F: 1}\n  condition: a"),
            with("  a: {F: 1}"),
            with("  a: {F: 1}\n  condition: b"),
            with("  a: {F: 1}\n  condition: a and"),
            with("  a: {F: 1}\n  condition: (a"),
            with("  a: {F: 1}\n  condition: a | count() > 5"),
            with("  a:\n    F|sounds_like: x\n  condition: a"),
            with("  a:\n    F|re: '(?=x)y'\n  condition: a"),
            with("  a:\n    F|re: 'a{1000}{1000}'\n  condition: a"),
            with("  a:\n    F|cidr: 10.0.0.0/33\n  condition: a"),
            with("  a:\n    F|base64: 'a*b'\n  condition: a"),
            with("  a:\n    F|gt: many\n  condition: a"),
            with("  a:\n    F: []\n  condition: a"),
            with("  a: &x {F: 1}\n  b: *x\n  condition: a"),
            with("  a: {F: 1, F: 2}\n  condition: a"),
            why_not("title: t\nlevel: hot\nlogsource: {product: windows}\ndetection:\n  a: {F: 1}\n  condition: a"),
            why_not("title: t\ncorrelation:\n  type: event_count\n  rules: [x]\n  timespan: 5x\n  condition: {gte: 1}"),
            why_not("title: t\ncorrelation:\n  type: value_count\n  rules: [x]\n  timespan: 5m\n  condition: {gte: 1}"),
        ]
        .join("\n")
    );
}

#[test]
fn one_broken_rule_leaves_the_others_of_its_file() {
    let good = "title: good\nlogsource: {product: windows}\ndetection:\n  a: {F: 1}\n  condition: a\n";
    let (documents, errors) = parse(&format!("{good}---\ntitle: bad\n---\n{good}"), &Placeholders::new());
    assert_eq!((documents.len(), errors.len()), (2, 1));
    assert_eq!(errors[0].line, 7);
}

#[test]
fn hostile_events_are_refused_or_read_never_worse() {
    let set = Ruleset::new(vec![rule("a:\n  F: 1\ncondition: a")], Logsources::shipped().unwrap(), &[]).unwrap();
    let mut engine = Engine::new(&set);
    let deep = format!("{{\"Channel\":\"System\",\"F\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let broken = [
        "",
        "{",
        "[]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":\"x}",
        "{\"a\":1} {",
        "{\"a\":nul}",
        deep.as_str(),
        "{\"a\":\"\\",
    ];
    for event in broken {
        let wrong =
            engine.evaluate("json", event.as_bytes(), &mut |_, _| panic!("it matched")).expect_err("it is refused");
        assert!(wrong.at <= event.len(), "{wrong}");
    }
    let mut fired = 0;
    let odd = [
        "{\"Channel\":\"System\",\"\\u0046\":1}",
        "{\"Channel\":\"System\",\"F\":\"\\ud800\",\"F\":1}",
        "{ \"Channel\" : \"System\" , \"F\" : [ 2 , 1 ] }",
    ];
    for event in odd {
        engine.evaluate("json", event.as_bytes(), &mut |_, _| fired += 1).expect("it is read");
    }
    engine
        .evaluate("json", b"{\"Channel\":\"System\",\"F\":\"\xff\xfe\"}", &mut |_, _| fired += 1)
        .expect("bytes that are no text are read");
    assert_eq!(fired, 3);
}

fn correlation(text: &str) -> Vec<Correlation> {
    let (documents, errors) = parse(text, &Placeholders::new());
    assert!(errors.is_empty(), "{errors:?}");
    documents
        .into_iter()
        .map(
            |document| {
                if let Document::Correlation(correlation) = document { *correlation } else { panic!("a correlation") }
            },
        )
        .collect()
}

/// The times at which a correlation held, over matches of (rule, second, user, number).
fn held(correlations: &[Correlation], matches: &[(&str, i64, &str, &str)]) -> Vec<(String, i64, f64)> {
    let mut correlator = Correlator::new(correlations, Bound::default());
    let mut held = Vec::new();
    for (rule, second, user, number) in matches {
        let value = |field: &str| match field {
            "user" => Some((*user).to_owned()),
            "n" => Some((*number).to_owned()),
            _ => None,
        };
        held.extend(
            correlator
                .take(rule, None, (0, second * 1_000), &value)
                .into_iter()
                .map(|one| (correlations[one.index].head.id.clone(), one.time_ms / 1_000, one.number)),
        );
    }
    held
}

fn one(kind: &str, rest: &str) -> Vec<Correlation> {
    correlation(&format!("title: c\nid: c\ncorrelation:\n  type: {kind}\n  timespan: 1m\n{rest}"))
}

#[test]
fn correlations_count_within_their_window_and_group() {
    let counts = one("event_count", "  rules: [r]\n  group-by: [user]\n  condition: {gte: 3}");
    assert_eq!(
        held(&counts, &[("r", 0, "a", ""), ("r", 30, "b", ""), ("r", 40, "a", ""), ("r", 59, "a", "")]),
        [("c".to_owned(), 59, 3.0)]
    );
    assert!(
        held(&counts, &[("r", 0, "a", ""), ("r", 40, "a", ""), ("r", 61, "a", "")]).is_empty(),
        "the first fell out of the window"
    );
    let values = one("value_count", "  rules: [r]\n  group-by: [user]\n  condition: {gt: 2, field: n}");
    assert_eq!(
        held(&values, &[("r", 0, "a", "1"), ("r", 1, "a", "1"), ("r", 2, "a", "2"), ("r", 3, "a", "3")]).len(),
        1
    );
    assert!(held(&values, &[("r", 0, "a", "1"), ("r", 30, "a", "2"), ("r", 61, "a", "3")]).is_empty());
    let fewer = one("event_count", "  rules: [r]\n  condition: {gte: 1, lt: 2}");
    assert_eq!(held(&fewer, &[("r", 0, "a", ""), ("r", 200, "a", "")]).len(), 2);
}

#[test]
fn correlations_wait_for_all_rules_and_for_their_order() {
    let any = one("temporal", "  rules: [x, y]\n  group-by: [user]");
    assert_eq!(held(&any, &[("y", 0, "a", ""), ("x", 9, "a", "")]).len(), 1);
    assert!(held(&any, &[("y", 0, "a", ""), ("x", 9, "b", "")]).is_empty());
    let ordered = one("temporal_ordered", "  rules: [x, y]\n  group-by: [user]");
    assert!(held(&ordered, &[("y", 0, "a", ""), ("x", 9, "a", "")]).is_empty());
    assert_eq!(held(&ordered, &[("x", 0, "a", ""), ("y", 9, "a", "")]), [("c".to_owned(), 9, 2.0)]);
}

#[test]
fn correlations_add_up_numbers() {
    let matches = [("r", 0, "a", "10"), ("r", 1, "a", "20"), ("r", 2, "a", "60")];
    for (kind, bound, number) in [
        ("value_sum", "gte: 90", 90.0),
        ("value_avg", "gte: 30", 30.0),
        ("value_median", "gte: 20", 20.0),
        ("value_percentile", "percentile: 100, gt: 50", 60.0),
    ] {
        let last = held(&one(kind, &format!("  rules: [r]\n  condition: {{{bound}, field: n}}")), &matches).pop();
        assert_eq!(last.map(|(_, second, found)| (second, found)), Some((2, number)), "{kind}");
    }
}

#[test]
fn events_that_come_late_count_as_if_they_had_not() {
    let counts = one("event_count", "  rules: [r]\n  condition: {gte: 3}");
    assert_eq!(
        held(&counts, &[("r", 0, "a", ""), ("r", 100, "a", ""), ("r", 20, "a", ""), ("r", 40, "a", "")]).len(),
        1
    );
    let values = one("value_count", "  rules: [r]\n  condition: {gte: 3, field: n}");
    assert_eq!(held(&values, &[("r", 10, "a", "1"), ("r", 50, "a", "2"), ("r", 5, "a", "3")]).len(), 1);
    let ordered = one("temporal_ordered", "  rules: [x, y]");
    assert_eq!(held(&ordered, &[("y", 30, "a", ""), ("x", 10, "a", "")]).len(), 1, "what happened first came second");
}

#[test]
fn a_correlation_may_stand_on_another() {
    let chain = correlation(
        "title: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [r]\n  group-by: [user]\n  timespan: 1m\n  condition: {gte: 2}\n---\ntitle: d\nid: d\ncorrelation:\n  type: temporal_ordered\n  rules: [c, s]\n  group-by: [user]\n  timespan: 5m\n",
    );
    let ids: Vec<String> = held(&chain, &[("r", 0, "a", ""), ("r", 1, "a", ""), ("s", 9, "a", "")])
        .into_iter()
        .map(|(id, ..)| id)
        .collect();
    assert_eq!(ids, ["c", "d"]);
}

#[test]
fn what_is_kept_is_bounded_and_what_is_given_up_is_counted() {
    let counts = one("event_count", "  rules: [r]\n  group-by: [user]\n  condition: {gte: 3}");
    let mut correlator = Correlator::new(&counts, Bound { entries_max: 1_000 });
    for second in 0..10_000_i64 {
        let user = second.to_string();
        correlator.take("r", None, (0, second * 1_000), &|_| Some(user.clone()));
        assert!(correlator.kept() <= 1_000);
    }
    assert!(correlator.evicted() >= 9_000);
}

proptest! {
    #[test]
    fn the_fast_engine_agrees_with_the_slow_one(
        values in proptest::collection::vec("[abAB*?é\\\\ .-]{0,6}", 1..5),
        patterns in proptest::collection::vec(("[abAB*?é\\\\ .-]{1,6}", 0..6_usize), 1..6),
        negate in any::<bool>(),
    ) {
        let modifiers = ["", "|contains", "|startswith", "|endswith", "|cased", "|contains|all"];
        let items: String = patterns
            .iter()
            .map(|(pattern, modifier)| format!("  - F{}: '{}'\n", modifiers[*modifier], pattern))
            .collect();
        let condition = if negate { "not a" } else { "a" };
        let rule = rule(&format!("a:\n{items}condition: {condition}"));
        let event = serde_json::json!({"Channel": "System", "F": values}).to_string();
        fires(&rule, &event);
    }

    #[test]
    fn a_text_is_found_wherever_it_lies_in_a_long_value(
        before in "[a-zA-Z {},:]{0,1500}",
        after in "[a-zA-Z é]{0,1500}",
        planted in prop_oneof![Just("kiwi::golden"), Just("KIWI::Golden"), Just("kiwi::golde"), Just("wi::gold"), Just("")],
        field in prop_oneof![Just("'|contains'"), Just("F|contains"), Just("F|endswith"), Just("F|startswith")],
    ) {
        let rule = rule(&format!("a:\n  {field}:\n    - 'kiwi::golden'\n    - 'masterkey_dump'\ncondition: a"));
        let event = serde_json::json!({"Channel": "System", "F": format!("{before}{planted}{after}")}).to_string();
        let fired = fires(&rule, &event);
        if field.contains("contains") && planted.len() == 12 {
            prop_assert!(fired);
        }
    }

    #[test]
    fn the_count_of_a_window_is_that_of_all_its_events(seconds in proptest::collection::vec(0..300_i64, 1..40), least in 1..6_usize) {
        let counts = one("event_count", &format!("  rules: [r]\n  condition: {{gte: {least}}}"));
        let mut sorted = seconds;
        sorted.sort_unstable();
        let matches: Vec<(&str, i64, &str, &str)> = sorted.iter().map(|second| ("r", *second, "a", "")).collect();
        let fired = !held(&counts, &matches).is_empty();
        let slow = sorted.iter().any(|end| sorted.iter().filter(|second| (end - 60..=*end).contains(*second)).count() >= least);
        prop_assert_eq!(fired, slow);
    }
}
