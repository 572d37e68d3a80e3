//! The first bytes of a connection: a handshake, or a word to those who came without one.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Agrees on TLS with a peer. Whoever speaks plain HTTP is told so in a way that a person understands, and gets
/// nothing else; whoever speaks something else gets the alert of TLS.
pub(crate) async fn shake_hands(
    tls: &TlsAcceptor,
    mut stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? > 0 && first[0].is_ascii_uppercase() {
        // What was not read when a connection is closed takes the answer with it.
        let _ = stream.read(&mut [0; REQUEST_BYTES]).await?;
        stream.write_all(SPEAK_TLS.as_bytes()).await?;
        return Err(io::Error::other("plain HTTP"));
    }
    tls.accept(stream).await
}

/// As much as a person's request has.
const REQUEST_BYTES: usize = 2048;

const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
    Content-Length: 34\r\n\r\nThis port speaks TLS: use https.\r\n";
