//! The incident room: who sees it, what it shows, and that two people at once lose nothing.

use axum::http::StatusCode;
use console::Role;

use crate::site::{NOON, Site, set_cookie};

const PASSWORD: &str = "four+plain+words+here";
const FACTS: &str = "what=facts&with-roles=1&role=controller&f.aware_at=2026-11-24T10%3A00%3A00Z&w.aware_at=&f.risk=high&w.risk=&f.secured=false&w.secured=";

#[tokio::test]
async fn reviewers_open_incidents_and_readers_do_not_see_them() {
    let site = Site::guarded().await;
    let reader = site.user("rea", Role::Reader).await;
    assert_eq!(site.get("/incidents", &reader).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.get("/obligations", &reader).await.status, StatusCode::OK, "what the law says is no secret");
    let reviewer = site.user("rev", Role::Reviewer).await;
    let opened = site.post("/incidents", "title=Lost+%3Cb%3Elaptop&severity=high&study=onc-201", &reviewer).await;
    assert_eq!((opened.status, opened.header("location")), (StatusCode::SEE_OTHER, "/incidents/1"), "{}", opened.text);
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(room.text.contains("Lost &#60;b&#62;laptop") && room.text.contains("No clock runs"), "{}", room.text);
    let told = site.post("/incidents/1", FACTS, &reviewer).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text);
    let room = site.get("/incidents/1", &reviewer).await;
    for part in
        ["GDPR-33-1", "class=\"dial waiting\"", "How many people in EU are affected?", "Reg. (EU) 2016/679 Art. 33(1)"]
    {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let listed = site.get("/incidents", &reviewer).await;
    assert!(listed.text.contains("href=\"/incidents/1\""), "{}", listed.text);
    assert_eq!(site.get("/incidents/2", &reviewer).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/incidents/x", &reviewer).await.status, StatusCode::NOT_FOUND);
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(recorded.contains("\"reason\":\"facts\"") && !recorded.contains("laptop"), "{recorded}");
}

#[tokio::test]
async fn what_was_seen_is_not_overwritten_and_nonsense_is_told() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=Bucket&severity=low", &reviewer).await;
    assert_eq!(site.post("/incidents/1", FACTS, &reviewer).await.status, StatusCode::SEE_OTHER);
    let stale = "what=facts&f.risk=unlikely&w.risk=";
    let answer = site.post("/incidents/1", stale, &reviewer).await;
    assert!(
        answer.status == StatusCode::BAD_REQUEST && answer.text.contains("Somebody else changed"),
        "{}",
        answer.text
    );
    for (form, says) in [
        ("what=facts&f.risk=high&w.risk=high", "No fact changes"),
        ("what=facts&f.aware_at=yesterday&w.aware_at=2026-11-24T10%3A00%3A00Z", "no time with offset"),
        ("what=sent&obligation=GDPR-33-1&at=now&how=x", "no time with offset"),
        ("what=explode", "cannot be done"),
        ("what=contain&kind=principal&target=ada", "can only keep incidents"),
        ("what=state&state=closed&reason=done", "clocks still run"),
        ("what=state&state=gone&reason=x", "is not a known state"),
    ] {
        let answer = site.post("/incidents/1", form, &reviewer).await;
        assert!(
            answer.status == StatusCode::BAD_REQUEST && answer.text.to_lowercase().contains(&says.to_lowercase()),
            "{form}: {} {}",
            answer.status,
            answer.text
        );
    }
    for form in [
        "what=note&text=for+counsel&privileged=on",
        "what=decision&text=Tell+them&reason=law",
        "what=task&text=Pull+the+plug&role=it",
        "what=role&name=Ada&role=commander",
    ] {
        assert_eq!(site.post("/incidents/1", form, &reviewer).await.status, StatusCode::SEE_OTHER, "{form}");
    }
    let room = site.get("/incidents/1", &reviewer).await;
    for part in ["for counsel", "Tell them Because: law", "Pull the plug", "commander: Ada"] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let part = site.get("/incidents/1/clocks", &reviewer).await;
    assert!(part.text.trim_start().starts_with("<ul class=\"dials\">"), "{}", part.text);
}

