//! What is found in events, and that the fast way finds what the slow way finds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use intel::{Atom, Basis, DAY_MS, Expression, Indicator, Kind, Looks, Matcher, Options, Test, Until, oracle, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_780_000_000_000;

fn list(text: &str) -> Vec<Indicator> {
    let parsed = parse(text.as_bytes(), &Options { source: "list", now_ms: NOW, allow_benign: true });
    parsed.indicators
}

fn one(expression: Expression) -> Indicator {
    Indicator {
        source: "test".to_owned(),
        id: format!("{expression:?}"),
        looks: Looks::For(expression),
        since_ms: 0,
        since_stated: true,
        until_ms: None,
        until: Until::Never,
        revoked: false,
        confidence: None,
        context: None,
    }
}

/// What is found, as `field=value -> indicator`.
fn found(indicators: &[Indicator], event: &Value) -> Vec<String> {
    let matcher = Matcher::new(indicators, Basis::At(NOW)).unwrap();
    let mut out = Vec::new();
    matcher.each(event.to_string().as_bytes(), &mut matcher.scratch(), &mut |found| {
        out.extend(found.seen.iter().map(|seen| format!("{}={} -> {}", seen.field, seen.value, seen.indicator)));
    });
    out
}

#[test]
fn values_are_found_whole_and_inside_texts() {
    let digest = "ab".repeat(32);
    let indicators = list(&format!(
        "bad.example\n192.0.2.1\n198.51.100.0/24\n2001:db8:7::/48\nhttp://host.example/x?y=1\nhost2.example/z\n{digest}\nevil@mail.example\nCVE-2026-0001\n"
    ));
    for (event, wanted) in [
        (json!({"dns": {"query": "a.b.BAD.example."}}), "dns.query=a.b.BAD.example -> bad.example"),
        (json!({"x": "bad.example"}), "x=bad.example -> bad.example"),
        (json!({"log": "GET from 192.0.2.1:443 done"}), "log=192.0.2.1 -> 192.0.2.1"),
        (json!({"a": [{"ip": "198.51.100.200"}]}), "a[0].ip=198.51.100.200 -> 198.51.100.0/24"),
        (json!({"ip": "2001:DB8:7:1::5"}), "ip=2001:DB8:7:1::5 -> 2001:db8:7::/48"),
        (json!({"ip": "addr [2001:db8:7::1]:443"}), "ip=2001:db8:7::1 -> 2001:db8:7::/48"),
        (json!({"ip": "::ffff:192.0.2.1"}), "ip=192.0.2.1 -> 192.0.2.1"),
        (
            json!({"url": "see HTTP://HOST.example:80/x?y=1#top."}),
            "url=HTTP://HOST.example:80/x?y=1#top -> http://host.example/x?y=1",
        ),
        (json!({"uri": "host2.example/z"}), "uri=host2.example/z -> host2.example/z"),
        (json!({"uri": "https://host2.example/z"}), "uri=https://host2.example/z -> host2.example/z"),
        (
            json!({"Hashes": format!("MD5=00,SHA256={}", digest.to_uppercase())}),
            &format!("Hashes={} -> {digest}", digest.to_uppercase()),
        ),
        (json!({"from": "Evil <EVIL@mail.example>"}), "from=EVIL@mail.example -> evil@mail.example"),
        (json!({"f": "cve-2026-0001: yes"}), "f=cve-2026-0001 -> CVE-2026-0001"),
        (json!({"mail": "x@bad.example"}), "mail=bad.example -> bad.example"),
        (json!({"t": "line\nbad.example\ttab"}), "t=bad.example -> bad.example"),
    ] {
        assert_eq!(found(&indicators, &event), [wanted], "{event}");
    }
    for event in [
        json!({"bad.example": "a key is no value"}),
        json!({"x": "notbad.example bad.example.org 192.0.2.10 1192.0.2.1 192.0.2.1.5 199.51.100.1"}),
        json!({"x": "http://host.example/x?y=12", "y": "12:30:45 ::", "z": "x2001:db8:7::1"}),
        json!({"x": format!("{digest}0"), "n": 192}),
        json!({"x": ["evil@mail.example.org", "notevil@mail.example"], "c": "CVE-2026-00010"}),
    ] {
        assert_eq!(found(&indicators, &event), Vec::<String>::new(), "{event}");
    }
    // As other writers escape it.
    let matcher = Matcher::new(&indicators, Basis::At(NOW)).unwrap();
    let mut count = 0;
    for event in [
        r#"{"u":"http:\/\/host.example\/x?y\u003d1"}"#,
        r#"{ "k\"ey" : "bad.ex\u0061mple" }"#,
        r#"{"a":"\\\\192.0.2.1\\share"}"#,
    ] {
        matcher.each(event.as_bytes(), &mut matcher.scratch(), &mut |_found| count += 1);
    }
    assert_eq!(count, 3);
}

