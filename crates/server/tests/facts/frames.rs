//! Frames that are none: refused by type, with the right close code, nobody else hurt.

use crate::wire::{PATIENCE, Wire, builder, empty, join, server, studio};
use futures_util::SinkExt;
use offhook_server::Limits;
use offhook_signaling::limits::FRAME_BYTES;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Instance, Ping, PlaceRing, encode};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

async fn pong(wire: &mut Wire, id: u64) {
    wire.say(&FromClient::Ping(Ping { id })).await;
    wire.until("a pong", |message| (message == FromServer::Pong(Ping { id })).then_some(())).await;
}

// G1, G2, R19
#[tokio::test]
async fn bad_frames_are_refused_with_a_typed_error_and_their_close_code() {
    let server = server().await;
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let bad: [(Message, CloseCode); 8] = [
        (Message::text("{"), CloseCode::Protocol),
        (Message::text(""), CloseCode::Protocol),
        (Message::text("[1]"), CloseCode::Protocol),
        (Message::text("{\"no\":\"type\"}"), CloseCode::Protocol),
        (Message::text("{\"type\":\"join\"}"), CloseCode::Protocol),
        (Message::text(format!("{{\"type\":\"x\",\"deep\":{deep}}}")), CloseCode::Protocol),
        (Message::binary(vec![0xff, 0xfe, 0x00]), CloseCode::Invalid),
        (Message::text(" ".repeat(FRAME_BYTES + 1)), CloseCode::Size),
    ];
    for (frame, expected) in bad {
        let mut wire = Wire::dial(&server).await;
        let what: String = frame.to_string().chars().take(40).collect();
        wire.raw(frame).await;
        let (error, code) = wire.refused().await;
        assert_eq!((error.code, code), (ErrorCode::ProtocolError, expected), "{what}");
    }
    empty(&server).await;
}

// S7
#[tokio::test]
async fn a_frame_that_only_claims_to_be_huge_is_refused_before_it_comes() {
    let server = server().await;
    let mut wire = Wire::dial(&server).await;
    let MaybeTlsStream::Plain(stream) = wire.socket.get_mut() else { panic!("plain") };
    // FIN and text, masked, 64-bit length of 1 GiB, a mask, and not one byte more (RFC 6455 section 5.2).
    let mut header = vec![0x81, 0xff];
    header.extend((1u64 << 30).to_be_bytes());
    header.extend([1, 2, 3, 4]);
    stream.write_all(&header).await.expect("the socket is open");
    assert_eq!(wire.refused().await.1, CloseCode::Size);
}

// S7
#[tokio::test]
async fn fragments_that_never_end_are_refused_when_they_are_too_many() {
    let server = server().await;
    let mut wire = Wire::dial(&server).await;
    let piece = vec![b' '; FRAME_BYTES / 4];
    for number in 0..5 {
        let opcode = OpCode::Data(if number == 0 { Data::Text } else { Data::Continue });
        let frame = Frame::message(piece.clone(), opcode, false);
        if wire.socket.send(Message::Frame(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(wire.refused().await.1, CloseCode::Size);
}

#[tokio::test]
async fn a_binary_frame_is_read_as_a_text_one() {
    let server = server().await;
    let mut wire = Wire::dial(&server).await;
    let text = encode(None, 0, &FromClient::Join(join("ada", 1))).expect("a frame");
    wire.raw(Message::binary(text.into_bytes())).await;
    wire.joined().await;
}

// G1
#[tokio::test]
async fn words_from_the_future_are_passed_by_and_requests_are_answered() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    member.wire.raw(Message::text(r#"{"type":"aura","hue":[1,2,3]}"#)).await;
    member.wire.raw(Message::text(r#"{"type":"levitate","id":41,"height":2}"#)).await;
    let (id, what) = member
        .wire
        .until("unsupported", |message| match message {
            FromServer::Unsupported(unknown) => Some((unknown.id, unknown.what)),
            _ => None,
        })
        .await;
    assert_eq!((id, what.as_str()), (41, "levitate"));
    pong(&mut member.wire, 7).await;
}

// Rings are said on a presence link; on this one they are as unknown as what nobody ever heard of.
#[tokio::test]
async fn a_ring_on_a_sessions_link_is_answered_unsupported() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    let ring = PlaceRing {
        id: 9,
        session: studio(),
        instance: Instance(1),
        users: vec!["bob".into()],
        timeout_ms: 1000,
        name: None,
        metadata: None,
    };
    member.wire.say(&FromClient::Ring(ring)).await;
    let id = member.wire.until("unsupported", |message| match message {
        FromServer::Unsupported(unknown) => Some(unknown.id),
        _ => None,
    });
    assert_eq!(id.await, 9);
}

// S10
#[tokio::test]
async fn a_flood_of_frames_costs_the_link_and_not_the_membership() {
    let server =
        builder().limits(Limits { frames_per_second: 5, ..Limits::default() }).start().await.expect("a port");
    let mut flooder = Wire::enter(&server, "ada", 1).await;
    let mut quiet = Wire::enter(&server, "bob", 2).await;
    for id in 0..200 {
        let text = encode(None, 0, &FromClient::Ping(Ping { id })).expect("a frame");
        if flooder.wire.socket.send(Message::text(text)).await.is_err() {
            break;
        }
    }
    let code = flooder.wire.until("rate_limited", |message| match message {
        FromServer::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(code.await, ErrorCode::RateLimited);
    pong(&mut quiet.wire, 1).await;
    assert_eq!(server.census().members, 2, "it may come back within its window");
}

// S10
#[tokio::test]
async fn pings_of_the_websocket_itself_are_no_way_around_the_limit() {
    let server =
        builder().limits(Limits { frames_per_second: 5, ..Limits::default() }).start().await.expect("a port");
    let mut member = Wire::enter(&server, "ada", 1).await;
    let flood = async {
        while member.wire.socket.send(Message::Ping(Vec::new().into())).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, flood).await.expect("the socket is closed by the other side");
}