#[tokio::test]
async fn playbooks_stand_in_the_room_as_cards_and_pictures() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let opened = site.post("/incidents", "title=A+key&severity=high&study=onc-201&exercise=1", &reviewer).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.text);
    let form = site.get("/incidents/1/begin?playbook=stolen-access-key", &reviewer).await;
    for part in ["name=\"v.what\"", "value=\"onc-201\"", "class=\"flow\"", "This is an exercise"] {
        assert!(form.text.contains(part), "no {part} in {}", form.text);
    }
    assert_eq!(site.get("/incidents/1/begin?playbook=none", &reviewer).await.status, StatusCode::NOT_FOUND);
    let guard = site.guard.as_ref().unwrap();
    let book = playbooks::named("stolen-access-key").unwrap();
    let mut books = vec![book.source().clone()];
    books.extend(playbooks::shipped().iter().filter(|one| one.id != book.id).map(|one| one.source().clone()));
    let what = incidents::case::What::Run {
        playbook: "stolen-access-key".to_owned(),
        books,
        sha256: Vec::new(),
        values: [("what", "LZR1"), ("principal", "ada"), ("study", "onc-201")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let actor = model::event::Actor {
        id: model::PrincipalId::from_bytes([1; 16]),
        kind: model::PrincipalKind::Person,
        credential: None,
    };
    let by = model::By { actor, origin: model::event::Origin::default(), now_ms: 1_764_000_000_000 };
    guard.incidents.add(1, what, &by).await.unwrap();
    let room = site.get("/incidents/1", &reviewer).await;
    for part in [
        "Exercise: A key",
        "An access key is in the wrong hands",
        "Refuse the key",
        "href=\"/incidents/1/runs/2\"",
        "Forward",
    ] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let failed = playbooks::Input::ActFailed { task: 1, why: "<b>no</b> answer".to_owned() };
    guard.incidents.add(1, incidents::case::What::step(2, failed), &by).await.unwrap();
    let run = site.get("/incidents/1/runs/2", &reviewer).await;
    for part in ["class=\"step own failed\"", "class=\"step own open\"", "Refuse its owner everything", "What it knows"]
    {
        assert!(run.text.contains(part), "no {part} in {}", run.text);
    }
    assert_eq!(site.get("/incidents/1/runs/9", &reviewer).await.status, StatusCode::NOT_FOUND);
    let report = site.get("/incidents/1/report", &reviewer).await;
    assert!(
        report.text.contains("Report after the action") && report.text.contains("&#60;b&#62;no"),
        "{}",
        report.text
    );
    let text = site.get("/incidents/1/report.md", &reviewer).await;
    assert!(
        text.text.starts_with("# After-action report: incident 1") && text.text.contains("\\<b>no"),
        "{}",
        text.text
    );
    let told = site.post("/incidents/1", "what=answer&run=2&task=x", &reviewer).await;
    assert!(told.status == StatusCode::BAD_REQUEST && told.text.contains("is no number"), "{}", told.text);
    assert_eq!(site.post("/incidents/1", "what=forward&hours=3", &reviewer).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn who_is_wanted_for_a_card_is_told_and_nobody_else_can_answer() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let administrator = site.user("ann", Role::Administrator).await;
    site.post("/incidents", "title=A+leak&severity=high", &reviewer).await;
    let guard = site.guard.as_ref().unwrap();
    let book = playbooks::named("assess-exposure").unwrap();
    let what = incidents::case::What::Run {
        playbook: "assess-exposure".to_owned(),
        books: vec![book.source().clone()],
        sha256: Vec::new(),
        values: [("kind", "principal"), ("what", "ada")].map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
    };
    let actor = model::event::Actor {
        id: model::PrincipalId::from_bytes([1; 16]),
        kind: model::PrincipalKind::Person,
        credential: None,
    };
    let by = model::By { actor, origin: model::event::Origin::default(), now_ms: NOON };
    guard.incidents.add(1, what, &by).await.unwrap();
    let failed = playbooks::Input::ActFailed { task: 1, why: "no record".to_owned() };
    guard.incidents.add(1, incidents::case::What::step(2, failed), &by).await.unwrap();
    let form = "name=\"v.people_eu\"";
    let room = site.get("/incidents/1", &reviewer).await.text;
    assert!(
        room.contains("You have no role in this incident. Privacy office is wanted here, and nobody has that role yet"),
        "{room}"
    );
    assert!(!room.contains(form) && !room.contains("As an administrator"), "nobody answers who is not asked: {room}");
    let room = site.get("/incidents/1", &administrator).await.text;
    for part in
        ["As an administrator you may answer in their place, and say why.", "Why you answer in their place", form]
    {
        assert!(room.contains(part), "no {part} in {room}");
    }
    site.post("/incidents/1", "what=role&name=Pia+Privat&role=privacy", &reviewer).await;
    site.post("/incidents/1", "what=role&name=rev&role=it", &reviewer).await;
    let room = site.get("/incidents/1", &reviewer).await.text;
    assert!(
        room.contains("Privacy office is wanted here: Pia Privat.") && !room.contains("You have no role"),
        "{room}"
    );
    site.post("/incidents/1", "what=facts&f.secured=false&w.secured=", &reviewer).await;
    site.post("/incidents/1", "what=role&name=rev&role=privacy", &reviewer).await;
    let room = site.get("/incidents/1", &reviewer).await.text;
    for part in [
        form,
        "The answer becomes a fact of the incident.",
        "Known as a fact: clear.",
        "name=\"s.readable\" value=\"clear\"",
    ] {
        assert!(room.contains(part), "no {part} in {room}");
    }
    assert!(!room.contains("is wanted here"), "{room}");
}

#[tokio::test]
async fn measures_about_people_stand_in_the_room_and_on_their_page() {
    use incidents::case::What;
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=A+leaver&severity=high", &reviewer).await;
    let guard = site.guard.as_ref().unwrap();
    let actor = model::event::Actor {
        id: model::PrincipalId::from_bytes([1; 16]),
        kind: model::PrincipalKind::Person,
        credential: None,
    };
    let by = model::By { actor, origin: model::event::Origin::default(), now_ms: NOON };
    let day = 24 * 60 * 60_000;
    let watch = What::CloserWatch {
        kind: "principal".to_owned(),
        target: "<b>ada".to_owned(),
        on: true,
        until: Some(NOON + 3 * day),
        member: Some("a1".to_owned()),
    };
    guard.incidents.add(1, watch, &by).await.unwrap();
    let train = What::Training {
        course: "handling-data".to_owned(),
        name: "ada".to_owned(),
        member: "a1".to_owned(),
        on: true,
        due_at: Some(NOON + 14 * day),
        until_before: None,
    };
    guard.incidents.add(1, train.clone(), &by).await.unwrap();
    let twice = guard.incidents.add(1, train, &by).await.unwrap_err().to_string();
    assert!(twice.contains("has to take the course `handling-data` already"), "{twice}");
    let room = site.get("/incidents/1", &reviewer).await.text;
    for part in [
        "Watched more closely: the principal <strong>&#60;b&#62;ada</strong>",
        "value=\"unwatch\"",
        "in 3 days",
        "handling-data: ada, due",
        "in 14 days",
    ] {
        assert!(room.contains(part), "no {part} in {room}");
    }
    for (form, says) in [
        ("what=watch&kind=principal&target=ada&until=", "until which day"),
        ("what=train&course=x&name=ada&due=", "by which day"),
        ("what=watch&kind=principal&target=ada&until=soon", "is no day"),
        ("what=unwatch&kind=principal&target=ada", "can only keep incidents"),
    ] {
        let answer = site.post("/incidents/1", form, &reviewer).await;
        assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains(says), "{form}: {}", answer.text);
    }
}

#[tokio::test]
async fn letters_stand_in_the_room_with_what_takes_their_place() {
    use incidents::case::What;
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=A+tape&severity=high", &reviewer).await;
    let guard = site.guard.as_ref().unwrap();
    let by = |person: u8| {
        let actor = model::event::Actor {
            id: model::PrincipalId::from_bytes([person; 16]),
            kind: model::PrincipalKind::Person,
            credential: None,
        };
        model::By { actor, origin: model::event::Origin::default(), now_ms: NOON }
    };
    let letters = What::Letters {
        kind: "hipaa-404".to_owned(),
        sha256: "a".repeat(64),
        recipients: 30,
        by_post: 18,
        by_email: 0,
        unreachable: 12,
        faults: 0,
        kin: 0,
        kin_unreached: 0,
        objects: Vec::new(),
    };
    guard.incidents.add(1, letters, &by(1)).await.unwrap();
    let room = site.get("/incidents/1", &reviewer).await;
    for part in ["Agree that names are put to it", "0 of 18 posted", "45 CFR 164.404(d)(2)(ii)", "toll-free number"] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let today = guard.incidents.case(1).await.unwrap().1.day(NOON);
    let refused = |form: &'static str, says: &'static str| {
        let (site, reviewer) = (&site, &reviewer);
        async move {
            let answer = site.post("/incidents/1", form, reviewer).await;
            assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains(says), "{form}: {}", answer.text);
        }
    };
    refused("what=posted&channel=post&letters=2&count=3&at=2026-11-20&where=office", "never made").await;
    assert_eq!(
        site.post("/incidents/1", "what=letters-agree&letters=2", &reviewer).await.status,
        StatusCode::SEE_OTHER
    );
    guard.incidents.add(1, What::LettersMade { letters: 2, made: 18 }, &by(1)).await.unwrap();
    refused("what=posted&channel=pigeon&at=2026-11-20&where=x", "is no way in which").await;
    refused("what=posted&channel=website&at=tomorrow&where=x", "is no day").await;
    refused("what=posted&channel=website&at=2026-11-20&until=2026-11-19&where=x", "annot end on 2026-11-19").await;
    refused("what=posted&channel=post&letters=2&count=many&at=2026-11-20&where=x", "is no number").await;
    refused("what=returned&letters=2&count=1", "annot have come back").await;
    refused("what=send&obligation=GDPR-33-1&language=en&to=a%40b.internal", "Nothing was sent: tick").await;
    refused("what=send&obligation=GDPR-33-1&language=en&confirm=on", "choose or write an address").await;
    let can_only = "what=send&obligation=GDPR-33-1&language=en&to=a%40b.internal&confirm=on";
    refused(can_only, "can only keep incidents").await;
    let since = today.saturating_add(jiff::Span::new().days(-30));
    for form in [
        "what=posted&channel=post&letters=2&count=18&at=2026-11-20&where=the+office".to_owned(),
        "what=returned&letters=2&count=2".to_owned(),
        format!("what=posted&channel=website&letters=&at={since}&where=https%3A%2F%2Fwww.clinic.de%2F%3Cb%3Enotice"),
        format!("what=posted&channel=telephone&letters=2&at={since}&where=0800+123"),
    ] {
        let answer = site.post("/incidents/1", &form, &reviewer).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}: {}", answer.text);
    }
    let room = site.get("/incidents/1", &reviewer).await;
    for part in [
        "18 of 18 posted, 2 came back",
        "<dt>Reached by no letter</dt><dd>14</dd>",
        "60 days left",
        "<progress max=\"90\" value=\"30\"",
        "https://www.clinic.de/&#60;b&#62;notice",
        "under way",
    ] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let (_, case) = guard.incidents.case(1).await.unwrap();
    let telephone = case.postings.keys().last().unwrap();
    let form = format!("what=taken-down&posting={telephone}&at={today}");
    assert_eq!(site.post("/incidents/1", &form, &reviewer).await.status, StatusCode::SEE_OTHER);
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(room.text.contains("60 days too short"), "{}", room.text);
}

