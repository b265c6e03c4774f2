//! What goes wrong outside, each as a typed fault whose text says the next step, and nothing
//! left running. (Open files are counted by the conformance suite, alone in its process.)

mod native_common;

use native_common::hostile::{Guest, Hostile, JOINED};
use native_common::*;
use offhook_server::{Mint, Server};
use offhook_transport::{Content, Event, FaultKind, Plan, Plane, RefusedCode, ResumeKey, Secret};
use offhook_transport_webrtc::native::WebRtc;
use rcgen::{CertificateParams, KeyPair};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};

const TOKEN: &str = "canary-of-a-credential";

/// Dials, reads to the end, and looks that no task is left of it.
async fn outcome(transport: &WebRtc, request: offhook_transport::DialRequest) -> Line {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // What the test itself has just spawned begins its own helpers at its first poll.
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
    let before = tasks();
    let mut line = Line::dial(transport, request);
    let end = timeout(PATIENCE, async {
        while let Some(event) = line.connection.next().await {
            line.said.push(event);
        }
    });
    end.await.unwrap_or_else(|_| panic!("it never ended; it said {:?}", line.said));
    assert_eq!(line.said.last(), Some(&Event::Closed));
    assert!(!line.said.iter().any(|event| matches!(event, Event::Up(_))), "{:?}", line.said);
    let gone = timeout(Duration::from_secs(2), async {
        // The far side of the test has tasks of its own; it may have fewer afterwards.
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(gone.await.is_ok(), "{} tasks became {}", before, tasks());
    line
}

/// The dial must fail so, with a text that names the next step and no secret.
async fn fails(transport: &WebRtc, kind: FaultKind, next_step: &str) {
    let line = outcome(transport, join(Some(Secret::new(TOKEN)))).await;
    let fault = line.said.iter().find_map(|event| match event {
        Event::DialFailed(fault) => Some(fault.clone()),
        _ => None,
    });
    let fault = fault.unwrap_or_else(|| panic!("no DialFailed in {:?}", line.said));
    assert_eq!(fault.kind, kind, "{fault}");
    let text = fault.to_string();
    assert!(text.contains(next_step), "`{text}` does not say `{next_step}`");
    assert!(!text.contains(TOKEN) && !format!("{:?}", line.said).contains(TOKEN));
}

#[tokio::test]
async fn a_bad_address_is_told_with_what_to_write_instead() {
    for url in ["http://127.0.0.1/x", "media.example", "", "wss://a b/", "wss://user:pass@host/x"] {
        fails(&WebRtc::new(url), FaultKind::BadAddress, "wss").await;
    }
    fails(&WebRtc::new("ws://media.example/session"), FaultKind::BadAddress, "dangerous_allow_plain_ws")
        .await;
}

#[tokio::test]
async fn an_unreachable_server_is_told_apart() {
    let nobody = Hostile::serve(|_| async {}).await.url();
    // The port is free again as soon as the task is gone.
    tokio::task::yield_now().await;
    fails(&WebRtc::new(nobody), FaultKind::Unreachable, "check the address").await;
    let unknown = WebRtc::new("wss://no-such-host.invalid/session");
    fails(&unknown, FaultKind::Unreachable, "check the address").await;
}

struct Tls {
    pem: String,
    server: Hostile,
    /// Application bytes that came through TLS.
    heard: mpsc::Receiver<usize>,
}

/// A TLS server with this certificate, which says nothing.
async fn tls(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Tls {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let pem = certificate.pem();
    let secret = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (told, heard) = mpsc::channel(8);
    let server = Hostile::raw(move |stream: TcpStream| {
        let (acceptor, told) = (acceptor.clone(), told.clone());
        async move {
            let mut buffer = [0; 1024];
            let read = match acceptor.accept(stream).await {
                Ok(mut stream) => stream.read(&mut buffer).await.unwrap_or(0),
                Err(_) => 0,
            };
            let _ = told.send(read).await;
        }
    })
    .await;
    Tls { pem, server, heard }
}

impl Tls {
    fn url(&self, host: &str) -> String {
        format!("wss://{host}:{}/session", self.server.address.port())
    }
}

// S1, S5: no byte of the token goes to whoever cannot prove who he is.
#[tokio::test]
async fn tls_failures_are_told_before_a_byte_of_the_token_goes_out() {
    let mut own = tls(&["localhost"], |_| {}).await;
    fails(&WebRtc::new(own.url("localhost")), FaultKind::Tls, "extra_root").await;
    assert_eq!(own.heard.recv().await, Some(0), "self-signed");

    let mut expired = tls(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    })
    .await;
    let trusting = WebRtc::new(expired.url("localhost")).extra_root(expired.pem.clone());
    fails(&trusting, FaultKind::Tls, "certificate").await;
    assert_eq!(expired.heard.recv().await, Some(0), "expired");

    let mut other = tls(&["elsewhere.example"], |_| {}).await;
    let trusting = WebRtc::new(other.url("localhost")).extra_root(other.pem.clone());
    fails(&trusting, FaultKind::Tls, "certificate").await;
    assert_eq!(other.heard.recv().await, Some(0), "another name");

    // The counter-check: a trusted one is spoken to, so the three above were refused for cause.
    let mut good = tls(&["localhost"], |_| {}).await;
    let trusting = WebRtc::new(good.url("localhost")).extra_root(good.pem.clone());
    fails(&trusting, FaultKind::Closed, "check that it is up").await;
    assert!(good.heard.recv().await.is_some_and(|bytes| bytes > 0));

    let unreadable = WebRtc::new(good.url("localhost")).extra_root("no certificate at all");
    fails(&unreadable, FaultKind::Tls, "PEM").await;
}

#[tokio::test]
async fn a_wrong_scheme_is_seen_in_the_handshake() {
    let plain = Hostile::serve(|mut guest: Guest| async move { while guest.hear().await.is_some() {} }).await;
    let url = format!("wss://127.0.0.1:{}/", plain.address.port());
    fails(&WebRtc::new(url), FaultKind::Tls, "wss").await;
}

#[tokio::test]
async fn what_is_no_websocket_server_is_told_apart() {
    for (answer, step) in [
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "check the address"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "check the path"),
        ("HTTP/1.1 302 Found\r\nlocation: wss://elsewhere.example/\r\ncontent-length: 0\r\n\r\n", "HTTP 302"),
    ] {
        let far = Hostile::raw(move |mut stream: TcpStream| async move {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        fails(&WebRtc::new(far.url()), FaultKind::Protocol, step).await;
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    // One that opens and says nothing, and one that does not even open.
    let silent =
        Hostile::serve(|mut guest: Guest| async move { while guest.hear().await.is_some() {} }).await;
    let deaf = Hostile::raw(|stream: TcpStream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    for far in [&silent, &deaf] {
        let again = offhook_transport::DialRequest {
            open_timeout: Duration::from_millis(200),
            ..join(Some(Secret::new(TOKEN)))
        };
        let mut line = Line::dial(&WebRtc::new(far.url()), again);
        let failed = line.until("the end", |event| matches!(event, Event::DialFailed(_))).await;
        let Event::DialFailed(fault) = failed else { unreachable!() };
        assert_eq!(fault.kind, FaultKind::TimedOut);
        assert!(fault.to_string().contains("check"), "{fault}");
        line.finish().await;
    }
}

async fn refused(transport: &WebRtc, request: offhook_transport::DialRequest, code: RefusedCode) {
    let line = outcome(transport, request).await;
    let fits = |event: &Event| matches!(event, Event::Refused { code: is, text, .. } if *is == code && !text.is_empty());
    assert_eq!(line.said.iter().filter(|event| fits(event)).count(), 1, "{code}: {:?}", line.said);
}

// S2, I9
#[tokio::test]
async fn a_credential_that_is_not_good_is_refused_by_its_kind() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    refused(&transport, join(None), RefusedCode::Unauthorized).await;
    refused(&transport, join(Some(Secret::new("no.such.token"))), RefusedCode::Unauthorized).await;
    refused(&transport, join(Some(Secret::new("two words"))), RefusedCode::Unauthorized).await;
    let late = server.mint(&Mint::user("ada").life(Duration::ZERO)).expect("a credential");
    refused(&transport, join(Some(late)), RefusedCode::Expired).await;
    let elsewhere = server.mint(&Mint::user("ada").session("studio", "8")).expect("a credential");
    refused(&transport, join(Some(elsewhere)), RefusedCode::NotPermitted).await;
    let mut unknown = join(Some(credential(&server)));
    unknown.model = Some("no-such-model".into());
    refused(&transport, unknown, RefusedCode::UnknownModel).await;
    let mut gone = join(Some(credential(&server)));
    let key = ResumeKey { session: "of yesterday".into(), secret: Secret::new("0000") };
    gone.plan = Plan::Join { resume: Some(key) };
    refused(&transport, gone, RefusedCode::NoSessionToResume).await;
    server.shutdown().await;
}

#[tokio::test]
async fn an_unknown_session_is_refused_as_such() {
    let far = Hostile::serve(|mut guest: Guest| async move {
        guest.hear().await;
        guest.say(r#"{"type":"error","code":"not_found","text":"no such session; make it first"}"#).await;
        guest.close().await;
    })
    .await;
    refused(&WebRtc::new(far.url()), join(Some(Secret::new(TOKEN))), RefusedCode::NotFound).await;
}

/// Lets a client in, says the frame, and gives the code it closed with.
async fn after_joined(frame: String) -> (Line, Option<u16>) {
    let (told, mut code) = mpsc::channel(1);
    let far = Hostile::serve(move |mut guest: Guest| {
        let (told, frame) = (told.clone(), frame.clone());
        async move {
            guest.hear().await;
            guest.say(JOINED).await;
            guest.say(frame).await;
            let _ = told.send(guest.closed().await).await;
        }
    })
    .await;
    let mut line = Line::dial(&WebRtc::new(far.url()), join(Some(Secret::new(TOKEN))));
    line.until("the loss", |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    let code = timeout(PATIENCE, code.recv()).await.expect("it closed").flatten();
    line.connection.close();
    line.finish().await;
    (line, code)
}

// S7, R19
#[tokio::test]
async fn a_frame_that_breaks_the_protocol_costs_the_link_and_says_why() {
    for (frame, close) in [
        ("{".to_owned(), Some(1002)),
        (r#"{"type":"acked","seq":"one"}"#.to_owned(), Some(1002)),
        (r#"{"type":"acked","seq":7,"ack":0,"revision":1}"#.to_owned(), Some(1002)),
        (r#"{"type":"ping","ack":99,"id":1}"#.to_owned(), Some(1002)),
        (
            format!(r#"{{"type":"message","seq":1,"topic":"t","id":1,"data":"{}"}}"#, "x".repeat(70_000)),
            Some(1009),
        ),
    ] {
        let (line, code) = after_joined(frame).await;
        assert_eq!(code, close, "{:?}", line.said);
        let lost = line.said.iter().find_map(|event| match event {
            Event::PlaneLost(Plane::Signaling, fault) => Some(fault.clone()),
            _ => None,
        });
        let lost = lost.expect("it was lost");
        assert_eq!(lost.kind, FaultKind::Protocol, "{lost}");
        assert!(!line.said.iter().any(|event| matches!(event, Event::Ended { .. })));
    }
}

// R19
#[tokio::test]
async fn words_of_a_later_version_are_carried_and_requests_are_answered() {
    let (told, mut heard) = mpsc::channel(64);
    let far = Hostile::serve(move |mut guest: Guest| {
        let told = told.clone();
        async move {
            guest.hear().await;
            guest.say(JOINED).await;
            guest.say(r#"{"type":"sing","ack":0,"song":"a"}"#).await;
            guest.say(r#"{"type":"dance","ack":0,"id":5}"#).await;
            while let Some(frame) = guest.hear().await {
                let _ = told.send(frame).await;
            }
        }
    })
    .await;
    let mut line = Line::dial(&WebRtc::new(far.url()), join(Some(Secret::new(TOKEN))));
    for kind in ["sing", "dance"] {
        let content = Event::Content(Content::Other(kind.into()));
        line.until(kind, |event| *event == content).await;
    }
    let answered = timeout(PATIENCE, async {
        loop {
            let frame = heard.recv().await.expect("the link lives");
            if frame.contains(r#""unsupported""#) {
                return frame;
            }
        }
    });
    let frame = answered.await.expect("an answer");
    assert!(frame.contains(r#""id":5"#) && frame.contains("dance"), "{frame}");
    line.connection.close();
    line.finish().await;
}

/// Passes frames between a client and the server, changing those of the server.
async fn proxy(server: &Server, change: fn(String) -> String) -> Hostile {
    let to = server.url();
    Hostile::serve(move |mut guest: Guest| {
        let to = to.clone();
        async move {
            use futures_util::{SinkExt, StreamExt};
            use tokio_tungstenite::tungstenite::Message;
            let Ok((mut far, _)) = tokio_tungstenite::connect_async(to).await else { return };
            loop {
                tokio::select! {
                    frame = guest.hear() => match frame {
                        Some(frame) => if far.send(Message::text(frame)).await.is_err() { return },
                        None => return,
                    },
                    frame = far.next() => match frame {
                        Some(Ok(Message::Text(text))) => guest.say(change(text.as_str().to_owned())).await,
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                }
            }
        }
    })
    .await
}

/// Changes a digit of every fingerprint.
fn forge(frame: String) -> String {
    const MARK: &str = "a=fingerprint:sha-256 ";
    let mut out = String::new();
    let mut rest = frame.as_str();
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        out.push_str(before);
        out.push(if after.starts_with('0') { '1' } else { '0' });
        rest = &after[1..];
    }
    out + rest
}

// S6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_fingerprint_never_carries_media() {
    let server = server().await;
    let far = proxy(&server, forge).await;
    let ports = ports();
    let mut line = Line::dial(&WebRtc::new(far.url()), ports.on(join(Some(credential(&server)))));
    let lost = line.until("the loss", |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
    let Event::PlaneLost(_, fault) = lost else { unreachable!() };
    assert_eq!(fault.kind, FaultKind::Dtls, "{fault}");
    assert!(!line.said(&Event::Carried(Plane::Media)));
    line.connection.close();
    line.finish().await;
    server.shutdown().await;
}

// S3
#[tokio::test]
async fn no_secret_shows_in_what_can_be_printed() {
    let transport = WebRtc::new(format!("wss://media.example/{TOKEN}"));
    assert!(!format!("{transport:?}").contains(TOKEN));
    let mut request = join(Some(Secret::new(TOKEN)));
    let key = ResumeKey { session: "s".into(), secret: Secret::new(TOKEN) };
    request.plan = Plan::Rejoin { key: Some(key) };
    assert!(!format!("{request:?}").contains(TOKEN));
}

#[tokio::test]
async fn an_ending_said_with_the_hang_up_is_an_ending() {
    let ended = Arc::new(Notify::new());
    let far = Hostile::serve({
        let ended = ended.clone();
        move |mut guest: Guest| {
            let ended = ended.clone();
            async move {
                guest.hear().await;
                guest.say(JOINED).await;
                guest.say(r#"{"type":"ended","ack":0,"reason":"kicked","by":"member"}"#).await;
                guest.close().await;
                ended.notify_one();
            }
        }
    })
    .await;
    let mut line = Line::dial(&WebRtc::new(far.url()), join(Some(Secret::new(TOKEN))));
    line.until("the ending", |event| matches!(event, Event::Ended { .. })).await;
    line.finish().await;
    assert!(!line.said.iter().any(|event| matches!(event, Event::PlaneLost(..))), "{:?}", line.said);
    assert!(timeout(PATIENCE, ended.notified()).await.is_ok());
}
