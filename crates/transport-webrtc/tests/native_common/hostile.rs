//! Far sides that a real server would never be: a WebSocket server whose every word is given
//! by the test.

use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// A socket as the far side sees it.
pub struct Guest(pub WebSocketStream<TcpStream>);

impl Guest {
    /// The next frame as text; `None` when the client is gone.
    pub async fn hear(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        let _ = self.0.send(Message::text(text.into())).await;
    }

    /// Waits until the client closes; gives its code.
    pub async fn closed(&mut self) -> Option<u16> {
        while let Some(Ok(message)) = self.0.next().await {
            if let Message::Close(frame) = message {
                // The answer goes out with the next read.
                let _ = self.0.next().await;
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    }

    pub async fn close(&mut self) {
        let _ = self.0.close(None).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

/// Answers each socket with the given script until it is dropped.
pub struct Hostile {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Hostile {
    pub async fn serve<F>(script: impl Fn(Guest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let script = Arc::new(script);
        Self::raw(move |stream| {
            let script = script.clone();
            async move {
                if let Ok(socket) = accept_async(stream).await {
                    script(Guest(socket)).await;
                }
            }
        })
        .await
    }

    /// As [`serve`](Self::serve), before any upgrade.
    pub async fn raw<F>(script: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        let task = tokio::spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while guests.try_join_next().is_some() {}
                guests.spawn(script(stream));
            }
        });
        Self { address, task }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/session", self.address)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lets a client in, without an answer to its offer.
pub const JOINED: &str = r#"{"type":"joined","ack":0,"version":1,"session_id":"s1","resume_secret":"0000","resume_window_ms":5000,"liveness":{"ping_ms":2000,"silence_ms":6000},"capabilities":{"features":["resume","prompt"],"publish":true},"snapshot":{}}"#;