/// Answers to whatever is asked, the gravest.
fn gravest(form: &incidents::assess::Form) -> incidents::assess::Answers {
    let mut answers = incidents::assess::Answers::new();
    loop {
        let open = form.asked(&answers).into_iter().find(|one| !answers.contains_key(&one.id));
        let Some(question) = open else { return answers };
        let answer = question.options.iter().max_by_key(|option| option.weighs).map(|option| option.id.clone());
        answers.insert(question.id.clone(), answer.unwrap_or_else(|| "Looked into by two people.".to_owned()));
    }
}

#[tokio::test]
async fn an_assessment_is_guided_and_signed_by_who_proves_it() {
    let site = Site::guarded().await;
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let set_up = site.post("/setup", &format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}"), "").await;
    let reviewer = set_cookie(&set_up);
    site.post("/incidents", "title=A+bucket&severity=high", &reviewer).await;
    let page = site.get("/incidents/1/assess/gdpr-risk", &reviewer).await;
    assert!(page.text.contains("name=\"a.nature\"") && !page.text.contains("Conclude and sign"), "{}", page.text);
    assert_eq!(site.get("/incidents/1/assess/tea-leaves", &reviewer).await.status, StatusCode::NOT_FOUND);
    let unanswered = site.post("/incidents/1/assess/gdpr-risk", "what=look&a.nature=high", &reviewer).await;
    assert!(
        unanswered.text.contains("Has to be answered") || unanswered.text.contains("has to be answered"),
        "{}",
        unanswered.text
    );
    let form = incidents::assess::form("gdpr-risk").unwrap();
    let fields: String =
        gravest(form).iter().map(|(name, value)| format!("&a.{name}={}", value.replace(' ', "+"))).collect();
    let looked = site.post("/incidents/1/assess/gdpr-risk", &format!("what=look{fields}"), &reviewer).await;
    for part in ["Conclude and sign", "Art. 34", "type=\"password\""] {
        assert!(looked.text.contains(part), "no {part} in {}", looked.text);
    }
    let sign = |more: &str| format!("what=sign{fields}&meaning=author{more}");
    let grave = form.outcome(&gravest(form)).unwrap().id;
    let wrong =
        site.post("/incidents/1/assess/gdpr-risk", &sign(&format!("&outcome={grave}&password=wrong")), &reviewer).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let milder = form.outcomes.iter().min_by_key(|one| one.gravity).unwrap().id.clone();
    let mild = site
        .post("/incidents/1/assess/gdpr-risk", &sign(&format!("&outcome={milder}&password={PASSWORD}")), &reviewer)
        .await;
    assert_eq!(mild.status, StatusCode::UNPROCESSABLE_ENTITY, "milder only with a reason: {}", mild.text);
    let signed = site
        .post("/incidents/1/assess/gdpr-risk", &sign(&format!("&outcome={grave}&password={PASSWORD}")), &reviewer)
        .await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text);
    let (_, case) = site.guard.as_ref().unwrap().incidents.case(1).await.unwrap();
    assert_eq!(case.facts["risk"], "high", "{:?}", case.facts);
    let entry = case.assessments["gdpr-risk"];
    let text = site.get(&format!("/incidents/1/assessments/{entry}"), &reviewer).await;
    for part in ["SIGNATURE", "Signed by: Ada", "Looked into by two people.", "SHA-256"] {
        assert!(text.text.contains(part), "no {part} in {}", text.text);
    }
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(room.text.contains(&format!("/incidents/1/assessments/{entry}")), "{}", room.text);
}

