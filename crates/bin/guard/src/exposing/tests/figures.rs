//! What an answer says: ranges, figures that open into their entries, and the timeline.

use incidents::timeline::Listing;

use super::*;

/// Records a download of part of a version, and its end if it ended.
async fn part(world: &World, who: PrincipalId, place: &Place, (first, last): (u64, u64), sent: Option<u64>) {
    let mut event = world.doing(who, Activity::Download, place, None);
    event.resource.range = Some((first, last));
    event.resource.bytes = Some(last - first + 1);
    world.guarded.recorder.record(event.clone()).await.unwrap();
    let Some(sent) = sent else { return };
    event.activity = Activity::Released;
    event.resource.bytes = Some(sent);
    event.resource.range = sent.checked_sub(1).map(|end| (first, first + end));
    world.guarded.recorder.record(event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_left_are_told_by_their_ranges() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let text = format!("{HEADER}{}", people("DE", 12));
    let size = text.len() as u64;
    let place = world.put("visits.csv", 1, 1, &text).await;
    let looked = world.put("looked.csv", 2, 2, &text).await;
    world.did(ada, Activity::Look, &looked, None).await;
    part(&world, ada, &place, (0, 99), Some(100)).await;
    part(&world, ada, &place, (50, 149), Some(100)).await;
    part(&world, ada, &place, (300, 399), Some(0)).await;
    part(&world, ada, &place, (size - 10, size - 1), None).await;
    let by_ada = || ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() };
    let told = world.told(by_ada()).await;
    assert_eq!(told.object(&looked), None, "a question about properties releases nothing");
    let line = told.object(&place).unwrap();
    assert_eq!(
        (&line["ranges"], &line["bytes_distinct"], &line["bytes"]),
        (&json!([[0, 149]]), &json!(150), &json!(200))
    );
    assert_eq!((&line["size"], &line["whole"]), (&json!(size), &json!(false)));
    assert!(line["left"].as_str().unwrap().starts_with("bytes 0–149 of "), "{line}");
    assert_eq!(line["grade"], "certain", "part of it exposes too");
    assert!(line["ranges_unended"].as_array().unwrap().contains(&json!([size - 10, size - 1])), "{line}");
    part(&world, ada, &place, (0, size - 1), Some(size)).await;
    let told = world.told(by_ada()).await;
    let line = told.object(&place).unwrap();
    assert_eq!((&line["whole"], &line["ranges"]), (&json!(true), &json!([[0, size - 1]])), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_figure_opens_into_the_very_entries_that_prove_it() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let german = world.put("de.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let both = world.put("both.csv", 2, 2, &format!("{HEADER}{}{}", people("DE", 6), people("JP", 3))).await;
    let let_only = world.put("let.csv", 3, 3, &format!("{HEADER}{}", people("JP", 9))).await;
    let first = world.downloaded(ada, &german, None).await;
    let second = world.downloaded(ada, &both, None).await;
    let third = world.did(ada, Activity::Download, &let_only, None).await;
    let mut refused = world.doing(ada, Activity::Download, &german, None);
    refused.outcome = model::event::Outcome::Failure { code: "policy:volume".into() };
    world.guarded.recorder.record(refused).await.unwrap();
    let by_ada = || ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() };
    let told = world.told(by_ada()).await;
    let of_place = |place: &str, grade: &str| {
        let line = told.0.iter().find(|line| line["jurisdiction"] == place).unwrap();
        let figure = &line[grade];
        (
            figure["subjects"].clone(),
            figure["objects"].clone(),
            figure["entries"].clone(),
            figure["entries_total"].clone(),
        )
    };
    let entries = json!([first, first + 1, second, second + 1]);
    assert_eq!(
        of_place("EU-DE", "certain"),
        (json!(6), json!(2), entries, json!(4)),
        "the same people are in both files"
    );
    assert_eq!(of_place("JP", "certain"), (json!(3), json!(1), json!([second, second + 1]), json!(2)));
    let all = json!([second, second + 1, third]);
    assert_eq!(of_place("JP", "likely"), (json!(9), json!(2), all, json!(3)));
    let shown = |place: &str, grade, after| Shown {
        jurisdiction: Some(place.to_owned()),
        grade: Some(grade),
        entries: true,
        after,
        ..Shown::default()
    };
    let listed = |told: &Told| -> Vec<u64> { told.0.iter().filter_map(|line| line["entry"].as_u64()).collect() };
    let told = world.shown(by_ada(), shown("JP", incidents::exposure::Grade::Likely, None)).await;
    assert_eq!(listed(&told), [second, second + 1, third]);
    assert_eq!(told.object(&german), None, "nobody of Japan is in it");
    assert_eq!((&told.object(&both).unwrap()["people"], &told.summary()["next"]), (&json!(3), &Value::Null));
    let told = world.shown(by_ada(), shown("JP", incidents::exposure::Grade::Certain, Some(second))).await;
    assert_eq!(listed(&told), [second + 1]);
    let wrong = Shown { jurisdiction: Some("Japan".to_owned()), ..Shown::default() };
    let why = world.guarded.tell_exposure(&world.operator, by_ada(), wrong).await.unwrap_err().to_string();
    assert!(why.contains("`Japan` is no jurisdiction"), "{why}");
}

async fn incident(world: &World, title: &str) -> u32 {
    let open = IncidentRequest::Open {
        title: title.to_owned(),
        severity: Severity::High,
        finding: None,
        study: Some(world.study.clone()),
        exercise: false,
    };
    let opened = world.guarded.about_incidents(&world.operator, open).await.unwrap();
    u32::try_from(opened[0]["incident"].as_u64().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_keeps_what_its_figures_rest_on_and_opens_them_as_they_were() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let place = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let first = world.downloaded(ada, &place, None).await;
    let id = incident(&world, "Ada took it").await;
    let of = Box::new(ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() });
    let told = world.guarded.about_incidents(&world.operator, IncidentRequest::Expose { id, of }).await.unwrap();
    let summary = &told[0]["exposure"];
    assert_eq!(summary["figures"][0]["proof"]["EU-DE"]["entries"], json!([first, first + 1]), "{summary}");
    assert_eq!(
        summary["gravest"][0]["left"],
        "100 bytes of 200, the record does not say which".replace("200", &summary["gravest"][0]["size"].to_string())
    );
    // What came later belongs to another telling.
    world.downloaded(ada, &place, None).await;
    let shown = Shown { entries: true, jurisdiction: Some("EU-DE".to_owned()), ..Shown::default() };
    let lines = world.guarded.figure_of_incident(&world.by, id, &shown).await.unwrap();
    let listed: Vec<u64> = lines.iter().filter_map(|line| line["entry"].as_u64()).collect();
    assert_eq!(listed, [first, first + 1]);
    let refused = world.guarded.figure_of_incident(&world.by, incident(&world, "Another").await, &shown).await;
    assert!(refused.unwrap_err().to_string().contains("nobody has told its exposure yet"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timeline_has_what_the_record_knows_of_those_concerned() {
    let world = World::new().await;
    let guarded = &world.guarded;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let ben = world.principal("ben", PrincipalKind::Person).await;
    let place = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let rights = policy::Rights::Actions(vec![model::Action::List, model::Action::Read]);
    guarded.grant(&world.operator, "ada", Some(world.study.clone()), rights.clone(), None, None).await.unwrap();
    guarded.grant(&world.operator, "ben", Some(world.study.clone()), rights, None, None).await.unwrap();
    let download = world.downloaded(ada, &place, None).await;
    let mut refused = world.doing(ada, Activity::Download, &place, None);
    refused.outcome = model::event::Outcome::Failure { code: "policy:volume".into() };
    let refusal = guarded.recorder.record(refused).await.unwrap().index;
    let other = world.downloaded(ben, &place, None).await;
    let id = incident(&world, "Ada took it").await;
    let before = guarded.timeline(id).await.unwrap();
    assert_eq!(before.entries, 0, "nobody is concerned yet: {before:?}");
    let of = Box::new(ExposureRequest {
        principal: Some("ada".to_owned()),
        from: Some(world.by.now_ms - 1000),
        ..ExposureRequest::default()
    });
    guarded.about_incidents(&world.operator, IncidentRequest::Expose { id, of }).await.unwrap();
    let contain =
        IncidentRequest::Contain { id, kind: "principal".to_owned(), target: "ada".to_owned(), until: None, on: true };
    guarded.about_incidents(&world.operator, contain).await.unwrap();
    let timeline = guarded.timeline(id).await.unwrap();
    let line = |entry: u64| timeline.lines.iter().find(|line| line.first == entry);
    assert_eq!(line(download).unwrap().activity, "download", "{timeline:?}");
    assert!(line(refusal).unwrap().is_failure && line(refusal).unwrap().code == "policy:volume");
    assert!(line(other).is_none(), "ben is not concerned");
    let kinds: Vec<(&str, &str)> =
        timeline.lines.iter().map(|line| (line.activity.as_str(), line.entity.split(':').next().unwrap())).collect();
    assert!(kinds.contains(&("grant", "grant")), "what let ada read: {kinds:?}");
    assert!(
        kinds.iter().filter(|kind| **kind == ("grant", "grant")).count() < 4,
        "ben's grant is none of it: {kinds:?}"
    );
    assert!(kinds.iter().any(|(_, about)| *about == "principal"), "that ada is contained: {kinds:?}");
    assert!(!kinds.iter().any(|(_, about)| *about == "incident"), "the case's own entries stand beside: {kinds:?}");
    assert_eq!(timeline.entries, timeline.lines.iter().map(|line| line.entries).sum::<u64>());

    // Thousands are condensed, and open into themselves.
    for _ in 0..600 {
        world.did(ada, Activity::Look, &place, None).await;
    }
    let timeline = guarded.timeline(id).await.unwrap();
    assert!(timeline.lines.len() < 100, "{}", timeline.lines.len());
    let looks: Vec<_> = timeline.lines.iter().filter(|line| line.activity == "look").collect();
    assert_eq!(looks.iter().map(|line| line.times).sum::<u64>(), 600);
    let (entries, has_more) = guarded.timeline_entries(id, Listing::of(looks[0])).await.unwrap();
    assert_eq!((entries.len() as u64, has_more), (looks[0].entries, false));
    assert!(entries.iter().all(|entry| entry.activity == "look" && entry.principal == ada.to_string()));
    let told = guarded.about_incidents(&world.operator, IncidentRequest::Timeline { id, listing: None }).await.unwrap();
    assert!(told.iter().any(|line| line["name"] == "ada" && line["activity"] == "look"), "{told:?}");
    assert_eq!(told.last().unwrap()["summary"]["entries"], timeline.entries);
}
