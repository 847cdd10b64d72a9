//! Letters and the notices in their place: counters that add up, days as the law counts them, and entries that contradict each other.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use incidents::case::{Case, Entry, PostingChannel, What};
use incidents::letters::{Form, Met, Standing, bars, standing};
use jiff::civil::{Date, date};
use model::Severity;
use proptest::prelude::*;

const DAY: Date = date(2026, 12, 1);

fn entry(number: u64, by: &str, what: What) -> Entry {
    Entry { number, at: 1_000, by: by.to_owned(), recorded: number, what }
}

fn opened(exercise: bool) -> What {
    What::Opened { title: "Letters".to_owned(), severity: Severity::High, finding: None, study: None, exercise }
}

fn letters(kind: &str, (by_post, by_email, unreachable): (u64, u64, u64)) -> What {
    What::Letters {
        kind: kind.to_owned(),
        sha256: "a".repeat(64),
        recipients: by_post + by_email + unreachable,
        by_post,
        by_email,
        unreachable,
        faults: 0,
        kin: 0,
        kin_unreached: 0,
        objects: Vec::new(),
    }
}

/// Letters that were asked for under entry 2, agreed to, and made.
fn made(kind: &str, numbers: (u64, u64, u64)) -> Case {
    let made = What::LettersMade { letters: 2, made: numbers.0 + numbers.1 };
    let all = [opened(false), letters(kind, numbers), What::LettersAgreed { letters: 2 }, made];
    let by = ["ada", "ada", "ben", "ada"];
    Case::of((1..).zip(by).zip(all).map(|((number, by), what)| entry(number, by, what))).expect("a case")
}

fn add(case: &mut Case, what: What) -> Result<u64, String> {
    case.check(&what).map_err(|error| error.to_string())?;
    let number = case.version() + 1;
    case.apply(entry(number, "ada", what)).map_err(|error| error.to_string())?;
    Ok(number)
}

fn posted(channel: PostingChannel, count: Option<u64>, at: Date, until: Option<Date>) -> What {
    What::Posted { letters: Some(2), channel, count, at, until, place: "somewhere".to_owned() }
}

fn sent(sent: u64, refused: u64, left: u64) -> What {
    What::LettersSent { letters: 2, sent, refused, left, at: "2026-12-01T09:00:00Z".to_owned() }
}

fn one(case: &Case, today: Date) -> Standing {
    standing(case, today).expect("the rules").pop().expect("letters")
}

#[test]
fn nothing_takes_the_place_of_letters_to_next_of_kin() {
    let asked = What::Letters {
        kind: "hipaa-404".to_owned(),
        sha256: "a".repeat(64),
        recipients: 45,
        by_post: 30,
        by_email: 0,
        unreachable: 2,
        faults: 0,
        kin: 12,
        kin_unreached: 13,
        objects: Vec::new(),
    };
    let all = [opened(false), asked, What::LettersAgreed { letters: 2 }, What::LettersMade { letters: 2, made: 30 }];
    let by = ["ada", "ada", "ben", "ada"];
    let mut case = Case::of((1..).zip(by).zip(all).map(|((n, by), what)| entry(n, by, what))).expect("a case");
    add(&mut case, posted(PostingChannel::Post, Some(30), DAY, None)).expect("posted");
    add(&mut case, What::Returned { letters: 2, count: 11, kin: true }).expect("eleven next of kin moved");
    let now = one(&case, DAY);
    assert_eq!((now.kin, now.kin_unreached, now.returned, now.unreachable), (12, 24, 11, 2));
    assert_eq!(now.substitute.form, Form::Alternative, "two, not thirteen");
    let told = add(&mut case, What::Returned { letters: 2, count: 2, kin: true }).expect_err("there were twelve");
    assert!(told.contains("to next of kin cannot have come back"), "{told}");
    let told = add(&mut case, What::Returned { letters: 2, count: 20, kin: false }).expect_err("nineteen are left");
    assert!(told.contains("cannot have come back"), "{told}");
}

