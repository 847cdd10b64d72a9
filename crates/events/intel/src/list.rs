//! Plain lists: a value a line, hosts files, and tables with a header.

use std::str;

use crate::indicator::{Algorithm, Atom, Context, Expression, Kind, Looks};
use crate::normal;
use crate::parse::{Draft, Out};
use crate::time::milliseconds;

/// The longest line, in bytes.
const LINE_MAX: usize = 64 << 10;
/// Columns of a table that are read.
const COLUMNS_MAX: usize = 64;
/// Lines at the beginning that may hold the header of a table; feeds put their licences first.
const HEADER_LINES: usize = 64;
/// Addresses that hosts files send names to so that nothing is reached.
const SINKS: [&str; 5] = ["0.0.0.0", "127.0.0.1", "::", "::1", "255.255.255.255"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// What to look for, of a kind of its own or one that another column or its form tells.
    Value(Option<Kind>),
    Type,
    Id,
    Since,
    Named,
    Until,
    Confidence,
    Malware,
    Actor,
    Labels,
    Name,
    Other,
}

/// Names of columns as feeds have them, in small letters without `_`, `-` and spaces.
fn column(name: &str) -> Column {
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    match name.as_str() {
        "indicator" | "indicators" | "ioc" | "iocvalue" | "value" | "observable" | "indicatorvalue" => {
            Column::Value(None)
        }
        "ip" | "ipaddress" | "address" | "dstip" | "srcip" | "srcipaddress" | "dstipaddress" | "cidr" | "network" => {
            Column::Value(Some(Kind::Ip))
        }
        "domain" | "domainname" | "hostname" | "fqdn" | "host" => Column::Value(Some(Kind::Domain)),
        "url" | "uri" => Column::Value(Some(Kind::Url)),
        "hash" | "md5" | "sha1" | "sha256" | "sha512" | "md5hash" | "sha1hash" | "sha256hash" | "filehash" => {
            Column::Value(Some(Kind::Hash))
        }
        "email" | "emailaddress" => Column::Value(Some(Kind::Email)),
        "filename" => Column::Value(Some(Kind::FileName)),
        "cve" | "cveid" | "vulnerability" => Column::Value(Some(Kind::Vulnerability)),
        "type" | "indicatortype" | "ioctype" | "kind" => Column::Type,
        "id" | "iocid" | "uuid" => Column::Id,
        "firstseen" | "firstseenutc" | "dateadded" | "created" | "validfrom" | "date" | "added" => Column::Since,
        "lastseen" | "lastseenutc" | "lastonline" | "updated" | "modified" => Column::Named,
        "validuntil" | "expires" | "expiration" | "expirationdate" | "expiry" | "until" => Column::Until,
        "confidence" | "confidencelevel" => Column::Confidence,
        "malware" | "malwareprintable" | "malwarefamily" | "signature" => Column::Malware,
        "actor" | "threatactor" | "adversary" => Column::Actor,
        "tags" | "labels" | "threat" | "threattype" | "category" => Column::Labels,
        "name" | "description" | "comment" | "note" | "title" => Column::Name,
        _ => Column::Other,
    }
}

/// A type as feeds write it.
fn kind_of(name: &str) -> Option<(Kind, Option<Algorithm>)> {
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match name.as_str() {
        "ip" | "ipv4" | "ipv6" | "ipaddress" | "ipv4addr" | "ipv6addr" | "ipdst" | "ipsrc" | "address" | "cidr"
        | "network" | "ipport" | "addr" => (Kind::Ip, None),
        "domain" | "domainname" | "hostname" | "fqdn" | "host" => (Kind::Domain, None),
        "url" | "uri" => (Kind::Url, None),
        "hash" | "filehash" | "file" => (Kind::Hash, None),
        "md5" | "md5hash" | "filehashmd5" => (Kind::Hash, Some(Algorithm::Md5)),
        "sha1" | "sha1hash" | "filehashsha1" => (Kind::Hash, Some(Algorithm::Sha1)),
        "sha256" | "sha256hash" | "filehashsha256" => (Kind::Hash, Some(Algorithm::Sha256)),
        "sha384" => (Kind::Hash, Some(Algorithm::Sha384)),
        "sha512" | "filehashsha512" => (Kind::Hash, Some(Algorithm::Sha512)),
        "imphash" => (Kind::Hash, Some(Algorithm::Imphash)),
        "ja3" => (Kind::Hash, Some(Algorithm::Ja3)),
        "email" | "emailaddr" | "emailaddress" | "emailsrc" => (Kind::Email, None),
        "filename" => (Kind::FileName, None),
        "cve" | "vulnerability" => (Kind::Vulnerability, None),
        _ => return None,
    })
}

