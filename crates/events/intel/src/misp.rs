//! Events and attributes of MISP: "MISP core format" (draft-dulaunoy-misp-core-format), sections 2.2 (Event), 2.4
//! (Attribute), 2.7 (Object), 2.9 (Tag).

use serde_json::Value;

use crate::indicator::{Algorithm, Atom, Context, Expression, Looks, Reference};
use crate::normal;
use crate::parse::{Draft, Out};
use crate::time::{milliseconds, number};

/// Whether it is an event, a list of events, or an answer of a MISP server.
pub(crate) fn is_misp(value: &Value) -> bool {
    let one = |value: &Value| ["Event", "Attribute", "response", "Object"].iter().any(|key| value.get(key).is_some());
    one(value) || value.as_array().is_some_and(|items| items.iter().any(one))
}

pub(crate) fn read(value: &Value, out: &mut Out<'_>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| read_one(item, out)),
        other => read_one(other, out),
    }
}

fn read_one(value: &Value, out: &mut Out<'_>) {
    if let Some(response) = value.get("response") {
        // An answer holds events or attributes, never another answer.
        let items = response.as_array().map_or(std::slice::from_ref(response), Vec::as_slice);
        items.iter().for_each(|item| event(item.get("Event").unwrap_or(item), out));
    } else {
        event(value.get("Event").unwrap_or(value), out);
    }
}

/// What an event says of all of its attributes.
#[derive(Default)]
struct Around {
    context: Context,
    uuid: String,
}

fn event(event: &Value, out: &mut Out<'_>) {
    let mut around = Around { uuid: text(event, "uuid"), ..Around::default() };
    let info = text(event, "info");
    around.context.name = Some(info).filter(|info| !info.is_empty());
    tags(event, &mut around.context);
    if !around.uuid.is_empty() {
        let source = event.get("Orgc").map_or_else(|| "misp".to_owned(), |org| text(org, "name"));
        around.context.references.push(Reference { source, id: Some(around.uuid.clone()), url: None });
    }
    for item in items(event, "Attribute") {
        attribute(item, &around, None, out);
    }
    for object in items(event, "Object") {
        let name = text(object, "name");
        let is_deleted = flag(object, "deleted");
        for item in items(object, "Attribute") {
            attribute(item, &around, Some((&name, is_deleted)), out);
        }
    }
}

fn attribute(item: &Value, around: &Around, object: Option<(&str, bool)>, out: &mut Out<'_>) {
    let (kind, value, uuid) = (text(item, "type"), text(item, "value"), text(item, "uuid"));
    let place = if uuid.is_empty() {
        format!("attribute `{}`", normal::shortened(&value))
    } else {
        format!("attribute {uuid}")
    };
    if !flag(item, "to_ids") {
        return out.count(&place, "`to_ids` is false: the attribute is for context, not for detection");
    }
    let looks = match looks(&kind, &value) {
        Ok(looks) => looks,
        Err(why) => return out.problem(&place, format!("type `{}`: {why}", normal::shortened(&kind))),
    };
    if let Looks::Kept { why, .. } = &looks {
        out.warn(&place, format!("kept, but not matched: {why}"));
    }
    if let Looks::For(expression) = &looks {
        expression.atoms(&mut |atom| {
            if let Some(why) = out.benign.why(atom) {
                out.warn(&place, format!("{why}; taken, because `to_ids` is true"));
            }
        });
    }
    let mut context = around.context.clone();
    tags(item, &mut context);
    let comment = text(item, "comment");
    if !comment.is_empty() {
        context.name = Some(match context.name {
            Some(name) => format!("{name}: {comment}"),
            None => comment,
        });
    }
    if let Some((name, _)) = object
        && !name.is_empty()
    {
        context.labels.push(format!("object:{name}"));
    }
    let stated = |key: &str| milliseconds(&text(item, key));
    // A scoring server says of each of its models whether the attribute is over.
    let is_decayed = item
        .get("decay_score")
        .and_then(Value::as_array)
        .is_some_and(|scores| !scores.is_empty() && scores.iter().all(|score| flag(score, "decayed")));
    let changed = item.get("timestamp").and_then(stamp);
    let until_ms = is_decayed.then_some(out.options.now_ms);
    out.add(Draft {
        since_ms: stated("first_seen").or(changed),
        named_ms: stated("last_seen").max(changed),
        until_ms,
        revoked: flag(item, "deleted") || object.is_some_and(|(_, deleted)| deleted),
        context,
        ..Draft::new(if uuid.is_empty() { format!("{kind}:{value}") } else { uuid }, looks)
    });
}