#[test]
fn refusals_and_letters_that_come_back_raise_what_takes_their_place() {
    let mut case = made("hipaa-404", (20, 10, 4));
    let now = one(&case, DAY);
    assert_eq!((now.unreachable, now.substitute.form), (4, Form::Alternative));
    assert_eq!((now.demands.len(), now.demands[0].met), (1, Met::Missing));
    assert!(add(&mut case, sent(3, 0, 7)).expect_err("nobody has begun").contains("begun to send"));
    add(&mut case, What::LettersSending { letters: 2, left: 10 }).expect("it begins");
    add(&mut case, sent(3, 2, 5)).expect("so far");
    add(&mut case, sent(7, 3, 0)).expect("all");
    assert_eq!((one(&case, DAY).emailed, one(&case, DAY).refused, one(&case, DAY).email_left), (7, 3, 0));
    assert_eq!((one(&case, DAY).unreachable, one(&case, DAY).substitute.form), (7, Form::Alternative));
    // Fewer than ten: person by person.
    add(&mut case, posted(PostingChannel::Other, Some(6), DAY, None)).expect("six were called");
    let now = one(&case, DAY);
    assert_eq!((now.demands[0].met, now.demands[0].told, now.demands[0].people), (Met::Standing, 6, 7));
    assert!(!now.is_met());
    add(&mut case, posted(PostingChannel::Other, Some(1), DAY, None)).expect("and the last");
    assert!(one(&case, DAY).is_met());
    // Ten and more: a notice that stands, and a number.
    add(&mut case, posted(PostingChannel::Post, Some(12), DAY, None)).expect("posted");
    add(&mut case, posted(PostingChannel::Post, Some(8), DAY, None)).expect("the rest");
    add(&mut case, What::Returned { letters: 2, count: 2, kin: false }).expect("two came back");
    assert_eq!(one(&case, DAY).substitute.form, Form::Alternative, "nine");
    add(&mut case, What::Returned { letters: 2, count: 1, kin: false }).expect("and one more");
    let now = one(&case, DAY);
    assert_eq!((now.unreachable, now.substitute.form, now.demands.len()), (10, Form::Posting, 2));
    assert!(now.demands.iter().all(|demand| demand.met == Met::Missing && demand.days_left == 90), "{now:?}");
    assert_eq!(now.demands[0].to_string(), "missing: it has to stand for 90 days");
}

/// Ten people whom no letter reached, and what was posted for them.
fn ten(postings: &[(PostingChannel, Date, Option<Date>)]) -> Case {
    let mut case = made("hipaa-404", (0, 0, 10));
    for (channel, at, until) in postings {
        add(&mut case, posted(*channel, None, *at, *until)).expect("posted");
    }
    case
}

