//! Just enough HTTP/1.1 for both ends of a load: messages with a `Content-Length`, one after the other.
//!
//! It does less than a library would, so that the hub is what is measured.

use std::{fmt::Write as _, io, ops::Range};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One connection.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer was handed out.
    used: usize,
}

/// A request or an answer.
pub(super) struct Message<'a> {
    pub(super) start_line: &'a str,
    pub(super) body: &'a [u8],
}

/// What a request says beside its body.
pub(super) struct Target<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) token: &'a str,
}

/// What is read at once: an answer to a poll in a few reads.
const READ_BYTES: usize = 16 * 1024;
/// Far more than a hub sends; beyond it the peer is no hub.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// 256 SETs of 64 KiB, the most of one answer to a poll, and room to spare.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

impl Wire {
    pub(super) async fn connect(address: &str) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), used: 0 })
    }

    /// The next message; `None` when the peer has closed the connection after the last one.
    pub(super) async fn read(&mut self) -> io::Result<Option<Message<'_>>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let (head, body) = loop {
            if let Some(frame) = frame(&self.buffer)? {
                break frame;
            }
            self.buffer.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let ended = self.buffer.is_empty();
                return if ended { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        };
        self.used = body.end;
        let head = str::from_utf8(&self.buffer[head]).map_err(io::Error::other)?;
        let start_line = head.lines().next().unwrap_or_default();
        Ok(Some(Message { start_line, body: &self.buffer[body] }))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a request and reads the answer.
    pub(super) async fn call(&mut self, target: &Target<'_>, body: &str) -> io::Result<(u16, &[u8])> {
        self.write(request(target, body).as_bytes()).await?;
        let Some(answer) = self.read().await? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        Ok((answer.status()?, answer.body))
    }
}

impl Message<'_> {
    /// The status of an answer.
    pub(super) fn status(&self) -> io::Result<u16> {
        let status = self.start_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::other("this is no answer of an HTTP server"))
    }
}

/// One request with a JSON body.
pub(super) fn request(target: &Target<'_>, body: &str) -> String {
    let Target { method, path, token } = target;
    let mut request = String::with_capacity(256 + body.len());
    let _ = write!(
        request,
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    request
}

/// Where the head and the body of the first message are, once it is complete.
fn frame(buffer: &[u8]) -> io::Result<Option<(Range<usize>, Range<usize>)>> {
    let window = &buffer[..buffer.len().min(HEAD_BYTES_MAX)];
    let Some(end) = window.windows(4).position(|four| four == b"\r\n\r\n") else {
        let too_long = window.len() == HEAD_BYTES_MAX;
        return if too_long { Err(io::Error::other("a head of more than 32 KiB")) } else { Ok(None) };
    };
    let head = str::from_utf8(&buffer[..end]).map_err(io::Error::other)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.unwrap_or_default();
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("a body of more than 32 MiB"));
    }
    let body = end + 4..end + 4 + length;
    Ok((buffer.len() >= body.end).then_some((0..end, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_when_its_last_byte_is_there() {
        let whole = b"POST /s/1 HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabcPOST";
        for part in 0..whole.len() - 4 {
            assert_eq!(frame(&whole[..part]).unwrap(), None, "{part} bytes");
        }
        let (head, body) = frame(whole).unwrap().unwrap();
        assert_eq!(&whole[body], b"abc");
        assert!(whole[head].ends_with(b"3"));
        assert!(frame(&vec![b'a'; HEAD_BYTES_MAX]).is_err());
        assert!(frame(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").is_err());
    }
}
