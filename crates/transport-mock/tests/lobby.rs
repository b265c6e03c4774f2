//! Sessions without joining.

use offhook_transport::{
    Capabilities, Directory, DirectoryError, Event, Plane, Secret, SessionRef, Transport,
};
use offhook_transport_mock::{MockTransport, Studio, a_join, pair};

fn session(id: &str) -> SessionRef {
    SessionRef { kind: "studio".into(), id: id.into() }
}

// F01
#[tokio::test(start_paused = true)]
async fn a_session_is_found_when_it_was_made_or_somebody_is_in_it() {
    let (transport, remote) = MockTransport::studio(1);
    let directory = transport.directory().expect("the mock has one");
    assert_eq!(directory.get(&session("7"), None).await, Err(DirectoryError::NotFound));
    let eight = session("8");
    let (one, two) =
        tokio::join!(directory.get_or_create(&eight, None), directory.get_or_create(&eight, None));
    assert_eq!(one, two, "two at once get the same one");
    assert_eq!(directory.get(&session("8"), None).await, one);
    remote.create(session("9"));
    assert_eq!(directory.get(&session("9"), None).await.map(|info| info.members), Ok(0));

    let mut link = transport.dial(a_join());
    while link.next().await != Some(Event::Carried(Plane::Media)) {}
    assert_eq!(directory.get(&session("7"), None).await.map(|info| info.members), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_directory_asks_for_the_credential_and_needs_the_network() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).requiring(Secret::new("right")));
    assert_eq!(transport.get_or_create(&session("7"), None).await, Err(DirectoryError::NotPermitted));
    assert!(transport.get_or_create(&session("7"), Some(&Secret::new("right"))).await.is_ok());
    remote.cut();
    let cut = transport.get(&session("7"), Some(&Secret::new("right"))).await;
    assert!(matches!(cut, Err(DirectoryError::Unreachable(_))), "{cut:?}");
}

#[test]
fn a_transport_without_the_capability_has_neither() {
    let (transport, _remote) = pair();
    let transport = transport.capable_of(Capabilities::NONE);
    assert!(transport.directory().is_none());
    assert!(transport.presence().is_none());
}
