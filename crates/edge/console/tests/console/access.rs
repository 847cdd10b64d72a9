//! The pages of access: pictures, answers, grants, requests, reviews, emergencies, policies.

use axum::http::StatusCode;
use console::Role;
use model::event::{Actor, Origin};
use model::{Action, By, PrincipalKind, StudyId};
use policy::{Circumstances, NewGrant, Rights};
use secrecy::ExposeSecret as _;
use store::principals::Principal;

use crate::site::{Answer, NOON, Site, between};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn study(id: &str) -> StudyId {
    id.parse().unwrap()
}

fn by(principal: &Principal) -> By {
    let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
    By { actor, origin: Origin { through: "cli".into(), ..Origin::default() }, now_ms: NOON }
}

async fn principal(site: &Site, name: &str, kind: PrincipalKind) -> Principal {
    let guard = site.guard.as_ref().unwrap();
    let nobody = Actor { id: model::PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
    let by = By { actor: nobody, origin: Origin::default(), now_ms: NOON };
    let organisation = (kind == PrincipalKind::Partner).then(|| "Example Trials".to_owned());
    guard.identity.create(identity::NewPrincipal { kind, name: name.to_owned(), organisation }, &by).await.unwrap()
}

async fn give(site: &Site, of: &Principal, place: &str, role: &str, giver: &Principal) -> u32 {
    let access = &site.guard.as_ref().unwrap().access;
    let rights = Rights::Role(role.to_owned());
    let new = NewGrant { principal: of.id, study: Some(study(place)), rights, labels: None, from: None, until: None };
    access.give(new, &by(giver)).await.unwrap().id
}

/// Two studies, a steward with one signature, a reader.
async fn filled() -> (Site, Principal, Principal) {
    let site = Site::guarded().await;
    let steward = principal(&site, "mira", PrincipalKind::Person).await;
    let reader = principal(&site, "otto", PrincipalKind::Person).await;
    let access = &site.guard.as_ref().unwrap().access;
    for id in ["onc-201", "cardio-7"] {
        access.create_study(study(id), id, None, Vec::new(), &by(&steward)).await.unwrap();
    }
    give(&site, &steward, "onc-201", "steward", &reader).await;
    give(&site, &reader, "onc-201", "reader", &steward).await;
    (site, steward, reader)
}

fn refused(answer: &Answer, words: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(answer.text.contains(words), "no `{words}` in {}", answer.text);
}

#[tokio::test]
async fn the_picture_says_who_may_do_what() {
    let (site, steward, _) = filled().await;
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/access", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let card = between(&page.text, "aria-label=\"onc-201\"", "</section>");
    for part in ["mira", "otto", "read: allowed", "delete: waits for a second person", "2 principals"] {
        assert!(card.contains(part), "no `{part}` in {card}");
    }
    assert!(!card.contains("administer: allowed"), "one signature is not enough");
    assert!(between(&page.text, "aria-label=\"cardio-7\"", "</section>").contains("Nobody has a grant here"));
    assert!(!page.text.contains("Give access"), "a reader gives nothing");
    for (query, has, has_not) in [
        ("?study=cardio-7", "cardio-7", "aria-label=\"onc-201\""),
        ("?principal=ott", ">otto<", ">mira<"),
        ("?kind=device", "Nobody matches", ">otto<"),
    ] {
        let page = site.get(&format!("/access{query}"), &cookie).await.text;
        assert!(page.contains(has) && !page.contains(has_not), "{query}: {page}");
    }
    refused(&site.get("/access?kind=ghost", &cookie).await, "no such kind");
    refused(&site.get("/access?study=Not%20One", &cookie).await, "tudy");
    assert_eq!(site.get("/access?study=nowhere-1", &cookie).await.status, StatusCode::NOT_FOUND);
    let page = site.get(&format!("/access/principals/{}", steward.id), &cookie).await.text;
    assert!(page.contains("What mira can reach") && !page.contains("Shut out") && !page.contains("Make a key"));
}

