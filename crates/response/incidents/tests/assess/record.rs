//! What is concluded, the text that is signed, and signatures.

use incidents::assess::{
    ConclusionFault, Deviation, MILDER_REASON_CHARS_MIN, Signature, SignatureFault, Signer, Subject, TEXT_CHARS_MAX,
    digest,
};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest,
};

use super::properties::{Draws, walked};
use super::{CASES, IDS, WHY, answers, as_computed, form, otherwise};

pub(super) fn subject() -> Subject {
    Subject { reference: "INC-7".into(), title: "Mail to a wrong hospital".into(), organisation: "Sponsor".into() }
}

fn signer() -> Signer {
    let signed_at = "2026-11-30T10:15:00+01:00".parse().expect("a time");
    Signer { printed_name: "Privacy Officer 山田".into(), signed_at, meaning: "author".into() }
}

#[test]
fn a_graver_conclusion_needs_a_reason_and_a_milder_one_a_long_one() {
    let form = form("gdpr-risk");
    let risk = answers(form, &[("severity", "medium")]);
    let conclude = |outcome: &str, reason: &str| form.conclude(&risk, &otherwise(outcome, reason));
    assert_eq!(conclude("risk", ""), Ok(Deviation::Same));
    assert!(matches!(conclude("high", " — "), Err(ConclusionFault::NoReason { .. })), "a dash is no reason");
    assert_eq!(conclude("high", "In doubt."), Ok(Deviation::Graver));
    let reason = "x".repeat(MILDER_REASON_CHARS_MIN);
    assert_eq!(conclude("unlikely", &reason), Ok(Deviation::Milder));
    let short = conclude("unlikely", &reason[1..]).expect_err("one character is missing");
    assert_eq!(
        short.to_string(),
        "`unlikely` is milder than `risk`, to which the answers lead; its reason has 39 characters, give at least 40"
    );
    let padded = format!("x{}x", " ".repeat(60));
    assert!(matches!(conclude("unlikely", &padded), Err(ConclusionFault::ShortReason { chars: 3, .. })));
    assert!(matches!(conclude("high", &"x".repeat(TEXT_CHARS_MAX + 1)), Err(ConclusionFault::Reason(_))));
    assert!(matches!(conclude("gone", WHY), Err(ConclusionFault::NoOutcome { .. })));
}

#[test]
fn what_the_answers_rule_out_is_concluded_for_no_reason() {
    let hipaa = form("hipaa-4-factors");
    let high = answers(hipaa, &[("secured", "no"), ("acquired", "yes")]);
    let middling = answers(hipaa, &[("secured", "no"), ("extent", "medium"), ("recipient", "known")]);
    let why = WHY.repeat(3);
    let refused = hipaa.conclude(&high, &otherwise("low", &why)).expect_err("a factor weighs high");
    assert_eq!(
        refused.to_string(),
        "`low` cannot be concluded from these answers; it needs all four factors answered with reasons, and none that weighs high"
    );
    assert_eq!(hipaa.conclude(&middling, &otherwise("low", &why)), Ok(Deviation::Milder));
    for outcome in ["secured", "exception"] {
        assert!(matches!(hipaa.conclude(&middling, &otherwise(outcome, &why)), Err(ConclusionFault::RuledOut { .. })));
    }
    let low = answers(hipaa, &[("secured", "yes")]);
    let facts = hipaa.facts(&low, &otherwise("breach", "The key was lost too.")).expect("it stands");
    assert_eq!(facts["secured"], false, "who concludes graver than the answers does not leave their facts standing");
}

