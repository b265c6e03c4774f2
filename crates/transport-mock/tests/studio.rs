//! The far side that behaves by itself, and the bad network: what an application is shown.

use offhook_transport::media::{
    Codec, EncodedFrame, Gate, Kind, MediaPorts, Remote as Inbound, TrackSpec, local,
};
use offhook_transport::{
    Action, Connection, Content, CredentialWhy, Desired, DialRequest, EndCode, Epoch, Event, FaultKind,
    Generation, InstanceId, Plan, Plane, Progress, Prompt, RefusalItem, RefusedCode, ResumeKey,
    ResumeRefusal, Revision, Secret, Transport, Up, Verdict,
};
use offhook_transport_mock::{Census, Faults, MockTransport, Studio, a_join, pair, repainted_with};
use std::time::Duration;

type Link = Box<dyn Connection>;

fn prompting(text: &str, revision: u64) -> DialRequest {
    DialRequest { desired: desired(text), revision: Revision(revision), ..a_join() }
}

fn desired(text: &str) -> Desired {
    Desired { prompt: Some(Prompt { text: text.into(), enhance: false }), ..Desired::default() }
}

/// Reads until the report fits, and gives all that was read.
async fn until(link: &mut Link, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut said = Vec::new();
    while let Some(event) = link.next().await {
        said.push(event);
        if said.last().is_some_and(&fits) {
            return said;
        }
    }
    panic!("the link closed before: {said:?}");
}

async fn joined(link: &mut Link) -> Up {
    let said = until(link, |event| *event == Event::Carried(Plane::Media)).await;
    let up = said.into_iter().find_map(|event| match event {
        Event::Up(up) => Some(*up),
        _ => None,
    });
    up.expect("Carried comes after Up")
}

fn resuming(epoch: u32, key: ResumeKey) -> DialRequest {
    DialRequest {
        plan: Plan::Resume { key, restart_ice: false },
        epoch: Epoch(epoch),
        inherit: Some(Epoch(epoch - 1)),
        ..a_join()
    }
}

// F06, F07
#[tokio::test(start_paused = true)]
async fn who_waits_in_the_queue_moves_up_and_who_does_not_is_refused_as_busy() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).queue(3));
    let mut patient = transport.dial(DialRequest { wait_in_queue: true, ..a_join() });
    let said = until(&mut patient, |event| matches!(event, Event::Up(_))).await;
    let places: Vec<_> = said
        .iter()
        .filter_map(|event| match event {
            Event::Progress(Progress::Searching { queue_position, .. }) => *queue_position,
            _ => None,
        })
        .collect();
    assert_eq!(places, [3, 2, 1]);

    let mut hasty = transport.dial(DialRequest { instance: InstanceId([8; 16]), ..a_join() });
    let said = until(&mut hasty, |event| *event == Event::Closed).await;
    assert!(matches!(
        &said[..],
        [
            Event::Refused { code: RefusedCode::Busy, retry_after: Some(_), queue_position: Some(3), .. },
            Event::Closed
        ]
    ));
}

// F39
#[tokio::test(start_paused = true)]
async fn who_shows_no_credential_is_asked_and_who_shows_a_wrong_one_is_refused() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).requiring(Secret::new("right")));
    let mut link = transport.dial(a_join());
    until(&mut link, |event| *event == Event::NeedCredential(CredentialWhy::Missing)).await;
    link.act(Action::Credential(Secret::new("right"))).expect("there is room");
    joined(&mut link).await;

    let credential = Some(Secret::new("wrong"));
    let mut link = transport.dial(DialRequest { instance: InstanceId([8; 16]), credential, ..a_join() });
    let said = until(&mut link, |event| *event == Event::Closed).await;
    assert!(matches!(&said[..], [Event::Refused { code: RefusedCode::Unauthorized, .. }, Event::Closed]));
}

