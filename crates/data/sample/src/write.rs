//! Writers of file formats: content in, the bytes of one file out.

pub mod archive;
pub mod cdisc;
pub mod chemistry;
pub mod clinical;
pub mod dicom;
pub mod fhir;
pub mod genomics;
pub mod image;
pub mod locked;
pub mod mail;
pub mod markup;
pub mod office;
pub mod pdf;
pub mod sqlite;
pub mod table;
pub mod text;
pub mod xpt;
