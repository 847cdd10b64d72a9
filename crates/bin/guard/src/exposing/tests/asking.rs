//! What a question may name: sets of objects, credentials, several parts at once.

use super::*;

fn objects(names: &[&str]) -> ExposureRequest {
    ExposureRequest { objects: names.iter().map(|name| (*name).to_owned()).collect(), ..ExposureRequest::default() }
}

fn prefixes(names: &[&str]) -> ExposureRequest {
    ExposureRequest { prefixes: names.iter().map(|name| (*name).to_owned()).collect(), ..ExposureRequest::default() }
}

/// Three objects of which two were taken.
async fn taken(world: &World) -> [Place; 3] {
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let first = world.put("visits/a.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let second = world.put("visits/b.csv", 2, 2, &format!("{HEADER}{}", people("FR", 5))).await;
    let third = world.put("images/c.csv", 3, 3, &format!("{HEADER}{}", people("JP", 6))).await;
    world.downloaded(ada, &first, None).await;
    world.downloaded(ada, &third, None).await;
    [first, second, third]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_of_objects_are_asked_about_by_id_by_name_and_by_beginning() {
    let world = World::new().await;
    let [first, second, third] = taken(&world).await;
    let both = objects(&["s3://onc-201/visits/a.csv", &of(&third)]);
    let told = world.told(both.clone()).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("JP", "certain")), (Some(4), Some(6)), "{:?}", told.0);
    let told = world.told(prefixes(&["onc-201/visits/"])).await;
    assert_eq!((told.grade(&of(&first)), told.grade(&of(&third))), (Some(("certain", "")), None), "{:?}", told.0);
    assert_eq!(told.grade(&of(&second)), None, "nothing says that it was touched");
    let told = world.told(ExposureRequest { reach: true, ..prefixes(&["onc-201/visits/"]) }).await;
    assert_eq!(told.grade(&of(&second)).unwrap().0, "possible", "{:?}", told.0);
    // Together they add to each other, and narrow everything else.
    let told = world.told(ExposureRequest { prefixes: prefixes(&["onc-201/visits/"]).prefixes, ..both }).await;
    assert_eq!(told.summary()["objects"], 2);
    world.principal("bo", PrincipalKind::Person).await;
    let told =
        world.told(ExposureRequest { principal: Some("bo".to_owned()), ..objects(&["onc-201/visits/a.csv"]) }).await;
    assert_eq!(told.summary()["objects"], 0);
    // One name of several that nobody knows is told, and stops nothing.
    let told = world.told(objects(&["onc-201/visits/a.csv", "onc-201/none.csv", "what"])).await;
    assert_eq!(told.people("EU-DE", "certain"), Some(4));
    let notes = told.summary()["notes"].to_string();
    assert!(notes.contains("2 of the 3 objects") && notes.contains("onc-201/none.csv"), "{notes}");
    for wrong in [objects(&["onc-201/none.csv"]), objects(&["what"]), objects(&["00112233445566778899aabbccddeeff"])] {
        let why = world.refused(wrong).await;
        assert!(why.contains("there is no object `"), "{why}");
    }
    let why = world.refused(prefixes(&["onc-201/none/"])).await;
    assert!(why.contains("`onc-201/none/`"), "{why}");
    let many = vec!["onc-201/visits/a.csv"; super::super::objects::NAMES_MAX + 1];
    let why = world.refused(objects(&many)).await;
    assert!(why.contains("at most 10000 names") && why.contains("--prefix"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_is_found_by_the_name_that_the_record_has() {
    let world = World::new().await;
    let [first, ..] = taken(&world).await;
    let mut upload = world.doing(world.by.actor.id, Activity::Upload, &first, None);
    upload.details =
        vec![Detail { field: "object.name".into(), scope: Scope::Organisation, value: "visits/a.csv".to_owned() }];
    world.guarded.recorder.record(upload).await.unwrap();
    versions::remove(&world.guarded.store, *first.version.as_bytes(), false, world.by.now_ms).await.unwrap();
    for asked in [objects(&["onc-201/visits/a.csv"]), prefixes(&["onc-201/visits/"]), objects(&[&of(&first)])] {
        let told = world.told(asked).await;
        assert_eq!(told.people("EU-DE", "certain"), Some(4), "{:?}", told.0);
        assert_eq!(told.object(&first).unwrap()["size"], Value::Null, "nobody knows any more: {:?}", told.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_narrow_each_other_and_say_so_where_nobody_is_left() {
    let world = World::new().await;
    let cro = Some("Example CRO".to_owned());
    for name in ["ben", "cem"] {
        world.guarded.add_user(&world.operator, name, PrincipalKind::Partner, cro.clone()).await.unwrap();
    }
    let id = |name: &'static str| async { world.guarded.identity.by_name(name).await.unwrap().id };
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let by_ben = world.put("ben.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let by_cem = world.put("cem.csv", 2, 2, &format!("{HEADER}{}", people("FR", 5))).await;
    let by_ada = world.put("ada.csv", 3, 3, &format!("{HEADER}{}", people("JP", 6))).await;
    world.downloaded(id("ben").await, &by_ben, None).await;
    world.downloaded(id("cem").await, &by_cem, None).await;
    world.downloaded(ada, &by_ada, None).await;
    let asked = |principal: Option<&str>| ExposureRequest {
        principal: principal.map(str::to_owned),
        partner: cro.clone(),
        ..ExposureRequest::default()
    };
    let told = world.told(asked(None)).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("EU-FR", "certain")), (Some(4), Some(5)));
    let told = world.told(asked(Some("ben"))).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("EU-FR", "certain")), (Some(4), None), "{:?}", told.0);
    let why = world.refused(asked(Some("ada"))).await;
    assert!(why.contains("nobody is all of principal `ada`, partner `Example CRO`"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_reaches_what_its_owner_may_read_as_long_as_it_is_good() {
    let world = World::new().await;
    let guarded = &world.guarded;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    world.principal("ben", PrincipalKind::Person).await;
    let other: StudyId = "onc-999".parse().unwrap();
    guarded.create_study(&world.operator, &other).await.unwrap();
    let place = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let later = world.by.now_ms + 86_400_000;
    guarded.set_attributes(&world.operator, "ada", Some(later), Some(later)).await.unwrap();
    let key = guarded.identity.create_key(ada, Some(later), &world.by).await.unwrap();
    let asked = |study: Option<&StudyId>| ExposureRequest {
        credential: Some(key.id.clone()),
        study: study.cloned(),
        reach: true,
        ..ExposureRequest::default()
    };
    let told = world.told(asked(None)).await;
    assert_eq!(told.summary()["objects"], 0, "it may read nothing yet: {:?}", told.0);
    let told = world.told(asked(Some(&world.study))).await;
    assert_eq!(told.summary()["objects"], 0, "also where a study is named: {:?}", told.0);
    let rights = policy::Rights::Actions(vec![model::Action::List, model::Action::Read]);
    guarded.grant(&world.operator, "ada", Some(world.study.clone()), rights, None, None).await.unwrap();
    let told = world.told(asked(None)).await;
    assert_eq!(told.grade(&of(&place)).unwrap().0, "possible", "{:?}", told.0);
    assert_eq!((told.people("EU-DE", "possible"), told.people("EU-DE", "certain")), (Some(4), Some(0)));
    let notes = told.summary()["notes"].to_string();
    assert!(notes.contains("is that of `ada`") && notes.contains("good until"), "{notes}");
    assert_eq!(world.told(asked(Some(&other))).await.summary()["objects"], 0);
    let why = world.refused(ExposureRequest { principal: Some("ben".to_owned()), ..asked(None) }).await;
    assert!(why.contains("is that of `ada`"), "{why}");
    let why = world.refused(ExposureRequest { credential: Some("LZAKNONE".to_owned()), ..asked(None) }).await;
    assert!(why.contains("there is no credential `LZAKNONE`"), "{why}");
    guarded.identity.revoke_key(&key.id, &world.by).await.unwrap();
    let told = world.told(asked(None)).await;
    assert_eq!(told.summary()["objects"], 0);
    assert!(told.summary()["notes"].to_string().contains("was revoked at"), "{}", told.summary());
    let ended = guarded.identity.create_key(ada, Some(world.by.now_ms + 1), &world.by).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let told = world.told(ExposureRequest { credential: Some(ended.id), ..asked(None) }).await;
    assert_eq!(told.summary()["objects"], 0);
    assert!(told.summary()["notes"].to_string().contains("ended at"), "{}", told.summary());
}

#[test]
fn questions_that_were_kept_before_are_still_understood() {
    let before = json!({ "principal": "ada", "object": "onc-201/a", "from": 5, "reach": false, "study": null });
    let request: ExposureRequest = serde_json::from_value(before).unwrap();
    assert_eq!((request.objects.as_slice(), request.from), (["onc-201/a".to_owned()].as_slice(), Some(5)));
    let none: ExposureRequest = serde_json::from_value(json!({ "object": null })).unwrap();
    assert_eq!(none, ExposureRequest::default());
}

#[test]
fn a_very_long_question_is_recorded_by_its_digest() {
    let names: Vec<String> = (0..10_000).map(|at| format!("onc-201/visits/site-{at:05}/subject.csv")).collect();
    let long = ExposureRequest { objects: names, ..ExposureRequest::default() };
    let told: Value = serde_json::from_str(&super::super::recorded(&long)).unwrap();
    assert!(told.to_string().len() < 40_000, "{}", told.to_string().len());
    assert_eq!((told["names_total"].as_u64(), told["sha256"].as_str().map(str::len)), (Some(10_000), Some(64)));
    assert!(!told["objects"].as_array().unwrap().is_empty());
}
