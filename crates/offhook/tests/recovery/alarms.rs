//! Every alarm really rings, and one recovery follows it, however many ring (R8, R9; E2, E3).

use crate::far_side::soon;
use crate::line::*;
use offhook::{Event, Fault, Kind, Plan, Plane};
use offhook_netrig::Direction;
use std::time::Duration;
use tokio::time::Instant;

/// Checks without an answer are noticed after five seconds; so much later at the latest.
const NOTICED: Duration = Duration::from_millis(6_500);

/// What was measured, for whoever looks.
fn say(what: &str, begin: Instant, noticed: Instant, back: Option<Instant>, recovered: Instant) {
    let noticed = noticed - begin;
    match back {
        Some(back) => {
            println!("{what}: noticed after {noticed:?}, recovered {:?} after the path", recovered - back);
        }
        None => println!("{what}: noticed after {noticed:?}, recovered after {:?}", recovered - begin),
    }
}

/// F30.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_socket_is_noticed_at_once_and_costs_no_media() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    line.net.reset_tcp();
    let (noticed, fault) = session.loses(Plane::Signaling).await;
    assert_eq!(fault, Fault::Closed);
    let (recovered, (plan, interrupted)) = session.recovers().await;
    assert_eq!(plan, Plan::Resume { restart_ice: false });
    println!("media was not heard of for {interrupted:?}");
    session.lost_only(Plane::Signaling);
    say("socket reset", begin, noticed, None, recovered);
    session.recovered_once(&line).await;
    line.end().await;
}

/// F40: nobody closes it, nothing comes any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_socket_is_noticed_though_media_flows() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    line.tcp.black_hole(Direction::Both);
    let (noticed, fault) = session.loses(Plane::Signaling).await;
    assert_eq!(fault, Fault::Silent);
    session.pictures(5).await;
    let back = Instant::now();
    line.tcp.restore().expect("the relay is there");
    let (recovered, (plan, interrupted)) = session.recovers().await;
    assert_eq!(plan, Plan::Resume { restart_ice: false });
    println!("media was not heard of for {interrupted:?}");
    session.lost_only(Plane::Signaling);
    say("silent socket", begin, noticed, Some(back), recovered);
    session.recovered_once(&line).await;
    line.end().await;
}

/// Media alone, this way, until it was noticed.
async fn media_cut(what: &str, direction: Direction) {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    line.udp.each(|relay| relay.black_hole(direction));
    let (noticed, fault) = session.loses(Plane::Media).await;
    assert!(matches!(fault, Fault::Silent | Fault::MediaFault), "{fault:?}");
    let back = Instant::now();
    line.net.restore().expect("the relays are there");
    let (recovered, _) = session.recovers().await;
    say(what, begin, noticed, Some(back), recovered);
    session.recovered_once(&line).await;
    let lost = session
        .told()
        .iter()
        .any(|(_, event)| matches!(event, offhook::Event::LinkLost { plane: Plane::Signaling, .. }));
    assert!(!lost, "signaling lived all the time");
    line.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_media_over_living_signaling_is_noticed_and_made_anew() {
    media_cut("media cut", Direction::Both).await;
}

/// E3: packets come in all the time, so the engine's own state shows nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_cut_on_the_way_out_is_noticed_by_checks_without_an_answer() {
    media_cut("media cut on the way out", Direction::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_cut_on_the_way_in_is_noticed() {
    media_cut("media cut on the way in", Direction::Down).await;
}

/// E3: the far side's packets go to where we were. Nobody restores anything: an ICE restart does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nat_that_rebinds_is_noticed_and_mended_by_an_ice_restart() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    rebind(&line).await;
    let (noticed, fault) = session.loses(Plane::Media).await;
    assert!(matches!(fault, Fault::Silent | Fault::MediaFault), "{fault:?}");
    let (recovered, _) = session.recovers().await;
    say("NAT rebinding", begin, noticed, Some(noticed), recovered);
    session.recovered_once(&line).await;
    line.end().await;
}

async fn rebind(line: &Line) {
    let mut controls = Vec::new();
    line.udp.each(|relay| controls.push(relay.control()));
    for control in controls {
        control.rebind().await.expect("the relay is there");
    }
}

/// Lost and recovered so often, and each time the pictures came again.
async fn well_after(session: &mut Observed, outages: usize) {
    let past = session.told().len();
    session.pictures(5).await;
    let setting = soon("the ack", session.session.set_prompt("invert")).await;
    setting.expect("it is as joined as before");
    let back = session.told().iter().filter(|(_, event)| matches!(event, Event::Recovered { .. })).count();
    assert_eq!(back, outages, "{:#?}", session.told().split_at(past).1);
}

/// E3, R9: while the camera is muted nothing is due back, and what our side asks from its new place is
/// answered there. That what goes out to us is lost is seen by the far side's checks on the pair it
/// sends on; it is mended before anything is due again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nat_that_rebinds_while_the_camera_is_muted_is_noticed_and_mended() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    soon("the mute", session.session.mute(Kind::Video)).await.expect("the camera can be muted");
    let paused = |event: &Event| matches!(event, Event::RemoteTrack { sending: false, .. }).then_some(());
    session.tells("that nothing is due", 0, paused).await;
    let begin = Instant::now();
    rebind(&line).await;
    let (noticed, _) = session.loses(Plane::Media).await;
    let (recovered, _) = session.recovers().await;
    say("NAT rebinding while muted", begin, noticed, Some(noticed), recovered);
    soon("the unmute", session.session.unmute(Kind::Video)).await.expect("and unmuted");
    well_after(&mut session, 1).await;
    line.end().await;
}

