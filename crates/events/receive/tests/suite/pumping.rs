use std::sync::Arc;
use std::time::Duration;

use model::Record;
use proptest::prelude::*;
use receive::pump::{Pump, RAW_BYTES_MAX};
use receive::{Board, Inlet, Mapper, Payload, Spool};
use tokio::sync::watch;

use crate::support::{Held, Memory, clock, message, open};

fn pump(spool: &Arc<Spool>, board: &Arc<Board>, memory: &Arc<Memory>) -> Pump {
    Pump {
        spool: Arc::clone(spool),
        board: Arc::clone(board),
        mapper: Arc::new(Mapper::shipped().unwrap()),
        record: Arc::clone(memory) as Arc<dyn Record>,
        journal: Arc::new(Held(Arc::clone(memory))),
    }
}

/// Pumps until so much is recorded, or so long; then stops, or is killed.
async fn run(spool: &Arc<Spool>, memory: &Arc<Memory>, until: usize, killed: bool) -> Arc<Board> {
    let board = Arc::new(Board::default());
    let (stop, stopped) = watch::channel(false);
    let pump = pump(spool, &board, memory);
    let task = tokio::spawn(async move { pump.run(stopped).await });
    for _ in 0..2_000 {
        if memory.events.lock().unwrap().len() >= until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    if killed {
        task.abort();
        let _cancelled = task.await;
    } else {
        stop.send(true).unwrap();
        task.await.unwrap();
    }
    board
}

#[tokio::test]
async fn what_comes_is_recorded_with_what_it_means() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let inlet = Inlet::new(Arc::clone(&spool), Arc::new(Board::default()), clock());
    let peer = Some("192.0.2.9".parse().unwrap());
    let text = b"<38>Nov 29 12:00:00 gate sshd[7]: Failed password for mallory from 192.0.2.7 port 22 ssh2";
    let long = format!("<13>Nov 29 12:00:00 gate app: {}", "y".repeat(RAW_BYTES_MAX));
    let frames = [
        inlet.frame("syslog-tcp", peer, 0, Payload::Message(text.to_vec())),
        inlet.frame("syslog-tcp", peer, 0, Payload::Message(b"<13>\xff\xfe".to_vec())),
        inlet.frame("syslog-tcp", peer, 3, Payload::Message(long.into_bytes())),
        inlet.frame("push/lab", None, 0, Payload::Record { family: intake::Family::Okta, json: b"{\"a\":".to_vec() }),
    ];
    inlet.put("syslog-tcp", &frames).await.unwrap();
    let memory = Arc::new(Memory::default());
    let board = run(&spool, &memory, 4, false).await;
    let mut events = memory.events.lock().unwrap().clone();
    events.sort_by_key(|event| event.outside.as_ref().unwrap().sequence);
    let outside = events[0].outside.as_ref().unwrap();
    assert_eq!((outside.class_uid, outside.activity_id, &*outside.activity), (3002, 1, "Logon"));
    assert_eq!((&*outside.family, outside.source.as_str()), ("syslog", "syslog-tcp"));
    assert!(outside.logsources.contains(&"linux/sshd".to_owned()), "{:?}", outside.logsources);
    let details: Vec<(&str, &str)> =
        events[0].details.iter().map(|detail| (&*detail.field, detail.value.as_str())).collect();
    assert!(details.contains(&("actor.name", "mallory")) && details.contains(&("host.name", "gate")), "{details:?}");
    assert_eq!(events[0].details[0].scope.to_string(), "day:2026-11-29");
    assert!(matches!(events[0].outcome, model::event::Outcome::Failure { .. }));
    let unread = events[1].outside.as_ref().unwrap();
    assert!(unread.problem.as_ref().unwrap().contains("UTF-8") && unread.class_uid == 0);
    assert!(events[1].details[0].value.contains('\u{fffd}'));
    let cut = events[2].outside.as_ref().unwrap();
    assert!(cut.cut_bytes > 3 && events[2].details[0].value.len() == RAW_BYTES_MAX);
    assert!(events[3].outside.as_ref().unwrap().problem.as_ref().unwrap().contains("JSON"));
    let counted = board.sources().into_iter().find(|source| source.name == "syslog-tcp").unwrap();
    assert_eq!((counted.recorded, counted.unparsed, counted.waiting_bytes), (3, 1, 0));
    assert_eq!(spool.place().next, spool.end());
}

#[tokio::test]
async fn a_ledger_that_fails_makes_records_wait() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let frames: Vec<_> = (0..500).map(|number| message(&number.to_string())).collect();
    let numbers = spool.append(&frames).await.unwrap();
    let memory = Arc::new(Memory::default());
    *memory.fails_after.lock().unwrap() = Some(123);
    let board = run(&spool, &memory, 124, false).await;
    assert!(board.trouble().unwrap().contains("the test says so"));
    // Those that were recorded need not be the first ones.
    assert!(spool.place().next <= numbers.start + 123);
    *memory.fails_after.lock().unwrap() = None;
    let board = run(&spool, &memory, 500, false).await;
    let mut recorded = memory.numbers();
    recorded.sort_unstable();
    assert_eq!((recorded, board.trouble()), (numbers.collect(), None));
}

/// The worst that may be in an entry fits into it.
#[tokio::test]
async fn an_entry_holds_the_longest_record_with_the_longest_names() {
    let mapper = Mapper::shipped().unwrap();
    let long = "\u{1}\"\\é".repeat(20_000);
    let json = serde_json::json!({
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "errorCode": long,
        "userIdentity": { "userName": long }, "requestParameters": { "bucketName": long, "key": long },
    });
    let inner = Payload::Record { family: intake::Family::CloudTrail, json: json.to_string().into_bytes() };
    let mut frame = message("");
    (frame.payload, frame.source) = (inner, "\u{1}".repeat(128));
    let event = receive::pump::event(u64::MAX, &frame, &mapper, &mut intake::Messages::default());
    let json = serde_json::to_string(&event).unwrap();
    // Behind each detail: field, scope, token, commitment, and what the vault adds to salt and value.
    let details: usize = event.details.iter().map(|detail| detail.value.len() + 300).sum();
    assert!(46 + json.len() + 8 + details <= 65_535, "{} {details}", json.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, ..ProptestConfig::default() })]

    /// Killed again and again while it records: nothing is lost, nothing doubled.
    #[test]
    fn whenever_the_kill_comes_each_record_is_recorded_once(
        kills in proptest::collection::vec((0_usize..700, 1_usize..400), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let memory = Arc::new(Memory::default());
        let mut total = 0;
        let mut start = None;
        for (until, adds) in kills {
            let spool = open(folder.path());
            let frames: Vec<_> = (0..adds).map(|number| message(&number.to_string())).collect();
            let numbers = runtime.block_on(spool.append(&frames)).unwrap();
            start.get_or_insert(numbers.start);
            total += adds;
            runtime.block_on(run(&spool, &memory, until.min(total), true));
            // The thread that reads holds the spool's files no longer than a moment; a kill would end it at once.
        }
        let spool = open(folder.path());
        runtime.block_on(run(&spool, &memory, total, false));
        let mut numbers = memory.numbers();
        numbers.sort_unstable();
        let first = start.unwrap();
        prop_assert_eq!(numbers, (first..first + total as u64).collect::<Vec<_>>());
    }
}
