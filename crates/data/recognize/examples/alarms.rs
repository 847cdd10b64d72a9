//! Scans files given as arguments or by name on standard input, one a line, as plain text, and prints each find with
//! what stands around it: how quiet recognition is on real source code and logs.
//! `find DIR -name '*.rs' | cargo run -p recognize --example alarms`

#![expect(clippy::print_stderr, reason = "the sum goes beside the table on standard output")]

use std::io::{BufRead as _, Write as _};

use recognize::engine::{By, Engine, NamesTier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::embedded()?;
    let mut scratch = engine.scratch();
    let mut out = std::io::stdout().lock();
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    }
    let (mut bytes, mut count, mut hits) = (0, 0, Vec::new());
    for name in names {
        let Ok(content) = std::fs::read(&name) else { continue };
        let Ok(text) = String::from_utf8(content) else { continue };
        bytes += text.len();
        hits.clear();
        engine.text(&text, NamesTier::Off, None, &mut scratch, &mut hits);
        count += hits.len();
        for hit in &hits {
            let who = match hit.by {
                By::Recognizer(index) => engine.recognizer(index).map_or("", |spec| spec.id.as_str()),
                By::Terms(list) => engine.term_lists().get(usize::from(list)).map_or("", |(file, _)| file.as_str()),
                By::Names(_) => "names",
            };
            let from = text[..hit.start].char_indices().rev().nth(40).map_or(0, |(at, _)| at);
            let to = text[hit.end..].char_indices().nth(24).map_or(text.len(), |(at, _)| hit.end + at);
            let shown = format!("{}«{}»{}", &text[from..hit.start], &text[hit.start..hit.end], &text[hit.end..to]);
            writeln!(out, "{}\t{who}\t{}\t{name}\t{:?}", hit.kind, hit.confidence, shown)?;
        }
    }
    eprintln!("{count} finds in {bytes} bytes");
    Ok(())
}