/// E3, R9: the far side notices while there is no socket to say it on, and nothing is due that we
/// could miss. It says so to the socket that comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nat_that_rebinds_while_there_is_no_signaling_is_told_of_on_the_next_socket() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    soon("the mute", session.session.mute(Kind::Video)).await.expect("the camera can be muted");
    let paused = |event: &Event| matches!(event, Event::RemoteTrack { sending: false, .. }).then_some(());
    session.tells("that nothing is due", 0, paused).await;
    let begin = Instant::now();
    rebind(&line).await;
    line.net.refuse_tcp();
    line.net.reset_tcp();
    // Each dial that is refused is a moment that has passed; so many that the far side has noticed.
    let mut past = 0;
    while begin.elapsed() < NOTICED {
        let dialled = |event: &Event| matches!(event, Event::Attempt(_)).then_some(());
        session.tells("another dial", past, dialled).await;
        past = session.told().len();
    }
    line.net.restore().expect("the relays are there");
    let (noticed, _) = session.loses(Plane::Media).await;
    let back = |event: &Event| matches!(event, Event::Recovered { .. }).then_some(());
    session.tells("the recovery", past, back).await;
    println!("NAT rebinding without signaling: noticed after {:?}", noticed - begin);
    soon("the unmute", session.session.unmute(Kind::Video)).await.expect("and unmuted");
    session.pictures(5).await;
    line.end().await;
}

/// E3: the pair that the restart finds is one of a mapping that is gone by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nat_that_rebinds_again_in_the_middle_of_the_restart_is_mended() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    rebind(&line).await;
    let (noticed, _) = session.loses(Plane::Media).await;
    rebind(&line).await;
    let (recovered, _) = session.recovers().await;
    say("NAT rebinding in a restart", begin, noticed, Some(noticed), recovered);
    session.pictures(5).await;
    line.end().await;
}

/// E3: twice, the second time as soon as the first is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nat_that_rebinds_again_right_after_the_restart_is_mended_again() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    rebind(&line).await;
    session.recovers().await;
    let past = session.told().len();
    rebind(&line).await;
    let again = |event: &Event| matches!(event, Event::Recovered { .. }).then_some(());
    session.tells("the second recovery", past, again).await;
    well_after(&mut session, 2).await;
    line.end().await;
}

/// Everything, this way, until both planes were given up.
async fn hole(what: &str, direction: Direction) {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let begin = Instant::now();
    line.net.black_hole(direction);
    let (noticed, _) = session.loses(Plane::Media).await;
    let (also, _) = session.loses(Plane::Signaling).await;
    let back = Instant::now();
    line.net.restore().expect("the relays are there");
    let (recovered, (plan, _)) = session.recovers().await;
    assert!(matches!(plan, Plan::Resume { .. }), "well within the window: {plan:?}");
    say(what, begin, noticed.max(also), Some(back), recovered);
    session.recovered_once(&line).await;
    line.end().await;
}

/// F30, E2: the second loss joins the recovery under way, and the restart rides in the resume.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_is_one_outage_of_both_planes() {
    hole("black hole", Direction::Both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_the_way_out_is_one_outage_of_both_planes() {
    hole("one-way cut, out", Direction::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_of_the_way_in_is_one_outage_of_both_planes() {
    hole("one-way cut, in", Direction::Down).await;
}