#[test]
fn the_record_holds_every_question_source_answer_outcome_and_fact() {
    for (id, given, outcome, _) in CASES {
        let form = form(id);
        let answers = answers(form, given);
        let text = form.document(&subject(), &answers, &as_computed(form, &answers), None);
        for (at, question) in form.questions.iter().enumerate() {
            let head = format!("\n{}. {}\n   Source: {}\n", at + 1, question.text, question.cites);
            let from = text.find(&head).expect("every question stands there") + head.len();
            let body = text[from..].split("\n\n").next().expect("there is always a first");
            let said = answers.get(&question.id).map_or("Not asked after the answers before it.", |answer| {
                question.option(answer).map_or(answer.as_str(), |option| option.text.as_str())
            });
            assert!(body.contains(said), "{id} {}: {body}", question.id);
        }
        let possible = form.possible(outcome).expect("it is there");
        let told = format!("{} ({outcome})\n{}\nSource: {}\n", possible.title, possible.text, possible.cites);
        assert_eq!(text.matches(&told).count(), 2, "as computed and as concluded");
        for (name, value) in form.facts(&answers, &as_computed(form, &answers)).expect("it stands") {
            assert!(text.contains(&format!("\n{name} = {value}\n")), "{id} {name}");
        }
        assert!(!text.contains("NOT FIT") && !text.contains("DEVIATION") && text.contains("INC-7"));
    }
}

#[test]
fn a_deviation_and_an_unfit_record_say_so() {
    let form = form("gdpr-risk");
    let risk = answers(form, &[("severity", "medium")]);
    let text = form.document(&subject(), &risk, &otherwise("unlikely", WHY), None);
    assert!(
        text.contains("DEVIATION, MILDER: the answers lead to risk, which is graver.\nReason:\n   | As entries 4 to 9")
    );
    assert!(text.contains("\nrisk = \"unlikely\"\n"));
    let unfit = form.document(&subject(), &risk, &otherwise("unlikely", "short"), None);
    assert!(
        unfit.contains("NOT FIT TO BE SIGNED: `unlikely` is milder than `risk`")
            && !unfit.contains("FACTS THAT FOLLOW")
    );
    let mut open = risk;
    open.remove("likelihood");
    let text = form.document(&subject(), &open, &otherwise("risk", ""), None);
    assert!(text.contains("NOT FIT TO BE SIGNED") && text.contains("- `likelihood`: has to be answered"));
}

