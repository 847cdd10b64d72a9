//! In which form something is exposed: in clear, de-identified, sealed.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deidentified_copies_are_told_apart_by_person_and_by_reach() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let both = format!("{HEADER}{}", people("DE", 4));
    let (clear, other) = (world.put("clear.csv", 1, 1, &both).await, world.put("other.csv", 2, 2, &both).await);
    let more = world.put("more.csv", 3, 3, &format!("{HEADER}{}", people("JP", 5))).await;
    world.downloaded(ada, &clear, None).await;
    for place in [&other, &more] {
        let mut event = world.doing(ada, Activity::Released, place, None);
        event.action = Some(model::Action::ReadDeidentified);
        world.guarded.recorder.record(event).await.unwrap();
    }
    let told = world.told(ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() }).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("JP", "certain")), (Some(4), Some(5)), "{:?}", told.0);
    let only = |place: &str| {
        let line = told.0.iter().find(|line| line["jurisdiction"] == place).unwrap();
        (line["certain"]["deidentified_only"].as_u64(), line["certain"]["sealed_only"].as_u64())
    };
    assert_eq!(only("EU-DE"), (Some(0), Some(0)), "the same people are in an object that left in clear");
    assert_eq!(only("JP"), (Some(5), Some(0)));
    assert_eq!(told.summary()["form"], "clear");

    world.principal("eve", PrincipalKind::Person).await;
    let later = world.by.now_ms + 86_400_000;
    world.guarded.set_attributes(&world.operator, "eve", Some(later), Some(later)).await.unwrap();
    let rights = policy::Rights::Actions(vec![model::Action::List, model::Action::ReadDeidentified]);
    world.guarded.grant(&world.operator, "eve", Some(world.study.clone()), rights, None, None).await.unwrap();
    let by_eve = ExposureRequest { principal: Some("eve".to_owned()), reach: true, ..ExposureRequest::default() };
    let told = world.told(by_eve).await;
    assert_eq!(told.object(&clear).map(|line| &line["form"]), Some(&json!("deidentified")), "{:?}", told.0);
    assert_eq!(told.people("EU-DE", "possible"), Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_store_is_sealed_and_has_every_version_until_it_was_made() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let first = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 12))).await;
    let second = world.put("visits.csv", 1, 2, &format!("{HEADER}{}", people("JP", 3))).await;
    world.downloaded(ada, &second, None).await;
    let copy = || ExposureRequest { sealed_copy: true, ..ExposureRequest::default() };
    let told = world.told(copy()).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("JP", "certain")), (Some(12), Some(3)), "{:?}", told.0);
    let forms: Vec<(&str, &str)> = told
        .0
        .iter()
        .filter(|line| line.get("grade").is_some())
        .map(|line| (line["version"].as_str().unwrap(), line["form"].as_str().unwrap()))
        .collect();
    let (one, other) = (first.version.to_string(), second.version.to_string());
    assert_eq!(
        forms,
        [(one.as_str(), "sealed"), (other.as_str(), "sealed")],
        "whatever else left of them: {:?}",
        told.0
    );
    let summary = told.summary();
    assert_eq!(
        (&summary["form"], &summary["figures"][0]["forms"]["sealed"]["subjects"]),
        (&json!("sealed"), &json!(15))
    );
    assert!(summary["notes"][0].as_str().unwrap().contains("key file"), "who holds the root key is told: {summary}");
    let affected = summary["affected"].as_array().unwrap();
    assert_eq!(affected.len(), 2, "clocks are told of them, and facts say that they are secured: {affected:?}");

    let before = world.told(ExposureRequest { to: Some(world.by.now_ms - 1), ..copy() }).await;
    assert_eq!(before.summary()["objects"], 0, "{:?}", before.0);
    let elsewhere = ExposureRequest { prefixes: vec![format!("{}/letters/", world.study)], ..copy() };
    assert!(world.refused(elsewhere).await.contains("there is no object"));
    let named = ExposureRequest { objects: vec![format!("{}/visits.csv", world.study)], ..copy() };
    assert_eq!(world.told(named).await.summary()["objects"], 2, "both versions");
    let refused = world.refused(ExposureRequest { principal: Some("ada".to_owned()), ..copy() }).await;
    assert!(refused.contains("whoever has it"), "{refused}");
}
