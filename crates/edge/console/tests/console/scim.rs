//! A directory provisions people and takes them away.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use identity::{ScimFilter, ScimUser};
use model::event::{Actor, Origin};
use model::{By, PrincipalId, PrincipalKind};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::site::{Answer, NOON, Site};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn by() -> By {
    let actor = Actor { id: PrincipalId::from_bytes([9; 16]), kind: PrincipalKind::Person, credential: None };
    By { actor, origin: Origin { through: "test".into(), ..Origin::default() }, now_ms: NOON }
}

struct Directory {
    site: Site,
    id: String,
    token: String,
}

impl Directory {
    async fn new() -> Self {
        let site = Site::guarded().await;
        let identity = &site.guard.as_ref().unwrap().view().identity;
        let issuer = Some("https://login.example".to_owned());
        let (id, token) = identity.create_provisioner("directory", issuer, &by()).await.unwrap();
        Self { id, token: token.expose_secret().to_owned(), site }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        // As a program sends it: no origin, no cookie.
        let request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2/{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/scim+json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.site.send(request.body(body).unwrap()).await
    }

    async fn told(&self, method: &str, path: &str, body: Option<Value>, status: StatusCode) -> Value {
        let answer = self.ask(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/scim+json");
        serde_json::from_str(&answer.text).unwrap()
    }

    async fn refused(&self, method: &str, path: &str, body: Option<Value>, status: StatusCode) -> Value {
        let told = self.told(method, path, body, status).await;
        assert_eq!(told["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(told["status"], status.as_u16().to_string());
        told
    }

    async fn add(&self, name: &str, external: &str) -> String {
        let user = json!({"schemas": [USER], "userName": name, "externalId": external});
        self.told("POST", "Users", Some(user), StatusCode::CREATED).await["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_person_comes_changes_and_goes() {
    let directory = Directory::new().await;
    let guard = directory.site.guard.as_ref().unwrap().view();
    let identity = &guard.identity;
    let user = json!({
        "schemas": [USER], "userName": "ada@example.org", "externalId": "a-1", "active": true,
        "name": {"givenName": "Ada", "familyName": "Example"}, "displayName": "Ada Example",
        "emails": [{"value": "ada@example.org", "type": "work"}], "password": "is not kept", "nickName": "neither",
    });
    let answer = directory.ask("POST", "Users", Some(user.clone())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let made: Value = serde_json::from_str(&answer.text).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/scim/v2/Users/{id}"));
    assert_eq!((&made["active"], &made["name"]["givenName"]), (&json!(true), &json!("Ada")));
    assert!(!answer.text.contains("not kept") && !answer.text.contains("neither"));
    let principal: PrincipalId = id.parse().unwrap();
    let tied = identity.of_external("https://login.example", "a-1").await.unwrap().unwrap();
    assert_eq!(tied.id, principal, "whom the directory knows can log in through its issuer");
    let twice = directory.refused("POST", "Users", Some(user), StatusCode::CONFLICT).await;
    assert_eq!(twice["scimType"], "uniqueness");

    let key = identity.create_key(principal, None, &by()).await.unwrap();
    let secret = identity.log_on(principal, true, &by()).await.unwrap();
    let works = async || {
        let by_key = identity.resolve(&key.id, None, NOON + 1).await.unwrap().is_some();
        let by_session = identity.session(secret.expose_secret(), NOON + 1).await.unwrap().is_some();
        (by_key, by_session)
    };
    assert_eq!(works().await, (true, true));
    let path = format!("Users/{id}");
    let off = json!({"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    let told = directory.told("PATCH", &path, Some(off), StatusCode::OK).await;
    assert_eq!(told["active"], false);
    assert_eq!(works().await, (false, false), "at once");
    assert!(identity.of_external("https://login.example", "a-1").await.unwrap().is_none(), "nor does a log-in help");

    let on = json!({"schemas": [PATCH], "Operations": [
        {"op": "replace", "value": {"active": true, "userName": "ada.lovelace@example.org"}},
        {"op": "add", "path": "name.familyName", "value": "Lovelace"},
        {"op": "remove", "path": "displayName"},
    ]});
    let told = directory.told("PATCH", &path, Some(on), StatusCode::OK).await;
    assert_eq!(
        (&told["userName"], &told["name"]["familyName"]),
        (&json!("ada.lovelace@example.org"), &json!("Lovelace"))
    );
    assert!(told.get("displayName").is_none() && told["active"] == true);
    assert_eq!(works().await, (true, false), "the key was not revoked, the session is gone");
    let staff = identity::STAFF_SCHEMA;
    let leaves = json!({"schemas": [PATCH], "Operations": [
        {"op": "add", "path": format!("{staff}:leavesOn"), "value": "2026-03-31"},
    ]});
    let told = directory.told("PATCH", &path, Some(leaves), StatusCode::OK).await;
    assert_eq!((&told["schemas"], &told[staff]["leavesOn"]), (&json!([USER, staff]), &json!("2026-03-31")));
    let whole = json!({"schemas": [USER], "userName": "ada.lovelace@example.org", "externalId": "a-2"});
    let told = directory.told("PUT", &path, Some(whole), StatusCode::OK).await;
    assert!(told.get("name").is_none() && told.get(staff).is_none(), "a whole user replaces a whole user");
    assert!(identity.of_external("https://login.example", "a-1").await.unwrap().is_none());
    assert_eq!(identity.of_external("https://login.example", "a-2").await.unwrap().unwrap().id, principal);

    let gone = directory.ask("DELETE", &path, None).await;
    assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(works().await, (false, false));
    directory.refused("GET", &path, None, StatusCode::NOT_FOUND).await;
    assert!(identity.by_id(principal).await.unwrap().disabled_at.is_some(), "it stays on record");
    let again = directory.add("ada.lovelace@example.org", "a-2").await;
    assert_ne!(again, id, "an id is never another's");
}

#[tokio::test]
async fn directories_look_for_people_page_by_page() {
    let directory = Directory::new().await;
    for number in 0..5 {
        directory.add(&format!("person-{number}"), &format!("x-{number}")).await;
    }
    let list = async |query: &str| directory.told("GET", &format!("Users{query}"), None, StatusCode::OK).await;
    let all = list("").await;
    assert_eq!((&all["totalResults"], &all["itemsPerPage"], &all["startIndex"]), (&json!(5), &json!(5), &json!(1)));
    let mut seen: Vec<String> = Vec::new();
    for start in [1, 3, 5] {
        let page = list(&format!("?startIndex={start}&count=2")).await;
        assert_eq!(page["totalResults"], 5);
        seen.extend(page["Resources"].as_array().unwrap().iter().map(|user| user["userName"].to_string()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "everybody once");
    assert_eq!(list("?count=0").await["itemsPerPage"], 0);
    assert_eq!(list("?startIndex=-3&count=-1").await["startIndex"], 1);
    let found = list("?filter=userName%20eq%20%22PERSON-3%22").await;
    assert_eq!(found["Resources"][0]["externalId"], "x-3", "names have no case");
    assert_eq!(list("?filter=externalId%20eq%20%22x-4%22").await["Resources"][0]["userName"], "person-4");
    assert_eq!(list("?filter=userName%20eq%20%22nobody%22").await["totalResults"], 0);
    let wrong = directory.refused("GET", "Users?filter=userName%20co%20%22x%22", None, StatusCode::BAD_REQUEST).await;
    assert_eq!(wrong["scimType"], "invalidFilter");
}

#[tokio::test]
async fn nothing_without_a_good_token_and_nothing_else_than_users() {
    let mut directory = Directory::new().await;
    let config = directory.told("GET", "ServiceProviderConfig", None, StatusCode::OK).await;
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(false)));
    assert_eq!(directory.told("GET", "ResourceTypes", None, StatusCode::OK).await["Resources"][0]["name"], "User");
    assert_eq!(directory.told("GET", &format!("Schemas/{USER}"), None, StatusCode::OK).await["id"], USER);
    assert_eq!(directory.told("GET", "Schemas", None, StatusCode::OK).await["totalResults"], 2);
    let staff = identity::STAFF_SCHEMA;
    assert_eq!(directory.told("GET", &format!("Schemas/{staff}"), None, StatusCode::OK).await["id"], staff);
    directory.refused("GET", "Groups", None, StatusCode::NOT_FOUND).await;
    directory.refused("GET", "Users/00000000000000000000000000000000", None, StatusCode::NOT_FOUND).await;
    directory.refused("GET", "Users/nobody", None, StatusCode::NOT_FOUND).await;
    for (body, kind) in [
        (json!([]), "invalidSyntax"),
        (json!({"userName": "x"}), "invalidSyntax"),
        (json!({"schemas": [USER]}), "invalidValue"),
        (json!({"schemas": [USER], "userName": 7}), "invalidValue"),
        (json!({"schemas": [USER], "userName": "x", "active": "perhaps"}), "invalidValue"),
        (json!({"schemas": [USER], "userName": "x", "displayName": "x".repeat(9_000)}), "tooMany"),
    ] {
        let told = directory.refused("POST", "Users", Some(body), StatusCode::BAD_REQUEST).await;
        assert_eq!(told["scimType"], kind, "{told}");
    }
    let good = directory.token.clone();
    let by_hand = directory.site.user("Ada", console::Role::Administrator).await;
    let cookie = directory.site.get("/scim/v2/Users", &by_hand).await;
    assert_eq!(cookie.status, StatusCode::UNAUTHORIZED, "a session of the console is no token");
    assert_eq!(cookie.header("www-authenticate"), "Bearer");
    for _ in 0..5 {
        directory.token = "wrong".to_owned();
        directory.refused("GET", "Users", None, StatusCode::UNAUTHORIZED).await;
    }
    directory.refused("GET", "Users", None, StatusCode::TOO_MANY_REQUESTS).await;
    directory.site.now.fetch_add(20 * 60_000, std::sync::atomic::Ordering::Relaxed);
    directory.token = good;
    directory.told("GET", "Users", None, StatusCode::OK).await;
    let identity = &directory.site.guard.as_ref().unwrap().view().identity;
    identity.revoke_provisioner(&directory.id, &by()).await.unwrap();
    directory.refused("GET", "Users", None, StatusCode::UNAUTHORIZED).await;
}

#[test]
fn changes_are_whole_or_none_and_filters_are_read_exactly() {
    let user = ScimUser::read(&json!({"schemas": [USER], "userName": "ada"})).unwrap();
    let patch = |operations: Value| user.clone().patched(&json!({"schemas": [PATCH], "Operations": operations}));
    for (operations, kind) in [
        (json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}]), "invalidPath"),
        (json!([{"op": "replace", "path": "name.honorific", "value": "x"}]), "invalidPath"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "remove", "path": "userName"}]), "invalidValue"),
        (json!([{"op": "move", "path": "userName", "value": "x"}]), "invalidSyntax"),
        (json!([{"op": "replace", "path": "active"}]), "invalidValue"),
        (json!("no list"), "invalidSyntax"),
    ] {
        assert_eq!(patch(operations.clone()).unwrap_err().kind, kind, "{operations}");
    }
    assert_eq!(user.clone().patched(&json!({})).unwrap_err().kind, "invalidSyntax");
    let renamed = patch(json!([{"op": "replace", "path": format!("{USER}:userName"), "value": "eve"}])).unwrap();
    assert_eq!(renamed.name, "eve");

    let name = |text: &str| ScimFilter::Name(text.to_owned());
    assert_eq!(ScimFilter::parse("userName eq \"a \\\"b\\\"\"").unwrap(), name("a \"b\""));
    assert_eq!(ScimFilter::parse(" USERNAME Eq \"x\" ").unwrap(), name("x"));
    for wrong in
        ["", "userName", "userName eq", "userName eq x", "userName eq \"x\" or id eq \"y\"", "title eq \"x\"", "a b c"]
    {
        assert_eq!(ScimFilter::parse(wrong).unwrap_err().kind, "invalidFilter", "{wrong}");
    }
}
