//! The policy document of a form: until when it is good, and what its fields have to be (API reference, "POST policy").

use s3s::{S3Error, S3Result, s3_error};
use serde_json::Value;

use super::fields::Fields;

/// Conditions of a policy.
const CONDITIONS_MAX: usize = 200;

/// One thing that a field has to be.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Is { field: String, value: String },
    BeginsWith { field: String, value: String },
}

/// A policy document.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Milliseconds since 1970, UTC.
    expires_at: i64,
    conditions: Vec<Condition>,
    /// The least and the most bytes of the file.
    pub(crate) bytes: Option<(u64, u64)>,
}

fn wrong(what: &str) -> S3Error {
    s3_error!(InvalidPolicyDocument, "the form's policy is wrong: {what}")
}

fn refused(what: &str) -> S3Error {
    s3_error!(AccessDenied, "the form is not what its policy says: {what}")
}

fn field_name(text: &str) -> String {
    text.to_ascii_lowercase()
}

impl Policy {
    /// Reads a policy from the form's field, which is JSON in base64.
    pub(crate) fn read(base64: &str) -> S3Result<Self> {
        let json = base64_simd::forgiving_decode_to_vec(base64.as_bytes()).ok();
        let json = json.ok_or_else(|| wrong("it is not base64"))?;
        let policy: Result<Value, _> = serde_json::from_slice(&json);
        let policy = policy.map_err(|error| wrong(&format!("it is not JSON: {error}")))?;
        let expires =
            policy.get("expiration").and_then(Value::as_str).ok_or_else(|| wrong("it has no `expiration`"))?;
        let at: Result<jiff::Timestamp, _> = expires.parse();
        let is_zoned = expires.ends_with('Z') && expires.contains('T');
        let at = at.ok().filter(|_| is_zoned);
        let at = at.ok_or_else(|| wrong("`expiration` is no time such as `2027-03-31T12:00:00Z`"))?;
        let list = policy.get("conditions").and_then(Value::as_array).ok_or_else(|| wrong("it has no `conditions`"))?;
        if list.len() > CONDITIONS_MAX {
            return Err(wrong("it has more than 200 conditions"));
        }
        let mut read = Self { expires_at: at.as_millisecond(), conditions: Vec::new(), bytes: None };
        for condition in list {
            match condition {
                Value::Object(pairs) => read.equal(pairs)?,
                Value::Array(words) => read.words(words)?,
                _ => return Err(wrong("a condition is neither an object nor a list")),
            }
        }
        Ok(read)
    }

    fn equal(&mut self, pairs: &serde_json::Map<String, Value>) -> S3Result<()> {
        let mut pairs = pairs.iter();
        let (Some((field, value)), None) = (pairs.next(), pairs.next()) else {
            return Err(wrong("a condition that is an object has one field"));
        };
        let value = value.as_str().ok_or_else(|| wrong("the value of a condition is not a text"))?;
        self.conditions.push(Condition::Is { field: field_name(field), value: value.to_owned() });
        Ok(())
    }

    fn words(&mut self, words: &[Value]) -> S3Result<()> {
        let [operator, second, third] = words else {
            return Err(wrong("a condition that is a list has three members"));
        };
        let operator = operator.as_str().ok_or_else(|| wrong("a condition does not begin with its name"))?;
        let operator = operator.to_ascii_lowercase();
        if operator == "content-length-range" {
            let number = |value: &Value| {
                let text = value.as_str().and_then(|text| text.parse().ok());
                value.as_u64().or(text).ok_or_else(|| wrong("`content-length-range` needs two numbers of bytes"))
            };
            let (least, most) = (number(second)?, number(third)?);
            if least > most || self.bytes.is_some() {
                return Err(wrong("`content-length-range` is given once, the smaller number first"));
            }
            self.bytes = Some((least, most));
            return Ok(());
        }
        let field = second.as_str().and_then(|field| field.strip_prefix('$')).map(field_name);
        let field = field.ok_or_else(|| wrong("a condition names a field with `$` before it"))?;
        let value = third.as_str().ok_or_else(|| wrong("the value of a condition is not a text"))?.to_owned();
        self.conditions.push(match operator.as_str() {
            "eq" => Condition::Is { field, value },
            "starts-with" => Condition::BeginsWith { field, value },
            _ => return Err(wrong("conditions are `eq`, `starts-with` and `content-length-range`")),
        });
        Ok(())
    }