#[tokio::test]
async fn a_privileged_note_is_shown_to_its_author_and_to_counsel_alone() {
    let site = Site::guarded().await;
    let [author, counsel, other] = [
        site.user("rev", Role::Reviewer).await,
        site.user("cleo", Role::Reviewer).await,
        site.user("otto", Role::Reviewer).await,
    ];
    site.post("/incidents", "title=Bucket&severity=low", &author).await;
    let posted = site.post("/incidents/1", "what=role&name=Cleo&role=legal", &author).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "{}", posted.text);
    let posted = site.post("/incidents/1", "what=note&text=We+are+liable&privileged=on", &author).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "{}", posted.text);
    for (who, sees) in [(&author, true), (&counsel, true), (&other, false)] {
        let room = site.get("/incidents/1", who).await;
        assert_eq!(room.text.contains("We are liable"), sees, "{}", room.text);
        assert_eq!(room.text.contains("a privileged note"), !sees);
        assert!(room.text.contains("for counsel"), "that there is one is told to all: {}", room.text);
    }
    // Who takes the role then does not read what was written before.
    site.post("/incidents/1", "what=role&name=otto&role=commander", &other).await;
    assert!(!site.get("/incidents/1", &other).await.text.contains("We are liable"));
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(!recorded.contains("We are liable"), "{recorded}");
    for page in ["/incidents/1/report", "/incidents/1/report.md"] {
        assert!(!site.get(page, &author).await.text.contains("We are liable"), "reports go elsewhere");
    }
}

