//! Nodes that let everybody in and then fail them (E4, GetStream/stream-video-js#2287): they are
//! not asked for ever, and two of them do not play ball with a client.

use crate::far_side::*;
use crate::line::*;
use crate::moving::members;
use offhook::webrtc::WebRtc;
use offhook::{Client, Clip, Join};
use offhook_server::{Builder, Mint, Server, Signer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The first frame of each socket.
type Asked = Arc<Mutex<Vec<String>>>;

/// A place before a node. Once it leads there, each line through it dies as soon as the node has
/// let somebody in.
struct Sick {
    place: SocketAddr,
    listener: TcpListener,
}

struct Line {
    place: SocketAddr,
    asked: Asked,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sick {
    async fn place() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        Self { place: listener.local_addr().expect("bound"), listener }
    }

    fn url(&self) -> String {
        format!("ws://{}/session", self.place)
    }

    fn leads_to(self, node: &Server) -> Line {
        let Self { place, listener } = self;
        let (to, asked) = (node.address(), Asked::default());
        let notes = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((guest, _)) = listener.accept().await {
                tokio::spawn(fail(guest, to, notes.clone()));
            }
        });
        Line { place, asked, task }
    }
}

impl Line {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Carries everything both ways as it is, reads along, and hangs up after `joined` or `resumed`.
async fn fail(mut guest: TcpStream, to: SocketAddr, asked: Asked) {
    let Ok(mut node) = TcpStream::connect(to).await else { return };
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    let mut is_first = true;
    loop {
        tokio::select! {
            read = guest.read(&mut up) => {
                let Ok(len @ 1..) = read else { return };
                said.extend_from_slice(&up[..len]);
                if is_first && let Some(first) = frames(&said).into_iter().next() {
                    is_first = false;
                    asked.lock().unwrap_or_else(PoisonError::into_inner).push(first);
                }
                if node.write_all(&up[..len]).await.is_err() {
                    return;
                }
            }
            read = node.read(&mut down) => {
                let Ok(len @ 1..) = read else { break };
                heard.extend_from_slice(&down[..len]);
                if guest.write_all(&down[..len]).await.is_err() {
                    return;
                }
                let lets_in = |frame: &String| {
                    frame.contains(r#""type":"joined""#) || frame.contains(r#""type":"resumed""#)
                };
                if frames(&heard).iter().any(lets_in) {
                    break;
                }
            }
        }
    }
    // What was said last arrives before the end does.
    drop(node);
    let _ = guest.shutdown().await;
    while let Ok(1..) = guest.read(&mut up).await {}
}

/// The whole frames of a WebSocket (RFC 6455 §5.2) after its handshake.
fn frames(bytes: &[u8]) -> Vec<String> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let mut rest = end.map_or(&[][..], |end| &bytes[end + 4..]);
    let mut found = Vec::new();
    while let Some((frame, then)) = frame(rest) {
        found.push(String::from_utf8_lossy(&frame).into_owned());
        rest = then;
    }
    found
}

fn frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (masked, short) = (bytes.get(1)? & 0x80 != 0, bytes.get(1)? & 0x7f);
    let (len, at) = match short {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let key: [u8; 4] = if masked { bytes.get(at..at + 4)?.try_into().ok()? } else { [0; 4] };
    let at = at + if masked { 4 } else { 0 };
    let payload = bytes.get(at..at + len)?.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
    Some((payload.collect(), &bytes[at + len..]))
}

fn avoids(first: &str, node: &str) -> bool {
    first.contains(&format!(r#""avoid":["{node}"]"#))
}

async fn node(signer: &Signer, name: &str, with: impl FnOnce(Builder) -> Builder) -> Server {
    with(Server::builder().signer(signer.clone()).node(name)).start().await.expect("loopback")
}

/// A client that reaches this node over that line.
fn client_of(node: &Server, line: &Line) -> Client {
    let credential = node.mint(&Mint::user("ada")).expect("its key signs");
    let transport = WebRtc::new(node.url()).via(line.place);
    Client::new(transport).credential(credential.expose().to_owned())
}

/// The third attempt asks to avoid the sick node, which sends it to the healthy one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_third_attempt_avoids_the_node_that_failed_twice_and_ends_on_another() {
    let signer = Signer::random().expect("randomness");
    let healthy = node(&signer, "b", |b| b).await;
    let sick = node(&signer, "a", |a| a.elsewhere(healthy.url())).await;
    let line = Sick::place().await.leads_to(&sick);
    let client = client_of(&sick, &line);
    let mut session = Observed::joined(&client, Join::new().prompt("sepia").publish(Clip::sample())).await;
    let asked = line.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(!asked[0].contains("avoid") && !asked[1].contains("avoid"), "one failure may be the line");
    assert!(avoids(&asked[2], "a"), "{}", asked[2]);
    members(&healthy, 1).await;
    session.is_well().await;
    drop(session);
    client.shutdown().await;
    sick.shutdown().await;
    healthy.shutdown().await;
}

/// E4: a node that knows no other takes it all the same: what is asked is a wish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_another_takes_whoever_asks_to_avoid_it() {
    let alone = node(&Signer::random().expect("randomness"), "a", |a| a).await;
    let line = Sick::place().await.leads_to(&alone);
    let client = client_of(&alone, &line);
    let joining = client.session("studio", "7").join(Join::new().publish(Clip::sample()));
    let error = soon("the end of the join", joining).await.expect_err("every attempt fails");
    let asked = line.asked();
    assert_eq!((asked.len(), error.attempts().len()), (3, 3), "{asked:?}: {error:?}");
    assert!(avoids(&asked[2], "a"));
    client.shutdown().await;
    alone.shutdown().await;
}

/// E4: two sick nodes that name each other. To be sent on is no attempt, but what fails there is:
/// three attempts, one of them by way of the other node, and that is all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sick_nodes_do_not_play_ball_with_a_client() {
    let signer = Signer::random().expect("randomness");
    let (to_a, to_b) = (Sick::place().await, Sick::place().await);
    let a = node(&signer, "a", |a| a.elsewhere(to_b.url())).await;
    let b = node(&signer, "b", |b| b.elsewhere(to_a.url())).await;
    let (to_a, to_b) = (to_a.leads_to(&a), to_b.leads_to(&b));
    let client = client_of(&a, &to_a);
    let joining = client.session("studio", "7").join(Join::new().publish(Clip::sample()));
    let error = soon("the end of the join", joining).await.expect_err("no node is well");
    let (of_a, of_b) = (to_a.asked(), to_b.asked());
    assert_eq!((of_a.len(), of_b.len()), (3, 1), "{of_a:?} {of_b:?} {error:?}");
    assert!(of_b[0].contains(r#""type":"migrate""#), "{}", of_b[0]);
    client.shutdown().await;
    a.shutdown().await;
    b.shutdown().await;
}