struct Table {
    delimiter: u8,
    columns: Vec<Column>,
}

pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) {
    let mut table: Option<Table> = None;
    let mut taken = false;
    let mut number = 0usize;
    for line in bytes.split(|byte| *byte == b'\n') {
        number += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_MAX {
            out.problem(&place(number), format!("the line has {} bytes, more than {LINE_MAX}", line.len()));
            continue;
        }
        let Ok(text) = str::from_utf8(line) else {
            out.problem(&place(number), "the line is not UTF-8".to_owned());
            continue;
        };
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if !taken
            && table.is_none()
            && number <= HEADER_LINES
            && let Some(found) = header(text)
        {
            table = Some(found);
            continue;
        }
        if is_comment(text) {
            continue;
        }
        taken = true;
        match &table {
            Some(table) => row(text, table, number, out),
            None => plain(text, number, out),
        }
    }
    if number > 0 && !taken && table.is_none() {
        out.warn("the feed", "it holds no value at all".to_owned());
    }
}

fn place(number: usize) -> String {
    format!("line {number}")
}

fn is_comment(text: &str) -> bool {
    text.starts_with(['#', ';', '!']) || text.starts_with("//")
}

/// A header names a value among its columns; it may be a comment, as in the tables of abuse.ch.
fn header(text: &str) -> Option<Table> {
    let text = text.trim_start_matches(['#', ';', ' ']);
    for delimiter in [b',', b';', b'\t', b'|'] {
        let cells = split(text, delimiter);
        let columns: Vec<Column> = cells.iter().map(|cell| column(cell)).collect();
        let known = columns.iter().filter(|column| **column != Column::Other).count();
        if columns.len() > 1 && known > 1 && columns.iter().any(|column| matches!(column, Column::Value(_))) {
            return Some(Table { delimiter, columns });
        }
    }
    None
}

/// The cells of a line (RFC 4180 section 2); a cell that goes on over several lines is not known to feeds.
fn split(text: &str, delimiter: u8) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cell) = cells.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            c if !quoted && c == char::from(delimiter) => {
                if cells.len() >= COLUMNS_MAX {
                    break;
                }
                cells.push(String::new());
            }
            c => cell.push(c),
        }
    }
    cells
}

fn row(text: &str, table: &Table, number: usize, out: &mut Out<'_>) {
    let cells = split(text, table.delimiter);
    let pairs = || {
        table.columns.iter().zip(&cells).map(|(column, cell)| (*column, cell.trim())).filter(|(_, cell)| is_given(cell))
    };
    let one = |wanted: Column| pairs().find(|(column, _)| *column == wanted).map(|(_, cell)| cell);
    let place = place(number);
    let stated = match one(Column::Type) {
        None => None,
        Some(name) => {
            let known = kind_of(name);
            if known.is_none() {
                out.count(&place, "the type in its column is not one that events are matched with");
                return;
            }
            known
        }
    };
    // Some tables give several digests of one file: each is one to look for.
    let mut atoms: Vec<Atom> = Vec::new();
    for (column, cell) in pairs() {
        let Column::Value(of_column) = column else { continue };
        let cell = normal::refang(cell);
        let read = match (stated, of_column) {
            (Some((kind, algorithm)), None) => typed(kind, algorithm, &cell),
            (_, Some(kind)) => typed(kind, None, &cell),
            (None, None) => normal::guess(&cell),
        };
        match read {
            Ok(atom) => atoms.push(atom),
            Err(why) => out.problem(&place, why),
        }
    }
    let time = |column: Column, out: &mut Out<'_>| {
        let cell = one(column)?;
        let read = milliseconds(cell);
        if read.is_none() {
            out.warn(&place, format!("`{}` is no time and was passed over", normal::shortened(cell)));
        }
        read
    };
    let (since_ms, named_ms, until_ms) = (time(Column::Since, out), time(Column::Named, out), time(Column::Until, out));
    let words = |wanted: Column| -> Vec<String> {
        pairs()
            .filter(|(column, _)| *column == wanted)
            .flat_map(|(_, cell)| cell.split([',', ';', '|']))
            .map(|word| word.trim().to_owned())
            .filter(|word| is_given(word))
            .collect()
    };
    let confidence = one(Column::Confidence)
        .and_then(|cell| cell.trim_end_matches('%').parse::<u8>().ok())
        .filter(|value| *value <= 100);
    let context = Context {
        name: one(Column::Name).map(str::to_owned),
        labels: words(Column::Labels),
        malware: words(Column::Malware),
        actors: words(Column::Actor),
        ..Context::default()
    };
    let own_id = one(Column::Id).filter(|_| atoms.len() == 1).map(str::to_owned);
    for atom in atoms {
        if !passes(&atom, &place, out) {
            continue;
        }
        let id = own_id.clone().unwrap_or_else(|| id_of(&atom));
        let looks = Looks::For(Expression::One(atom));
        // What was seen lately holds longer than what was only seen once long ago.
        let named_ms = named_ms.max(since_ms);
        out.add(Draft { since_ms, named_ms, until_ms, confidence, context: context.clone(), ..Draft::new(id, looks) });
    }
}