#[tokio::test]
async fn tasks_are_due() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=Bucket&severity=low", &reviewer).await;
    for form in [
        "what=task&text=Pull+the+plug&role=it&due=2001-02-03",
        "what=task&text=Ask+the+lab&role=it&due=2199-02-03",
        "what=task&text=No+hurry&role=it&due=",
    ] {
        let posted = site.post("/incidents/1", form, &reviewer).await;
        assert_eq!(posted.status, StatusCode::SEE_OTHER, "{form}: {}", posted.text);
    }
    let wrong = site.post("/incidents/1", "what=task&text=x&role=it&due=soon", &reviewer).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("is no day"), "{}", wrong.text);
    let room = site.get("/incidents/1", &reviewer).await;
    for part in ["overdue by", "due 2199-02-03", "value=\"2001-02-03\""] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let plug = room.text.find("Pull the plug").unwrap();
    assert!(plug < room.text.find("Ask the lab").unwrap(), "what is overdue stands first");
    let posted = site.post("/incidents/1", "what=task-due&task=2&due=2198-01-02", &reviewer).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "{}", posted.text);
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(!room.text.contains("overdue by") && room.text.contains("due 2198-01-02"), "{}", room.text);
}

#[tokio::test]
async fn a_draft_is_approved_by_who_answers_for_it() {
    let site = Site::guarded().await;
    let [author, privacy] = [site.user("rev", Role::Reviewer).await, site.user("pia", Role::Reviewer).await];
    site.post("/incidents", "title=Bucket&severity=low", &author).await;
    let save = "what=save&obligation=GDPR-33-1&language=en&text=We+notify+you.";
    let approve = "what=approve&obligation=GDPR-33-1&language=en";
    assert_eq!(site.post("/incidents/1", save, &author).await.status, StatusCode::SEE_OTHER);
    let refused = site.post("/incidents/1", approve, &author).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.text.contains("cannot approve it"),
        "{}",
        refused.text
    );
    assert!(site.get("/incidents/1", &author).await.text.contains("Not yours to approve"));
    assert!(
        site.get("/incidents/1", &privacy).await.text.contains("Approve as saved"),
        "nobody has a role: anybody else"
    );
    site.post("/incidents/1", "what=role&name=nobody+here&role=legal", &author).await;
    let refused = site.post("/incidents/1", approve, &privacy).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.text.contains("nobody here (legal)"),
        "{}",
        refused.text
    );
    site.post("/incidents/1", "what=role&name=pia&role=privacy", &author).await;
    let approved = site.post("/incidents/1", approve, &privacy).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text);
    assert!(site.get("/incidents/1", &author).await.text.contains("approved by pia"));
}