#[test]
fn names_of_files_are_found_with_spaces_and_without_dots() {
    let indicators = ["evil.exe", "invoice may.pdf", "dropper", ".hidden"]
        .map(|name| one(Expression::One(Atom::FileName(name.to_owned()))));
    let event = json!({"image": "C:\\Temp\\EVIL.exe", "cmd": "run evil.exe -x", "att": "Invoice May.pdf", "p": "/tmp/dropper", "h": "/root/.hidden", "no": "devil.exe dropper2 my dropper"});
    assert_eq!(
        found(&indicators, &event),
        [
            "image=EVIL.exe -> evil.exe",
            "cmd=evil.exe -> evil.exe",
            "att=Invoice May.pdf -> invoice may.pdf",
            "p=dropper -> dropper",
            "h=.hidden -> .hidden"
        ]
    );
}

#[test]
fn several_things_have_to_be_in_one_event() {
    let atom = |name: &str| Expression::One(Atom::FileName(name.to_owned()));
    let both = one(Expression::All(vec![atom("a.exe"), Expression::Any(vec![atom("b.exe"), atom("c.exe")])]));
    let indicators = [both];
    assert_eq!(found(&indicators, &json!({"x": "a.exe", "y": "c.exe"})).len(), 2);
    assert!(found(&indicators, &json!({"x": "a.exe"})).is_empty());
    assert!(found(&indicators, &json!({"x": "b.exe c.exe"})).is_empty());
}

