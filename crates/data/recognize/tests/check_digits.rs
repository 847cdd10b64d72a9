//! Check digits against python-stdnum, thousands of made-up numbers for each check, in one Python process. Runs where
//! that package can be found; must be found in CI.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use recognize::validate;

/// How our verdict must relate to the other's.
#[derive(Clone, Copy, PartialEq)]
enum Relation {
    /// The same.
    Same,
    /// Ours may accept more: the other also consults tables of offices, today's date or withdrawn ranges.
    Wider,
    /// Ours may accept less: it also demands issued ranges, a plausible date, or refuses repeated digits.
    Narrower,
}
use Relation::{Narrower, Same, Wider};

/// Our check, the other's module, templates of numbers, and the relation. In a template `#` is a digit, `@` a letter,
/// `*` either, `[abc]` one of them, `d`, `y` and `l` a date as DDMMYY, YYMMDD and YYYYMMDD.
const CHECKS: &[(&str, &str, &str, Relation)] = &[
    ("us-ssn", "us.ssn", "###-##-####", Same),
    ("us-itin", "us.itin", "9##-[56789]#-####", Wider),
    ("us-ein", "us.ein", "##-#######", Same),
    ("us-routing", "us.rtn", "#########", Narrower),
    ("jp-my-number", "jp.in_", "####-####-####", Same),
    ("jp-corporate-number", "jp.cn", "#############", Same),
    ("gb-nhs", "gb.nhs", "### ### ####", Same),
    ("gb-utr", "gb.utr", "##########", Same),
    ("ie-pps", "ie.pps", "#######@", Same),
    ("ie-pps", "ie.pps", "#######@[ABHWTX]", Same),
    ("fr-nir", "fr.nir", "[12]##[01]##########", Same),
    ("fr-nir", "fr.nir", "[12]##[01]#2[AB]########", Same),
    ("fr-spi", "fr.nif", "[0123]############", Same),
    ("be-national-number", "be.nn", "y#####", Same),
    ("be-bis", "be.bis", "##[234]########", Wider),
    ("be-identity-card", "be.eid", "############", Wider),
    ("nl-bsn", "nl.bsn", "#########", Same),
    ("de-tax-id", "de.idnr", "[1234]1234567[5678][90]#", Same),
    ("at-svnr", "at.vnr", "####d", Same),
    ("at-tax-number", "at.tin", "#########", Wider),
    ("ch-ahv", "ch.ssn", "756.####.####.##", Same),
    ("ch-uid", "ch.uid", "CHE-###.###.###", Same),
    ("pl-pesel", "pl.pesel", "y#####", Same),
    ("pl-pesel", "pl.pesel", "###########", Same),
    ("pl-nip", "pl.nip", "##########", Same),
    ("cz-birth-number", "cz.rc", "y####", Same),
    ("cz-birth-number", "cz.rc", "##########", Same),
    ("cz-birth-number", "cz.rc", "y###", Same),
    ("si-emso", "si.emso", "##[01]#9######[0123456789]#", Same),
    ("si-emso", "si.emso", "[012]#0[1-9]9########", Same),
    ("si-tax-number", "si.ddv", "########", Same),
    ("hr-oib", "hr.oib", "###########", Same),
    ("es-dni", "es.dni", "########@", Same),
    ("es-nie", "es.nie", "[XYZ]#######@", Same),
    ("es-nif", "es.nif", "[KLMXYZ0]#######@", Same),
    ("pt-nif", "pt.nif", "#########", Same),
    ("pt-cc", "pt.cc", "##########**#", Narrower),
    ("pt-cc", "pt.cc", "#########**#", Same),
    ("it-fiscal-code", "it.codicefiscale", "@@@@@@##[ABCDEHLMPRST][0246]#@###@", Same),
    ("it-fiscal-code", "it.codicefiscale", "@@@@@@#[LMNPQRSTUV][ABCD][01]#@#[LMN]#@", Same),
    ("gr-amka", "gr.amka", "d#####", Same),
    ("gr-afm", "gr.vat", "#########", Same),
    ("cy-tin", "cy.vat", "########@", Same),
    ("dk-cpr", "dk.cpr", "d-####", Same),
    ("se-personal-number", "se.personnummer", "y-####", Same),
    ("se-personal-number", "se.personnummer", "l-####", Same),
    ("fi-hetu", "fi.hetu", "d[-+AB]####", Same),
    ("fi-hetu", "fi.hetu", "d[-+AYF]###@", Same),
    ("no-birth-number", "no.fodselsnummer", "d#####", Wider),
    ("is-kennitala", "is_.kennitala", "d###[90]", Same),
    ("bg-egn", "bg.egn", "y####", Same),
    ("bg-lnch", "bg.pnf", "##########", Same),
    ("ro-cnp", "ro.cnp", "[123456]y0[1-9]####", Same),
    ("ee-personal-code", "ee.ik", "[3456]y####", Same),
    ("lt-personal-code", "lt.asmens", "[3456]y####", Same),
    ("lv-personal-code", "lv.pvn", "d[012]####", Same),
    ("lv-personal-code", "lv.pvn", "32#########", Same),
    ("ca-sin", "ca.sin", "#########", Same),
    ("ca-bc-phn", "ca.bc_phn", "9#########", Same),
    ("br-cpf", "br.cpf", "#########[0123456789][0123]", Same),
    ("br-cnpj", "br.cnpj", "########0001##", Same),
    ("mx-curp", "mx.curp", "H@@@y[HM]DF@@@##", Wider),
    ("au-tfn", "au.tfn", "#########", Same),
    ("nz-ird", "nz.ird", "#########", Same),
    ("nz-ird", "nz.ird", "########", Same),
    ("cn-resident-id", "cn.ric", "110101l####", Narrower),
    ("cn-resident-id", "cn.ric", "310115l###X", Wider),
    ("kr-rrn", "kr.rrn", "y-[1234]######", Wider),
    ("in-aadhaar", "in_.aadhaar", "############", Same),
    ("in-pan", "in_.pan", "@@@@@####@", Same),
    ("in-epic", "in_.epic", "@@@#######", Same),
    ("iban", "iban", "AT################", Wider),
    ("iban", "iban", "NL##ABNA##########", Wider),
    ("iban", "iban", "FR#########################", Wider),
    ("bic", "bic", "@@@@[DUJF][ESPR]**", Same),
    ("lei", "lei", "5493001*************##", Narrower),
    ("lei", "lei", "5493001***********##", Same),
    ("imei", "imei", "###############", Same),
    ("gs1", "ean", "#############", Same),
    ("fr-rpps", "luhn", "[18]##########", Same),
    ("credit-card", "luhn", "4###############", Same),
    ("credit-card", "luhn", "################", Narrower),
];