#[tokio::test]
async fn exercises_are_listed_with_their_reports() {
    let site = Site::guarded().await;
    let reader = site.user("rea", Role::Reader).await;
    assert_eq!(site.get("/incidents/exercises", &reader).await.status, StatusCode::FORBIDDEN);
    assert!(!site.get("/playbooks", &reader).await.text.contains("/incidents/exercises"));
    let reviewer = site.user("rev", Role::Reviewer).await;
    assert!(site.get("/playbooks", &reviewer).await.text.contains("/incidents/exercises"));
    let empty = site.get("/incidents/exercises", &reviewer).await;
    assert!(empty.status == StatusCode::OK && empty.text.contains("Nothing was practised yet"), "{}", empty.text);
    site.post("/incidents", "title=Exercise%3A+only+by+name&severity=low", &reviewer).await;
    site.post("/incidents", "title=Lost+%3Cb%3Ekey&severity=high&study=onc-201&exercise=1", &reviewer).await;
    let book = playbooks::named("stolen-access-key").unwrap();
    let mut books = vec![book.source().clone()];
    books.extend(playbooks::shipped().iter().filter(|one| one.id != book.id).map(|one| one.source().clone()));
    let what = incidents::case::What::Run {
        playbook: "stolen-access-key".to_owned(),
        books,
        sha256: Vec::new(),
        values: [("what", "LZR1"), ("principal", "ada"), ("study", "onc-201")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let actor = model::event::Actor {
        id: model::PrincipalId::from_bytes([1; 16]),
        kind: model::PrincipalKind::Person,
        credential: None,
    };
    let by = model::By { actor, origin: model::event::Origin::default(), now_ms: NOON + 45 * 60_000 };
    site.guard.as_ref().unwrap().incidents.add(2, what, &by).await.unwrap();
    let page = site.get("/incidents/exercises", &reviewer).await.text;
    for part in [
        "Lost &#60;b&#62;key",
        "An access key is in the wrong hands",
        "href=\"/incidents/2/report\"",
        "45 min",
        ">2</td>",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("only by name"), "what is only called an exercise is none: {page}");
}
