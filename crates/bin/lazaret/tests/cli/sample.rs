//! The made-up organisation, scanned by the program, against the truth about it.

use std::collections::BTreeMap;

use landscape::Catalogue;
use model::IdentifierType;
use sample::organisation::{Trap, Truth};
use store::Store;

use super::run::{Scanned, scan_kept, strings};

#[test]
fn the_landscape_of_the_organisation_is_the_truth_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let truth = sample::organisation::write(&folder.path().join("files"), 2026, 1, &mut |_| {}).unwrap();
    let scanned = scan_kept(folder.path(), &["files"]);
    every_file_has_a_line(&truth, &scanned);
    identifiers_are_found(&truth, &scanned);
    traps_come_to_light(&truth, &scanned);
    registers_are_counted_exactly(&truth, &scanned);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(people_are_counted(&truth, folder.path()));
}

fn every_file_has_a_line(truth: &Truth, scanned: &Scanned) {
    let names: std::collections::HashSet<&str> = scanned.names().into_iter().collect();
    let missing: Vec<&String> =
        truth.files.keys().filter(|path| !names.contains(format!("files/{path}").as_str())).collect();
    assert!(missing.is_empty(), "no line for {missing:?}");
}

/// Everything reported for a file and for what lies in it.
fn found(scanned: &Scanned, path: &str) -> (BTreeMap<String, u64>, Vec<String>, usize) {
    let own = format!("files/{path}");
    let inside = format!("{own}!");
    let mut counts = BTreeMap::new();
    let mut labels = Vec::new();
    let mut errors = 0;
    for object in &scanned.objects {
        let name = object["object"].as_str().unwrap();
        if name != own && !name.starts_with(&inside) {
            continue;
        }
        for found in object["identifiers"].as_array().unwrap() {
            *counts.entry(found["type"].as_str().unwrap().to_owned()).or_insert(0) += found["count"].as_u64().unwrap();
        }
        labels.extend(strings(&object["labels"]).iter().map(|label| (*label).to_owned()));
        errors += object["errors"].as_array().map_or(0, Vec::len);
    }
    (counts, labels, errors)
}

/// Types that a note may call by each other's name: a fax number after `call`, a health-plan number that is also a
/// national one, a licence number of a passport's shape. Found under any of them is found.
const ALIKE: [&[&str]; 2] = [&["PHONE", "FAX"], &["NATIONAL_ID", "HEALTH_PLAN_ID", "US_SSN", "LICENCE", "PASSPORT"]];

/// How many of a type were seen, with those alike beyond what was planted of themselves.
fn seen(counts: &BTreeMap<String, u64>, planted: &BTreeMap<IdentifierType, u64>, kind: &str) -> u64 {
    let own = counts.get(kind).copied().unwrap_or(0);
    let Some(alike) = ALIKE.iter().find(|kinds| kinds.contains(&kind)) else { return own };
    let others = alike.iter().filter(|other| **other != kind).map(|other| {
        let planted = planted.iter().find(|(name, _)| name.as_str() == *other).map_or(0, |(_, count)| *count);
        counts.get(*other).copied().unwrap_or(0).saturating_sub(planted)
    });
    own + others.sum::<u64>()
}

/// Of what was planted, at least 98 of 100 are found, for every type.
fn identifiers_are_found(truth: &Truth, scanned: &Scanned) {
    let mut planted: BTreeMap<&str, (u64, u64, Vec<String>)> = BTreeMap::new();
    for (path, file) in truth.files.iter().filter(|(_, file)| !file.unreadable) {
        let (counts, _, _) = found(scanned, path);
        for (kind, least) in &file.identifiers {
            let seen = seen(&counts, &file.identifiers, kind.as_str());
            let entry = planted.entry(kind.as_str()).or_default();
            entry.0 += least;
            entry.1 += seen.min(*least);
            if seen < *least {
                entry.2.push(format!("{path}: {seen} of {least}"));
            }
        }
    }
    let mut weak = Vec::new();
    for (kind, (least, seen, where_)) in &planted {
        println!("{kind:<22} {seen:>7} of {least:>7}");
        let floor = if *kind == "PERSON" { 93 } else { 98 };
        if seen * 100 < least * floor {
            weak.push(format!("{kind}: {seen} of {least}; {:?}", where_.iter().take(8).collect::<Vec<_>>()));
        }
    }
    assert!(weak.is_empty(), "{weak:#?}");
}

fn traps_come_to_light(truth: &Truth, scanned: &Scanned) {
    let expected: [(Trap, &[&str]); 9] = [
        (Trap::UnblindingInShare, &["trial.unblinding"]),
        (Trap::PatientExportInDownloads, &["phi.direct"]),
        (Trap::CloudKeys, &["secret"]),
        (Trap::MyNumberSheet, &["jp.individual_number"]),
        (Trap::NamesInReadGroups, &["special.genetic", "personal"]),
        (Trap::NameInPrivateTag, &["phi.direct"]),
        (Trap::CompoundsInSlides, &["ip.compound"]),
        (Trap::SubjectListInMail, &["trial.subject", "personal"]),
        (Trap::TokensInLog, &["secret"]),
    ];
    for (trap, wanted) in expected {
        for path in truth.trapped(trap) {
            let (_, labels, _) = found(scanned, path);
            for label in wanted {
                assert!(labels.iter().any(|l| l == label), "{trap:?} in `{path}` is {labels:?}, not {label}");
            }
        }
    }
    for trap in [Trap::EncryptedArchive, Trap::Truncated, Trap::DecompressionBomb] {
        // Entities of XML are never expanded: that bomb is read like any other text, without a problem.
        for path in truth.trapped(trap).filter(|path| !path.ends_with(".xml")) {
            assert!(found(scanned, path).2 > 0, "{trap:?} in `{path}` has no reason");
        }
    }
}

/// Registers name every patient once: their people are counted exactly.
fn registers_are_counted_exactly(truth: &Truth, scanned: &Scanned) {
    let mut checked = 0;
    for (path, planted) in &truth.files {
        if path.ends_with("/patients.csv") || path.ends_with("donor-register.tsv") || path.ends_with("Patient.ndjson") {
            let counted = scanned.object(&format!("files/{path}"))["subjects"].as_u64().unwrap();
            assert_eq!(counted, planted.subjects.len() as u64, "{path}");
            checked += 1;
        }
    }
    assert!(checked >= 3, "{checked} registers");
}

/// Everybody who is in the files, and from where; beyond the patients there are employees, and trial subjects whom no
/// record ties to a patient.
async fn people_are_counted(truth: &Truth, folder: &std::path::Path) {
    let store = Store::sqlite(&folder.join("lazaret-data/lazaret.db")).await.unwrap();
    let catalogue = Catalogue::new(store);
    let people = catalogue.people().await.unwrap();
    let total: u64 = truth.subjects.values().sum();
    let counted = people.total.people;
    println!("{total} patients and {} employees, {counted} people; {:?}", truth.employees, people.total.jurisdictions);
    for (place, count) in &truth.subjects {
        let seen = people.total.jurisdictions.get(place).copied().unwrap_or(0);
        assert!(seen * 50 >= count * 49, "{place}: {seen} counted, {count} planted");
    }
    assert!(counted * 50 >= total * 49, "{counted} counted, {total} planted");
    assert!(counted <= 2 * total + truth.employees, "{counted} counted, {total} planted");
}
