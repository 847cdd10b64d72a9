#![no_main]

use intel::{Basis, Indicator, Matcher, Options, oracle, parse};

// A feed, a zero byte, and an event to look through.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    let cut = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (feed, event) = (&data[..cut], data.get(cut + 1..).unwrap_or_default());
    let parsed = parse(feed, &Options { source: "fuzz", now_ms: 0, allow_benign: true });
    assert!(parsed.problems.iter().all(|problem| !problem.why.is_empty() && !problem.place.is_empty()));
    let _any = intel::stix::pattern::parse(&String::from_utf8_lossy(feed));
    for indicator in &parsed.indicators {
        let text = serde_json::to_string(indicator).expect("an indicator is written");
        assert_eq!(serde_json::from_str::<Indicator>(&text).expect("and read again"), *indicator);
    }
    // Times play no part for the slow way.
    let all: Vec<Indicator> = parsed
        .indicators
        .into_iter()
        .filter(|indicator| !indicator.revoked)
        .map(|indicator| Indicator { since_ms: i64::MIN, until_ms: None, ..indicator })
        .collect();
    let matcher = Matcher::new(&all, Basis::At(0)).expect("the tables that come with the program are whole");
    let mut found = 0;
    matcher.each(event, &mut matcher.scratch(), &mut |_found| found += 1);
    // The fast way looks up few of the web addresses that stand inside one another, and both of two members with one name.
    let is_simple = event.iter().filter(|byte| **byte == b'/').count() <= 4 && !event.windows(2).any(|pair| pair == b"\\u");
    let is_object = serde_json::from_slice::<serde_json::Value>(event).is_ok_and(|value| value.is_object());
    if is_simple && is_object && matcher.left_out() == 0 {
        assert!(found >= oracle::find(&all, event).len());
    }
});