/// What an attribute looks for, by its type (MISP core format, section 2.4.2.3).
fn looks(kind: &str, value: &str) -> Result<Looks, String> {
    let value = normal::refang(value);
    let (first, second) = value.split_once('|').unwrap_or((&value, ""));
    let one = |atom: Atom| Ok(Looks::For(Expression::One(atom)));
    let any = |atoms: Vec<Atom>| Ok(Looks::For(Expression::Any(atoms.into_iter().map(Expression::One).collect())));
    if let Some(algorithm) = kind.strip_prefix("filename|") {
        // The digest names the content for good, whatever it is called.
        return match algorithm_of(algorithm) {
            Some(algorithm) => one(normal::hash(second, Some(algorithm))?),
            None => Ok(kept(kind, &value)),
        };
    }
    if let Some(algorithm) = algorithm_of(kind) {
        return one(normal::hash(first, Some(algorithm))?);
    }
    match kind {
        // The port does not stand in every event of a connection.
        "ip-src" | "ip-dst" | "ip-src|port" | "ip-dst|port" | "ip" => one(Atom::Network(normal::network(first)?)),
        "domain" | "hostname" | "hostname|port" => one(Atom::Domain(normal::domain(first)?)),
        "domain|ip" => any(vec![Atom::Domain(normal::domain(first)?), Atom::Network(normal::network(second)?)]),
        "url" | "uri" | "link" => one(Atom::Url(normal::url(&value)?)),
        "email" | "email-src" | "email-dst" | "email-reply-to" | "target-email" | "whois-registrant-email" => {
            one(Atom::Email(normal::email(&value)?))
        }
        "filename" | "email-attachment" | "malware-sample-name" => one(Atom::FileName(normal::file_name(first)?)),
        // `name|md5`, as the type of a sample.
        "malware-sample" => one(normal::hash(second, Some(Algorithm::Md5))?),
        "vulnerability" => one(Atom::Vulnerability(normal::vulnerability(&value)?)),
        "" => Err("the type is missing".to_owned()),
        other => Ok(kept(other, &value)),
    }
}

fn kept(kind: &str, value: &str) -> Looks {
    Looks::Kept {
        pattern: format!("{kind} = {value}"),
        why: format!("`{}` is no type that events are matched with", normal::shortened(kind)),
    }
}

fn algorithm_of(kind: &str) -> Option<Algorithm> {
    Some(match kind {
        "md5" | "x509-fingerprint-md5" => Algorithm::Md5,
        "sha1" | "x509-fingerprint-sha1" => Algorithm::Sha1,
        "sha256" | "x509-fingerprint-sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        "imphash" => Algorithm::Imphash,
        "ja3-fingerprint-md5" => Algorithm::Ja3,
        _ => return None,
    })
}

/// Tags: those of galaxies name actors and malware, the others are labels. Galaxies themselves name the same again.
fn tags(of: &Value, context: &mut Context) {
    for tag in items(of, "Tag") {
        let name = text(tag, "name");
        let galaxy = name.strip_prefix("misp-galaxy:").and_then(|rest| rest.split_once('='));
        match galaxy {
            Some((galaxy, cluster)) => cluster_of(galaxy, cluster.trim_matches('"'), context),
            None => {
                let chain =
                    name.strip_prefix("kill-chain:").map(|phase| format!("kill-chain:{}", phase.trim_matches('"')));
                match chain {
                    Some(phase) => push(&mut context.phases, &phase),
                    None => push(&mut context.labels, &name),
                }
            }
        }
    }
    for galaxy in items(of, "Galaxy") {
        let kind = text(galaxy, "type");
        for cluster in items(galaxy, "GalaxyCluster") {
            cluster_of(&kind, &text(cluster, "value"), context);
        }
    }
}

fn cluster_of(galaxy: &str, cluster: &str, context: &mut Context) {
    let into = match galaxy {
        "threat-actor"
        | "mitre-intrusion-set"
        | "mitre-enterprise-attack-intrusion-set"
        | "microsoft-activity-group"
        | "360net-threat-actor" => &mut context.actors,
        "malpedia"
        | "mitre-malware"
        | "mitre-tool"
        | "tool"
        | "ransomware"
        | "rat"
        | "botnet"
        | "banker"
        | "stealer"
        | "backdoor"
        | "exploit-kit"
        | "cryptominers"
        | "mitre-enterprise-attack-malware" => &mut context.malware,
        _ => return push(&mut context.labels, &format!("{galaxy}={cluster}")),
    };
    push(into, cluster);
}

fn push(into: &mut Vec<String>, text: &str) {
    if !text.is_empty() && !into.iter().any(|there| there == text) {
        into.push(text.to_owned());
    }
}

fn items<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(of: &Value, key: &str) -> String {
    match of.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Servers write booleans as such, as numbers, or as texts.
fn flag(of: &Value, key: &str) -> bool {
    match of.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::String(text)) => text == "1" || text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// Seconds since 1970, as a text or a number (MISP core format, section 2.4.2.8).
fn stamp(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => number(text.parse().ok()?),
        other => number(other.as_f64()?),
    }
    .filter(|ms| *ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Kind;

    #[test]
    fn every_kind_has_a_type() {
        let digest = "0".repeat(40);
        for (kind, value, wanted) in [
            ("ip-dst", "192.0.2.1", Kind::Ip),
            ("ip-dst|port", "192.0.2.1|443", Kind::Ip),
            ("hostname", "a.bad.example", Kind::Domain),
            ("url", "hxxp://bad[.]example/", Kind::Url),
            ("sha1", digest.as_str(), Kind::Hash),
            ("filename|sha1", &format!("a.exe|{digest}"), Kind::Hash),
            ("filename", "a.exe", Kind::FileName),
            ("email-src", "a@bad.example", Kind::Email),
            ("vulnerability", "CVE-2026-0001", Kind::Vulnerability),
        ] {
            let Looks::For(Expression::One(atom)) = looks(kind, value).unwrap() else { panic!("{kind}") };
            assert_eq!(atom.kind(), wanted, "{kind}");
        }
        assert!(matches!(looks("domain|ip", "bad.example|192.0.2.1").unwrap(), Looks::For(Expression::Any(_))));
        assert!(matches!(looks("mutex", "x").unwrap(), Looks::Kept { .. }));
        assert!(looks("md5", "xyz").is_err() && looks("ip-src", "x").is_err() && looks("sha256", &digest).is_err());
    }
}
