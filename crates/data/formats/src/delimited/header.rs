//! Whether a table's first row names its columns.

/// What a cell looks like at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Empty,
    /// Digits with signs, separators and units' marks: numbers, dates, telephone numbers.
    Numeric,
    /// One word that mixes letters and digits or holds an at sign: identifiers, e-mail addresses.
    Code,
    /// One or a few words.
    Name,
    /// A sentence.
    Prose,
}

/// Words of column names in the languages that files of this field are written in. A first row with one of them
/// names its columns even where all columns hold words.
const NAMING_WORDS: &[&str] = &[
    "id",
    "name",
    "first",
    "last",
    "given",
    "family",
    "surname",
    "firstname",
    "lastname",
    "date",
    "birth",
    "dob",
    "birthdate",
    "sex",
    "gender",
    "email",
    "mail",
    "phone",
    "fax",
    "address",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "code",
    "type",
    "value",
    "unit",
    "status",
    "comment",
    "note",
    "notes",
    "text",
    "description",
    "patient",
    "subject",
    "site",
    "visit",
    "ssn",
    "mrn",
    "age",
    "number",
    "no",
    "time",
    "start",
    "end",
    "diagnosis",
    "drug",
    "dose",
    "result",
    "test",
    "key",
    "label",
    "title",
    "category",
    "arm",
    "sample",
    "sequence",
    "smiles",
    "compound",
    "vorname",
    "nachname",
    "geburtsdatum",
    "strasse",
    "straße",
    "plz",
    "ort",
    "telefon",
    "geschlecht",
    "datum",
    "nom",
    "prénom",
    "prenom",
    "adresse",
    "ville",
    "naissance",
    "apellido",
    "nombre",
    "fecha",
    "nome",
    "cognome",
    "氏名",
    "名前",
    "姓",
    "名",
    "住所",
    "電話",
    "電話番号",
    "生年月日",
    "性別",
    "番号",
    "郵便番号",
    "患者",
    "年齢",
    "日付",
    "備考",
    "病名",
    "カナ",
    "フリガナ",
    "メール",
];

/// Whether the first of `rows` names the columns: it looks like names, and differs from what stands below.
pub(crate) fn is_header(rows: &[Vec<&str>]) -> bool {
    let Some((first, below)) = rows.split_first() else { return false };
    let filled = first.iter().filter(|cell| !cell.trim().is_empty()).count();
    if filled == 0 || filled * 2 < first.len() || !first.iter().all(|cell| can_name(cell)) || is_form(rows) {
        return false;
    }
    if first.iter().any(|cell| has_naming_word(cell)) {
        return true;
    }
    let differs = |column: usize, name: &str| {
        shape(name) == Shape::Name && matches!(usual_shape(below, column), Some(Shape::Numeric | Shape::Code))
    };
    first.iter().enumerate().any(|(column, name)| differs(column, name))
}

/// Whether the rows are labels with their values beside them: most first cells are such as columns are called.
pub(super) fn is_form(rows: &[Vec<&str>]) -> bool {
    let labels = rows.iter().filter(|row| row.first().is_some_and(|cell| can_name(cell) && is_label(cell))).count();
    rows.len() >= 3 && labels * 3 >= rows.len() * 2 && rows.iter().all(|row| row.len() == 2)
}

fn is_label(cell: &str) -> bool {
    let lower = cell.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| NAMING_WORDS.contains(&word))
}

/// How many of the columns hold values of one short shape.
pub(super) fn typed_columns(rows: &[Vec<&str>], width: usize) -> usize {
    (0..width).filter(|column| usual_shape(rows, *column).is_some_and(|shape| shape != Shape::Prose)).count()
}

/// The shape of at least nine of ten filled cells of a column.
fn usual_shape(rows: &[Vec<&str>], column: usize) -> Option<Shape> {
    let (mut counts, mut filled) = ([0_usize; 5], 0_usize);
    for shape in rows.iter().filter_map(|row| row.get(column)).map(|cell| shape(cell)) {
        if shape != Shape::Empty {
            filled += 1;
        }
        if let Some(count) = counts.get_mut(shape as usize) {
            *count += 1;
        }
    }
    let of = |shape: Shape| counts.get(shape as usize).copied().unwrap_or(0);
    let usual = |shape: &Shape| filled > 0 && of(*shape) * 10 >= filled * 9;
    [Shape::Numeric, Shape::Code, Shape::Name, Shape::Prose].into_iter().find(usual)
}

fn shape(cell: &str) -> Shape {
    let cell = cell.trim();
    if cell.is_empty() {
        return Shape::Empty;
    }
    let (mut letters, mut digits, mut spaces, mut at_sign) = (0, 0, 0, false);
    for c in cell.chars().take(200) {
        match c {
            '@' => at_sign = true,
            c if c.is_numeric() => digits += 1,
            c if c.is_alphabetic() => letters += 1,
            c if c.is_whitespace() => spaces += 1,
            _ => {}
        }
    }
    match (letters, digits, spaces) {
        (_, 1.., _) if digits >= letters => Shape::Numeric,
        (_, 1.., 0) => Shape::Code,
        (_, _, 0) if at_sign => Shape::Code,
        (0, 0, _) => Shape::Numeric,
        (_, 0, 0..=3) if cell.len() <= 64 => Shape::Name,
        _ => Shape::Prose,
    }
}

fn can_name(cell: &str) -> bool {
    let cell = cell.trim();
    if cell.is_empty() {
        return true;
    }
    let short = cell.chars().nth(64).is_none();
    let words = cell.split_whitespace().count();
    // `Geb.` and `Diagn. Code.` are abbreviated; a sentence has more words.
    let sentence = cell.ends_with(['!', ',', ';']) || (cell.ends_with('.') && words > 2) || words > 7;
    let letter = cell.chars().any(char::is_alphabetic);
    let begins = cell.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '#' | '(' | '[' | '%' | '"'));
    // `V1` and `AGE2` name columns; `A1B2C3D4` and addresses do not.
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    short && !sentence && letter && begins && !cell.contains('@') && !cell.contains("://") && digits <= 4
}

fn has_naming_word(cell: &str) -> bool {
    let lower = cell.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| NAMING_WORDS.contains(&word)) || cell.contains('_') || begins_lower_then_upper(cell)
}

/// `birthDate`, `patientId`.
fn begins_lower_then_upper(cell: &str) -> bool {
    let mut chars = cell.chars();
    chars.next().is_some_and(char::is_lowercase)
        && chars.any(char::is_uppercase)
        && cell.chars().all(char::is_alphanumeric)
}