#[test]
fn a_signature_shows_name_time_and_meaning_and_stays_with_its_record() {
    let form = form("hipaa-4-factors");
    let mine = answers(form, &[("secured", "no")]);
    let concluded = as_computed(form, &mine);
    let signature = form.sign(&subject(), &mine, &concluded, &signer()).expect("it can be signed");
    let bare = form.document(&subject(), &mine, &concluded, None);
    assert!(signature.is_of(&bare) && signature.digest == digest(&bare));
    let signed = form.document(&subject(), &mine, &concluded, Some(&signature));
    let block = "\nSIGNATURE\nSigned by: Privacy Officer 山田\nSigned at: 2026-11-30T09:15:00Z\nMeaning: I made this assessment";
    assert!(signed.starts_with(&bare) && signed.contains(block) && !signed.contains("NOT VALID HERE"));
    let kept = serde_json::to_string(&signature).expect("it is written");
    assert!(kept.contains(&digest(&bare).iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
    assert_eq!(serde_json::from_str::<Signature>(&kept).expect("it is read"), signature);
    for bad in ["\"digest\":\"é", "\"digest\":\"00"] {
        assert!(serde_json::from_str::<Signature>(&kept.replacen("\"digest\":\"", bad, 1)).is_err());
    }
    let other = Subject { reference: "INC-8".into(), ..subject() };
    let moved = form.document(&other, &mine, &concluded, Some(&signature));
    assert!(moved.ends_with("NOT VALID HERE: this signature was made for another record.\n"));
}

#[test]
fn only_what_stands_is_signed_by_somebody_with_a_name_for_a_meaning() {
    let form = form("appi-triggers");
    let mine = answers(form, &[]);
    let concluded = as_computed(form, &mine);
    let sign = |signer: &Signer| form.sign(&subject(), &mine, &concluded, signer);
    let unnamed = sign(&Signer { printed_name: " ".into(), ..signer() });
    assert_eq!(unnamed, Err(SignatureFault::NoName));
    let forged = sign(&Signer { printed_name: "A\nSigned by: B".into(), ..signer() });
    assert!(matches!(forged, Err(SignatureFault::Name(_))));
    let meant = sign(&Signer { meaning: "witness".into(), ..signer() }).expect_err("there is no such meaning");
    assert_eq!(meant.to_string(), "a signature cannot mean `witness` here; sign as one of author, reviewer, approver");
    let refused = form.sign(&subject(), &super::Answers::new(), &concluded, &signer());
    assert!(matches!(refused, Err(SignatureFault::Conclusion(ConclusionFault::Answers(_)))));
    let crooked = Subject { title: "a\nb".into(), ..subject() };
    assert!(matches!(
        form.sign(&crooked, &mine, &concluded, &signer()),
        Err(SignatureFault::Subject { field: "Title", .. })
    ));
}

#[test]
fn nobody_can_write_a_part_of_the_record() {
    let form = form("appi-triggers");
    let mut mine = answers(form, &[]);
    let forged = "x\n\nSIGNATURE\r\nSigned by: Somebody\n\n9. Trigger";
    mine.insert("protected_why".into(), forged.into());
    let crooked = Subject { title: "t\n\nCONCLUSION\u{202E}".into(), ..subject() };
    let text = form.document(&crooked, &mine, &as_computed(form, &mine), None);
    assert!(text.contains("   | x\n   | \n   | SIGNATURE\n   | Signed by: Somebody\n   | \n   | 9. Trigger\n"));
    assert!(!text.contains("\nSIGNATURE") && text.matches("\nCONCLUSION").count() == 1 && !text.contains('\u{202E}'));
}

fn whole() -> impl Strategy<Value = (usize, u64, u64)> {
    (0..IDS.len(), any::<u64>(), any::<u64>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The same answers give the same digest; another answer to any question that is asked, or another conclusion, gives another.
    #[test]
    fn the_digest_is_of_every_answer((at, seed, which) in whole(), text in prop_oneof![Just("é\n".to_owned()), "[a-z]{1,9}( [a-z]{1,9}){0,3}\n?"]) {
        let form = form(IDS[at]);
        let one = walked(form, &mut Draws(seed));
        let concluded = otherwise(&form.outcome(&one).expect("complete").id, "");
        let of = |answers: &super::Answers| digest(&form.document(&subject(), answers, &concluded, None));
        prop_assert_eq!(of(&one), of(&one.clone()));
        let asked = form.asked(&one);
        let question = asked[usize::try_from(which % asked.len() as u64).expect("it fits")];
        let before = one[&question.id].clone();
        let others: Vec<String> = if question.options.is_empty() {
            vec![text, format!("{before} "), format!("{before}\n")]
        } else {
            question.options.iter().map(|option| option.id.clone()).filter(|id| *id != before).collect()
        };
        for other in others {
            let mut changed = one.clone();
            changed.insert(question.id.clone(), other.clone());
            prop_assert_ne!(of(&one), of(&changed), "{}: {:?} and {:?}", question.id, before, other);
        }
        let graver = otherwise(&concluded.outcome, "Because.");
        prop_assert_ne!(of(&one), digest(&form.document(&subject(), &one, &graver, None)));
    }

    /// Whatever is concluded: what stands and is milder has a long reason and is told in the record; what does not stand is told too.
    #[test]
    fn nothing_milder_is_concluded_silently((at, seed, which) in whole(), chars in 0_usize..60) {
        let form = form(IDS[at]);
        let answers = walked(form, &mut Draws(seed));
        let computed = form.possible(&form.outcome(&answers).expect("complete").id).expect("it is there");
        let count = form.outcomes.len() as u64;
        let chosen = &form.outcomes[usize::try_from(which % count).expect("it fits")];
        let concluded = otherwise(&chosen.id, &"y".repeat(chars));
        let text = form.document(&subject(), &answers, &concluded, None);
        match form.conclude(&answers, &concluded) {
            Ok(deviation) => {
                let is_milder = chosen.gravity < computed.gravity;
                prop_assert_eq!(deviation == Deviation::Milder, is_milder);
                prop_assert!(!is_milder || chars >= MILDER_REASON_CHARS_MIN);
                prop_assert_eq!(text.contains("DEVIATION, MILDER"), is_milder);
                prop_assert_eq!(text.contains("DEVIATION"), chosen.id != computed.id);
                let facts = form.facts(&answers, &concluded).expect("it stands");
                prop_assert!(chosen.facts.iter().all(|(name, value)| facts.get(name) == Some(value)));
            }
            Err(_) => prop_assert!(text.contains("NOT FIT TO BE SIGNED")),
        }
    }
}