#[test]
fn ninety_days_are_ninety_days() {
    use PostingChannel::{Media, Telephone, Website};
    let case = ten(&[(Website, DAY, None)]);
    for (today, stood, left, met) in [
        (DAY, 0, 90, Met::Standing),
        (date(2026, 12, 2), 1, 89, Met::Standing),
        (date(2027, 2, 28), 89, 1, Met::Standing),
        (date(2027, 3, 1), 90, 0, Met::Done),
        (date(2027, 6, 1), 182, 0, Met::Done),
        (date(2026, 11, 20), 0, 90, Met::Planned),
    ] {
        let notice = one(&case, today).demands.remove(0);
        assert_eq!((notice.days_stood, notice.days_left, notice.met), (stood, left, met), "{today}");
        assert_eq!((notice.since, notice.until), (Some(DAY), Some(date(2027, 3, 1))), "{today}");
    }
    assert_eq!(one(&case, DAY).demands[1].met, Met::Missing, "the number is missing");

    // One day too short, by what is planned or because it was taken down.
    let planned = ten(&[(Website, DAY, Some(date(2027, 2, 28))), (Telephone, DAY, Some(date(2027, 3, 1)))]);
    let now = one(&planned, date(2026, 12, 15));
    assert_eq!((now.demands[0].met, now.demands[0].days_missing, now.demands[0].days_left), (Met::Short, 1, 90));
    assert_eq!((now.demands[1].met, now.demands[1].days_left), (Met::Standing, 76));
    let mut case = ten(&[(Website, DAY, None)]);
    add(&mut case, What::TakenDown { posting: 5, at: date(2026, 12, 31) }).expect("taken down");
    let now = one(&case, date(2027, 4, 1));
    assert_eq!((now.demands[0].met, now.demands[0].days_stood, now.demands[0].days_missing), (Met::Short, 30, 60));

    // Without a break from one posting to the next it goes on; with a break it does not.
    let joined = ten(&[(Website, DAY, Some(date(2027, 1, 15))), (Website, date(2027, 1, 16), Some(date(2027, 3, 1)))]);
    assert_eq!(one(&joined, date(2027, 3, 5)).demands[0].met, Met::Done);
    let broken = ten(&[(Website, DAY, Some(date(2027, 1, 15))), (Website, date(2027, 1, 17), Some(date(2027, 3, 1)))]);
    assert_eq!(one(&broken, date(2027, 3, 5)).demands[0].met, Met::Short);
    // It stands anew after it was too short.
    let anew = ten(&[(Website, DAY, Some(date(2026, 12, 5))), (Website, date(2027, 1, 1), None)]);
    let now = one(&anew, date(2027, 1, 11));
    assert_eq!(
        (now.demands[0].met, now.demands[0].since, now.demands[0].days_left),
        (Met::Standing, Some(date(2027, 1, 1)), 80)
    );

    // Media in the place of the home page, with the number all the same.
    let media = ten(&[(Media, DAY, None)]);
    let now = one(&media, date(2026, 12, 2));
    assert_eq!((now.demands[0].met, now.demands[1].met, now.is_met()), (Met::Done, Met::Missing, false));

    let bars = bars(&joined, date(2027, 1, 20)).expect("the rules");
    assert_eq!(
        bars.iter().map(|bar| (bar.days_stood, bar.days_min)).collect::<Vec<_>>(),
        [(45, Some(90)), (4, Some(90))]
    );
}

#[test]
fn other_laws_have_no_days() {
    let mut case = made("gdpr-34", (0, 0, 3));
    assert_eq!(one(&case, DAY).demands[0].met, Met::Missing);
    let what = What::Posted {
        letters: None,
        channel: PostingChannel::Website,
        count: None,
        at: DAY,
        until: None,
        place: "https://www.clinic.de/notice".to_owned(),
    };
    add(&mut case, what).expect("posted for all letters");
    assert!(one(&case, DAY).is_met());
    assert_eq!(bars(&case, DAY).expect("the rules")[0].days_min, None);
    let case = made("appi-26-principals", (0, 0, 3));
    assert_eq!(one(&case, DAY).demands[0].met, Met::Judge);
    let case = made("staff", (2, 0, 0));
    assert!(one(&case, DAY).demands.is_empty());
}

