use formats::*;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
struct D(usize, Vec<String>);
impl D {
    fn p(&self, s: String) {
        let mut s: String = s.chars().take(300).collect();
        s = s.replace('\n', "\\n");
        println!("{}{}", "  ".repeat(self.0), s);
    }
}
impl Sink for D {
    fn format(&mut self, f: model::Format) -> Result<(), Halt> {
        self.p(format!("format {f}"));
        Ok(())
    }
    fn enter(&mut self, m: &Member<'_>) -> Result<(), Halt> {
        self.p(format!("enter {}", m.name));
        self.0 += 1;
        Ok(())
    }
    fn leave(&mut self, b: u64) -> Result<(), Halt> {
        self.0 -= 1;
        self.p(format!("leave {b}"));
        Ok(())
    }
    fn text(&mut self, t: &Text<'_>) -> Result<(), Halt> {
        self.p(format!("text {:?} {}", t.place, t.text));
        Ok(())
    }
    fn table(&mut self, t: &Table<'_>) -> Result<(), Halt> {
        self.p(format!("table {} {:?}", t.name, t.columns.iter().map(|c| c.name).collect::<Vec<_>>()));
        Ok(())
    }
    fn row(&mut self, r: &Row<'_>) -> Result<(), Halt> {
        self.p(format!("row {} {:?}", r.number, r.cells.iter().map(|c| c.value).collect::<Vec<_>>()));
        Ok(())
    }
    fn field(&mut self, f: &Field<'_>) -> Result<(), Halt> {
        self.p(format!("field {:?} {} = {}", f.vocabulary, f.path, f.value));
        Ok(())
    }
    fn record(&mut self) -> Result<(), Halt> {
        self.p("record".into());
        Ok(())
    }
    fn problem(&mut self, p: Problem) -> Result<(), Halt> {
        self.p(format!("PROBLEM {:?} {}", p.kind, p.message));
        Ok(())
    }
}
fn main() {
    for path in std::env::args().skip(1) {
        println!("=== {path}");
        let c = AtomicBool::new(false);
        let s = Instant::now();
        let e = || s.elapsed();
        let mut b = Budget::new(Limits::default(), &c, &e);
        let f = std::fs::File::open(&path).unwrap();
        let _ = read(Source::seek(f).unwrap(), &mut D(0, vec![]), &mut b);
        let _: Duration = s.elapsed();
    }
}
