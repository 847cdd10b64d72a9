//! The structure files under content/ parse, name validators that exist, and say of each path that holds a person's
//! data what it is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use recognize::content::structure::StructureMap;
use recognize::content::{Role, StructureFile};

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/recognizers/structure")
}

fn files() -> Vec<(String, StructureFile)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(content()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        files.push((path.file_stem().unwrap().to_string_lossy().into_owned(), file));
    }
    files
}

fn map() -> StructureMap {
    StructureMap::new(files().into_iter().map(|(_, file)| file))
}

#[test]
fn every_file_is_sound() {
    let known =
        ["fhir", "hl7", "cda", "dicom", "cdisc", "odm", "genomics", "chemistry", "email", "document", "keys", "header"];
    let files = files();
    for vocabulary in known {
        assert!(files.iter().any(|(_, file)| file.vocabulary == vocabulary), "no entries for {vocabulary}");
    }
    for (name, file) in &files {
        assert!(known.contains(&file.vocabulary.as_str()), "{name}");
        assert!(!file.citation.is_empty() && file.source_date.len() >= 4 && file.checked.len() == 10, "{name}");
        for meaning in &file.map {
            assert!(!meaning.path.is_empty(), "{name}: an entry without paths");
            let says = meaning.identifier.is_some() || meaning.scan || meaning.skip || meaning.part.is_some();
            assert!(says, "{name}: {:?} says nothing", meaning.path);
            assert!(!(meaning.scan && meaning.skip), "{name}: {:?}", meaning.path);
            assert!(!(meaning.skip && meaning.identifier.is_some()), "{name}: {:?}", meaning.path);
            if let Some(validator) = &meaning.validator {
                assert!(recognize::validate::by_name(validator).is_some(), "{name}: no validator `{validator}`");
            }
        }
    }
}

#[test]
fn no_path_is_said_twice_with_the_same_qualifiers() {
    for (name, file) in files() {
        let mut seen = std::collections::HashSet::new();
        for meaning in &file.map {
            for path in &meaning.path {
                let kinds: Vec<String> =
                    if meaning.kind.is_empty() { vec![String::new()] } else { meaning.kind.clone() };
                for kind in kinds {
                    let key = (path.clone(), kind.to_lowercase(), meaning.issuer.join(" "));
                    assert!(seen.insert(key), "{name}: `{path}` kind `{kind}` twice");
                }
            }
        }
    }
}

#[test]
fn paths_that_hold_a_persons_data_are_mapped() {
    let map = map();
    for line in include_str!("sensitive_paths.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [vocabulary, path, kind, issuer, wanted] = parts[..] else { panic!("`{line}`") };
        let found = match vocabulary {
            "header" => map.column(path),
            "keys" => map.key(path),
            _ => map.meaning(vocabulary, path, kind, issuer),
        };
        let found = found.unwrap_or_else(|| panic!("`{line}`: not mapped"));
        let role = match found.role {
            Role::Subject => "subject",
            Role::Relative => "relative",
            Role::Provider => "provider",
            Role::Other => "other",
        };
        let part = found.part.map_or_else(String::new, |part| format!(" {part:?}").to_lowercase());
        let kind = found.identifier.map_or(if found.scan { "scan" } else { "skip" }, |kind| kind.as_str());
        assert_eq!(format!("{kind} {role}{part}"), wanted, "`{line}`");
    }
}

/// The resources' own leaf paths, as the FHIR reader forms them.
fn leaves(value: &serde_json::Value, path: &str, out: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            let path = members.get("resourceType").and_then(serde_json::Value::as_str).unwrap_or(path);
            for (key, member) in members.iter().filter(|(key, _)| *key != "resourceType") {
                leaves(member, &format!("{path}.{key}"), out);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, path, out)),
        _ => {
            out.insert(path.to_owned());
        }
    }
}

#[test]
fn every_leaf_of_real_fhir_bundles_has_a_meaning() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora/fhir");
    let Ok(entries) = std::fs::read_dir(&corpus) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the test data are missing: {}", corpus.display());
        println!("skipped: no test data at {}", corpus.display());
        return;
    };
    let mut paths = std::collections::BTreeSet::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            leaves(&serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(), "", &mut paths);
        }
    }
    assert!(paths.len() > 300, "{}", paths.len());
    let map = map();
    // Words of clinical code systems, which the recognisers of free text look at.
    let displays = ["coding.display", "code.text", "type.text", "productOrService.text", "valueCodeableConcept.text"];
    let open: Vec<&String> = paths
        .iter()
        .filter(|path| map.meaning("fhir", path, "", "").is_none() && !displays.iter().any(|end| path.ends_with(end)))
        .collect();
    assert!(open.is_empty(), "no meaning for {open:#?}");
}

#[test]
fn headers_are_spelled_out_before_they_are_given_up() {
    let map = map();
    let meaning = |header: &str| {
        let normal = recognize::content::structure::normal_header(header);
        let entry = map.column(&normal).or_else(|| map.other_writings(&normal).find_map(|name| map.column(&name)));
        entry.and_then(|entry| entry.identifier).map_or("", |kind| kind.as_str())
    };
    for (header, kind) in [
        ("mrn_v2", "MRN"),
        ("MRN2", "MRN"),
        ("ph_num", "PHONE"),
        ("tel_no2", "PHONE"),
        ("pt_dob", "DATE"),
        ("dob_dt", "DATE"),
        ("patientname1", "PERSON"),
        ("pt_nm", "PERSON"),
        ("first_nm_new", "PERSON"),
        ("ssn_raw", "US_SSN"),
        ("zip_cd", "POSTCODE"),
        ("gene_nm_v2", ""),
        ("num_v2", ""),
        ("v2", ""),
        ("pt_no_new_x", "MRN"),
    ] {
        assert_eq!(meaning(header), kind, "{header}");
    }
}
