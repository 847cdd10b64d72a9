//! What stands beside a value in its resource: system, type code, telecom system, extension url.

use super::resource::{Element, Leaf, Span};
use crate::Qualifiers;

/// `ContactPoint.system` (FHIR R5 value set contact-point-system).
const CONTACT_SYSTEMS: [&str; 7] = ["phone", "fax", "email", "pager", "url", "sms", "other"];

/// Notes what the value of `key` in `parent` says about its neighbours.
pub(super) fn note(elements: &mut [Element], text: &str, parent: usize, key: &str, value: &Span) {
    match key {
        "system" => set(elements, parent, |element| &mut element.system, value),
        "url" => set(elements, parent, |element| &mut element.url, value),
        "display" | "code" => {
            if let Some(element) = elements.get_mut(parent) {
                element.coded = true;
            }
            if key == "code" {
                if let Some(identifier) = above(elements, text, parent, &["", "coding", "type"]) {
                    set(elements, identifier, |element| &mut element.type_code, value);
                }
            } else if let Some(identifier) = above(elements, text, parent, &["assigner"]) {
                set(elements, identifier, |element| &mut element.assigner, value);
            }
        }
        _ => {}
    }
}

/// Sets what is not known yet.
fn set(elements: &mut [Element], at: usize, slot: impl Fn(&mut Element) -> &mut Option<Span>, value: &Span) {
    if let Some(element) = elements.get_mut(at) {
        slot(element).get_or_insert_with(|| value.clone());
    }
}

/// The element above `at` when the keys on the way up are `keys`.
fn above(elements: &[Element], text: &str, mut at: usize, keys: &[&str]) -> Option<usize> {
    for key in keys {
        let element = elements.get(at).filter(|_| at != 0)?;
        if text.get(element.key.clone()) != Some(*key) {
            return None;
        }
        at = element.parent;
    }
    Some(at)
}

/// What stands beside `leaf`. `spare` holds the url of a nested extension.
pub(super) fn qualifiers<'t>(
    elements: &'t [Element],
    text: &'t str,
    leaf: &Leaf,
    spare: &'t mut String,
) -> Qualifiers<'t> {
    let slice = |span: &Option<Span>| span.clone().and_then(|span| text.get(span)).unwrap_or_default();
    let Some(mut owner) = elements.get(leaf.parent) else { return Qualifiers::default() };
    if owner.array {
        owner = elements.get(owner.parent).unwrap_or(owner);
    }
    let system = slice(&owner.system);
    match text.get(leaf.key.clone()).unwrap_or_default() {
        "value" if CONTACT_SYSTEMS.contains(&system) => return Qualifiers { issuer: "", kind: system },
        "value" if owner.type_code.is_some() || (!system.is_empty() && !owner.coded) => {
            let code = slice(&owner.type_code);
            let issuer = if system.is_empty() { slice(&owner.assigner) } else { system };
            return Qualifiers { issuer, kind: if code.is_empty() { system } else { code } };
        }
        "system" | "url" => return Qualifiers::default(),
        _ if owner.coded && !system.is_empty() => return Qualifiers { issuer: "", kind: system },
        _ => {}
    }
    Qualifiers { issuer: "", kind: extension_url(elements, text, leaf.parent, spare) }
}

/// The url of the extension that holds element `at`. Parts of a complex extension have a relative url, which is
/// written behind the whole's: `…/geolocation#latitude`.
fn extension_url<'t>(elements: &[Element], text: &str, mut at: usize, spare: &'t mut String) -> &'t str {
    spare.clear();
    while at != 0 {
        let Some(element) = elements.get(at) else { break };
        if let Some(url) = element.url.clone().and_then(|url| text.get(url)) {
            if spare.is_empty() {
                spare.push_str(url);
            } else {
                spare.insert(0, '#');
                spare.insert_str(0, url);
            }
            if url.contains(':') {
                break;
            }
        }
        at = element.parent;
    }
    spare
}
