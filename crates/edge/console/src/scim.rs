//! SCIM 2.0 (RFC 7643, RFC 7644): a directory provisions people and takes them away. Its bearer token is the proof; no cookie
//! plays a part.

mod about;

use std::net::IpAddr;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::{Identity, IdentityError, STAFF_SCHEMA, ScimFault, ScimFilter, ScimRecord, ScimUser, USER_SCHEMA};
use model::By;
use model::event::Actor;
use serde::Deserialize;
use serde_json::{Value, json};
use store::StoreError;
use store::provisioning::Provisioner;

use crate::pages::second::by_nobody;
use crate::server::Peer;
use crate::{Console, Shared};

pub(crate) use about::{provider, resource_type, resource_types, schema, schemas};

/// Below it, everything is for directories.
const BASE: &str = "/scim/v2";
/// Whether an address is one of a directory's.
pub(crate) fn is_under(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.starts_with('/'))
}

/// Users of a page.
const PAGE_MAX: u32 = 200;
/// Users of a page when nothing is asked for.
const PAGE: u32 = 100;
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// What failures of tokens are counted under.
const SUSPECT: &str = "scim";

/// Why a directory gets something else than it asked for (RFC 7644 section 3.12).
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
}

impl Refusal {
    fn of(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status.as_u16().to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(body)) = (self.kind, body.as_object_mut()) {
            body.insert("scimType".to_owned(), kind.into());
        }
        let mut response = answer(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ScimFault> for Refusal {
    fn from(fault: ScimFault) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: Some(fault.kind), detail: fault.detail }
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        match &error {
            IdentityError::Missing { .. } => Self::of(StatusCode::NOT_FOUND, error.to_string()),
            IdentityError::Store(StoreError::Exists { .. }) => {
                Self { kind: Some("uniqueness"), ..Self::of(StatusCode::CONFLICT, error.to_string()) }
            }
            IdentityError::Wrong { .. } | IdentityError::Disabled { .. } => {
                Self { kind: Some("invalidValue"), ..Self::of(StatusCode::BAD_REQUEST, error.to_string()) }
            }
            _ => {
                tracing::error!(%error, "a directory could not be served");
                let told = "accounts or their record cannot be reached; nothing more was done, try again later";
                Self::of(StatusCode::SERVICE_UNAVAILABLE, told)
            }
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response()
}

/// Where a request of a directory comes from.
type Sender = Option<Extension<ConnectInfo<Peer>>>;

/// The directory that asks, and by whom things are done in its name.
async fn directory<'c>(
    console: &'c Console,
    headers: &HeaderMap,
    from: Sender,
) -> Result<(&'c Identity, Provisioner, By), Refusal> {
    let none = || Refusal::of(StatusCode::NOT_FOUND, "this server has no guard, and so nobody to provision");
    let identity = &console.guard.as_ref().ok_or_else(none)?.view.identity;
    let ip: Option<IpAddr> = from.map(|Extension(ConnectInfo(peer))| peer.ip());
    let by = by_nobody(console, ip);
    if let Some(left) = console.throttle.locked_for(SUSPECT, ip, by.now_ms) {
        let told = format!("too many wrong tokens; wait {} seconds", left / 1_000 + 1);
        return Err(Refusal::of(StatusCode::TOO_MANY_REQUESTS, told));
    }
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let found = match token {
        Some((_, token)) => identity.provisioner(token.trim(), by.now_ms).await?,
        None => None,
    };
    let Some(found) = found else {
        if token.is_some() {
            console.throttle.failed(SUSPECT, ip, by.now_ms);
            identity.refused_logon(None, "identity:scim-token", &by).await?;
        }
        let told = "a good bearer token is needed; `lazaret scim-token create` makes one";
        return Err(Refusal::of(StatusCode::UNAUTHORIZED, told));
    };
    let principal = identity.standing(&format!("directory:{}", found.id), &by).await?;
    let actor = Actor { id: principal.id, kind: principal.kind, credential: Some(found.id.clone()) };
    let mut by = By { actor, ..by };
    by.origin.through = "scim".into();
    Ok((identity, found, by))
}

fn told(record: &ScimRecord) -> Value {
    let user = record.user();
    let id = record.principal.id.to_string();
    let instant = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
    let extended = user.details.contains_key(STAFF_SCHEMA);
    let schemas: Vec<&str> = [Some(USER_SCHEMA), extended.then_some(STAFF_SCHEMA)].into_iter().flatten().collect();
    let mut body = json!({
        "schemas": schemas,
        "id": id,
        "userName": user.name,
        "active": user.active,
        "meta": {
            "resourceType": "User",
            "created": instant(record.principal.created_at),
            "lastModified": instant(record.said.changed_at.max(record.principal.disabled_at.unwrap_or(0))),
            "location": location(&id),
        },
    });
    if let Some(body) = body.as_object_mut() {
        if let Some(id) = user.external_id {
            body.insert("externalId".to_owned(), id.into());
        }
        body.extend(user.details);
    }
    body
}

fn location(id: &str) -> String {
    format!("{BASE}/Users/{id}")
}

fn read(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is no JSON: {error}");
        Refusal { kind: Some("invalidSyntax"), ..Refusal::of(StatusCode::BAD_REQUEST, detail) }
    })
}

