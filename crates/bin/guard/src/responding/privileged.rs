//! What of an incident leaves it: with privileged notes only where somebody asks for them whose eyes they are for, which is recorded.
//!
//! Whoever operates on the data folder itself holds its keys and could open every entry; what is asked for here is recorded at least.

use std::collections::BTreeMap;

use incidents::case::{Case, What};
use incidents::report::Report;
use model::By;
use model::event::Activity;
use serde_json::{Value, json};
use store::principals;

use super::whole;
use crate::Guarded;
use crate::ops::OpsError;

impl Guarded {
    /// An incident with the text of its privileged notes.
    pub(super) async fn shown_with_privileged(&self, by: &By, id: u32) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        self.record_reading(by, &row.uid, &case).await?;
        let mut value = whole(&row, &case);
        for told in value["entries"].as_array_mut().into_iter().flatten() {
            let entry = case.entries.iter().find(|entry| told["number"] == entry.number);
            if let (Some(told), Some(What::Note { text, privileged: true })) =
                (told.as_object_mut(), entry.map(|entry| &entry.what))
            {
                told.insert("text".to_owned(), json!(text));
            }
        }
        Ok(vec![value])
    }

    /// The report after the action, as text.
    pub(super) async fn reported(&self, by: &By, id: u32, privileged: bool) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        let mut names = BTreeMap::new();
        for entry in &case.entries {
            if !names.contains_key(&entry.by)
                && let Ok(id) = entry.by.parse()
            {
                let found = principals::by_id(&self.store, id).await?;
                names.insert(entry.by.clone(), found.map_or_else(|| entry.by.clone(), |found| found.name));
            }
        }
        let mut report = Report::of(&case, by.now_ms);
        if privileged {
            self.record_reading(by, &row.uid, &case).await?;
            report.tell_privileged(&case);
        }
        Ok(vec![json!({ "incident": id, "report": report.markdown(id, &|who| names.get(who).cloned()) })])
    }

    async fn record_reading(&self, by: &By, uid: &str, case: &Case) -> Result<(), OpsError> {
        let mut event = by.event(Activity::Look);
        event.resource.entity = Some(format!("incident:{uid}"));
        event.resource.study = case.study.as_ref().and_then(|study| study.parse().ok());
        event.reason = Some("privileged-notes".to_owned());
        self.recorder.record(event).await?;
        Ok(())
    }
}