// F03, F50
#[tokio::test(start_paused = true)]
async fn a_prompt_it_does_not_know_is_refused_with_the_ones_it_does() {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(1).knowing(&["sepia", "invert"]));
    let mut link = transport.dial(prompting("nonsense", 1));
    let said = until(&mut link, |event| matches!(event, Event::Refused { .. })).await;
    let Some(Event::Refused { code, text, item, .. }) = said.last() else { panic!("{said:?}") };
    assert_eq!((*code, *item), (RefusedCode::InitialState, Some(RefusalItem::Prompt)));
    assert!(text.contains("sepia, invert"), "{text}");

    let mut link = transport.dial(DialRequest { epoch: Epoch(2), ..prompting("sepia", 1) });
    joined(&mut link).await;
    link.act(Action::Apply { revision: Revision(2), desired: desired("nonsense") }).expect("there is room");
    let said = until(&mut link, |event| matches!(event, Event::Acked { .. })).await;
    assert!(matches!(
        said.last(),
        Some(Event::Acked {
            revision: Revision(2),
            verdict: Verdict::Refused { item: RefusalItem::Prompt, .. }
        })
    ));
}

// R14, F41: what comes back is what was sent, as the prompt in force would have it.
#[tokio::test(start_paused = true)]
async fn frames_come_back_repainted_with_the_prompt_in_force() {
    let (transport, remote) = MockTransport::studio(1);
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let inbound = Inbound::new();
    let mut receiver = inbound.receiver(Kind::Video);
    let gate = Gate::new();
    gate.open();
    let media = MediaPorts { publish: vec![track], sink: Some(inbound.sink(Epoch(1))), gate };
    inbound.switch_to(Epoch(1));
    let mut link = transport.dial(DialRequest { media, ..prompting("sepia", 1) });
    joined(&mut link).await;
    let frame = |n: u8| EncodedFrame {
        codec: Codec::H264,
        data: vec![n, 0, n].into(),
        pts: Duration::from_millis(n.into()),
        key: n == 1,
    };
    let alive = |event: &Event| *event == Event::Alive(Plane::Media);
    sender.try_send(frame(1));
    until(&mut link, alive).await;
    let came = receiver.next().await.expect("the session is not over");
    assert_eq!(repainted_with(&came), Some(("sepia".into(), frame(1))));

    link.act(Action::Apply { revision: Revision(2), desired: desired("invert") }).expect("there is room");
    until(&mut link, |event| matches!(event, Event::Acked { revision: Revision(2), .. })).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    sender.try_send(frame(2));
    until(&mut link, alive).await;
    let came = receiver.next().await.expect("the session is not over");
    assert_eq!(repainted_with(&came), Some(("invert".into(), frame(2))));
    assert_eq!(repainted_with(&frame(2)), None, "an untouched frame has no tag");
    assert_eq!(remote.frames().len(), 2);
}

// F52
#[tokio::test(start_paused = true)]
async fn generation_starts_with_a_prompt_and_ticks_each_second_until_the_socket_is_lost() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    joined(&mut link).await;
    link.act(Action::Apply { revision: Revision(1), desired: desired("sepia") }).expect("there is room");
    let generation = |event: &Event| matches!(event, Event::Content(Content::Generation(_)));
    let said = until(&mut link, generation).await;
    assert_eq!(said.last(), Some(&Event::Content(Content::Generation(Generation::Started))));
    for used in 1..=3 {
        let said = until(&mut link, generation).await;
        let used = Duration::from_secs(used);
        assert_eq!(said.last(), Some(&Event::Content(Content::Generation(Generation::Tick { used }))));
    }
    remote.newest().expect("it is open").lose(Plane::Signaling, FaultKind::Closed);
    let quiet = tokio::time::timeout(Duration::from_secs(10), until(&mut link, generation)).await;
    assert!(quiet.is_err(), "a lost socket ticks no more");
}

