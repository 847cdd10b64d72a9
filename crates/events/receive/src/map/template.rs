//! Text with parts to be taken out of it: `Accepted {_} for {actor} from {ip} port {_}`.

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Actor,
    Ip,
    Host,
    Object,
    Bytes,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Taken(What),
}

/// A text with parts that are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// What was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken<'a> {
    pub actor: Option<&'a str>,
    pub ip: Option<&'a str>,
    pub host: Option<&'a str>,
    pub object: Option<&'a str>,
    pub bytes: Option<&'a str>,
}

impl Template {
    /// Reads a template; `None` when a part has no known name, or two follow without text between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            } else if matches!(parts.last(), Some(Part::Taken(_))) {
                return None;
            }
            if literal.len() == rest.len() {
                break;
            }
            let (name, after) = after.split_once('}')?;
            parts.push(Part::Taken(match name {
                "actor" => What::Actor,
                "ip" => What::Ip,
                "host" => What::Host,
                "object" => What::Object,
                "bytes" => What::Bytes,
                "_" => What::Nothing,
                _ => return None,
            }));
            rest = after;
        }
        Some(Self(parts))
    }

    /// What is taken of `text`, where the template fits its beginning. A part reaches to the first place where what follows
    /// it stands; the last one to the end. `{_}` may be empty, others may not.
    pub fn take<'a>(&self, text: &'a str) -> Option<Taken<'a>> {
        let mut taken = Taken::default();
        let mut rest = text;
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            let what = match part {
                Part::Literal(literal) => {
                    rest = rest.strip_prefix(literal.as_str())?;
                    continue;
                }
                Part::Taken(what) => *what,
            };
            let value = match parts.peek() {
                Some(Part::Literal(next)) => rest.get(..memchr::memmem::find(rest.as_bytes(), next.as_bytes())?)?,
                _ => rest,
            };
            rest = rest.get(value.len()..)?;
            let slot = match what {
                What::Nothing => continue,
                What::Actor => &mut taken.actor,
                What::Ip => &mut taken.ip,
                What::Host => &mut taken.host,
                What::Object => &mut taken.object,
                What::Bytes => &mut taken.bytes,
            };
            if value.is_empty() {
                return None;
            }
            *slot = Some(value);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn parts_are_taken_up_to_what_follows_them() {
        let template = Template::parse("Failed {_} for {actor} from {ip} port {_}").unwrap();
        let taken = template.take("Failed password for mallory from 192.0.2.7 port 22 ssh2").unwrap();
        assert_eq!((taken.actor, taken.ip), (Some("mallory"), Some("192.0.2.7")));
        assert_eq!(template.take("Failed password for mallory"), None);
        assert_eq!(template.take("Failed password for  from 192.0.2.7 port 1"), None);
        let last = Template::parse("{_}COMMAND={object}").unwrap();
        assert_eq!(last.take("x COMMAND=/bin/ls -l").unwrap().object, Some("/bin/ls -l"));
        assert!(Template::parse("{actor}{ip}").is_none());
        assert!(Template::parse("{nobody}").is_none());
        assert!(Template::parse("{actor").is_none());
    }
}
