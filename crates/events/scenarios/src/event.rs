//! The shape of an event, and its line of NDJSON.
use std::fmt::Write as _;
use std::sync::Arc;

/// One access, as docs/reference/behaviour.md describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Seconds since 1970-01-01 UTC.
    pub time: i64,
    /// Who.
    pub principal: Arc<str>,
    /// Did what: `read`, `list`, `write`, `delete`, `share`, `export`, `login`, `admin`, `archive`, `break_glass`.
    pub action: &'static str,
    /// To which object; empty for a login.
    pub object: String,
    /// In which study; empty where none.
    pub study: Arc<str>,
    /// What the object holds.
    pub labels: &'static [&'static str],
    /// Bytes moved.
    pub bytes: u64,
    /// Data subjects in what was moved.
    pub subjects: u64,
    /// From where.
    pub host: Arc<str>,
    /// `ok`, `denied` or `failed`.
    pub result: &'static str,
    /// The job of the principal.
    pub role: &'static str,
    /// Where the principal works.
    pub site: Arc<str>,
    /// `person`, `service` or `partner`.
    pub kind: &'static str,
    /// The HR feed says that the person leaves.
    pub notice_of_leaving: bool,
}

impl Event {
    /// The event as one line of JSON without the line's end.
    #[must_use]
    pub fn json(&self) -> String {
        let mut line = String::with_capacity(320);
        let labels = self.labels.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(",");
        // INVARIANT: every text here comes from this crate and holds neither quotes nor control characters.
        let _ = write!(
            line,
            "{{\"time\":\"{}\",\"principal\":\"{}\",\"action\":\"{}\",\"object\":\"{}\",\"study\":\"{}\",\"labels\":[{labels}],\
             \"bytes\":{},\"subjects\":{},\"host\":\"{}\",\"result\":\"{}\",\"role\":\"{}\",\"site\":\"{}\",\"kind\":\"{}\"",
            rfc3339(self.time),
            self.principal,
            self.action,
            self.object,
            self.study,
            self.bytes,
            self.subjects,
            self.host,
            self.result,
            self.role,
            self.site,
            self.kind,
        );
        if self.notice_of_leaving {
            line.push_str(",\"notice_of_leaving\":true");
        }
        line.push('}');
        line
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(time: i64) -> String {
    let (days, rest) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
