//! Tables and forms inside running text.

use super::{expect, inspect};

const WANTED: &[(&str, &str)] = &[
    ("MRN", "40917265"),
    ("PERSON", "Zorn, Amalia"),
    ("DATE", "12.03.1961"),
    ("MRN", "40917266"),
    ("PERSON", "Quell, Bert"),
];
const UNWANTED: &[(&str, &str)] = &[("MRN", "4711"), ("MRN", "12.03.1961")];

#[test]
fn markdown_tables() {
    let text = "# Ward list\n\nSome words before.\n\n| MRN | Name | DOB | Bed |\n|-----|:----|---|---|\n| 40917265 | Zorn, Amalia | 12.03.1961 | 4711 |\n\
                | 40917266 | Quell, Bert | 01.04.1950 | 4711 |\n\nSome words after | 4711.\n";
    expect(text, WANTED, UNWANTED);
    assert_eq!(inspect(text).subjects, 2);
}

#[test]
fn output_of_database_shells() {
    let text = "psql> SELECT * FROM p;\n   mrn    |     name     |    dob     \n----------+--------------+------------\n\
                \x20 40917265 | Zorn, Amalia | 12.03.1961\n 40917266 | Quell, Bert  | 01.04.1950\n(2 rows)\n";
    expect(text, WANTED, UNWANTED);
}

#[test]
fn columns_set_with_blanks_or_tabs() {
    let text = "Ward list of today, as printed\n\nMRN       Name            DOB         Bed\n40917265  Zorn, Amalia    12.03.1961  4711\n\
                40917266  Quell, Bert                 4711\n\nEnd of the list, page 1 of 1\n";
    expect(text, WANTED, UNWANTED);
    let text = "Ward list of today, as printed\n\nMRN\tName\tDOB\n40917265\tZorn, Amalia\t12.03.1961\n40917266\tQuell, Bert\t\n\nEnd of it, with a comma\n";
    expect(text, WANTED, UNWANTED);
    // Known words that are no header.
    let text = "A list\n\nstock  shelf  bin\n40917265  Zorn  12\n40917266  Quell  13\n";
    expect(text, &[], &[("MRN", "40917265")]);
}

#[test]
fn forms_of_labels_and_values() {
    let text =
        "Admission\n\nMRN            40917265\nPatient name   Zorn, Amalia\nDate of birth  12.03.1961\n\nWords.\n";
    expect(text, &WANTED[..3], UNWANTED);
    assert_eq!(inspect(text).subjects, 1);
    expect("Price          40917265\nShelf mark     Zorn, Amalia\n", &[], &[("MRN", "40917265")]);
}

#[test]
fn tables_of_pages() {
    let page = "<!DOCTYPE html>\n<html><body><table><tr><th>MRN</th><th>Name</th><th>DOB</th></tr>\n\
                <tr><td>40917265</td><td>Zorn, Amalia</td><td>12.03.1961</td></tr>\n\
                <tr><td>40917266</td><td>Quell, Bert</td><td></td></tr></table></body></html>";
    expect(page, WANTED, UNWANTED);
    let tall = page.replace("<t", "\n  <t").replace("\n  <tr", "<tr");
    expect(&tall, WANTED, UNWANTED);
    let form = "<!DOCTYPE html>\n<html><body><p>Form</p><dl><dt>MRN</dt><dd>40917265</dd>\n<dt>Name</dt>\n<dd>Zorn, Amalia</dd></dl></body></html>";
    expect(form, &WANTED[..2], UNWANTED);
    let near = page.replace("MRN", "Shelf").replace("DOB", "Price");
    expect(&near, &[], &[("MRN", "40917265")]);
}

#[test]
fn sheets_of_labels_and_values() {
    let text = "MRN,40917265\nPatient name,Amalia Zorn\nDOB,12.03.1961\nBed,4711\nPatient phone,020 7946 0018\n";
    expect(text, &[("MRN", "40917265"), ("PERSON", "Amalia Zorn"), ("DATE", "12.03.1961")], UNWANTED);
    assert_eq!(inspect(text).subjects, 1);
    let twice = format!("Field,Value\n{text}{}", text.replace("40917265", "40917266").replace("Zorn", "Quell"));
    expect(&twice, &[("MRN", "40917265"), ("MRN", "40917266"), ("PERSON", "Amalia Quell")], UNWANTED);
    assert_eq!(inspect(&twice).subjects, 2);
    expect("Shelf,40917265\nRow name,Left\nPrice,12\nBed,4711\nNumber,3\n", &[], &[("MRN", "40917265")]);
}

#[test]
fn delimiters_of_exports() {
    for delimiter in ["^", "~", "\u{1}"] {
        let text =
            "MRN^Name^DOB\n40917265^Amalia Zorn^12.03.1961\n40917266^Bert Quell^01.04.1950\n".replace('^', delimiter);
        expect(&text, &[("MRN", "40917265"), ("PERSON", "Amalia Zorn"), ("DATE", "01.04.1950")], &[]);
        assert_eq!(inspect(&text).subjects, 2);
    }
    let near = "a ^ b = c\nx^2 + y^2 = z^2\n~/bin ~/lib\nMRN ^ 40917265\n";
    assert_eq!(inspect(near).format.as_str(), "text");
}