/// What a list is asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Wanted {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
}

/// `GET /scim/v2/Users`.
pub(crate) async fn list(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let (identity, _, _) = directory(&console, &headers, from).await?;
    let filter = wanted.filter.as_deref().map(ScimFilter::parse).transpose()?;
    // RFC 7644 section 3.4.2.4: less than one is one, less than none is none.
    let start = wanted.start_index.unwrap_or(1).max(1);
    let count = wanted.count.map_or(PAGE, |count| u32::try_from(count.max(0)).unwrap_or(u32::MAX)).min(PAGE_MAX);
    let skipped = u64::try_from(start - 1).unwrap_or(0);
    let page = identity.provisioned_page(filter.as_ref(), skipped, count).await?;
    let body = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": page.total,
        "startIndex": start,
        "itemsPerPage": page.records.len(),
        "Resources": page.records.iter().map(told).collect::<Vec<_>>(),
    });
    Ok(answer(StatusCode::OK, &body))
}

/// `POST /scim/v2/Users`.
pub(crate) async fn create(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (identity, of, by) = directory(&console, &headers, from).await?;
    let record = identity.provision(&of, &ScimUser::read(&read(&body)?)?, &by).await?;
    let mut response = answer(StatusCode::CREATED, &told(&record));
    if let Ok(at) = HeaderValue::try_from(location(&record.principal.id.to_string())) {
        response.headers_mut().insert(LOCATION, at);
    }
    Ok(response)
}

/// `GET /scim/v2/Users/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (identity, _, _) = directory(&console, &headers, from).await?;
    Ok(answer(StatusCode::OK, &told(&identity.provisioned(&id).await?)))
}

/// `PUT /scim/v2/Users/{id}`.
pub(crate) async fn replace(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (identity, of, by) = directory(&console, &headers, from).await?;
    let before = identity.provisioned(&id).await?;
    let after = identity.reprovision(&of, &before, &ScimUser::read(&read(&body)?)?, &by).await?;
    Ok(answer(StatusCode::OK, &told(&after)))
}

/// `PATCH /scim/v2/Users/{id}`.
pub(crate) async fn change(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (identity, of, by) = directory(&console, &headers, from).await?;
    let before = identity.provisioned(&id).await?;
    let user = before.user().patched(&read(&body)?)?;
    let after = identity.reprovision(&of, &before, &user, &by).await?;
    Ok(answer(StatusCode::OK, &told(&after)))
}

/// `DELETE /scim/v2/Users/{id}`. The principal is shut out and stays on record.
pub(crate) async fn remove(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (identity, _, by) = directory(&console, &headers, from).await?;
    identity.deprovision(&identity.provisioned(&id).await?, &by).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Anything else that a directory may ask for, such as groups.
pub(crate) async fn nothing(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    Err(Refusal::of(StatusCode::NOT_FOUND, "there is no such resource; users are provisioned here, groups are not"))
}
