//! CDISC exchange formats: Dataset-JSON 1.1, ODM 1.3.2, Define-XML 2.1.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::table::Table;
use super::text::xml;

/// A Dataset-JSON document.
pub fn dataset_json(table: &Table, study: &str) -> Value {
    let mut document = metadata(table, study);
    document["rows"] = table.rows.iter().map(|row| values(table, row)).collect();
    document
}

/// A Dataset-JSON document in NDJSON: metadata first, then a row a line.
pub fn dataset_ndjson(table: &Table, study: &str) -> String {
    let mut text = format!("{}\n", metadata(table, study));
    for row in &table.rows {
        let _ = writeln!(text, "{}", values(table, row));
    }
    text
}

fn metadata(table: &Table, study: &str) -> Value {
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|column| {
            json!({
                "itemOID": format!("IT.{}.{}", table.name, column.name), "name": column.name, "label": column.label,
                "dataType": if column.numeric { "float" } else { "string" }
            })
        })
        .collect();
    json!({
        "datasetJSONCreationDateTime": "2026-03-05T09:30:00", "datasetJSONVersion": "1.1.0",
        "fileOID": format!("{study}.{}", table.name), "originator": "Aurelion Bio", "studyOID": study,
        "metaDataVersionOID": "MDV.1", "itemGroupOID": format!("IG.{}", table.name),
        "records": table.rows.len(), "name": table.name, "label": table.label, "columns": columns
    })
}

fn values(table: &Table, row: &[String]) -> Value {
    row.iter()
        .zip(&table.columns)
        .map(|(cell, column)| match cell.parse::<f64>() {
            Ok(number) if column.numeric => json!(number),
            _ => json!(cell),
        })
        .collect()
}

/// An ODM snapshot: the rows of the tables as item groups of each subject, whose key is the column `USUBJID`.
pub fn odm(study: &str, tables: &[&Table]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ODM xmlns=\"http://www.cdisc.org/ns/odm/v1.3\" ODMVersion=\"1.3.2\" FileType=\"Snapshot\" FileOID=\"{study}.ODM\" CreationDateTime=\"2026-03-05T09:30:00\">\n<ClinicalData StudyOID=\"{study}\" MetaDataVersionOID=\"MDV.1\">\n"
    );
    for table in tables {
        let key = table.columns.iter().position(|column| column.name == "USUBJID").unwrap_or(0);
        for row in &table.rows {
            let subject = row.get(key).map_or("", String::as_str);
            let _ = write!(
                text,
                "<SubjectData SubjectKey=\"{}\"><StudyEventData StudyEventOID=\"SE.1\"><FormData FormOID=\"F.{name}\"><ItemGroupData ItemGroupOID=\"IG.{name}\">",
                xml(subject),
                name = table.name
            );
            for (cell, column) in row.iter().zip(&table.columns) {
                let _ =
                    write!(text, "<ItemData ItemOID=\"IT.{}.{}\" Value=\"{}\"/>", table.name, column.name, xml(cell));
            }
            text.push_str("</ItemGroupData></FormData></StudyEventData></SubjectData>\n");
        }
    }
    text.push_str("</ClinicalData>\n</ODM>\n");
    text
}

/// Definitions of the tables' variables.
pub fn define(study: &str, title: &str, tables: &[&Table]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ODM xmlns=\"http://www.cdisc.org/ns/odm/v1.3\" xmlns:def=\"http://www.cdisc.org/ns/def/v2.1\" ODMVersion=\"1.3.2\" FileType=\"Snapshot\" FileOID=\"{study}.DEFINE\" CreationDateTime=\"2026-03-05T09:30:00\">\n<Study OID=\"{study}\"><GlobalVariables><StudyName>{study}</StudyName><StudyDescription>{}</StudyDescription><ProtocolName>{study}</ProtocolName></GlobalVariables><MetaDataVersion OID=\"MDV.1\" Name=\"{study}\" def:DefineVersion=\"2.1.0\">\n",
        xml(title)
    );
    for table in tables {
        let _ = writeln!(
            text,
            "<ItemGroupDef OID=\"IG.{0}\" Name=\"{0}\" Repeating=\"Yes\" Domain=\"{0}\" def:Structure=\"One record per subject\">",
            table.name
        );
        for column in &table.columns {
            let _ = writeln!(text, "<ItemRef ItemOID=\"IT.{}.{}\" Mandatory=\"No\"/>", table.name, column.name);
        }
        text.push_str("</ItemGroupDef>\n");
        for column in &table.columns {
            let _ = writeln!(
                text,
                "<ItemDef OID=\"IT.{}.{}\" Name=\"{}\" DataType=\"{}\"><Description><TranslatedText xml:lang=\"en\">{}</TranslatedText></Description></ItemDef>",
                table.name,
                column.name,
                column.name,
                if column.numeric { "float" } else { "text" },
                xml(column.label)
            );
        }
    }
    text.push_str("</MetaDataVersion></Study>\n</ODM>\n");
    text
}