#[tokio::test]
async fn who_can_reach_is_answered_with_grants_policies_and_advice() {
    let (site, _, reader) = filled().await;
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/access/who?study=onc-201", &cookie).await.text;
    for part in ["/access/policies/grant", "/access/grants/", "four-eyes", "have somebody else approve it"] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    let page = site.get("/access/who?study=cardio-7&principal=otto", &cookie).await.text;
    assert!(
        page.contains("no grant in force allows `read` here") || page.contains("no grant in force allows"),
        "{page}"
    );
    assert!(page.contains("ask for a grant"), "what to do is told");
    assert_eq!(site.get("/access/who?study=onc-201&object=none.csv", &cookie).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/access/who?study=onc-201&principal=nobody", &cookie).await.status, StatusCode::NOT_FOUND);
    let page = site.get("/access/who?study=*", &cookie).await.text;
    assert!(page.contains("the organisation itself") && page.contains("Nobody can reach it"), "{page}");
    // What the page says is what is decided.
    let access = &site.guard.as_ref().unwrap().access;
    let now = Circumstances { now_ms: NOON, mfa: true, ..Circumstances::default() };
    assert!(access.decide(&reader, Action::Read, Some(&study("onc-201")), None, &now).allowed);
    assert!(!access.decide(&reader, Action::Read, Some(&study("cardio-7")), None, &now).allowed);
}

#[tokio::test]
async fn pages_have_limits() {
    let (site, steward, _) = filled().await;
    for number in 0..60 {
        let name = format!("robot-{number:03}");
        let robot = principal(&site, &name, PrincipalKind::Service).await;
        give(&site, &robot, "cardio-7", "reader", &steward).await;
    }
    let access = &site.guard.as_ref().unwrap().access;
    for number in 0..12 {
        access.create_study(study(&format!("s-{number:03}")), "s", None, Vec::new(), &by(&steward)).await.unwrap();
    }
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/access", &cookie).await.text;
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 27, "25 of one study and 2 of the other");
    assert!(page.contains("/access?study=cardio-7") && page.contains("after=s-"), "{page}");
    let next = site.get("/access?after=s-006", &cookie).await.text;
    assert!(
        next.contains("aria-label=\"s-007\"")
            && !next.contains("aria-label=\"s-006\"")
            && !next.contains("onc-201</a>")
    );
    let first = site.get("/access/who?study=cardio-7", &cookie).await.text;
    assert_eq!(first.matches("<th scope=\"row\">").count(), 50);
    let more = between(&first, "<p class=\"more\" id=\"more\"><a class=\"button\" href=\"", "\"").replace("&#38;", "&");
    let rest = site.get(&more, &cookie).await.text;
    assert_eq!(rest.matches("<th scope=\"row\">").count(), 10, "{more}");
    let list = site.get("/access/principals?kind=service&text=ROBOT", &cookie).await.text;
    assert_eq!(list.matches("robot-").count(), 60);
    assert!(site.get("/access/principals?text=%25", &cookie).await.text.contains("Nobody matches"), "no wildcard");
    assert_eq!(site.get("/access/principals?skip=99999999999", &cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_takes_two_people() {
    let (site, ..) = filled().await;
    let (reader, reviewer) = (site.user("rea", Role::Reader).await, site.user("rev", Role::Reviewer).await);
    let ask = "study=cardio-7&role=reader&until=2026-12-20&reason=interim+analysis+of+arm+B";
    refused(
        &site.post("/access/ask", "study=cardio-7&role=reader&until=2026-12-20&reason=ok", &reader).await,
        "reason",
    );
    refused(&site.post("/access/ask", "study=cardio-7&role=reader&reason=interim+analysis", &reader).await, "an end");
    refused(
        &site.post("/access/ask", "study=cardio-7&role=reader&until=2028-01-01&reason=interim+analysis", &reader).await,
        "92 days",
    );
    refused(&site.post("/access/ask", &format!("{ask}&principal=otto"), &reader).await, "for yourself only");
    let sent = site.post("/access/ask", ask, &reader).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let place = sent.header("location").to_owned();
    let page = site.get(&place, &reader).await.text;
    assert!(page.contains("interim analysis of arm B") && page.contains("a reviewer decides"), "{page}");
    assert_eq!(site.post(&format!("{place}/approve"), "", &reader).await.status, StatusCode::FORBIDDEN);
    // Another reader does not see why.
    let other = site.user("rob", Role::Reader).await;
    assert!(!site.get("/access/requests", &other).await.text.contains("interim analysis"));
    assert!(site.get("/access/requests", &reviewer).await.text.contains("interim analysis of arm B"));
    let approved = site.post(&format!("{place}/approve"), "next=%2Faccess%2Frequests", &reviewer).await;
    assert_eq!((approved.status, approved.header("location")), (StatusCode::SEE_OTHER, "/access/requests"));
    refused(&site.post(&format!("{place}/approve"), "", &reviewer).await, "cannot be approved");
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(recorded.contains("\"requested\"") && recorded.contains("\"approved\""), "{recorded}");
    assert!(recorded.contains("\"through\":\"console\"") && !recorded.contains("interim analysis"));
    // Nobody decides about her own.
    let own = site.post("/access/ask", ask, &reviewer).await.header("location").to_owned();
    assert!(site.get(&own, &reviewer).await.text.contains("you asked for it or gain by it"));
    refused(&site.post(&format!("{own}/approve"), "", &reviewer).await, "takes two people");
    let away = site.post(&format!("{own}/refuse"), "next=%2F%2Fevil.example", &reviewer).await;
    assert_eq!(away.header("location"), "/", "nobody is sent elsewhere");
}

#[tokio::test]
async fn an_administrator_gives_narrows_and_revokes() {
    let (site, ..) = filled().await;
    let (reader, ada) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    for path in ["/access/give", "/access/grants/1/revoke", "/access/grants/1/narrow", "/access/principals"] {
        assert_eq!(site.post(path, "", &reader).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // The first thing that she does makes her a principal.
    refused(&site.post("/access/give", "principal=ada&study=cardio-7&role=reader", &ada).await, "give yourself");
    for (form, words) in [
        ("principal=otto&study=nowhere&role=reader", "no study"),
        ("principal=otto&study=cardio-7&role=emperor", "no role"),
        ("principal=otto&study=cardio-7&role=", "without actions"),
        ("principal=otto&study=cardio-7&role=&action=fly", "no such action"),
        ("principal=otto&study=cardio-7&role=reader&label=nonsense", "no such label"),
        ("principal=otto&study=cardio-7&role=reader&until=yesterday", "is no day"),
        ("principal=otto&study=cardio-7&role=reader&until=2020-01-01", "cannot end before"),
        ("principal=&study=cardio-7&role=reader", "for whom"),
    ] {
        refused(&site.post("/access/give", form, &ada).await, words);
    }
    let form = "principal=otto&study=cardio-7&role=&action=list&action=read&action=export&label=trial.subject&until=2027-01-31";
    let given = site.post("/access/give", form, &ada).await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text);
    let place = given.header("location").to_owned();
    let page = site.get(&place, &ada).await.text;
    for part in ["trial.subject", "needs a second person", "Narrow it", "somebody else decides"] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    refused(&site.post(&format!("{place}/approve"), "", &ada).await, "takes two people");
    let eve = site.user("eve", Role::Administrator).await;
    assert!(site.get("/access/requests", &eve).await.text.contains("Countersign"));
    assert_eq!(site.post(&format!("{place}/approve"), "", &eve).await.status, StatusCode::SEE_OTHER);
    refused(&site.post(&format!("{place}/narrow"), "action=write", &ada).await, "cannot add an action");
    refused(&site.post(&format!("{place}/narrow"), "", &ada).await, "othing would be left");
    refused(&site.post(&format!("{place}/narrow"), "days=lots", &ada).await, "number of days");
    assert_eq!(site.post(&format!("{place}/narrow"), "action=list", &ada).await.status, StatusCode::SEE_OTHER);
    let page = site.get(&place, &ada).await.text;
    assert!(page.contains("stay-list") && !page.contains("stay-read"), "{page}");
    assert_eq!(site.post(&format!("{place}/revoke"), "", &ada).await.status, StatusCode::SEE_OTHER);
    refused(&site.post(&format!("{place}/revoke"), "", &ada).await, "cannot be revoked");
    assert!(site.guard.as_ref().unwrap().recorded().await.contains("\"narrowed\""));
}

#[tokio::test]
async fn principals_are_changed_and_their_keys_shown_once() {
    let (site, _, otto) = filled().await;
    let ada = site.user("ada", Role::Administrator).await;
    let place = format!("/access/principals/{}", otto.id);
    let made = site.post("/access/principals", "name=%3Cb%3Erobot%3C%2Fb%3E&kind=service", &ada).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let page = site.get(made.header("location"), &ada).await.text;
    assert!(!page.contains("<b>robot") && page.contains("robot"), "{page}");
    refused(&site.post("/access/principals", "name=otto&kind=service", &ada).await, "otto");
    refused(&site.post("/access/principals", "name=cro&kind=partner", &ada).await, "organisation");
    assert_eq!(
        site.post(&format!("{place}/attributes"), "training=2027-03-31&agreement=", &ada).await.status,
        StatusCode::SEE_OTHER
    );
    let page = site.get(&place, &ada).await.text;
    assert!(page.contains("value=\"2027-03-31\"") && !page.contains("no training"), "{page}");
    refused(&site.post(&format!("{place}/attributes"), "training=soon", &ada).await, "is no day");
    let leaving = format!("{place}/leaving");
    refused(&site.post(&leaving, "last_day=soon", &ada).await, "is no date");
    assert_eq!(site.post(&leaving, "last_day=2026-12-31", &ada).await.status, StatusCode::SEE_OTHER);
    assert!(site.get(&place, &ada).await.text.contains("2026-12-31 <span class=\"quiet\">noted here"));
    let reader = site.user("rea", Role::Reader).await;
    assert!(!site.get(&place, &reader).await.text.contains("2026-12-31"), "who leaves is not everybody's business");
    assert_eq!(site.post(&leaving, "last_day=", &reader).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post(&leaving, "last_day=", &ada).await.status, StatusCode::SEE_OTHER);
    assert!(site.get(&place, &ada).await.text.contains("no notice of leaving"));
    let page = site.post(&format!("{place}/keys"), "until=2027-01-31", &ada).await.text;
    let id = between(&page, "<dt>access_key_id</dt><dd><code class=\"link\">", "<").to_owned();
    let secret = between(&page, "<dt>secret_access_key</dt><dd><code class=\"link\">", "<").to_owned();
    let identity = &site.guard.as_ref().unwrap().identity;
    assert_eq!(identity.secret(&id, NOON).await.unwrap().unwrap().expose_secret(), secret.as_str());
    let again = site.get(&place, &ada).await.text;
    assert!(again.contains(&id) && !again.contains(&secret), "the secret is shown once");
    assert_eq!(site.post(&format!("{place}/keys/revoke"), "key=LZAKNOTHERS", &ada).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        site.post(&format!("{place}/keys/revoke"), &format!("key={id}"), &ada).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(identity.secret(&id, NOON).await.unwrap().is_none());
    for (to, words) in [("contained", ">contained<"), ("released", ">no training<"), ("disabled", ">disabled<")] {
        let answer = site.post(&format!("{place}/state"), &format!("to={to}"), &ada).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        if to != "released" {
            assert!(site.get(&place, &ada).await.text.contains(words), "{to}");
        }
    }
    refused(&site.post(&format!("{place}/keys"), "", &ada).await, "isabled");
    refused(&site.post(&format!("{place}/state"), "to=king", &ada).await, "Choose");
    let own = identity.by_name("ada").await.unwrap();
    refused(&site.post(&format!("/access/principals/{}/state", own.id), "to=disabled", &ada).await, "your own state");
    for id in ["none", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(site.get(&format!("/access/principals/{id}"), &ada).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn unused_grants_are_narrowed_with_one_click() {
    let (site, steward, reader) = filled().await;
    let access = &site.guard.as_ref().unwrap().access;
    let new = NewGrant {
        principal: reader.id,
        study: Some(study("cardio-7")),
        rights: Rights::Role("reader".to_owned()),
        labels: None,
        from: Some(NOON - 200 * DAY),
        until: None,
    };
    let id = access.give(new, &by(&steward)).await.unwrap().id;
    let (rea, ada) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    let page = site.get("/access/reviews", &rea).await.text;
    assert!(page.contains("otto") && page.contains("never") && !page.contains("Revoke"), "{page}");
    assert!(!page.contains("onc-201</a>"), "younger grants are not unused");
    assert!(site.get("/access/reviews?days=365", &ada).await.text.contains("Every grant in force was used"));
    let next = "next=%2Faccess%2Freviews";
    let answer = site.post(&format!("/access/grants/{id}/narrow"), &format!("{next}&days=14"), &ada).await;
    assert_eq!(answer.header("location"), "/access/reviews", "{}", answer.text);
    let grant = access.grant(id).await.unwrap();
    assert_eq!((grant.valid_until, grant.actions.len()), (Some(NOON + 14 * DAY), 3));
    site.post(&format!("/access/grants/{id}/narrow"), &format!("{next}&action=list"), &ada).await;
    assert_eq!(access.grant(id).await.unwrap().actions, [Action::List]);
}

#[tokio::test]
async fn the_glass_is_not_broken_without_a_second_factor_and_reviewed_by_another() {
    let (site, steward, _) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let reviewer = site.user("rev", Role::Reviewer).await;
    let open = "study=onc-201&hours=1&reason=patient+in+danger+unblinding";
    refused(&site.post("/access/emergencies", open, &reviewer).await, "no grant in force");
    let rev = guard.identity.by_name("rev").await.unwrap();
    give(&site, &rev, "onc-201", "responder", &steward).await;
    let page = site.get("/access/emergencies", &reviewer).await.text;
    assert!(page.contains("second factor") && page.contains("To do:") && !page.contains("Open it"), "{page}");
    refused(&site.post("/access/emergencies", open, &reviewer).await, "second-factor");
    refused(
        &site.post("/access/emergencies", "study=onc-201&hours=x&reason=abcdefghi", &reviewer).await,
        "whole number",
    );
    // Broken elsewhere, with a second factor.
    let mfa = Circumstances { now_ms: NOON, mfa: true, ..Circumstances::default() };
    let why = "made up: allergic shock";
    let glass = guard.access.break_glass(&rev, &study("onc-201"), why, 3_600_000, &mfa, &by(&rev)).await.unwrap();
    let page = site.get("/access/emergencies", &reviewer).await.text;
    assert!(page.contains("you broke the glass") && page.contains("still open"), "{page}");
    let place = format!("/access/emergencies/{}/review", glass.id);
    refused(&site.post(&place, "verdict=justified", &reviewer).await, "takes two people");
    let other = site.user("ada", Role::Administrator).await;
    assert!(site.get("/access/emergencies", &other).await.text.contains("allergic shock"));
    let reader = site.user("rea", Role::Reader).await;
    assert!(!site.get("/access/emergencies", &reader).await.text.contains("allergic shock"));
    assert_eq!(site.post(&place, "verdict=justified", &reader).await.status, StatusCode::FORBIDDEN);
    refused(&site.post(&place, "verdict=maybe", &other).await, "justified");
    assert_eq!(site.post(&place, "verdict=unjustified", &other).await.status, StatusCode::SEE_OTHER);
    refused(&site.post(&place, "verdict=justified", &other).await, "reviewed before");
    assert!(site.get("/access/emergencies", &other).await.text.contains(">unjustified<"));
}

const POLICY: &str = "@id(\"weekend\")\n@title(\"Nobody reads\")\n@why(\"a test\")\n@hint(\"wait\")\n\
                      forbid (principal, action == Action::\"read\", resource);";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_policy_is_shown_as_a_difference_before_it_applies() {
    let (site, _, reader) = filled().await;
    let access = &site.guard.as_ref().unwrap().access;
    let (rea, ada) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    let list = site.get("/access/policies", &rea).await.text;
    assert!(list.contains("four-eyes") && list.contains("21 CFR 11.10") && !list.contains("Propose one"), "{list}");
    let form = format!("text={}", encoded(POLICY));
    for path in ["/access/policies/preview", "/access/policies/apply"] {
        assert_eq!(site.post(path, &form, &rea).await.status, StatusCode::FORBIDDEN);
    }
    let page = site.post("/access/policies/preview", &form, &ada).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in
        ["Whom it touches", ">otto<", ">mira<", "denied by weekend", "Put it in force", "name=\"version\" value=\"1\""]
    {
        assert!(page.text.contains(part), "no `{part}` in {}", page.text);
    }
    let now = Circumstances { now_ms: NOON, mfa: true, ..Circumstances::default() };
    let reads = || access.decide(&reader, Action::Read, Some(&study("onc-201")), None, &now).allowed;
    assert!(reads(), "a preview changes nothing");
    refused(&site.post("/access/policies/apply", &form, &ada).await, "difference first");
    refused(&site.post("/access/policies/apply", &format!("{form}&version=7"), &ada).await, "changed meanwhile");
    let applied = site.post("/access/policies/apply", &format!("{form}&version=1"), &ada).await;
    assert_eq!(applied.header("location"), "/access/policies/weekend", "{}", applied.text);
    assert!(!reads());
    let page = site.get("/access/policies/weekend", &ada).await.text;
    assert!(page.contains("Version 1 by ada") && page.contains("Show what changes without it"), "{page}");
    let without = site.post("/access/policies/preview", "id=weekend&remove=1", &ada).await.text;
    assert!(without.contains("Without policy weekend") && without.contains("allowed by grant"), "{without}");
    let removed = site.post("/access/policies/apply", "id=weekend&remove=1&version=2", &ada).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    assert!(reads());
    assert!(site.get("/access/policies", &ada).await.text.contains("Out of force"));
}

#[tokio::test]
async fn a_policy_that_cannot_be_used_is_told_and_stays_text() {
    let (site, ..) = filled().await;
    let ada = site.user("ada", Role::Administrator).await;
    let long = "x".repeat(20_000);
    for (text, words) in [
        ("forbid (principal, action, resource);", "@id"),
        ("<script>alert(1)</script>", "cannot be used"),
        (&POLICY.replace("forbid", "permit"), "may only forbid"),
        (&POLICY.replace("weekend", "Week End"), "lower-case"),
        (&POLICY.replace("weekend", "grant"), "cannot be replaced"),
        (&format!("{POLICY}\n{POLICY}"), "cannot be used"),
        (&format!("{POLICY}//{long}"), "longer than 16 KiB"),
        ("", "cannot be used"),
    ] {
        let answer = site.post("/access/policies/preview", &format!("text={}", encoded(text)), &ada).await;
        refused(&answer, words);
        assert!(!answer.text.contains("<script>alert"), "{}", answer.text);
    }
    let hostile = POLICY.replace("Nobody reads", "</textarea><script>alert(1)</script>");
    let page = site.post("/access/policies/preview", &format!("text={}", encoded(&hostile)), &ada).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(!page.text.contains("<script>alert") && page.text.matches("</textarea>").count() == 1);
    assert_eq!(site.get("/access/policies/nowhere", &ada).await.status, StatusCode::NOT_FOUND);
}
