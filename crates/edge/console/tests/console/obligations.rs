//! Obligations in the console: from facts to clocks, what is wrong beside its field, and clauses of contracts.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use console::{Act, ActFault, Figure, Respond, Role};
use incidents::timeline::{EntryLine, Listing, Timeline};
use model::{Answer, By};
use obligations::{ClauseChange, Clauses};

use crate::site::{Site, between};

/// Known on 24 November at 11:00 in Berlin, an hour before noon UTC.
const FACTS: &str = "role=controller&role=covered_entity&timezone=Europe%2FBerlin&f.aware_at=2026-11-24T11%3A00&place.0=EU-DE&people.0=1200&kind.0=health&place.1=US-CA&people.1=700";

/// Keeps clauses as the guard does, but for the record.
#[derive(Default)]
pub struct Keeper {
    pub clauses: Mutex<Clauses>,
    pub whys: Mutex<Vec<String>>,
}

impl Respond for Keeper {
    fn act<'a>(&'a self, _: u32, _: Act, _: &'a By) -> Answer<'a, Result<(), ActFault>> {
        Box::pin(async { Err(ActFault::Wrong("it only keeps clauses".to_owned())) })
    }

    fn clauses(&self) -> Result<Clauses, ActFault> {
        Ok(self.clauses.lock().unwrap().clone())
    }

    fn change_clause<'a>(&'a self, change: ClauseChange, why: String, _: &'a By) -> Answer<'a, Result<u64, ActFault>> {
        Box::pin(async move {
            let base = obligations::base().unwrap();
            let mut clauses = self.clauses.lock().unwrap();
            let mut changed = clauses.changed(&change, &base).map_err(|error| ActFault::Wrong(error.to_string()))?;
            changed.note_recorded(change.id(), 7);
            obligations::put_clauses_in_force(&changed).unwrap();
            *clauses = changed;
            self.whys.lock().unwrap().push(why);
            Ok(7)
        })
    }

    fn figure<'a>(&'a self, _: u32, _: Figure, _: &'a By) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>> {
        Box::pin(async { Err(ActFault::Wrong("it only keeps clauses".to_owned())) })
    }

    fn reaching<'a>(&'a self, _incident: u32, _by: &'a By) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn timeline(&self, _: u32) -> Answer<'_, Result<Timeline, ActFault>> {
        Box::pin(async { Err(ActFault::Wrong("it only keeps clauses".to_owned())) })
    }

    fn timeline_entries(&self, _: u32, _: Listing) -> Answer<'_, Result<(Vec<EntryLine>, bool), ActFault>> {
        Box::pin(async { Err(ActFault::Wrong("it only keeps clauses".to_owned())) })
    }

    fn plan(&self) -> Result<Option<String>, ActFault> {
        let text = "[organisation]\nname = \"Test Clinic\"\ncountry = \"EU-DE\"\nlanguages = [\"en\"]\nlegal_roles = [\"processor\"]\ntimezone = \"Europe/Berlin\"\n";
        Ok(Some(text.to_owned()))
    }
}