// F30: what the far side has is what it had, whatever the resume's own request says.
#[tokio::test(start_paused = true)]
async fn a_resume_says_which_revision_the_far_side_still_has() {
    let (transport, remote) = MockTransport::studio(1);
    let mut old = transport.dial(prompting("sepia", 4));
    let key = joined(&mut old).await.key.expect("the studio gives keys");
    remote.newest().expect("it is open").lose(Plane::Signaling, FaultKind::Closed);
    until(&mut old, |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;

    let request =
        DialRequest { desired: desired("invert"), revision: Revision(5), ..resuming(2, key.clone()) };
    let mut new = transport.dial(request);
    let up = joined(&mut new).await;
    assert!(up.resumed);
    assert_eq!(up.acked, Some(Revision(4)), "a resume carries no state");
    assert_ne!(up.key.as_ref(), Some(&key), "the key was rotated");
}

#[tokio::test(start_paused = true)]
async fn media_that_dies_during_a_resume_is_reported_as_lost_and_comes_back_with_an_ice_restart() {
    let (transport, remote) = MockTransport::studio(1);
    let mut old = transport.dial(a_join());
    let key = joined(&mut old).await.key.expect("the studio gives keys");
    let hand = remote.newest().expect("it is open");
    hand.lose(Plane::Signaling, FaultKind::Closed);
    let mut new = transport.dial(resuming(2, key));
    until(&mut new, |event| *event == Event::Answered).await;
    hand.lose(Plane::Media, FaultKind::IceSilent);
    let said = until(&mut new, |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
    assert!(!said.contains(&Event::Carried(Plane::Media)));
    new.act(Action::RestartIce).expect("there is room");
    until(&mut new, |event| *event == Event::Carried(Plane::Media)).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_for_the_resume_window_and_no_longer() {
    for (away, kept) in [(24, true), (26, false)] {
        let (transport, _remote) = MockTransport::studio(1);
        let mut old = transport.dial(a_join());
        let key = joined(&mut old).await.key.expect("the studio gives keys");
        drop(old);
        tokio::time::advance(Duration::from_secs(away)).await;
        let mut new = transport.dial(resuming(2, key));
        let said = until(&mut new, |event| matches!(event, Event::Up(_) | Event::ResumeRefused(_))).await;
        let refused = said.contains(&Event::ResumeRefused(ResumeRefusal::Gone));
        assert_eq!(refused, !kept, "after {away} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_dial_of_the_same_instance_is_stale() {
    let (transport, _remote) = MockTransport::studio(1);
    let mut link = transport.dial(DialRequest { epoch: Epoch(5), ..a_join() });
    joined(&mut link).await;
    let mut late = transport.dial(DialRequest { epoch: Epoch(5), ..a_join() });
    let said = until(&mut late, |event| *event == Event::Closed).await;
    assert!(matches!(&said[..], [Event::Refused { code: RefusedCode::StaleEpoch, .. }, Event::Closed]));
}

// F33
#[tokio::test(start_paused = true)]
async fn a_cut_network_resets_sockets_starves_media_and_shows_life_when_it_is_back() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    joined(&mut link).await;
    let cut_at = remote.now();
    remote.cut();
    until(&mut link, |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    assert_eq!(remote.now(), cut_at);
    let mut dial = transport.dial(DialRequest { epoch: Epoch(2), ..a_join() });
    let said = until(&mut dial, |event| *event == Event::Closed).await;
    assert!(
        matches!(&said[..], [Event::DialFailed(fault), Event::Closed] if fault.kind == FaultKind::Unreachable)
    );
    until(&mut link, |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
    assert_eq!(remote.now(), cut_at + Duration::from_secs(5));
    remote.restore();
    until(&mut link, |event| *event == Event::PathAlive).await;
    let mut dial = transport.dial(DialRequest { epoch: Epoch(3), ..a_join() });
    joined(&mut dial).await;
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_costs_the_socket_and_not_the_media() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    joined(&mut link).await;
    remote.cut();
    until(&mut link, |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    tokio::time::advance(Duration::from_secs(4)).await;
    remote.restore();
    until(&mut link, |event| *event == Event::PathAlive).await;
    let more = tokio::time::timeout(Duration::from_secs(60), link.next()).await;
    assert!(more.is_err(), "the media went on: {more:?}");
}

// F32
#[tokio::test(start_paused = true)]
async fn two_links_carry_side_by_side_while_a_session_moves() {
    let (transport, remote) = MockTransport::studio(1);
    let mut old = transport.dial(a_join());
    let key = joined(&mut old).await.key;
    let plan = Plan::Migrate { key };
    let mut new = transport.dial(DialRequest { plan, epoch: Epoch(2), inherit: Some(Epoch(1)), ..a_join() });
    joined(&mut new).await;
    assert_eq!(
        remote.census(),
        Census { connections: 2, media_planes: 2, taps: 0, presences: 0, watches: 0 }
    );
    old.act(Action::Ping).expect("there is room");
    until(&mut old, |event| *event == Event::Alive(Plane::Media)).await;
    old.close();
    new.act(Action::Ping).expect("there is room");
    until(&mut new, |event| *event == Event::Alive(Plane::Media)).await;
}

#[tokio::test(start_paused = true)]
async fn refused_dials_are_counted_and_then_let_in() {
    let (transport, remote) = MockTransport::studio(1);
    let after = Some(Duration::from_secs(3));
    remote.faults(Faults::seeded(1).refuse(2, RefusedCode::Restarting, after));
    for epoch in 1..=2 {
        let mut link = transport.dial(DialRequest { epoch: Epoch(epoch), ..a_join() });
        let said = until(&mut link, |event| *event == Event::Closed).await;
        assert!(matches!(&said[0], Event::Refused { code: RefusedCode::Restarting, retry_after, .. }
            if *retry_after == after));
    }
    let mut link = transport.dial(DialRequest { epoch: Epoch(3), ..a_join() });
    joined(&mut link).await;
}

#[tokio::test(start_paused = true)]
async fn faults_end_when_they_are_said_to() {
    let (transport, remote) = MockTransport::studio(1);
    let often = Duration::from_secs(2);
    remote.faults(Faults::seeded(9).loss(Plane::Signaling, often).until(Duration::from_secs(30)));
    let (mut losses, mut epoch) = (0, 0);
    loop {
        epoch += 1;
        let mut link = transport.dial(DialRequest { epoch: Epoch(epoch), ..a_join() });
        joined(&mut link).await;
        let lost = until(&mut link, |event| matches!(event, Event::PlaneLost(..)));
        if tokio::time::timeout(Duration::from_secs(600), lost).await.is_err() {
            break;
        }
        losses += 1;
        assert!(remote.now() < Duration::from_secs(30), "a loss after the faults were over");
    }
    assert!(losses >= 5, "{losses} losses in 30 s at one each 2 s or so");
}

// F19
#[tokio::test(start_paused = true)]
async fn a_hundred_sessions_on_one_transport_do_not_touch_each_other() {
    let (transport, remote) = MockTransport::studio(1);
    let mut links = Vec::new();
    for n in 0..100 {
        let mut link = transport.dial(DialRequest { instance: InstanceId([n; 16]), ..a_join() });
        joined(&mut link).await;
        links.push(link);
    }
    assert_eq!(remote.open_connections(), 100);
    remote.newest().expect("it is open").end(EndCode::IdleTimeout);
    let mut last = links.pop().expect("there are a hundred");
    until(&mut last, |event| *event == Event::Closed).await;
    assert_eq!(remote.open_connections(), 99);
    for link in &mut links {
        link.act(Action::Ping).expect("there is room");
        until(link, |event| *event == Event::Alive(Plane::Media)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_answers_each_dial_and_may_hand_over_to_another() {
    let (transport, remote) = pair();
    let next = remote.clone();
    remote.script(move |dial| {
        dial.refuse(RefusedCode::Busy);
        next.script(|dial| dial.accept());
    });
    let mut link = transport.dial(a_join());
    until(&mut link, |event| matches!(event, Event::Refused { code: RefusedCode::Busy, .. })).await;
    let mut link = transport.dial(DialRequest { epoch: Epoch(2), ..a_join() });
    joined(&mut link).await;
}
