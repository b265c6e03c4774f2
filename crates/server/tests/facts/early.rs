//! A first frame that comes along with the upgrade is judged as one on the socket.

use crate::wire::*;
use offhook_server::Server;
use offhook_signaling::{
    EARLY_BYTES, EARLY_HEADER, EARLY_TAKEN, ErrorCode, FromClient, Reliability, Secret, early, encode,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Upgrades with this in the header; whether the server says that it took it.
async fn dial(server: &Server, value: &str) -> (Wire, bool) {
    let mut request = server.url().into_client_request().expect("a good address");
    request.headers_mut().insert(EARLY_HEADER, HeaderValue::try_from(value).expect("visible ASCII"));
    let (socket, response) = tokio_tungstenite::connect_async(request).await.expect("the server listens");
    let taken = response.headers().get(EARLY_HEADER).is_some_and(|word| word == EARLY_TAKEN);
    (Wire { socket, frames: Reliability::new() }, taken)
}

fn value(message: &FromClient) -> String {
    early(&encode(None, 0, message).expect("a good message")).expect("short enough")
}

#[tokio::test]
async fn a_join_in_the_upgrade_is_answered_without_another_word() {
    let server = server().await;
    let (mut wire, taken) = dial(&server, &value(&FromClient::Join(join("ada", 1)))).await;
    assert!(taken);
    wire.joined().await;
    // And the socket goes on as any other.
    wire.say(&goodbye()).await;
    wire.rest().await;
    empty(&server).await;
}

#[tokio::test]
async fn one_that_is_too_long_is_not_taken_and_said_on_the_socket() {
    let server = server().await;
    let (mut wire, taken) = dial(&server, &"x".repeat(EARLY_BYTES + 1)).await;
    assert!(!taken);
    wire.say(&FromClient::Join(join("ada", 1))).await;
    wire.joined().await;
}

// G10
#[tokio::test]
async fn one_that_is_no_frame_is_refused_as_on_the_socket() {
    let server = server().await;
    for bad in ["x", "", r#"{"type":"join"}"#] {
        let (mut wire, _) = dial(&server, bad).await;
        let (error, code) = wire.refused().await;
        assert_eq!((error.code, code), (ErrorCode::ProtocolError, CloseCode::Protocol), "{bad}");
    }
    assert_eq!(server.census().members, 0);
}

// S9
#[tokio::test]
async fn a_bad_credential_in_the_upgrade_opens_nothing() {
    let server = server().await;
    let mut bad = join("ada", 1);
    bad.credential = Some(Secret::new("a.b.c"));
    let (mut wire, _) = dial(&server, &value(&FromClient::Join(bad))).await;
    assert_eq!(wire.refused().await.0.code, ErrorCode::Unauthorized);
    assert_eq!(server.census().members, 0);
}
