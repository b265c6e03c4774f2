//! Sessions without joining.

use offhook_transport::{
    Capabilities, Directory, DirectoryError, Event, Plane, Profile, Secret, SessionRef, Transport,
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
    let (profile, other) = (Profile::new().metadata("title", "Monday"), Profile::new());
    let (one, two) = tokio::join!(
        directory.get_or_create(&eight, None, &profile),
        directory.get_or_create(&eight, None, &other)
    );
    let (one, two) = (one.expect("made"), two.expect("found"));
    assert_eq!((one.made, two.made, &one.session), (true, false, &two.session), "two at once get one");
    assert_eq!((&one.profile, &two.profile), (&profile, &profile), "as the first made it");
    assert_eq!(directory.create(&eight, None, &profile).await, Err(DirectoryError::AlreadyExists));
    remote.create(session("9"));
    assert_eq!(directory.get(&session("9"), None).await.map(|info| info.present), Ok(0));

    let mut link = transport.dial(a_join());
    while link.next().await != Some(Event::Carried(Plane::Media)) {}
    assert_eq!(directory.get(&session("7"), None).await.map(|info| info.present), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_directory_asks_for_the_credential_and_needs_the_network() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).requiring(Secret::new("right")));
    assert_eq!(
        transport.get_or_create(&session("7"), None, &Profile::new()).await,
        Err(DirectoryError::NotPermitted)
    );
    assert!(
        transport.get_or_create(&session("7"), Some(&Secret::new("right")), &Profile::new()).await.is_ok()
    );
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
