//! Made-up records at a fixed rate, and what became of each batch.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use intake::Messages;

use super::serve::Server;

/// Batches a second, each way.
const BATCHES: u64 = 50;

/// How long before a kill what was sent over TCP may still have been in the socket.
const IN_SOCKET_MAX: Duration = Duration::from_secs(2);

/// What may be expected of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// It was acknowledged, or sent to a server that was not killed.
    Be,
    /// It was sent over TCP, without an acknowledgement, to a server that was killed later.
    Socket,
    /// It was pushed to a server that was killed before it answered.
    Unanswered,
}

/// The way of a batch.
#[derive(Debug, Clone, Copy)]
enum Way {
    Tcp,
    Push,
}

/// Every batch that was sent: its way, first number, count, and what may be expected of it.
#[derive(Default)]
pub struct Sent {
    batches: Vec<(Way, u64, u64, Must)>,
    waits: Vec<Duration>,
    next: u64,
}

impl Sent {
    /// How many records.
    pub fn all(&self) -> u64 {
        self.batches.iter().map(|(_, _, count, _)| count).sum()
    }

    /// How long pushes took, at that share of them, in milliseconds.
    pub fn wait_ms(&self, share: f64) -> f64 {
        let mut waits: Vec<u64> =
            self.waits.iter().map(|wait| u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)).collect();
        waits.sort_unstable();
        at(&waits, share) / 1000.0
    }

    /// The text under which the ledger keeps each record, and what may be expected of it.
    pub fn each(&self, mut tell: impl FnMut(&str, Must)) -> Result<()> {
        let mut messages = Messages::default();
        for (way, first, count, must) in &self.batches {
            for number in *first..first + count {
                match way {
                    Way::Push => tell(&record(number), *must),
                    Way::Tcp => {
                        let line = line(number);
                        let (_, json) = messages.read(line.as_bytes()).map_err(|why| anyhow!(why))?;
                        tell(std::str::from_utf8(json)?, *must);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The value at that share of sorted ones.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
pub fn at(sorted: &[u64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share) as usize;
    sorted.get(rank.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default() as f64
}

/// A line as it goes over TCP.
fn line(number: u64) -> String {
    let (low, port) = (number % 250, number % 60_000);
    match number % 3 {
        0 => format!(
            "<38>Nov 29 12:02:03 gate{low} sshd[{number}]: Accepted publickey for analyst{low} from 192.0.2.{low} port {port} ssh2"
        ),
        1 => format!(
            "192.0.2.{low} - analyst{low} [29/Nov/2026:12:02:03 +0000] \"GET /trial/subject-{number}.xpt HTTP/1.1\" 200 {port} \
             \"https://portal.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\""
        ),
        _ => format!(
            "type=USER_LOGIN msg=audit(1795953723.000:{number}): pid={port} uid=0 auid=1000 ses=5 msg='op=login \
             acct=\"analyst{low}\" exe=\"/usr/sbin/sshd\" hostname=host{low} addr=192.0.2.{low} terminal=ssh res=success'"
        ),
    }
}

/// A record as it is pushed.
fn record(number: u64) -> String {
    let low = number % 250;
    if number.is_multiple_of(2) {
        return format!(
            "{{\"eventVersion\":\"1.09\",\"userIdentity\":{{\"type\":\"IAMUser\",\"userName\":\"analyst{low}\",\"arn\":\
             \"arn:aws:iam::111122223333:user/analyst{low}\"}},\"eventTime\":\"2026-11-29T12:02:03Z\",\"eventSource\":\
             \"s3.amazonaws.com\",\"eventName\":\"GetObject\",\"sourceIPAddress\":\"198.51.100.{low}\",\"requestParameters\":\
             {{\"bucketName\":\"trial\",\"key\":\"raw/subject-{number}.xpt\"}},\"eventID\":\"{number}\"}}"
        );
    }
    format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"#attributes\":{{\"Name\":\"Microsoft-Windows-Security-Auditing\"}}}},\
         \"EventID\":4663,\"EventRecordID\":{number},\"Channel\":\"Security\",\"Computer\":\"ws{low}.example.com\",\"Keywords\":\
         \"0x8020000000000000\",\"TimeCreated\":{{\"#attributes\":{{\"SystemTime\":\"2026-11-29T12:02:03Z\"}}}}}},\"EventData\":\
         {{\"SubjectUserName\":\"analyst{low}\",\"ObjectType\":\"File\",\"ObjectName\":\"D:\\\\trial\\\\{number}.xpt\",\
         \"AccessMask\":\"0x1\"}}}}}}"
    )
}

/// Clients of a server.
pub struct Load {
    tcp: TcpStream,
    pushes: TcpStream,
    rate: u64,
    /// Batches that went to this server over TCP, by place in [`Sent`].
    over_tcp: Vec<(usize, Instant)>,
}

impl Load {
    pub fn start(server: &Server, rate: u64) -> Result<Self> {
        let tcp = TcpStream::connect(server.tcp)?;
        let mut pushes = TcpStream::connect(server.pushes)?;
        pushes.set_nodelay(true)?;
        pushes.write_all(&[u8::try_from(server.token.len())?])?;
        pushes.write_all(server.token.as_bytes())?;
        Ok(Self { tcp, pushes, rate, over_tcp: Vec::new() })
    }

    /// Sends for so long.
    pub fn run(&mut self, how_long: Duration, sent: &mut Sent) -> Result<()> {
        let (clock, mut turn) = (Instant::now(), 0_u32);
        while clock.elapsed() < how_long {
            self.turn(sent)?;
            turn += 1;
            let due = Duration::from_secs(1) / u32::try_from(BATCHES)? * turn;
            std::thread::sleep(due.saturating_sub(clock.elapsed()));
        }
        Ok(())
    }

    /// One batch each way.
    fn turn(&mut self, sent: &mut Sent) -> Result<()> {
        let count = self.rate / BATCHES / 2;
        let first = sent.next;
        sent.next += 2 * count;
        let lines: String = (first..first + count).map(|number| line(number) + "\n").collect();
        sent.batches.push((Way::Tcp, first, count, Must::Be));
        self.over_tcp.push((sent.batches.len() - 1, Instant::now()));
        self.tcp.write_all(lines.as_bytes())?;
        let body: String = (first + count..first + 2 * count).map(|number| record(number) + "\n").collect();
        sent.batches.push((Way::Push, first + count, count, Must::Unanswered));
        let clock = Instant::now();
        self.pushes.write_all(&u32::try_from(body.len())?.to_be_bytes())?;
        self.pushes.write_all(body.as_bytes())?;
        let mut answer = [0; 8];
        self.pushes.read_exact(&mut answer)?;
        sent.waits.push(clock.elapsed());
        if u64::from_be_bytes(answer) != count {
            anyhow::bail!("a push of {count} records was answered with {}", u64::from_be_bytes(answer));
        }
        if let Some((_, _, _, must)) = sent.batches.last_mut() {
            *must = Must::Be;
        }
        Ok(())
    }

    /// Closes the connections in order: all that was sent is read.
    pub fn finish(self, _sent: &mut Sent) -> Result<()> {
        self.tcp.shutdown(std::net::Shutdown::Write)?;
        let mut rest = Vec::new();
        (&self.tcp).read_to_end(&mut rest)?;
        Ok(())
    }

    /// Goes on sending while the server is killed.
    pub fn until_killed(mut self, mut server: Server, sent: &mut Sent) -> Result<()> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let killing = std::thread::spawn(move || {
            // At no special moment of a batch.
            std::thread::sleep(Duration::from_micros(1_234_567));
            let killed = server.kill();
            over.store(true, Ordering::SeqCst);
            killed
        });
        while !is_over.load(Ordering::SeqCst) && self.turn(sent).is_ok() {}
        killing.join().map_err(|_panic| anyhow!("the thread that kills ended badly"))??;
        // What this server acknowledged is in its spool; what went over TCP just now may have been in the socket still.
        for (place, _) in self.over_tcp.iter().filter(|(_, at)| at.elapsed() < IN_SOCKET_MAX) {
            if let Some((_, _, _, must)) = sent.batches.get_mut(*place) {
                *must = Must::Socket;
            }
        }
        Ok(())
    }
}
