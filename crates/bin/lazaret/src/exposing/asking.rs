//! Whose exposure is asked for, as arguments and files say it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use guard::ExposureRequest;
use model::{ObjectId, StudyId};

use crate::failure::Failure;
use crate::guarding::time;

/// Bytes of a list of objects.
const LIST_BYTES_MAX: u64 = 8 << 20;

/// Whose exposure. Parts narrow each other; of objects each adds some.
#[derive(Debug, Args)]
pub(crate) struct AskingArgs {
    /// By this person, service, device or agent: a name or an id.
    #[arg(long, value_name = "NAME")]
    pub principal: Option<String>,
    /// By this device: a name or an id.
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// By everybody of this partner organisation.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// With this access key, by its public id.
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// From this network address.
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Of this object: an id, or STUDY/NAME. May be given several times.
    #[arg(long, value_name = "OBJECT")]
    pub object: Vec<String>,
    /// Of all objects whose names begin so: STUDY/BEGINNING. May be given several times.
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Vec<String>,
    /// Of the objects that this file lists, one a line as `--object` takes them, or STUDY/BEGINNING*; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub objects: Option<PathBuf>,
    /// Of this study.
    #[arg(long, value_name = "ID")]
    pub study: Option<StudyId>,
    /// By whom this finding is about, over the time of its evidence; where it names nobody who is known, by what its evidence names.
    #[arg(long, value_name = "N")]
    pub finding: Option<u32>,
    /// Not before this day or instant; of an incident the day of the breach where that is a fact.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Not after this day or instant.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Also what is within reach and was not touched: what would be exposed if a credential leaked today.
    #[arg(long)]
    pub reach: bool,
    /// By a copy of the store as it lies, on a disk or in a backup, that was lost or taken: encrypted, without the root key. `--to` says
    /// until when the copy was made; a study, objects and beginnings of names narrow it.
    #[arg(long)]
    pub sealed_copy: bool,
}

impl AskingArgs {
    /// The question.
    pub(crate) fn request(&self) -> Result<ExposureRequest, Failure> {
        let (mut objects, mut prefixes) = (self.object.clone(), self.prefix.clone());
        if let Some(path) = &self.objects {
            let (more, beginnings) = listed(&path.display().to_string(), &read(path)?)?;
            objects.extend(more);
            prefixes.extend(beginnings);
        }
        Ok(ExposureRequest {
            principal: self.principal.clone(),
            device: self.device.clone(),
            partner: self.partner.clone(),
            credential: self.credential.clone(),
            address: self.address.clone(),
            objects,
            prefixes,
            study: self.study.clone(),
            finding: self.finding,
            from: self.from.as_deref().map(beginning).transpose()?,
            to: self.to.as_deref().map(time).transpose()?,
            reach: self.reach,
            sealed_copy: self.sealed_copy,
            ..ExposureRequest::default()
        })
    }
}

/// As [`time`], where a day means its beginning.
pub(crate) fn beginning(text: &str) -> Result<i64, Failure> {
    let day: Result<jiff::civil::Date, _> = text.parse();
    match day.ok().filter(|_| text.len() == 10).and_then(|day| day.in_tz("UTC").ok()) {
        Some(begins) => Ok(begins.timestamp().as_millisecond()),
        None => time(text),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let failed = |error: std::io::Error| {
        Failure::usage(format!("`{name}` cannot be read: {error}")).hint("give a file with one object a line, or `-`")
    };
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        let why = format!("`{name}` has more than {LIST_BYTES_MAX} bytes");
        return Err(Failure::usage(why).hint("ask by what names begin with (`--prefix`), by `--study`, or for parts"));
    }
    Ok(bytes)
}

/// Objects and beginnings of names that a list has. Empty lines and those that begin with `#` say nothing.
pub(crate) fn listed(name: &str, bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let wrong = |why: String| {
            Failure::usage(format!("`{name}`, line {number}: {why}"))
                .hint("write an id, STUDY/NAME, or STUDY/BEGINNING* on each line, in UTF-8")
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_other| wrong("it is not UTF-8".to_owned()))?;
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        match text.strip_suffix('*') {
            Some(beginning) if beginning.contains('/') => prefixes.push(beginning.to_owned()),
            None if text.contains('/') || text.parse::<ObjectId>().is_ok() => objects.push(text.to_owned()),
            _ => return Err(wrong(format!("`{text}` is no object"))),
        }
    }
    if objects.is_empty() && prefixes.is_empty() {
        return Err(Failure::usage(format!("`{name}` names no object")).hint("write one a line"));
    }
    Ok((objects, prefixes))
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_list_has_objects_and_beginnings_of_names() {
        let text = "\u{feff}# found on a paste site\r\nonc-201/visits/dm.csv\r\n\nonc-201/images/*\n00000000000000000000000000000001\n";
        let (objects, prefixes) = listed("leak.txt", text.as_bytes()).unwrap();
        assert_eq!(objects, ["onc-201/visits/dm.csv", "00000000000000000000000000000001"]);
        assert_eq!(prefixes, ["onc-201/images/"]);
    }

    #[test]
    fn what_is_wrong_in_a_list_is_told_by_its_line() {
        for (text, says) in [
            (&b"onc-201/a\ndm.csv\n"[..], "line 2: `dm.csv` is no object"),
            (b"*\n", "line 1: `*` is no object"),
            (b"onc-201/a\n\xFF/b\n", "line 2: it is not UTF-8"),
            (b"# nothing\n\n", "names no object"),
        ] {
            let told = listed("leak.txt", text).unwrap_err().words();
            assert!(told.contains(says), "{told}");
        }
    }
}
