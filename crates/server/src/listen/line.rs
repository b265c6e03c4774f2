//! The TCP side: accepts connections, gives each a place in the lobby, and can cut every one of
//! them. HTTP knows no time limits here, so the lines bring their own.

use crate::lobby::{Knock, Lobby, Stage};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long one that is told to go may take to hear it.
const TO_BE_TOLD: Duration = Duration::from_secs(1);

/// The listener.
pub(crate) struct Lines {
    pub(crate) listener: TcpListener,
    pub(crate) lobby: Arc<Lobby>,
    /// Longest a connection may wait before the door, from its first byte on.
    pub(crate) patience: Duration,
    /// Ends all lines once it says true.
    pub(crate) cut: watch::Receiver<bool>,
}

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    knock: Arc<Knock>,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
    cut: bool,
}

/// What a request's handler may know of its connection.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) knock: Arc<Knock>,
    pub(crate) is_local: bool,
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Signaling frames are small and each waits for the last: never hold one back.
        let _ = stream.set_nodelay(true);
        let knock = self.lobby.knock();
        let over = Box::pin(over(knock.clone(), self.patience, self.cut.clone()));
        (Line { stream, knock, over, cut: false }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Lines>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        Self { knock: stream.io().knock.clone(), is_local: stream.remote_addr().ip().is_loopback() }
    }
}

/// Ready when the line must end from this side.
async fn over(knock: Arc<Knock>, patience: Duration, mut cut: watch::Receiver<bool>) {
    let stage = tokio::select! {
        stage = knock.decided() => stage,
        () = tokio::time::sleep(patience) => return,
        _ = cut.wait_for(|cut| *cut) => return,
    };
    if stage == Stage::Evicted {
        if !knock.can_be_told() {
            return;
        }
        drop(knock);
        tokio::select! {
            () = tokio::time::sleep(TO_BE_TOLD) => {}
            _ = cut.wait_for(|cut| *cut) => {}
        }
        return;
    }
    drop(knock);
    let _ = cut.wait_for(|cut| *cut).await;
}

impl Line {
    fn live(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        self.cut = self.cut || self.over.as_mut().poll(cx).is_ready();
        if self.cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(Pin::new(&mut self.stream)) }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_read(cx, buf),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_write(cx, buf),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_write_vectored(cx, bufs),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_flush(cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Also of a line that was cut: this only ends it.
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
