//! Uploads inspected as they are, entries recorded, and exposure told from them.

mod asking;
mod figures;
mod forms;

use std::sync::Arc;

use bytes::Bytes;
use gateway::ports::{Inspect as _, Place};
use landscape::Catalogue;
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::scan::{ScanOptions, Scanner};
use model::event::{Activity, Actor, Detail, Event, Outside};
use model::{By, FindingState, FoundBy, ObjectId, PrincipalId, PrincipalKind, Scope, Severity, StudyId, VersionId};
use recognize::engine::NamesTier;
use serde_json::{Value, json};
use store::Store;
use store::findings::Finding;
use store::guarded::versions::{self, Condition, StoredVersion};

use super::{ExposureRequest, Shown};
use crate::{Guarded, IncidentRequest, Limits, Looker, Opening, Operator, OpsError, RootKeyAt, outside};

const HEADER: &str = "PatientID,Name,BirthDate,Country,Diagnosis\n";

struct World {
    _folder: tempfile::TempDir,
    guarded: Arc<Guarded>,
    operator: Operator,
    study: StudyId,
    by: By,
}

fn people(place: &str, count: usize) -> String {
    (0..count)
        .map(|at| format!("{place}-{at:04},Hannah Meyer-{place}{at},1961-04-{:02},{place},E11.9\n", at % 28 + 1))
        .collect()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
        let options = InspectOptions { names: NamesTier::Fast, ..InspectOptions::default() };
        let inspector = Inspector::embedded(options, TokenKey::new([7; 32])).unwrap();
        let catalogue = Arc::new(Catalogue::new(store.clone()));
        let scanner = Scanner::new(catalogue, inspector, ScanOptions::new(Arc::new(outside::now)));
        let opening = Opening {
            data_dir: folder.path().to_owned(),
            store,
            scanner: Some(scanner),
            root_key: RootKeyAt::File,
            origin: "test.example/ledger".to_owned(),
            limits: Limits::default(),
            federation: identity::Federation::new(Vec::new()).unwrap(),
            through: "guard",
        };
        let guarded = Arc::new(Guarded::open(opening).await.unwrap());
        let operator = Operator { user: "ops".to_owned(), through: "cli" };
        let study: StudyId = "onc-201".parse().unwrap();
        guarded.create_study(&operator, &study).await.unwrap();
        let by = guarded.by(&operator).await.unwrap();
        Self { _folder: folder, guarded, operator, study, by }
    }

    /// Stores a version as the gateway does, but for its content.
    async fn put(&self, name: &str, object: u8, version: u8, text: &str) -> Place {
        let (object, version) = (ObjectId::from_bytes([object; 16]), VersionId::from_bytes([version; 16]));
        let place = Place { study: self.study.clone(), object, version };
        let looker = Looker::new(Arc::clone(self.guarded.flows.as_ref().unwrap()), self.guarded.vault.clone());
        let mut inspection = looker.begin(&place, name);
        inspection.feed(Bytes::copy_from_slice(text.as_bytes())).await;
        let seen = inspection.finish().await.unwrap().unwrap();
        let labels: Vec<&str> = seen.labels.iter().map(|label| label.as_str()).collect();
        let row = StoredVersion {
            study: self.study.to_string(),
            name: name.to_owned(),
            sequence: 0,
            version: *version.as_bytes(),
            object: *object.as_bytes(),
            unversioned: false,
            marker: false,
            latest: true,
            state: "visible".to_owned(),
            bytes: i64::try_from(text.len()).unwrap(),
            etag: "0".to_owned(),
            modified_at: self.by.now_ms,
            created_by: [0; 16],
            properties: "{}".to_owned(),
            labels: labels.join(" "),
            subjects: i64::try_from(seen.subjects).unwrap(),
            tags: "{}".to_owned(),
            retention_mode: None,
            retain_until: None,
            legal_hold: false,
            sealed: Vec::new(),
        };
        versions::put(&self.guarded.store, &row, true, &Condition::Always, None, self.by.now_ms).await.unwrap();
        place
    }

    async fn principal(&self, name: &str, kind: PrincipalKind) -> PrincipalId {
        self.guarded.add_user(&self.operator, name, kind, None).await.unwrap();
        self.guarded.identity.by_name(name).await.unwrap().id
    }

    /// Records that somebody did something to a version.
    async fn did(&self, who: PrincipalId, activity: Activity, place: &Place, ip: Option<&str>) -> u64 {
        let event = self.doing(who, activity, place, ip);
        self.guarded.recorder.record(event).await.unwrap().index
    }

    fn doing(&self, who: PrincipalId, activity: Activity, place: &Place, ip: Option<&str>) -> Event {
        let mut event = Event::new(activity, self.by.now_ms, "s3");
        event.actor = Some(Actor { id: who, kind: PrincipalKind::Person, credential: None });
        event.origin.ip = ip.map(|ip| ip.parse().unwrap());
        event.resource.study = Some(place.study.clone());
        event.resource.object = Some(place.object);
        event.resource.version = Some(place.version);
        event.resource.bytes = Some(100);
        event.action = Some(model::Action::Read);
        event
    }

    async fn downloaded(&self, who: PrincipalId, place: &Place, ip: Option<&str>) -> u64 {
        let let_out = self.did(who, Activity::Download, place, ip).await;
        self.did(who, Activity::Released, place, ip).await;
        let_out
    }

    /// Records what another system logged.
    async fn logged(&self, ip: Option<&str>, details: &[(&'static str, &str)]) -> u64 {
        let mut event = Event::new(Activity::Observed, self.by.now_ms, "intake");
        event.origin.ip = ip.map(|ip| ip.parse().unwrap());
        let day = jiff::Timestamp::from_millisecond(self.by.now_ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
        let detail = |(field, value): &(&'static str, &str)| Detail {
            field: (*field).into(),
            scope: Scope::Day(day),
            value: (*value).to_owned(),
        };
        event.details = details.iter().map(detail).collect();
        event.outside = Some(Box::new(Outside {
            class_uid: 6003,
            activity_id: 2,
            activity: "Read".into(),
            logged_ms: None,
            family: "aws".into(),
            logsources: Vec::new(),
            source: "folder:logs".to_owned(),
            sequence: 1,
            problem: None,
            cut_bytes: 0,
        }));
        self.guarded.recorder.record(event).await.unwrap().index
    }

    /// A finding without an actor, over these entries.
    async fn found(&self, entries: &[u64], study: Option<&StudyId>) -> u32 {
        let mut transaction = self.guarded.store.begin().await.unwrap();
        let finding = Finding {
            id: 0,
            uid: format!("{entries:?}"),
            dedupe_key: format!("{entries:?}"),
            found_by: FoundBy::Correlation,
            rule: "test".to_owned(),
            title: "Many at once".to_owned(),
            level: "high".to_owned(),
            tags: Vec::new(),
            rank: 50,
            principal: None,
            study: study.cloned(),
            labels: Vec::new(),
            subjects: 0,
            matches: 1,
            first_at: self.by.now_ms,
            last_at: self.by.now_ms,
            found_at: self.by.now_ms,
            state: FindingState::New,
            verdict: None,
            owner: None,
            changed_at: self.by.now_ms,
            story_sealed: Vec::new(),
        };
        let id = store::findings::keep(&mut transaction, &finding).await.unwrap();
        for entry in entries {
            store::findings::add_evidence(&mut transaction, id, *entry, self.by.now_ms).await.unwrap();
        }
        transaction.commit().await.unwrap();
        id
    }

    async fn told(&self, request: ExposureRequest) -> Told {
        self.shown(request, Shown::default()).await
    }

    async fn shown(&self, request: ExposureRequest, shown: Shown) -> Told {
        Told(self.guarded.tell_exposure(&self.operator, request, shown).await.unwrap())
    }

    /// Why a question is not answered.
    async fn refused(&self, request: ExposureRequest) -> String {
        self.guarded.tell_exposure(&self.operator, request, Shown::default()).await.unwrap_err().to_string()
    }

    async fn of_finding(&self, id: u32) -> Told {
        self.told(ExposureRequest { finding: Some(id), ..ExposureRequest::default() }).await
    }
}

struct Told(Vec<Value>);

impl Told {
    /// People of a jurisdiction up to a grade.
    fn people(&self, place: &str, grade: &str) -> Option<u64> {
        self.0.iter().find(|line| line["jurisdiction"] == place)?[grade]["subjects"].as_u64()
    }

    fn summary(&self) -> &Value {
        &self.0.last().unwrap()["summary"]
    }

    fn object(&self, place: &Place) -> Option<&Value> {
        self.0.iter().find(|line| line["object"] == of(place) && line.get("grade").is_some())
    }

    /// The grade of an object, and why it is possible.
    fn grade(&self, object: &str) -> Option<(&str, &str)> {
        let line = self.0.iter().find(|line| line["object"] == object)?;
        Some((line["grade"].as_str().unwrap(), line["why"].as_str().unwrap_or_default()))
    }
}

fn of(place: &Place) -> String {
    place.object.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_an_older_version_are_counted_by_jurisdiction_also_when_it_is_gone() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let first = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 12))).await;
    let second = world.put("visits.csv", 1, 2, &format!("{HEADER}{}", people("JP", 3))).await;
    world.downloaded(ada, &first, None).await;
    let by_ada = || ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() };
    let told = world.told(by_ada()).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("JP", "certain")), (Some(12), None), "{:?}", told.0);
    assert_eq!(told.summary()["uncounted_subjects"], 0);
    let categories = &told.0.iter().find(|line| line["jurisdiction"] == "EU-DE").unwrap()["categories"];
    assert!(categories.as_array().unwrap().contains(&json!("health")), "by the labels that it had: {categories}");
    world.downloaded(ada, &second, None).await;
    let told = world.told(by_ada()).await;
    assert_eq!((told.people("EU-DE", "certain"), told.people("JP", "certain")), (Some(12), Some(3)), "{:?}", told.0);
    versions::remove(&world.guarded.store, *first.version.as_bytes(), false, world.by.now_ms).await.unwrap();
    let told = world.told(by_ada()).await;
    assert_eq!(told.people("EU-DE", "certain"), Some(12), "what was in it is known although it is gone: {:?}", told.0);
    // As for versions that were stored before this was kept.
    world.guarded.store.execute("DELETE FROM version_people", &[]).await.unwrap();
    let told = world.told(by_ada()).await;
    assert_eq!(told.people("EU-DE", "certain"), None);
    assert!(told.summary()["uncounted_subjects"].as_u64().unwrap() > 0, "{:?}", told.0);
    let affected = told.summary()["affected"].as_array().unwrap();
    assert!(
        affected.contains(&json!({"jurisdiction": "unknown", "subjects": null, "categories": null})),
        "{affected:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_asked_about_by_itself_and_by_its_reach() {
    let world = World::new().await;
    let scanner = world.principal("scanner-7", PrincipalKind::Device).await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let by_device = world.put("by-device.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let by_ada = world.put("by-ada.csv", 2, 2, &format!("{HEADER}{}", people("FR", 5))).await;
    world.downloaded(scanner, &by_device, None).await;
    world.downloaded(ada, &by_ada, None).await;
    let asked =
        |device: &str, reach| ExposureRequest { device: Some(device.to_owned()), reach, ..ExposureRequest::default() };
    for name in ["scanner-7".to_owned(), scanner.to_string()] {
        let told = world.told(asked(&name, false)).await;
        assert_eq!((told.people("EU-DE", "certain"), told.people("EU-FR", "certain")), (Some(4), None), "{:?}", told.0);
    }
    let no_device = world.refused(asked("ada", false)).await;
    assert!(no_device.contains("`ada` is no device but a person"), "{no_device}");
    world.refused(asked("nobody", false)).await;
    let told = world.told(asked("scanner-7", true)).await;
    assert_eq!(told.grade(&of(&by_ada)), None, "it may read nothing");
    let later = world.by.now_ms + 86_400_000;
    world.guarded.set_attributes(&world.operator, "scanner-7", Some(later), Some(later)).await.unwrap();
    let rights = policy::Rights::Actions(vec![model::Action::List, model::Action::Read]);
    world.guarded.grant(&world.operator, "scanner-7", Some(world.study.clone()), rights, None, None).await.unwrap();
    let told = world.told(asked("scanner-7", true)).await;
    assert_eq!(told.grade(&of(&by_ada)), None, "devices may only write, whatever they are granted: {:?}", told.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_over_many_is_told_from_its_entries() {
    let world = World::new().await;
    let (ada, ben) =
        (world.principal("ada", PrincipalKind::Person).await, world.principal("ben", PrincipalKind::Person).await);
    let left = world.put("left.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let shared = world.put("shared.csv", 2, 2, &format!("{HEADER}{}", people("FR", 5))).await;
    let other = world.put("other.csv", 3, 3, &format!("{HEADER}{}", people("JP", 6))).await;
    let download = world.downloaded(ada, &left, None).await;
    let share = world.did(ben, Activity::Share, &shared, None).await;
    world.downloaded(ada, &other, None).await;
    let told = world.of_finding(world.found(&[download, share], Some(&world.study)).await).await;
    assert_eq!(told.grade(&of(&left)), Some(("certain", "")), "the end of the download is found: {:?}", told.0);
    let (grade, why) = told.grade(&of(&shared)).unwrap();
    assert!(grade == "possible" && why.contains("evidence (share)"), "{grade} {why}");
    assert_eq!(told.grade(&of(&other)), None, "nothing in the finding names it");
    assert_eq!(
        (told.people("EU-DE", "certain"), told.people("EU-FR", "likely"), told.people("EU-FR", "possible")),
        (Some(4), Some(0), Some(5))
    );
    assert!(told.summary()["notes"][0].as_str().unwrap().contains("names no actor"), "{}", told.summary());
    let affected = told.summary()["affected"].to_string();
    assert!(!affected.contains("EU-FR"), "clocks are told from what is certain and likely: {affected}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_of_another_log_is_told_from_names_and_presence() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let scanner = world.principal("scanner-7", PrincipalKind::Device).await;
    let named = world.put("visits/dm.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    let from_there = world.put("there.csv", 2, 2, &format!("{HEADER}{}", people("FR", 5))).await;
    let by_device = world.put("device.csv", 3, 3, &format!("{HEADER}{}", people("JP", 6))).await;
    let elsewhere = world.put("elsewhere.csv", 4, 4, &format!("{HEADER}{}", people("US", 7))).await;
    world.downloaded(ada, &from_there, Some("192.0.2.7")).await;
    world.downloaded(scanner, &by_device, Some("192.0.2.9")).await;
    world.downloaded(ada, &elsewhere, Some("192.0.2.8")).await;
    let read = world
        .logged(Some("192.0.2.7"), &[("object.name", "arn:aws:s3:::onc-201/visits/dm.csv"), ("host.name", "scanner-7")])
        .await;
    let told = world.of_finding(world.found(&[read], None).await).await;
    for (place, says) in
        [(&named, "a log of another system"), (&from_there, "`192.0.2.7`"), (&by_device, "`scanner-7`")]
    {
        let (grade, why) = told.grade(&of(place)).unwrap_or_else(|| panic!("{says}: {:?}", told.0));
        assert!(grade == "possible" && why.contains(says), "{grade} {why}");
    }
    assert_eq!(told.grade(&of(&elsewhere)), None);
    assert_eq!((told.people("EU-DE", "certain"), told.people("EU-DE", "possible")), (Some(0), Some(4)), "{:?}", told.0);
    assert_eq!(told.summary()["deidentified"], false, "nothing is known to have left");
    let study =
        ExposureRequest { finding: Some(1), study: Some("onc-202".parse().unwrap()), ..ExposureRequest::default() };
    assert_eq!(world.told(study).await.summary()["objects"], 0, "what is given besides narrows it");
    // Nothing that is named is known: it answers, and says so.
    let unknown = world.logged(None, &[("object.name", "/var/log/secure")]).await;
    let told = world.of_finding(world.found(&[unknown], None).await).await;
    assert_eq!(told.summary()["objects"], 0);
    assert!(told.summary()["notes"][1].as_str().unwrap().contains("ask by `--object`"), "{}", told.summary());
    // Only the study is known: everything in it is possible.
    let told = world.of_finding(world.found(&[unknown, 0], Some(&world.study)).await).await;
    assert_eq!(told.summary()["objects"], 4);
    assert!(told.grade(&of(&named)).unwrap().1.contains("in a study that the finding is about"), "{:?}", told.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_asked_about_from_the_day_of_its_breach_on() {
    let world = World::new().await;
    let ada = world.principal("ada", PrincipalKind::Person).await;
    let place = world.put("visits.csv", 1, 1, &format!("{HEADER}{}", people("DE", 4))).await;
    world.downloaded(ada, &place, None).await;
    let open = IncidentRequest::Open {
        title: "Lost laptop".to_owned(),
        severity: Severity::High,
        finding: None,
        study: Some(world.study.clone()),
        exercise: false,
    };
    let id = 1;
    world.guarded.about_incidents(&world.operator, open).await.unwrap();
    let expose = |of| IncidentRequest::Expose { id, of: Box::new(of) };
    let refused = world.guarded.about_incidents(&world.operator, expose(ExposureRequest::default())).await;
    assert!(matches!(refused, Err(OpsError::Wrong(why)) if why.contains("say whose exposure")));
    let day = |days: i64| {
        let at = jiff::Timestamp::from_millisecond(world.by.now_ms + days * 86_400_000).unwrap();
        at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    };
    let set = |name: &str, value: &str| IncidentRequest::Facts {
        id,
        set: serde_json::Map::from_iter([(name.to_owned(), json!(value))]),
        was: None,
    };
    world.guarded.about_incidents(&world.operator, set("breached_on", &day(-1))).await.unwrap();
    let told = world.guarded.about_incidents(&world.operator, expose(ExposureRequest::default())).await.unwrap();
    assert_eq!(told[0]["facts"]["affected"][0]["subjects"], 4, "the study, from the day of the breach on: {told:?}");
    let wrong =
        world.guarded.about_incidents(&world.operator, set("aware_at", &format!("{}T00:00:00Z", day(-3)))).await;
    let why = wrong.unwrap_err().to_string();
    assert!(why.contains("`breached_on`") && why.contains("lies after `aware_at`"), "{why}");
    world.guarded.about_incidents(&world.operator, set("breached_on", &day(1))).await.unwrap();
    let by_ada = ExposureRequest { principal: Some("ada".to_owned()), ..ExposureRequest::default() };
    let told = world.guarded.about_incidents(&world.operator, expose(by_ada.clone())).await.unwrap();
    assert_eq!(told[0]["exposure"]["objects"], 0, "before the breach it was no breach: {told:?}");
    let earlier = ExposureRequest { from: Some(0), ..by_ada };
    let told = world.guarded.about_incidents(&world.operator, expose(earlier)).await.unwrap();
    assert_eq!(told[0]["exposure"]["objects"], 1, "a time that is given goes before it");
}
