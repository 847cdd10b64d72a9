#![no_main]

use std::ops::ControlFlow;

use intake::{Limits, Problem, Record, Sink};

struct Check(u64);

impl Sink for Check {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        assert!(record.number > self.0, "numbers go up");
        self.0 = record.number;
        assert!(record.json.starts_with(b"{") && record.json.ends_with(b"}"));
        assert!(std::str::from_utf8(record.json).is_ok());
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        assert!(!problem.why.is_empty());
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    let limits = Limits { record_bytes: 1 << 16, expansion_bytes: 1 << 22, evtx_bytes: 1 << 22 };
    let _any = intake::read_stream("fuzz", Box::new(data), &limits, &mut Check(0));
});