    /// Whether the policy is still good, every condition holds, and every field has one.
    pub(crate) fn check(&self, fields: &Fields, now_ms: i64) -> S3Result<()> {
        if now_ms >= self.expires_at {
            return Err(refused("it has expired; get a new form"));
        }
        for condition in &self.conditions {
            let (field, holds) = match condition {
                Condition::Is { field, value } => (field, fields.get(field) == Some(value.as_str())),
                Condition::BeginsWith { field, value } => {
                    // An absent field begins with nothing.
                    (field, fields.get(field).unwrap_or_default().starts_with(value.as_str()))
                }
            };
            if !holds {
                return Err(refused(&format!("the field `{field}` is another or missing")));
            }
        }
        let free = fields.iter().map(|(name, _)| name).find(|name| !needs_none(name) && !self.names(name));
        match free {
            Some(field) => Err(refused(&format!("no condition names the field `{field}`"))),
            None => Ok(()),
        }
    }

    fn names(&self, name: &str) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::Is { field, .. } | Condition::BeginsWith { field, .. } => field == name,
        })
    }
}

/// Fields that need no condition: the policy and its signature, what is left aside, and checksums, which can only have an
/// upload refused.
fn needs_none(name: &str) -> bool {
    matches!(name, "policy" | "x-amz-signature" | "x-amz-sdk-checksum-algorithm" | "content-md5")
        || name.starts_with("x-ignore-")
        || name.starts_with("x-amz-checksum-")
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::Policy;

    const NOW: i64 = 1_700_000_000_000;

    fn read(json: &str) -> Result<Policy, String> {
        let base64 = base64_simd::STANDARD.encode_to_string(json);
        Policy::read(&base64).map_err(|error| error.code().as_str().to_owned())
    }

    fn checked(conditions: &str, fields: &[(&str, &str)]) -> Result<(), String> {
        let policy = read(&format!("{{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":{conditions}}}")).unwrap();
        let mut all = Fields::default();
        fields.iter().for_each(|(name, value)| all.set(name, (*value).to_owned()));
        policy.check(&all, NOW).map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn documents_are_read_and_what_is_none_is_refused() {
        let good = "{\"expiration\":\"2999-01-01T00:00:00.000Z\",\"conditions\":[[\"Content-Length-Range\",0,\"9\"]]}";
        assert_eq!(read(good).unwrap().bytes, Some((0, 9)));
        for wrong in [
            "{",
            "{\"conditions\":[]}",
            "{\"EXPIRATION\":\"2999-01-01T00:00:00Z\",\"conditions\":[]}",
            "{\"expiration\":\"2999-01-01 00:00:00+00:00\",\"conditions\":[]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\"}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"CONDITIONS\":[]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[{}]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[{\"a\":\"b\",\"c\":\"d\"}]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[[\"content-length-range\",0]]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[[\"content-length-range\",-1,0]]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[[\"content-length-range\",2,1]]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[[\"ends-with\",\"$key\",\"a\"]]}",
            "{\"expiration\":\"2999-01-01T00:00:00Z\",\"conditions\":[[\"eq\",\"key\",\"a\"]]}",
        ] {
            assert_eq!(read(wrong).unwrap_err(), "InvalidPolicyDocument", "{wrong}");
        }
    }

    #[test]
    fn every_condition_holds_and_every_field_has_one() {
        let conditions =
            "[{\"bUcKeT\":\"onc-1\"},[\"StArTs-WiTh\",\"$KeY\",\"a/\"],[\"eq\",\"$x-amz-meta-site\",\"07\"]]";
        let good = [("bucket", "onc-1"), ("key", "a/b"), ("x-amz-meta-site", "07")];
        assert_eq!(checked(conditions, &good), Ok(()));
        let with = |name, value| [&good[..], &[(name, value)]].concat();
        assert_eq!(checked(conditions, &with("x-ignore-me", "1")), Ok(()));
        assert_eq!(checked(conditions, &with("x-amz-checksum-sha256", "1")), Ok(()));
        assert!(
            checked(conditions, &with("acl", "private")).unwrap_err().contains("no condition names the field `acl`")
        );
        assert!(checked(conditions, &[("bucket", "onc-1"), ("key", "b")]).unwrap_err().contains("`key`"));
        assert!(checked(conditions, &good[..2]).unwrap_err().contains("`x-amz-meta-site`"));
    }

    #[test]
    fn an_old_policy_is_good_no_more() {
        let policy = read("{\"expiration\":\"2023-11-14T22:13:20Z\",\"conditions\":[]}").unwrap();
        assert!(policy.check(&Fields::default(), NOW - 1).is_ok());
        assert_eq!(policy.check(&Fields::default(), NOW).unwrap_err().code().as_str(), "AccessDenied");
    }
}
