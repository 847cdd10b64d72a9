//! A pattern in; what one event can be asked out, or why it cannot.

use super::pattern::{Comparison, Literal, Observation, Operator, Path, Qualifier, Step};
use crate::indicator::{Algorithm, Atom, Expression, Kind, Test};
use crate::matcher::texts;
use crate::normal;

/// What a property holds.
enum Holds {
    /// A value of a kind.
    Kind(Kind),
    /// A digest, of the algorithm named if it is known.
    Hash(Option<Algorithm>),
    /// An address or name: the value tells.
    Endpoint,
    /// The type of an object: the value beside it shows it.
    Type,
}

/// What a pattern looks for.
pub(super) fn looks(pattern: &Observation) -> Result<Expression, String> {
    match pattern {
        Observation::Test(comparison) => compare(comparison)?.ok_or_else(|| "it compares nothing but types".to_owned()),
        Observation::Any(parts) => Ok(Expression::Any(parts.iter().map(looks).collect::<Result<_, _>>()?)),
        Observation::All(_) => Err("it needs several observations (AND between brackets)".to_owned()),
        Observation::Followed(_) => Err("it needs one observation after another (FOLLOWEDBY)".to_owned()),
        // One observation lies within any time of itself.
        Observation::Qualified(inner, Qualifier::Within(_) | Qualifier::Repeats(1)) => looks(inner),
        Observation::Qualified(_, Qualifier::Repeats(times)) => Err(format!("it needs {times} observations (REPEATS)")),
        Observation::Qualified(_, Qualifier::Between(..)) => {
            Err("it holds in a span of time alone (START … STOP)".to_owned())
        }
    }
}

/// `None` stands for what always holds.
fn compare(comparison: &Comparison) -> Result<Option<Expression>, String> {
    match comparison {
        Comparison::All(parts) => {
            let mut needed = Vec::new();
            for part in parts {
                needed.extend(compare(part)?);
            }
            Ok(match needed.len() {
                0 => None,
                1 => needed.pop(),
                _ => Some(Expression::All(needed)),
            })
        }
        Comparison::Any(parts) => {
            let mut choices = Vec::new();
            for part in parts {
                choices.push(compare(part)?.ok_or_else(|| "a choice of it holds for any object of a type".to_owned())?);
            }
            Ok(Some(Expression::Any(choices)))
        }
        Comparison::Test { path, negated, operator, values } => {
            if *negated || *operator == Operator::NotEqual {
                return Err(format!("it asks what `{path}` is not, and an event need not say everything"));
            }
            test(path, *operator, values)
        }
    }
}

fn test(path: &Path, operator: Operator, values: &[Literal]) -> Result<Option<Expression>, String> {
    let holds = holds(path).ok_or_else(|| format!("`{path}` is no property that events are matched with"))?;
    let texts: Vec<&str> = values
        .iter()
        .map(|value| match value {
            Literal::Text(text) | Literal::Hex(text) => Ok(text.as_str()),
            _ => Err(format!("`{path}` is compared with something that is no text")),
        })
        .collect::<Result<_, _>>()?;
    if matches!(holds, Holds::Type) {
        return match operator {
            Operator::Equal | Operator::In => Ok(None),
            _ => Err(format!("`{path}` is compared otherwise than with `=`")),
        };
    }
    match operator {
        Operator::Equal | Operator::In => {
            let mut atoms = texts.iter().map(|text| equal(&holds, text)).collect::<Result<Vec<_>, _>>()?;
            match atoms.len() {
                0 => Err("IN has an empty list, so nothing can match".to_owned()),
                1 => Ok(atoms.pop().map(Expression::One)),
                _ => Ok(Some(Expression::Any(atoms.into_iter().map(Expression::One).collect()))),
            }
        }
        Operator::IsSubset if matches!(holds, Holds::Kind(Kind::Ip) | Holds::Endpoint) => {
            let network = normal::network(texts.first().unwrap_or(&""))?;
            Ok(Some(Expression::One(Atom::Network(network))))
        }
        Operator::Like | Operator::Matches => {
            let Holds::Kind(kind @ (Kind::Domain | Kind::Url | Kind::FileName | Kind::Email)) = holds else {
                return Err(format!("LIKE and MATCHES are not tried on `{path}`"));
            };
            let text = (*texts.first().unwrap_or(&"")).to_owned();
            let test = if operator == Operator::Like { Test::Like(text) } else { Test::Matches(text) };
            texts::check(&test)?;
            Ok(Some(Expression::One(Atom::Text(kind, test))))
        }
        Operator::IsSubset | Operator::IsSuperset => Err(format!("blocks of addresses are not compared on `{path}`")),
        Operator::Exists => Err(format!("that there is a `{path}` is nothing to alert on")),
        _ => Err(format!("`{path}` is compared by order")),
    }
}

fn equal(holds: &Holds, text: &str) -> Result<Atom, String> {
    match holds {
        Holds::Kind(kind) => normal::of_kind(*kind, text),
        Holds::Hash(algorithm) => normal::hash(text, *algorithm),
        Holds::Endpoint => match normal::network(text) {
            Ok(network) => Ok(Atom::Network(network)),
            Err(_no_address) => normal::of_kind(Kind::Domain, text),
        },
        Holds::Type => Err("a type is no value".to_owned()),
    }
}

/// What a property of a STIX object holds (STIX 2.1 section 6, "STIX Cyber-observable Objects").
fn holds(path: &Path) -> Option<Holds> {
    let names: Vec<&str> = path
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::Index(_) | Step::Every => None,
        })
        .collect();
    if let [.., "hashes", algorithm] = names.as_slice() {
        return Some(Holds::Hash(algorithm_of(algorithm)?));
    }
    let kind = match (path.object.as_str(), names.as_slice()) {
        (_, [.., "type"]) => return Some(Holds::Type),
        ("ipv4-addr" | "ipv6-addr", ["value"]) => Kind::Ip,
        ("domain-name", ["value"]) => Kind::Domain,
        ("domain-name", ["resolves_to_refs", "value"]) => return Some(Holds::Endpoint),
        ("url", ["value"]) => Kind::Url,
        ("artifact", ["url"]) => Kind::Url,
        ("email-addr", ["value"]) => Kind::Email,
        ("email-message", ["from_ref" | "sender_ref" | "to_refs" | "cc_refs" | "bcc_refs", "value"]) => Kind::Email,
        ("file", ["name"]) => Kind::FileName,
        ("process", ["image_ref" | "binary_ref", "name"]) => Kind::FileName,
        ("process", ["name"]) => Kind::FileName,
        ("email-message", ["body_multipart", "body_raw_ref", "name"]) => Kind::FileName,
        ("vulnerability", ["name"]) => Kind::Vulnerability,
        ("network-traffic", ["src_ref" | "dst_ref", "value"]) => return Some(Holds::Endpoint),
        ("network-traffic", ["dst_ref", "resolves_to_refs", "value"]) => return Some(Holds::Endpoint),
        _ => return None,
    };
    Some(Holds::Kind(kind))
}

/// Names of the hash-algorithm vocabulary (STIX 2.1 section 10.7), and as they are written by mistake. `None` for those that
/// events are not matched with, such as SSDEEP.
fn algorithm_of(name: &str) -> Option<Option<Algorithm>> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(Some(match name.as_str() {
        "md5" => Algorithm::Md5,
        "sha1" => Algorithm::Sha1,
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        "imphash" => Algorithm::Imphash,
        _ => return None,
    }))
}