/// Numbers made up for each line of [`CHECKS`].
const NUMBERS_EACH: usize = 3_000;

/// Answers one verdict a line. The clock is set far ahead, so that only the number decides.
const SCRIPT: &str = r#"
import datetime, importlib, sys, types
class Late(datetime.date):
    @classmethod
    def today(cls):
        return cls(2099, 12, 31)
late = types.SimpleNamespace(date=Late, datetime=datetime.datetime, timedelta=datetime.timedelta)
modules = {}
out = []
for line in sys.stdin:
    name, number = line.rstrip("\n").split("\t")
    if name not in modules:
        module = importlib.import_module("stdnum." + name)
        if hasattr(module, "datetime"):
            module.datetime = late
        modules[name] = module
    out.append("1" if modules[name].is_valid(number) else "0")
print("".join(out))
"#;

#[test]
fn check_digits_agree_with_python_stdnum() {
    let Some(python) = python_with_stdnum() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "python-stdnum is missing; the test set-up installs it");
        println!("skipped: no Python with python-stdnum (set LAZARET_TEST_PYTHON)");
        return;
    };
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut numbers = Vec::new();
    for line in CHECKS {
        numbers.extend((0..NUMBERS_EACH).map(|_| (line, random.number(line.2))));
    }
    let verdicts = ask(&python, numbers.iter().map(|(line, number)| (line.1, number.as_str())));
    assert_eq!(verdicts.len(), numbers.len());
    let mut wrong = String::new();
    let mut accepted = std::collections::BTreeMap::new();
    for ((line, number), theirs) in numbers.iter().zip(verdicts) {
        let (ours, relation) = (validate::by_name(line.0).unwrap()(number), line.3);
        *accepted.entry(line.0).or_insert(0) += usize::from(ours);
        let agrees = ours == theirs || (ours && relation == Wider) || (theirs && relation == Narrower);
        if !agrees {
            writeln!(wrong, "{} {number}: ours {ours}, theirs {theirs}", line.0).unwrap();
        }
    }
    let never: Vec<_> = accepted.iter().filter(|(_, count)| **count < 3).collect();
    assert!(never.is_empty(), "too few accepted to tell: {never:?}");
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.lines().count(), &wrong[..wrong.len().min(4000)]);
}

fn ask<'a>(python: &Path, numbers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<bool> {
    let mut input = String::new();
    for (module, number) in numbers {
        writeln!(input, "{module}\t{number}").unwrap();
    }
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the Python process failed");
    String::from_utf8(output.stdout).unwrap().trim().bytes().map(|verdict| verdict == b'1').collect()
}

fn python_with_stdnum() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/test-venv/bin/python");
    let candidates = [std::env::var_os("LAZARET_TEST_PYTHON").map(PathBuf::from), Some(venv), Some("python3".into())];
    candidates.into_iter().flatten().find(|python| {
        Command::new(python)
            .args(["-c", "import stdnum"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit
    }

    fn one_of(&mut self, choices: &[u8]) -> char {
        char::from(choices[self.below(choices.len())])
    }

    fn number(&mut self, template: &str) -> String {
        const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut out = String::new();
        let mut chars = template.chars();
        while let Some(c) = chars.next() {
            match c {
                '#' => out.push(self.one_of(&ALNUM[26..])),
                '@' => out.push(self.one_of(&ALNUM[..26])),
                '*' => out.push(self.one_of(ALNUM)),
                '[' => {
                    let choices: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let choices = if choices == "1-9" { "123456789".to_owned() } else { choices };
                    out.push(self.one_of(choices.as_bytes()));
                }
                'd' | 'y' | 'l' => {
                    // Some of these days do not exist, as intended.
                    let (year, month, day) = (1910 + self.below(110), 1 + self.below(12), 1 + self.below(31));
                    match c {
                        'd' => write!(out, "{day:02}{month:02}{:02}", year % 100).unwrap(),
                        'y' => write!(out, "{:02}{month:02}{day:02}", year % 100).unwrap(),
                        _ => write!(out, "{year}{month:02}{day:02}").unwrap(),
                    }
                }
                _ => out.push(c),
            }
        }
        out
    }
}
