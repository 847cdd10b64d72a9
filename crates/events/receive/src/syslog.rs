//! Listeners for syslog: UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).
//!
//! Syslog has no acknowledgement: what a sender handed to its own system and what had not reached this program's spool at a
//! kill is lost, whoever receives. What was read from a socket is durable before more is read.

mod framing;
mod tcp;
mod udp;

pub use framing::{Framer, MESSAGE_BYTES_MAX, Message};
pub use tcp::{CONNECTIONS_MAX, IDLE_MAX, serve_tcp, serve_tls};
pub use udp::{DATAGRAM_BYTES_MAX, serve_udp};

use std::net::IpAddr;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;

use crate::{Frame, Inlet, Payload};

/// Who the server is over TLS.
pub type TlsConfig = Arc<ServerConfig>;

/// The frame of a message that came over a socket.
fn frame(inlet: &Inlet, source: &str, peer: IpAddr, message: Message) -> Frame {
    let payload = match message.problem {
        None => Payload::Message(message.bytes),
        Some(why) => Payload::Unreadable { why: why.to_owned(), bytes: message.bytes },
    };
    inlet.frame(source, Some(peer), message.cut_bytes, payload)
}