#[test]
fn what_contradicts_itself_is_refused() {
    use PostingChannel::{Other, Post, Telephone, Website};
    let mut case = made("hipaa-404", (5, 2, 0));
    let before = date(2026, 11, 1);
    for (what, says) in [
        (posted(Website, None, DAY, Some(before)), "cannot end on 2026-11-01, before it begins"),
        (posted(Website, Some(3), DAY, None), "leave `count` out"),
        (posted(Post, None, DAY, None), "say with `count` how many"),
        (posted(Post, Some(0), DAY, None), "say with `count` how many"),
        (posted(Post, Some(6), DAY, None), "6 letters cannot be posted: of 5"),
        (posted(Post, Some(1), DAY, Some(DAY)), "leave `until` out"),
        (posted(Other, Some(8), DAY, None), "more than the 7"),
        (What::Returned { letters: 2, count: 1, kin: false }, "cannot have come back"),
        (What::Returned { letters: 9, count: 1, kin: false }, "nobody asked for letters under 9"),
        (What::TakenDown { posting: 4, at: DAY }, "nothing was posted under 4"),
        (What::LettersSending { letters: 2, left: 3 }, "cannot be left of 2"),
    ] {
        let told = add(&mut case, what).expect_err(says);
        assert!(told.contains(says), "{told}");
    }
    let mut all = posted(Post, Some(1), DAY, None);
    if let What::Posted { letters, place, .. } = &mut all {
        *letters = None;
        *place = " ".to_owned();
    }
    assert!(add(&mut case, all).expect_err("nowhere").contains("something has to be said"));
    let number = add(&mut case, posted(Telephone, None, DAY, None)).expect("a number");
    assert!(
        add(&mut case, What::TakenDown { posting: number, at: before })
            .expect_err("before")
            .contains("before it stands")
    );
    add(&mut case, What::TakenDown { posting: number, at: DAY }).expect("taken down");
    assert!(add(&mut case, What::TakenDown { posting: number, at: DAY }).expect_err("twice").contains("already"));
    add(&mut case, What::LettersSending { letters: 2, left: 2 }).expect("it begins");
    assert!(add(&mut case, sent(2, 1, 0)).expect_err("too many").contains("more than the 2"));
    assert!(add(&mut case, sent(u64::MAX, 1, 0)).expect_err("too many").contains("more than the 2"));

    // Letters that were never made, or to which nobody agreed.
    let all = [opened(false), letters("hipaa-404", (5, 2, 0))];
    let mut case = Case::of((1..).zip(all).map(|(number, what)| entry(number, "ada", what))).expect("a case");
    assert!(add(&mut case, posted(Post, Some(1), DAY, None)).expect_err("not made").contains("never made"));
    assert!(
        add(&mut case, What::LettersSending { letters: 2, left: 2 }).expect_err("not agreed").contains("nobody else")
    );
    let all = [opened(true), letters("hipaa-404", (5, 2, 0)), What::LettersAgreed { letters: 2 }];
    let by = ["ada", "ada", "ben"];
    let mut case =
        Case::of((1..).zip(by).zip(all).map(|((number, by), what)| entry(number, by, what))).expect("a case");
    assert!(
        add(&mut case, What::LettersSending { letters: 2, left: 2 }).expect_err("an exercise").contains("exercise")
    );
}

#[test]
fn a_notice_is_sent_as_it_was_approved_and_told_once() {
    let text = "We notify you.";
    let sending = |text: &str| What::Sending {
        obligation: "GDPR-33-1".to_owned(),
        language: "en".to_owned(),
        to: "authority@dpa.internal".to_owned(),
        sha256: incidents::sha256_hex(text.as_bytes()),
        message_id: "<lazaret.1@clinic.internal>".to_owned(),
    };
    let sent = |sending| What::Sent {
        obligation: "GDPR-33-1".to_owned(),
        at: "2026-12-01T09:00:00Z".to_owned(),
        how: "by e-mail".to_owned(),
        sending,
    };
    let draft = |text: &str| What::Draft {
        obligation: "GDPR-33-1".to_owned(),
        language: "en".to_owned(),
        text: text.to_owned(),
        by_hand: true,
        was: None,
    };
    let approved = || What::Approved { obligation: "GDPR-33-1".to_owned(), language: "en".to_owned(), sha256: None };
    let failed = |sending| What::SendFailed {
        obligation: "GDPR-33-1".to_owned(),
        sending,
        how: "by mail".to_owned(),
        why: "nobody there".to_owned(),
        uncertain: false,
    };
    let mut case = Case::of([entry(1, "ada", opened(false))]).expect("a case");
    assert!(add(&mut case, sending(text)).expect_err("no draft").contains("no draft"));
    add(&mut case, draft(text)).expect("a draft");
    assert!(add(&mut case, sending(text)).expect_err("not approved").contains("not approved"));
    add(&mut case, approved()).expect("approved");
    assert!(add(&mut case, sending("another")).expect_err("changed").contains("changed meanwhile"));
    let first = add(&mut case, sending(text)).expect("it goes");
    add(&mut case, failed(first)).expect("it did not leave");
    assert!(add(&mut case, sent(Some(first))).expect_err("told").contains("told already"));
    assert!(!case.facts.contains_key("notifications"), "nothing was sent");
    let second = add(&mut case, sending(text)).expect("once more");
    add(&mut case, sent(Some(second))).expect("it left");
    assert_eq!(case.facts["notifications"][0]["obligation"], "GDPR-33-1");
    assert!(add(&mut case, sending(text)).expect_err("twice").contains("went to authority@dpa.internal already"));
    assert!(add(&mut case, sent(Some(1))).expect_err("nothing").contains("nothing was sent under 1"));
    add(&mut case, draft("A supplement.")).expect("another text");
    assert!(add(&mut case, sending("A supplement.")).is_err(), "a changed text needs a new approval");
    add(&mut case, approved()).expect("approved");
    add(&mut case, sending("A supplement.")).expect("the supplement goes");
    let mut case = Case::of([entry(1, "ada", opened(true))]).expect("an exercise");
    assert!(add(&mut case, sending(text)).expect_err("an exercise").contains("exercise"));
}