#[tokio::test]
async fn facts_start_clocks_and_nothing_is_recorded() {
    let site = Site::guarded().await;
    let reader = site.user("rea", Role::Reader).await;
    let empty = site.get("/obligations", &reader).await;
    assert!(
        empty.text.contains("name=\"f.aware_at\" type=\"datetime-local\"") && !empty.text.contains("id=\"answer\"")
    );
    for asked in
        ["How likely and grave is a risk", "What became of the data", "decides why and how personal data are processed"]
    {
        assert!(empty.text.contains(asked), "no {asked}");
    }
    assert!(!empty.text.contains("What happened, when, and how was it noticed?"), "no clock depends on a text");
    let before = site.guard.as_ref().unwrap().recorded().await;
    let told = site.post("/obligations", FACTS, &reader).await;
    assert_eq!(told.status, StatusCode::OK);
    for part in [
        "No clock runs for certain, ",
        "2026-11-27 11:00 +01:00",
        "in 2 d 22 h",
        "<svg class=\"deadlines wide\"",
        "<svg class=\"deadlines narrow\"",
        "href=\"#f-risk\"",
        "href=\"https://eur-lex.europa.eu/eli/reg/2016/679/oj\"",
        "HIPAA-406",
        "value=\"1200\"",
    ] {
        assert!(told.text.contains(part), "no {part} in {}", told.text);
    }
    assert!(!told.text.contains("What is only proposed</h3>") && !told.text.contains("action=\"/incidents\""));
    assert_eq!(site.guard.as_ref().unwrap().recorded().await, before, "nothing is recorded");
    let settled = site
        .post("/obligations", &format!("{FACTS}&f.risk=risk&f.discovered_on=2026-11-24&f.secured=false"), &reader)
        .await;
    assert!(settled.text.contains("<strong>GDPR-33-1</strong>") && !settled.text.contains("href=\"#f-risk\""));
    let proposed = site.post("/obligations", &format!("{FACTS}&f.risk=risk&proposed=1"), &reader).await;
    let proposed = between(&proposed.text, "What is only proposed</h3>", "</table>");
    assert!(
        proposed.contains("<strong>GDPR-33-1</strong> is today: due 2026-11-27 11:00 +01:00; it would be"),
        "{proposed}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_the_field() {
    let site = Site::guarded().await;
    let reader = site.user("rea", Role::Reader).await;
    let wrong = "role=controller&f.aware_at=2026-11-24T11%3A00&f.discovered_on=soon&place.0=DE&people.0=-4&timezone=Berlin&f.risk=%3Cb%3Edire";
    let told = site.post("/obligations", wrong, &reader).await;
    assert!(
        told.text.contains("5 facts are not as they can be") && !told.text.contains("id=\"answer\""),
        "{}",
        told.text
    );
    let beside = |id: &str| between(&told.text, &format!("id=\"{id}-wrong\""), "</p>");
    assert!(beside("f-aware_at").contains("is no time with offset"), "without a time zone nobody knows when that was");
    assert!(beside("f-discovered_on").contains("`soon` is no day; write `2026-01-15`"));
    assert!(beside("place-0").contains("is -4; write a whole number") || beside("place-0").contains("write `EU-DE`"));
    assert!(beside("timezone").contains("`Berlin` is no time zone"));
    assert!(beside("f-risk").contains("&#60;b&#62;dire") && !told.text.contains("<b>dire"));
    let order = "timezone=UTC&f.aware_at=2026-11-24T11%3A00&f.breached_on=2026-11-25";
    let order = site.post("/obligations", order, &reader).await;
    for field in ["f-aware_at", "f-breached_on"] {
        assert!(between(&order.text, &format!("id=\"{field}-wrong\""), "</p>").contains("which cannot be"), "{field}");
    }
    let doubt = site.post("/obligations", &format!("{FACTS}&f.risk=high&f.secured=true"), &reader).await;
    assert_eq!(doubt.status, StatusCode::OK);
    assert!(
        between(&doubt.text, "id=\"f-secured\"", "</div>").contains("seldom bring a high risk"),
        "and clocks are told"
    );
    let more = site.post("/obligations", &format!("{FACTS}&places=3&more-places=1"), &reader).await;
    assert!(more.text.contains("name=\"place.3\"") && !more.text.contains("id=\"answer\""));
}

#[tokio::test]
async fn an_incident_begins_with_the_facts_that_were_looked_at() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let told = site.post("/obligations", &format!("{FACTS}&f.risk=risk"), &reviewer).await;
    let facts = between(&told.text, "name=\"facts\" value=\"", "\"").replace("&#34;", "\"");
    let form = |facts: &str| {
        let facts: String = facts.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("title=Bucket&severity=high&facts={facts}")
    };
    let opened = site.post("/incidents", &form(&facts), &reviewer).await;
    assert_eq!((opened.status, opened.header("location")), (StatusCode::SEE_OTHER, "/incidents/1"), "{}", opened.text);
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(room.text.contains("2026-11-27 11:00 +01:00") && room.text.contains("EU-DE 1200 health"), "{}", room.text);
    for bad in ["[]", "{\"risk\":\"dire\"}", "{\"shoe_size\":4}"] {
        let refused = site.post("/incidents", &form(bad), &reviewer).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(
        site.get("/incidents/2", &reviewer).await.status,
        StatusCode::NOT_FOUND,
        "none is opened without its facts"
    );
}

const CLAUSE: &str = "was=&id=MSA-7.2&partner=Aurelion+%26+Co&citation=Master+services+agreement+7.2&says=&number=24&unit=hours&calendar=us-federal&start=aware_at&trigger=always&condition=&role=processor&recipient=security+desk&content=nature&own=their+study+numbers&to=&title=&note=";

#[tokio::test]
async fn clauses_are_entered_changed_and_ended() {
    let keeper = Arc::new(Keeper::default());
    let site = Site::responding(Arc::<Keeper>::clone(&keeper)).await;
    let (reader, admin) = (site.user("rea", Role::Reader).await, site.user("adm", Role::Administrator).await);
    let empty = site.get("/obligations", &reader).await;
    assert!(
        empty.text.contains("value=\"processor\" checked") && empty.text.contains("value=\"Europe/Berlin\""),
        "as the plan says"
    );
    assert_eq!(site.post("/obligations/contracts", CLAUSE, &reader).await.status, StatusCode::FORBIDDEN);
    let form = site.get("/obligations/contracts/edit", &admin).await;
    assert!(
        form.text.contains("Any incident, whatever it is about") && form.text.contains("value=\"2026-11-24\""),
        "{}",
        form.text
    );
    let wrong = CLAUSE.replace("MSA-7.2", "GDPR+33").replace("number=24", "number=soon");
    let wrong = site.post("/obligations/contracts", &format!("{wrong}&from=2026-01-01&why="), &admin).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("give a number and its unit") && wrong.text.contains("say why"), "{}", wrong.text);
    assert!(wrong.text.contains("value=\"Aurelion &#38; Co\""), "what was written stays");
    let wrong = CLAUSE
        .replace("trigger=always&condition=", "trigger=other&condition=risk+is+dire")
        .replace("&role=processor", "");
    let wrong = site.post("/obligations/contracts", &format!("{wrong}&from=2026-01-01&why=new+contract"), &admin).await;
    assert!(wrong.text.contains("dire") && wrong.text.contains("nobody&#39;s duty"), "{}", wrong.text);
    assert!(keeper.whys.lock().unwrap().is_empty());
    let kept = site.post("/obligations/contracts", &format!("{CLAUSE}&from=2026-01-01&why=new+contract"), &admin).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.text);
    assert_eq!(*keeper.whys.lock().unwrap(), ["new contract"]);
    let again =
        site.post("/obligations/contracts", &format!("{CLAUSE}&from=2026-01-01&why=new+contract"), &admin).await;
    assert!(again.status == StatusCode::BAD_REQUEST && again.text.contains("there is a clause `MSA-7.2` already"));
    let listed = site.get("/obligations/contracts", &reader).await;
    for part in ["Aurelion &#38; Co", "24 hours", "href=\"/record/7\"", "their study numbers", "from 2026-01-01 on"] {
        assert!(listed.text.contains(part), "no {part} in {}", listed.text);
    }
    assert!(!listed.text.contains("/obligations/contracts/edit"), "a reader changes nothing");
    let clocks = "role=processor&timezone=UTC&f.aware_at=2026-11-24T11%3A00";
    let told = site.post("/obligations", clocks, &reader).await;
    assert!(
        told.text.contains("Contract with Aurelion &#38; Co") && told.text.contains("2026-11-25 11:00 +00:00"),
        "{}",
        told.text
    );
    let form = site.get("/obligations/contracts/edit?id=MSA-7.2", &admin).await;
    let was = between(&form.text, "name=\"was\" value=\"", "\"").replace("&#34;", "%22").replace("&#38;", "%26");
    let change = CLAUSE.replace("was=", &format!("was={was}")).replace("number=24", "number=12");
    let changed =
        site.post("/obligations/contracts", &format!("{change}&from=2026-06-01&why=first+amendment"), &admin).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
    let told = site.post("/obligations", clocks, &reader).await;
    assert!(told.text.contains("2026-11-24 23:00 +00:00"), "{}", told.text);
    let stale = site.post("/obligations/contracts", &format!("{change}&from=2026-07-01&why=second"), &admin).await;
    assert!(
        stale.status == StatusCode::BAD_REQUEST && stale.text.contains("omebody else changed clause"),
        "{}",
        stale.text
    );
    let end = site.post("/obligations/contracts/end", "id=MSA-7.2&last=2026-09-30&why=contract+over", &admin).await;
    assert_eq!(end.status, StatusCode::SEE_OTHER, "{}", end.text);
    let told = site.post("/obligations", clocks, &reader).await;
    assert!(!told.text.contains("<strong>MSA-7.2</strong>"), "it had ended");
    let listed = site.get("/obligations/contracts", &reader).await;
    assert!(listed.text.contains("to 2026-09-30") && listed.text.contains("to 2026-05-31"), "both versions stay");
    assert_eq!(
        site.post("/obligations/contracts/end", "id=X&last=2026-09-30&why=abc", &admin).await.status,
        StatusCode::BAD_REQUEST
    );
}
