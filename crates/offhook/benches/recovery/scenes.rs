//! What is lost, and what is measured of it. Each target is the design's, in milliseconds at this
//! round trip.

use crate::ms;
use crate::place::{Place, Wanted};
use offhook::{Event, Plan, Plane};
use offhook_netrig::Direction;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a silent hole stays, and a cut of one way.
const HOLE: Duration = Duration::from_secs(10);
/// How long a cut stays that everybody is told of.
const CUT: Duration = Duration::from_millis(1500);
/// A resume window that is over before the cut is.
const SHORT_WINDOW: Duration = Duration::from_secs(1);

/// A kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    Signaling,
    Media,
    BothResume,
    BothRejoin,
    BlackHole,
    OneWayUp,
    OneWayDown,
    Rebinding,
}

/// What was measured, by the names of the rows.
pub(crate) type Samples = Vec<(&'static str, f64)>;

const BACK: &str = "from the loss to signaling back";
const MEDIA_GAP: &str = "media interrupted";
const PICTURES: &str = "longest gap between two received pictures";
const RESTART: &str = "ICE restart, from the decision";
const NOTICED: &str = "noticed, from the last good packet";
const DIAL: &str = "from the first dial after the path's return";
const RETURN: &str = "from the path's return";

impl Scene {
    pub(crate) const ALL: [Self; 8] = [
        Self::Signaling,
        Self::Media,
        Self::BothResume,
        Self::BothRejoin,
        Self::BlackHole,
        Self::OneWayUp,
        Self::OneWayDown,
        Self::Rebinding,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signaling => "signaling lost, media alive",
            Self::Media => "media lost, signaling alive",
            Self::BothResume => "both lost, resumed",
            Self::BothRejoin => "both lost, rejoined",
            Self::BlackHole => "silent black hole of 10 s",
            Self::OneWayUp => "one-way cut, up",
            Self::OneWayDown => "one-way cut, down",
            Self::Rebinding => "NAT rebinding",
        }
    }

    /// The rows of this scene: what, unit, target.
    pub(crate) fn rows(self, round_trip: Duration) -> Vec<(&'static str, &'static str, Option<String>)> {
        let trips = |many: u128, more: u128| Some(format!("≤ {}", many * round_trip.as_millis() + more));
        let most = |bound: u32| Some(format!("≤ {bound}"));
        match self {
            Self::Signaling => vec![
                (BACK, "ms", trips(3, 60)),
                (MEDIA_GAP, "ms", Some("= 0".into())),
                (PICTURES, "ms", None),
            ],
            Self::Media => vec![(NOTICED, "ms", most(6500)), (RESTART, "ms", trips(4, 60))],
            Self::BothResume => vec![(DIAL, "ms", trips(4, 60)), (RETURN, "ms", None)],
            Self::BothRejoin => vec![(DIAL, "ms", trips(6, 100)), (RETURN, "ms", None)],
            Self::BlackHole | Self::OneWayUp | Self::OneWayDown => {
                vec![(NOTICED, "ms", most(6500)), (RETURN, "ms", most(1000))]
            }
            // The path is back at once: noticing and recovering are one stretch without pictures.
            Self::Rebinding => vec![(PICTURES, "ms", most(7500))],
        }
    }
}

/// Plays it once, on a session of its own. Nothing where the session was not joined, or did not
/// come back.
pub(crate) async fn play(scene: Scene, round_trip: Duration) -> Samples {
    let resume_window = (scene == Scene::BothRejoin).then_some(SHORT_WINDOW);
    let wanted = Wanted { round_trip, resume_window, ..Wanted::default() };
    let Some(place) = Place::set(wanted).await else { return Vec::new() };
    let measured = match scene {
        Scene::Signaling => signaling(&place).await,
        Scene::Media => media(&place).await,
        Scene::BothResume => both(&place, CUT, false).await,
        Scene::BothRejoin => both(&place, CUT + SHORT_WINDOW, true).await,
        Scene::BlackHole => hole(&place, Direction::Both).await,
        Scene::OneWayUp => hole(&place, Direction::Up).await,
        Scene::OneWayDown => hole(&place, Direction::Down).await,
        Scene::Rebinding => rebinding(&place).await,
    };
    // What is left of a fault must not slow the leaving down.
    let _ = place.rig.restore();
    place.strike().await;
    measured.unwrap_or_default()
}

async fn signaling(place: &Place) -> Option<Samples> {
    let began = Instant::now();
    place.rig.reset_tcp();
    let (lost, ()) = place.event(began, |event| lost(event, Plane::Signaling)).await?;
    let (back, interrupted) = place.event(lost, recovered).await?;
    // The pictures of the time in which nothing should have been felt.
    sleep(Duration::from_millis(500)).await;
    Some(vec![(BACK, ms(back - lost)), (MEDIA_GAP, ms(interrupted.1)), (PICTURES, place.longest_gap(began))])
}

async fn media(place: &Place) -> Option<Samples> {
    let began = Instant::now();
    place.rig.drop_udp();
    let (decided, ()) = place.event(began, |event| lost(event, Plane::Media)).await?;
    place.rig.restore().ok()?;
    let (back, _) = place.event(decided, recovered).await?;
    Some(vec![(NOTICED, ms(decided - began)), (RESTART, ms(back - decided))])
}

async fn both(place: &Place, cut: Duration, rejoined: bool) -> Option<Samples> {
    let began = Instant::now();
    place.rig.cut();
    sleep(cut).await;
    place.rig.restore().ok()?;
    let restored = Instant::now();
    let (back, (plan, _)) = place.event(began, recovered).await?;
    if rejoined != matches!(plan, Plan::Rejoin) {
        return None;
    }
    // The event comes at a dial's end and says how long it took.
    let first = place.look(|notes| {
        let dials = notes.events.iter().filter_map(|(at, event)| match event {
            Event::Attempt(attempt) => at.checked_sub(attempt.took),
            _ => None,
        });
        dials.filter(|dialled| *dialled >= restored).min()
    })?;
    Some(vec![(DIAL, ms(back - first)), (RETURN, ms(back - restored))])
}

async fn hole(place: &Place, direction: Direction) -> Option<Samples> {
    let began = Instant::now();
    place.rig.black_hole(direction);
    let noticed = place.event(began, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await?.0;
    sleep_until(began + HOLE).await;
    place.rig.restore().ok()?;
    let restored = Instant::now();
    // One that was never lost for good, or came back by itself, has no measure.
    let (back, _) = place.event(restored, recovered).await?;
    Some(vec![(NOTICED, ms(noticed - began)), (RETURN, ms(back - restored))])
}

async fn rebinding(place: &Place) -> Option<Samples> {
    let began = Instant::now();
    place.rig.rebind_udp();
    // It may be noticed at the latest after 6.5 s, and be over a second later.
    sleep(Duration::from_secs(12)).await;
    let last = place.look(|notes| notes.pictures.last().copied())?;
    let silent = ms(Instant::now() - last);
    Some(vec![(PICTURES, place.longest_gap(began).max(silent))])
}

fn lost(event: &Event, wanted: Plane) -> Option<()> {
    matches!(event, Event::LinkLost { plane, .. } if *plane == wanted).then_some(())
}

/// By which plan, and how long media was interrupted.
fn recovered(event: &Event) -> Option<(Plan, Duration)> {
    match event {
        Event::Recovered { plan, media_interrupted, .. } => Some((*plan, *media_interrupted)),
        _ => None,
    }
}