fn any_entry() -> impl Strategy<Value = What> {
    let day = (0_i64..400).prop_map(|days| DAY.saturating_add(jiff::Span::new().days(days)));
    let channel = proptest::sample::select(PostingChannel::ALL.to_vec());
    let posting =
        (channel, proptest::option::of(0_u64..12), day.clone(), proptest::option::of(day.clone()), any::<bool>())
            .prop_map(|(channel, count, at, until, is_all)| What::Posted {
                letters: (!is_all).then_some(2),
                channel,
                count,
                at,
                until,
                place: "x".to_owned(),
            });
    prop_oneof![
        4 => posting,
        1 => (0_u64..20).prop_map(|left| What::LettersSending { letters: 2, left }),
        2 => (0_u64..20, 0_u64..20, 0_u64..20).prop_map(|(a, b, c)| sent(a, b, c)),
        2 => (0_u64..10).prop_map(|count| What::Returned { letters: 2, count, kin: false }),
        1 => (1_u64..30, day).prop_map(|(posting, at)| What::TakenDown { posting, at }),
    ]
}

proptest! {
    #[test]
    fn counters_add_up_whatever_is_said(entries in proptest::collection::vec(any_entry(), 0..40), today in 0_i64..500) {
        let mut case = made("hipaa-404", (15, 15, 3));
        for what in entries {
            let _refused = add(&mut case, what);
        }
        let today = DAY.saturating_add(jiff::Span::new().days(today - 50));
        let now = one(&case, today);
        prop_assert_eq!(now.posted + now.post_left, now.by_post);
        prop_assert_eq!(now.emailed + now.refused + now.email_left, now.by_email);
        prop_assert!(now.returned <= now.posted);
        prop_assert_eq!(now.unreachable, 3 + now.refused + now.returned);
        for demand in &now.demands {
            let days = demand.days_min.unwrap_or(0);
            prop_assert!(demand.days_left <= days && demand.days_missing <= days);
            prop_assert_eq!(demand.met == Met::Short, demand.days_missing > 0);
            prop_assert!(demand.met != Met::Done || demand.days_stood >= days);
            prop_assert!(!demand.to_string().is_empty());
        }
        for bar in bars(&case, today).expect("the rules") {
            prop_assert!(bar.ends.is_none_or(|ends| ends >= bar.at));
        }
        // What was said is read back as it is.
        for entry in &case.entries {
            let text = serde_json::to_string(&entry.what).expect("JSON");
            prop_assert_eq!(&serde_json::from_str::<What>(&text).expect("an entry"), &entry.what);
        }
    }
}
