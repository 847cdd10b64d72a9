//! Running a scan.
