//! Syslog over UDP (RFC 5426): a datagram is a message.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::frame;
use super::framing::Message;
use crate::{Counters, Inlet, ended};

/// The longest datagram (RFC 5426, section 3.2, asks for 2,048 octets at least; UDP over IPv4 has no more than this).
pub const DATAGRAM_BYTES_MAX: usize = 65_507;
/// Datagrams that wait to become durable; further ones are dropped and counted.
const WAITING_MAX: usize = 16_384;
/// Bytes of datagrams that become durable together.
const BATCH_BYTES: usize = 256 << 10;
/// The kernel's buffer that is asked for, in bytes. It may give less.
const BUFFER_BYTES: usize = 8 << 20;
/// How often the kernel is asked what it had to drop.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after a socket could not be read.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes datagrams until `stop` turns true. What cannot be taken in time is lost, as UDP has it, and counted.
pub async fn serve_udp(inlet: Inlet, source: &'static str, socket: UdpSocket, mut stop: watch::Receiver<bool>) {
    if let Err(error) = rustix::net::sockopt::set_socket_recv_buffer_size(socket.as_fd(), BUFFER_BYTES) {
        tracing::debug!(%error, "the socket keeps the system's buffer");
    }
    let counters = inlet.board().source(source);
    let (datagrams, waiting) = mpsc::channel(WAITING_MAX);
    let putting = tokio::spawn(put(inlet, source, waiting));
    let mut kernel = Kernel::new(&socket);
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX + 1];
    let mut asking = interval(ASK_EVERY);
    asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = ended(&mut stop) => break,
            _ = asking.tick() => kernel.count(&counters),
            received = socket.recv_from(&mut buffer) => match received {
                Ok((count, peer)) => take(&datagrams, &counters, buffer.get(..count).unwrap_or_default(), peer),
                Err(error) => {
                    tracing::warn!(%error, "a datagram could not be read");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    // What the kernel has taken already.
    while let Ok((count, peer)) = socket.try_recv_from(&mut buffer) {
        take(&datagrams, &counters, buffer.get(..count).unwrap_or_default(), peer);
    }
    kernel.count(&counters);
    drop(datagrams);
    let _its_fault_was_told = putting.await;
}

fn take(datagrams: &mpsc::Sender<(Vec<u8>, SocketAddr)>, counters: &Arc<Counters>, bytes: &[u8], peer: SocketAddr) {
    if !bytes.is_empty() && datagrams.try_send((bytes.to_vec(), peer)).is_err() {
        counters.lost(1);
    }
}

/// Makes what waits durable, as much at once as there is.
async fn put(inlet: Inlet, source: &'static str, mut waiting: mpsc::Receiver<(Vec<u8>, SocketAddr)>) {
    while let Some(first) = waiting.recv().await {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some((datagram, peer)) = next.take() {
            bytes += datagram.len();
            let message = Message { bytes: datagram, cut_bytes: 0, problem: None };
            batch.push(frame(&inlet, source, peer.ip(), message));
            next = if bytes < BATCH_BYTES { waiting.try_recv().ok() } else { None };
        }
        if let Err(error) = inlet.put(source, &batch).await {
            inlet.board().source(source).lost(batch.len() as u64);
            tracing::debug!(%error, "datagrams were lost");
        }
    }
}

/// What the kernel dropped because nobody read in time: the last column of `/proc/net/udp` (proc(5)), in the line with the
/// socket's inode.
struct Kernel {
    inode: u64,
    dropped: u64,
}

impl Kernel {
    fn new(socket: &UdpSocket) -> Self {
        let inode = rustix::fs::fstat(socket.as_fd()).map_or(0, |found| found.st_ino);
        Self { inode, dropped: 0 }
    }

    fn count(&mut self, counters: &Counters) {
        let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
        let read = |path: &str| -> io::Result<String> { std::fs::read_to_string(path) };
        let found = tables.iter().find_map(|path| dropped(&read(path).ok()?, self.inode));
        let now = found.unwrap_or(self.dropped);
        counters.lost(now.saturating_sub(self.dropped));
        self.dropped = now;
    }
}

fn dropped(table: &str, inode: u64) -> Option<u64> {
    let inode = inode.to_string();
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        // Behind the slot: addresses, state, queues, timer, retransmissions, user and time-out come before the inode.
        (fields.nth(9)? == inode).then(|| fields.last()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
                     \x20  10: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 12\n";
        assert_eq!(super::dropped(table, 4711), Some(12));
        assert_eq!(super::dropped(table, 4712), None);
    }
}
