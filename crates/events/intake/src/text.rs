//! Lines of text: each is tried as auditd, CEF, LEEF, an access log and syslog; what is none of them is a message.

use std::ops::ControlFlow;

use crate::lines::{check_utf8, each_line};
use crate::object::Object;
use crate::source::Source;
use crate::{Family, Out, auditd, cef, syslog, web};

/// Hands over every line.
pub(crate) fn read(source: &mut Source<'_>, limit: usize, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut json = Vec::new();
    each_line(source, limit, out, |line, out| match check_utf8(line) {
        Ok(line) => {
            let family = parse(line, &mut json);
            out.record(family, &json)
        }
        Err(why) => {
            out.problem(why, line);
            ControlFlow::Continue(())
        }
    })
}

/// Writes the object for one line.
pub(crate) fn parse(line: &str, json: &mut Vec<u8>) -> Family {
    if auditd::parse(line, json).is_some() {
        return Family::Auditd;
    }
    if let Some(family) = cef::parse(line, json) {
        return family;
    }
    if web::parse(line, json).is_some() {
        return Family::WebAccess;
    }
    if syslog::parse(line, json).is_none() {
        let mut object = Object::new(json);
        object.str("message", line);
        object.close();
    }
    Family::Syslog
}