fn is_given(cell: &str) -> bool {
    !matches!(cell, "" | "-" | "None" | "null" | "n/a" | "N/A")
}

fn typed(kind: Kind, algorithm: Option<Algorithm>, cell: &str) -> Result<Atom, String> {
    match kind {
        Kind::Hash => normal::hash(cell, algorithm),
        // `192.0.2.1:8080`, and columns called "host" that hold addresses.
        Kind::Ip | Kind::Domain => match normal::guess(cell) {
            Ok(atom @ (Atom::Network(_) | Atom::Domain(_))) => Ok(atom),
            _ => normal::of_kind(kind, cell),
        },
        kind => normal::of_kind(kind, cell),
    }
}

/// A line that is no row of a table.
fn plain(text: &str, number: usize, out: &mut Out<'_>) {
    let text = without_comment(text);
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    if SINKS.contains(&first) {
        let mut names = words.peekable();
        if names.peek().is_some() {
            for name in names {
                value(name, &place(number), out);
            }
            return;
        }
    }
    // Feeds put counts and remarks behind the value, parted by a blank or comma.
    let cut = |text: &str| text.split([' ', '\t', ',']).next().unwrap_or_default().to_owned();
    let whole = normal::refang(text);
    if normal::guess(&whole).is_ok() {
        return value(&whole, &place(number), out);
    }
    let alone = cut(&normal::refang(first));
    // A sentence is no list of values, though each of its words could be a name.
    let is_word = alone == text
        || !alone.contains(['.', ':']) && !matches!(normal::guess(&alone), Ok(Atom::Hash(..) | Atom::Vulnerability(_)));
    value(if is_word { text } else { &alone }, &place(number), out);
}

/// The text before ` #`, ` ;` or ` //`.
fn without_comment(text: &str) -> &str {
    let marks = [" #", "\t#", " ;", "\t;", " //", "\t//"];
    let end = marks.iter().filter_map(|mark| text.find(mark)).min();
    text.get(..end.unwrap_or(text.len())).unwrap_or(text).trim_end()
}

/// One value of a list.
pub(crate) fn value(text: &str, place: &str, out: &mut Out<'_>) {
    let atom = match normal::guess(&normal::refang(text)) {
        Ok(atom) => atom,
        Err(why) => return out.problem(place, why),
    };
    if passes(&atom, place, out) {
        let id = id_of(&atom);
        out.add(Draft::new(id, Looks::For(Expression::One(atom))));
    }
}

/// Whether it may be matched at all: what is everywhere is left out unless it was asked for.
fn passes(atom: &Atom, place: &str, out: &mut Out<'_>) -> bool {
    let Some(why) = out.benign.why(atom) else { return true };
    if out.options.allow_benign {
        out.warn(place, format!("{why}; taken, as was asked for"));
        return true;
    }
    out.problem(place, format!("{why}; left out: allow it explicitly if it is meant (`--allow-benign`)"));
    false
}

fn id_of(atom: &Atom) -> String {
    format!("{}:{atom}", atom.kind().as_str())
}
