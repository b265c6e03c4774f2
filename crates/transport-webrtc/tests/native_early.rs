//! The first frame in the upgrade of the socket: taken, not taken, refused on the way, and given up
//! while nobody knows which.

mod native_common;

use futures_util::{SinkExt, StreamExt};
use native_common::hostile::{Guest, Hostile, JOINED};
use native_common::*;
use offhook_netrig::{Conditions, Direction, Rig};
use offhook_signaling::{EARLY_HEADER, EARLY_TAKEN, FromClient, decode_from_client};
use offhook_transport::{Action, Content, Event, MemberChange, Secret};
use offhook_transport_webrtc::native::WebRtc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// How long the server's words are under way: longer than it takes to let somebody in, and less than
/// a goodbye may take.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Upgrades, and says what was in the header. `taken` is what it answers to that.
#[allow(clippy::result_large_err, reason = "the type of the handshake's callback")]
async fn upgrade(stream: TcpStream, taken: bool) -> (Guest, Option<String>) {
    let seen = Arc::new(Mutex::new(None));
    let into = seen.clone();
    let socket = accept_hdr_async(stream, move |request: &Request, mut response: Response| {
        let early =
            request.headers().get(EARLY_HEADER).map(|value| value.to_str().expect("ASCII").to_owned());
        if taken && early.is_some() {
            response.headers_mut().insert(EARLY_HEADER, HeaderValue::from_static(EARLY_TAKEN));
        }
        *into.lock().expect("nobody panics with it") = early;
        Ok(response)
    })
    .await
    .expect("a good request");
    let seen = seen.lock().expect("nobody panics with it").take();
    (Guest(socket), seen)
}

fn is_join(frame: &str) -> bool {
    matches!(decode_from_client(frame.as_bytes()).expect("a good frame").message, FromClient::Join(_))
}

/// What a far side noted: the header, and the first frame on the socket.
async fn first_words(taken: bool) -> (Option<String>, String) {
    let (note, mut noted) = mpsc::channel(4);
    let far = Hostile::raw(move |stream| {
        let note = note.clone();
        async move {
            let (mut guest, early) = upgrade(stream, taken).await;
            guest.0.send(Message::text(JOINED)).await.expect("it listens");
            guest.0.send(Message::text(r#"{"type":"ping","ack":0,"id":9}"#)).await.expect("it listens");
            let first =
                guest.0.next().await.expect("a frame").expect("a good one").into_text().expect("text");
            note.send((early, first.as_str().to_owned())).await.expect("the test waits");
        }
    })
    .await;
    let mut line = Line::dial(&WebRtc::new(far.url()), join(Some(Secret::new("a.b.c"))));
    let words = tokio::select! {
        words = noted.recv() => words.expect("it notes before it goes"),
        _ = line.until("the end of the world", |_| false) => unreachable!("nothing fits"),
    };
    line.connection.close();
    line.finish().await;
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_was_taken_is_not_said_again() {
    let (early, first) = first_words(true).await;
    assert!(is_join(&early.expect("it came along")));
    assert!(!is_join(&first), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_was_not_taken_is_said_on_the_socket() {
    let (early, first) = first_words(false).await;
    assert_eq!(early.as_deref().map(is_join), Some(true));
    assert!(is_join(&first), "{first}");
}

/// What stands on the way may take no header of that size: the dial goes on without, and the next
/// one begins so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_header_is_refused_the_dial_goes_on_without() {
    let (note, mut noted) = mpsc::channel(4);
    let far = Hostile::raw(move |mut stream| {
        let note = note.clone();
        async move {
            let mut request = vec![0; 16 * 1024];
            let length = stream.peek(&mut request).await.expect("a request");
            let is_early = String::from_utf8_lossy(&request[..length]).contains(EARLY_HEADER);
            note.send(is_early).await.expect("the test waits");
            if is_early {
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 431 Too Large\r\ncontent-length: 0\r\n\r\n").await;
                return;
            }
            let (mut guest, _) = upgrade(stream, false).await;
            assert!(is_join(&guest.hear().await.expect("the join")));
            guest.say(JOINED).await;
            guest.closed().await;
        }
    })
    .await;
    let transport = WebRtc::new(far.url());
    for dial in [vec![true, false], vec![false]] {
        let mut line = Line::dial(&transport, join(Some(Secret::new("a.b.c"))));
        line.until("being let in", |event| matches!(event, Event::Up(_))).await;
        for is_early in dial {
            assert_eq!(noted.recv().await, Some(is_early));
        }
        line.connection.close();
        line.finish().await;
    }
}

/// F04: the server has let it in, and it does not know yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_given_up_during_its_upgrade_leaves_no_ghost() {
    let server = server().await;
    let mut other = Line::joined(&WebRtc::new(server.url()), join(Some(credential(&server)))).await;
    let net = Rig::new(3);
    net.set(Direction::Down, Conditions::clear().delay(ON_ITS_WAY));
    let relay = net.tcp(server.address()).await.expect("loopback has a free port");
    let transport = WebRtc::new(server.url()).via(relay.addr());
    for polite in [true, false] {
        let mut line = Line::dial(&transport, join(Some(credential(&server))));
        tokio::select! {
            _ = other.until("a newcomer", |event| {
                matches!(event, Event::Content(Content::Member(MemberChange::Joined(_))))
            }) => {}
            _ = line.until("the end of the world", |_| false) => unreachable!("nothing fits"),
        }
        println!("it knew of it: {}", line.said(&Event::Answered));
        if polite {
            line.connection.act(Action::Goodbye).expect("room");
        } else {
            line.connection.close();
        }
        line.finish().await;
        // Long before its resume window is over.
        other
            .until("its end", |event| matches!(event, Event::Content(Content::Member(MemberChange::Left(_)))))
            .await;
    }
    other.connection.close();
    other.finish().await;
    relay.shutdown().await;
    server.shutdown().await;
}
