//! The catalogue of known exploited vulnerabilities: CISA, "Known Exploited Vulnerabilities Catalog", JSON schema of the
//! catalogue (`known_exploited_vulnerabilities_schema.json`).

use serde_json::Value;

use crate::indicator::{Atom, Context, Exploited, Expression, Looks, Reference};
use crate::normal;
use crate::parse::{Draft, Out};
use crate::time::milliseconds;

pub(crate) fn read(catalogue: &Value, out: &mut Out<'_>) {
    let entries = catalogue.get("vulnerabilities").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if let Some(count) = catalogue.get("count").and_then(Value::as_u64)
        && count != entries.len() as u64
    {
        out.warn(
            "the feed",
            format!("the catalogue says that it has {count} entries, but has {}; is it cut off?", entries.len()),
        );
    }
    for (at, entry) in entries.iter().enumerate() {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = match normal::vulnerability(&text("cveID")) {
            Ok(id) => id,
            Err(why) => {
                out.problem(&format!("vulnerabilities[{at}]"), why);
                continue;
            }
        };
        let added = text("dateAdded");
        let since_ms = milliseconds(&added);
        if since_ms.is_none() {
            out.warn(&id, format!("`dateAdded` is `{}`, which is no day", normal::shortened(&added)));
        }
        let mut labels: Vec<String> = entry
            .get("cwes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        labels.insert(0, "known-exploited".to_owned());
        let context = Context {
            name: Some(text("vulnerabilityName")).filter(|name| !name.is_empty()),
            labels,
            references: vec![Reference { source: "cve".to_owned(), id: Some(id.clone()), url: None }],
            exploited: Some(Exploited {
                vendor: text("vendorProject"),
                product: text("product"),
                due: text("dueDate"),
                ransomware: text("knownRansomwareCampaignUse").eq_ignore_ascii_case("known"),
                action: text("requiredAction"),
            }),
            ..Context::default()
        };
        let looks = Looks::For(Expression::One(Atom::Vulnerability(id.clone())));
        out.add(Draft { since_ms, context, ..Draft::new(id, looks) });
    }
}
