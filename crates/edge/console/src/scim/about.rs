//! What is offered to directories (RFC 7643 sections 5 to 7, RFC 7644 section 4).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use identity::{STAFF_SCHEMA, USER_SCHEMA};
use serde_json::{Value, json};

use super::{BASE, LIST_SCHEMA, PAGE_MAX, Refusal, Sender, answer, directory};
use crate::Shared;

fn listed(resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// `GET /scim/v2/ServiceProviderConfig`.
pub(crate) async fn provider(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    let unsupported = json!({ "supported": false });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": PAGE_MAX },
        "changePassword": unsupported,
        "sort": unsupported,
        "etag": unsupported,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token made with `lazaret scim-token create`",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{BASE}/ServiceProviderConfig") },
    });
    Ok(answer(StatusCode::OK, &body))
}

fn user_type() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "A person who may act",
        "schema": USER_SCHEMA,
        "schemaExtensions": [{ "schema": STAFF_SCHEMA, "required": false }],
        "meta": { "resourceType": "ResourceType", "location": format!("{BASE}/ResourceTypes/User") },
    })
}

/// `GET /scim/v2/ResourceTypes`.
pub(crate) async fn resource_types(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    Ok(answer(StatusCode::OK, &listed(&[user_type()])))
}

/// `GET /scim/v2/ResourceTypes/{id}`.
pub(crate) async fn resource_type(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    match id.as_str() {
        "User" => Ok(answer(StatusCode::OK, &user_type())),
        _ => Err(Refusal::of(StatusCode::NOT_FOUND, "the only type of resource is `User`")),
    }
}

fn attribute(name: &str, kind: &str, more: Value) -> Value {
    let mut attribute = json!({
        "name": name, "type": kind, "multiValued": false, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    });
    if let (Some(attribute), Value::Object(more)) = (attribute.as_object_mut(), more) {
        attribute.extend(more);
    }
    attribute
}

fn staff_schema() -> Value {
    let last_day = json!({ "description": "The person's last day, such as `2026-03-31`, once there is notice of it" });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": STAFF_SCHEMA,
        "name": "Staff",
        "description": "What a staff office says of a user",
        "attributes": [attribute("leavesOn", "string", last_day)],
        "meta": { "resourceType": "Schema", "location": format!("{BASE}/Schemas/{STAFF_SCHEMA}") },
    })
}

fn user_schema() -> Value {
    let part = |name: &str| attribute(name, "string", json!({}));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": USER_SCHEMA,
        "name": "User",
        "description": "A person who may act",
        "attributes": [
            attribute("userName", "string", json!({ "required": true, "uniqueness": "server" })),
            attribute("externalId", "string", json!({ "caseExact": true })),
            attribute("active", "boolean", json!({})),
            part("displayName"),
            attribute("name", "complex", json!({
                "subAttributes": [part("formatted"), part("familyName"), part("givenName"), part("middleName")],
            })),
            attribute("emails", "complex", json!({
                "multiValued": true,
                "subAttributes": [part("value"), part("type"), attribute("primary", "boolean", json!({}))],
            })),
        ],
        "meta": { "resourceType": "Schema", "location": format!("{BASE}/Schemas/{USER_SCHEMA}") },
    })
}

/// `GET /scim/v2/Schemas`.
pub(crate) async fn schemas(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    Ok(answer(StatusCode::OK, &listed(&[user_schema(), staff_schema()])))
}

/// `GET /scim/v2/Schemas/{id}`.
pub(crate) async fn schema(
    State(console): State<Shared>,
    headers: HeaderMap,
    from: Sender,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    directory(&console, &headers, from).await?;
    match id.as_str() {
        USER_SCHEMA => Ok(answer(StatusCode::OK, &user_schema())),
        STAFF_SCHEMA => Ok(answer(StatusCode::OK, &staff_schema())),
        _ => Err(Refusal::of(
            StatusCode::NOT_FOUND,
            "the only schemas are those of users and of what a staff office says",
        )),
    }
}
