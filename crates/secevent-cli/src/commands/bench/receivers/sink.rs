//! The push endpoints: each answers 202 and keeps the SET, or misbehaves as it was told to.

use std::{io, rc::Rc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use super::{
    super::{protocol::Behaviour, wire::Wire},
    kept::Kept,
};

/// All push endpoints, behind one address.
pub(super) struct Sink {
    kept: Rc<Kept>,
    behaviour: Behaviour,
    address: String,
    listening: Option<AbortHandle>,
}

const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// How long a slow receiver takes.
const SLOW: Duration = Duration::from_secs(5);

/// Longer than any benchmark: a silent receiver never answers.
const SILENCE: Duration = Duration::from_hours(24);

impl Sink {
    pub(super) fn new(kept: Rc<Kept>) -> Self {
        Self { kept, behaviour: Behaviour::default(), address: "127.0.0.1:0".to_owned(), listening: None }
    }

    /// Takes connections from now on, and says where.
    pub(super) async fn listen(&mut self, behaviour: Behaviour) -> io::Result<String> {
        self.leave();
        self.behaviour = behaviour;
        "127.0.0.1:0".clone_into(&mut self.address);
        self.back().await?;
        Ok(self.address.clone())
    }

    /// Takes connections again, at the same address.
    pub(super) async fn back(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind(&self.address).await?;
        self.address = listener.local_addr()?.to_string();
        let work = serve(listener, Rc::clone(&self.kept), self.behaviour);
        self.listening = Some(tokio::task::spawn_local(work).abort_handle());
        Ok(())
    }

    /// Closes the socket and every connection.
    pub(super) fn leave(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }
}

async fn serve(listener: TcpListener, kept: Rc<Kept>, behaviour: Behaviour) {
    let mut swallow = behaviour.swallow;
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let swallow = std::mem::take(&mut swallow);
        connections.spawn_local(converse(stream, Rc::clone(&kept), behaviour, swallow));
    }
}

/// Answers the requests of one connection; the first of them is lost where that is wanted.
async fn converse(
    stream: TcpStream,
    kept: Rc<Kept>,
    behaviour: Behaviour,
    mut swallow: bool,
) -> io::Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(message) = wire.read().await? {
        let stream = stream_of(message.start_line);
        if stream < behaviour.silent {
            tokio::time::sleep(SILENCE).await;
        }
        if std::mem::take(&mut swallow) {
            kept.swallow();
        } else {
            kept.take(stream, message.body);
        }
        if stream < behaviour.silent + behaviour.slow {
            tokio::time::sleep(SLOW).await;
        }
        wire.write(ACCEPTED).await?;
    }
    Ok(())
}

/// The stream of `POST /s/7 HTTP/1.1`.
fn stream_of(start_line: &str) -> u32 {
    let path = start_line.split(' ').nth(1).unwrap_or_default();
    path.strip_prefix("/s/").and_then(|no| no.parse().ok()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_stream() {
        assert_eq!(stream_of("POST /s/12 HTTP/1.1"), 12);
        assert_eq!(stream_of("POST / HTTP/1.1"), u32::MAX);
    }
}
