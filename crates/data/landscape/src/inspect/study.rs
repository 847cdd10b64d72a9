//! The study that a folder is named after, where content does not tell.

/// Letters that begin a protocol number.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=6;
/// Digits that end one.
const DIGITS: std::ops::RangeInclusive<usize> = 2..=4;

/// The first folder of a path that is named by a protocol or registry number, whatever follows it:
/// `clinical/AUR-101-lumen/data/dm.xpt` → `AUR-101`. A file's own name tells nothing: it is as often a sample's or a
/// person's number. Folders named by a site (`sites/US-101`) lie below the study's and come too late.
pub(super) fn of_path(path: &str) -> Option<String> {
    let file = path.split('!').next()?;
    let (folders, _file_name) = file.rsplit_once('/')?;
    let mut previous = "";
    for folder in folders.split('/') {
        let is_site = matches!(previous, "sites" | "site" | "centers" | "centres");
        if let Some(number) = protocol(folder).or_else(|| registry(folder)).filter(|_| !is_site) {
            return Some(number.to_owned());
        }
        previous = folder;
    }
    None
}

/// `AUR-101` of `AUR-101-lumen`: upper-case letters, a hyphen, digits, then an end or another part.
fn protocol(folder: &str) -> Option<&str> {
    let letters = folder.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = folder.get(letters..)?.strip_prefix('-')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let ends = rest.as_bytes().get(digits).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (LETTERS.contains(&letters) && DIGITS.contains(&digits) && ends).then(|| folder.get(..letters + 1 + digits))?
}

/// `NCT01234567` of `NCT01234567_final` (ClinicalTrials.gov: NCT and eight digits).
fn registry(folder: &str) -> Option<&str> {
    let digits = folder.strip_prefix("NCT")?.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 8).then(|| folder.get(..11))?
}

#[cfg(test)]
mod tests {
    use super::of_path;

    #[test]
    fn folders_named_by_a_study_tell_it() {
        for (path, study) in [
            ("clinical/AUR-101-lumen-oncology/sites/US-101/a.txt", Some("AUR-101")),
            ("clinical/AUR-101/b.zip!US-200/c.csv", Some("AUR-101")),
            ("trials/NCT01234567/protocol.pdf", Some("NCT01234567")),
            ("sites/US-101/a.txt", None),
            ("genomics/AUB-100552/a.bam", None),
            ("AUR-101.csv", None),
            ("hospital/2024-04/a.hl7", None),
            ("a/ICD-10-codes.csv", None),
        ] {
            assert_eq!(of_path(path).as_deref(), study, "{path}");
        }
    }
}