#[test]
fn like_and_matches_are_tried_on_values_of_their_kind() {
    let text = |kind, test| one(Expression::One(Atom::Text(kind, test)));
    let indicators = [
        text(Kind::Domain, Test::Like("cdn_.%.example".to_owned())),
        text(Kind::Url, Test::Matches("^https?://[^/]+/gate\\.php$".to_owned())),
        text(Kind::FileName, Test::Like("inv%.js".to_owned())),
        text(Kind::Email, Test::Like("%@bad.example".to_owned())),
    ];
    let event = json!({"a": "CDN1.x.example", "b": "GET http://h.example/gate.php", "c": "/x/Inv 12.js", "d": "<me@bad.example>", "e": "cdn.x.example http://h.example/gate.php5 in.js"});
    assert_eq!(found(&indicators, &event).len(), 4, "{:?}", found(&indicators, &event));
    // A regular expression that others need exponential time for.
    let slow = [text(Kind::Url, Test::Matches("^http://(a+)+$".to_owned()))];
    let begun = std::time::Instant::now();
    let event = json!({"u": format!("http://{}-", "a".repeat(5000))});
    assert!(found(&slow, &event).is_empty());
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn what_ended_is_not_matched_and_age_is_told() {
    let mut indicator = list("bad.example").remove(0);
    let event = |time: i64| json!({"time": time, "q": "bad.example"}).to_string();
    let count = |indicator: &Indicator, basis: Basis, event: &str| {
        let matcher = Matcher::new([indicator], basis).unwrap();
        let mut ages = Vec::new();
        matcher
            .each(event.as_bytes(), &mut matcher.scratch(), &mut |found| ages.push((found.age_days(), found.at_event)));
        ages
    };
    let end = NOW + 120 * DAY_MS;
    assert_eq!(indicator.until, Until::Default);
    assert_eq!(count(&indicator, Basis::At(NOW + 3 * DAY_MS), &event(0)), [(3, false)]);
    assert_eq!(count(&indicator, Basis::At(end), &event(0)), []);
    assert_eq!(count(&indicator, Basis::At(NOW - 1), &event(0)), [], "not known yet");
    let back = Basis::Back { now_ms: NOW + 1000 * DAY_MS };
    assert_eq!(count(&indicator, back, &event(NOW + 5 * DAY_MS)), [(5, true)], "it held when it happened");
    assert_eq!(count(&indicator, back, &event(end)), [], "it was over when it happened");
    assert_eq!(count(&indicator, back, &event(NOW - 10 * DAY_MS)), [(-10, true)], "it was there before it was known");
    assert_eq!(count(&indicator, back, &event(NOW - 181 * DAY_MS)), [], "too long before");
    assert_eq!(count(&indicator, back, r#"{"q":"bad.example"}"#), [], "an event without a time is judged now");
    indicator.revoked = true;
    assert_eq!(count(&indicator, back, &event(NOW)), []);
    assert_eq!(count(&indicator, Basis::At(NOW), &event(NOW)), []);
}

#[test]
fn a_match_says_everything() {
    let parsed = parse(
        json!({"type": "bundle", "objects": [
            {"type": "indicator", "id": "indicator--1", "name": "Beacon", "pattern": "[domain-name:value = 'bad.example']", "pattern_type": "stix", "valid_from": "2026-05-01T00:00:00Z", "confidence": 70},
            {"type": "threat-actor", "id": "threat-actor--1", "name": "Grey Heron"},
            {"type": "relationship", "id": "relationship--1", "relationship_type": "indicates", "source_ref": "indicator--1", "target_ref": "threat-actor--1"},
        ]})
        .to_string()
        .as_bytes(),
        &Options { source: "isac", now_ms: NOW, allow_benign: false },
    );
    let matcher = Matcher::new(&parsed.indicators, Basis::At(NOW)).unwrap();
    let mut told = Vec::new();
    matcher.each(br#"{"dns":{"q":"www.bad.example"}}"#, &mut matcher.scratch(), &mut |found| told.push(found.json()));
    assert_eq!(
        told,
        [json!({
            "indicator": {"id": "indicator--1", "source": "isac", "name": "Beacon", "value": "bad.example", "kind": "domain", "since": "2026-05-01T00:00:00Z", "since_stated": true,
                "age_days": 27, "expires": "2026-08-29T00:00:00Z", "expiry": "default", "confidence": 70, "actors": ["Grey Heron"], "malware": [], "labels": [], "phases": [], "references": [], "exploited": null},
            "time": "2026-05-28T20:26:40Z", "time_of_event": false, "matched": {"dns.q": "www.bad.example"},
        })]
    );
}

#[test]
fn hostile_events_cost_little() {
    let indicators =
        list("bad.example\n192.0.2.1\n2001:db8::1\nhttp://bad.example/x\nbad.example/y\nevil@bad.example\n");
    let mut all = indicators;
    all.push(one(Expression::One(Atom::FileName("evil.exe".to_owned()))));
    let matcher = Matcher::new(&all, Basis::At(NOW)).unwrap();
    let mut scratch = matcher.scratch();
    let begun = std::time::Instant::now();
    for piece in [
        "a://",
        "a.b/,",
        "::",
        ":",
        "@",
        "a@",
        "a.",
        "0.",
        "http://",
        "[",
        "{\"a\":\"",
        "\\",
        "\\u",
        "\"",
        "1.1.1.1/",
        "-",
        "é.",
    ] {
        let event = format!("{{\"x\":\"{}\"}}", piece.repeat((4 << 20) / piece.len()));
        matcher.each(event.as_bytes(), &mut scratch, &mut |_found| {});
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    for event in
        [&b""[..], b"\"", b"{\"a\":\"bad.example", b"\xff\"\xffbad.example\xff\"", b"{\"a\":\"\\", b"\"\\\"\\u12\""]
    {
        matcher.each(event, &mut scratch, &mut |_found| {});
    }
}

/// Pieces that come near what is looked for.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "bad.example",
            "a.bad.example",
            "BAD.Example",
            "example",
            "192.0.2.1",
            "192.0.2.77",
            "198.51.100.9",
            "2001:db8::1",
            "2001:db8:5::9",
            "::ffff:192.0.2.1",
            "::",
            "http://bad.example/x",
            "https://bad.example:443/x",
            "HTTP://BAD.example:80/x",
            "bad.example/x",
            "bad.example:8080/x",
            "host.example/y?q=1",
            "http://host.example/y?q=1#f",
            "u:p@",
            "evil@bad.example",
            "e+v@bad.example",
            "CVE-2026-0001",
            "cve-2026-00012",
            "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF0",
            "evil.exe",
            "Evil.EXE",
            "inv 1.js",
            "inv1.js",
            "dropper",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,3}",
        prop::sample::select(vec![
            ".",
            "-",
            "_",
            ":",
            "/",
            "//",
            "://",
            "@",
            "\\",
            " ",
            "\n",
            "é",
            "\u{1F600}",
            "'",
            "\"",
            ",",
            "[",
            "]",
            "a",
            "0",
            "%",
            "?",
            "#",
            "="
        ])
        .prop_map(str::to_owned),
    ]
}

fn wanted() -> Vec<Indicator> {
    let mut all = list(
        "bad.example\n192.0.2.1\n198.51.100.0/24\n2001:db8::1\n2001:db8:5::/48\nhttp://bad.example/x\nhttps://bad.example/x\nbad.example/x\nhost.example/y?q=1\nevil@bad.example\ne+v@bad.example\nCVE-2026-0001\n0123456789abcdef0123456789abcdef\n",
    );
    let name = |name: &str| Expression::One(Atom::FileName(name.to_owned()));
    all.extend(["evil.exe", "inv 1.js", "dropper", "inv1.js"].map(|text| one(name(text))));
    all.push(one(Expression::All(vec![name("evil.exe"), Expression::One(Atom::Domain("bad.example".to_owned()))])));
    for (kind, like) in [
        (Kind::Domain, "%.bad.example"),
        (Kind::Url, "http%/x"),
        (Kind::FileName, "inv%.js"),
        (Kind::Email, "e%@bad.example"),
    ] {
        all.push(one(Expression::One(Atom::Text(kind, Test::Like(like.to_owned())))));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_way_finds_what_the_slow_way_finds(texts in prop::collection::vec(prop::collection::vec(piece(), 0..6), 1..3)) {
        let indicators = wanted();
        let texts: Vec<String> = texts.into_iter().map(|pieces| pieces.concat()).collect();
        let event = json!({"a": texts[0], "b": {"c": texts.get(1)}}).to_string();
        let slow: Vec<&str> = oracle::find(&indicators, event.as_bytes()).into_iter().map(|at| indicators[at].id.as_str()).collect();
        let matcher = Matcher::new(&indicators, Basis::At(NOW)).unwrap();
        let mut fast = Vec::new();
        matcher.each(event.as_bytes(), &mut matcher.scratch(), &mut |found| fast.push(found.indicator.id.as_str()));
        prop_assert_eq!(fast, slow, "{}", event);
    }
}
