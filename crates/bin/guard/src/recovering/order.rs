//! Which sealed blobs come back first: those of the studies that matter most.

use std::collections::HashMap;
use std::path::Path;

use model::StudyId;
use store::Store;
use store::guarded::seals;
use vault::format::manifest::Manifest;
use vault::{ManifestPlace, SealedObject};

use crate::{OBJECTS, OpsError};

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// The rank of each blob that an object of `studies` names, by its path in a snapshot: a study's place in the list. Blobs of other
/// studies have none.
///
/// # Errors
/// When the restored catalogue cannot be read.
pub async fn ranks(database: &Path, studies: &[StudyId]) -> Result<HashMap<String, u32>, OpsError> {
    let mut ranks = HashMap::new();
    if studies.is_empty() || !database.is_file() {
        return Ok(ranks);
    }
    let store = Store::sqlite_reading(database).await?;
    let mut after = 0;
    loop {
        let page = seals::of_versions(&store, "visible", after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, sealed) in page.iter().filter(|(_, sealed)| !sealed.is_empty()) {
            // What cannot be read is told by the proof; here it only comes last.
            let Ok(object) = serde_json::from_slice::<SealedObject>(sealed) else { continue };
            let Some(rank) = studies.iter().position(|study| *study == object.study) else { continue };
            let rank = u32::try_from(rank).unwrap_or(u32::MAX);
            let blobs = match &object.manifest {
                ManifestPlace::Inline(bytes) => Manifest::blobs(bytes).unwrap_or_default(),
                ManifestPlace::Blob(blob) => vec![*blob],
            };
            for blob in blobs {
                let name = blob.to_string();
                let shelf = name.get(..2).unwrap_or_default();
                ranks.insert(format!("data/{OBJECTS}/{shelf}/{name}"), rank);
            }
        }
    }
    store.close().await;
    Ok(ranks)
}
