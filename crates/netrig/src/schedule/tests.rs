//! Facts about schedules: what a seed gives, and what a run does to a rig.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::{collections::BTreeSet, pin::pin, time::Duration};

use proptest::prelude::*;
use tokio::net::{TcpStream, UdpSocket};

use super::{Change, Fault, Kind, Profile, Schedule};
use crate::{
    Conditions, Direction, Rig,
    testing::{listener, pair, passes, saved_seeds, soon},
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_seed_gives_this_schedule_on_every_machine_and_in_every_version() {
    let schedule = Schedule::seeded(7, ms(60_000), &Profile::default());
    assert_eq!(schedule.to_string(), GOLDEN.trim_matches('\n'));
}

#[test]
fn another_seed_gives_another_schedule() {
    let drawn: BTreeSet<String> =
        (0..50).map(|seed| Schedule::seeded(seed, ms(60_000), &Profile::default()).to_string()).collect();
    assert_eq!(drawn.len(), 50);
}

#[test]
fn every_kind_comes_up_once_before_any_comes_twice() {
    let schedule = Schedule::seeded(3, ms(3_600_000), &Profile::default());
    for hand in schedule.steps().chunks_exact(Kind::ALL.len()) {
        let kinds: BTreeSet<Kind> = hand.iter().map(|step| step.fault.kind()).collect();
        assert_eq!(kinds.len(), Kind::ALL.len());
    }
    assert!(schedule.steps().len() > 200);
}

#[test]
fn a_profile_without_kinds_or_without_room_gives_no_faults() {
    let none = Profile { deck: Vec::new(), ..Profile::default() };
    assert_eq!(Schedule::seeded(1, ms(60_000), &none).steps(), []);
    assert_eq!(Schedule::seeded(1, ms(10_000), &Profile::default()).steps(), []);
    assert_eq!(Schedule::seeded(1, Duration::ZERO, &Profile::default()).steps(), []);
}

#[test]
fn names_of_kinds_are_distinct() {
    let names: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
    assert_eq!(names.len(), Kind::ALL.len());
}

proptest! {
    #![proptest_config(saved_seeds("netrig-schedule.txt"))]

    #[test]
    fn faults_follow_one_another_within_lead_and_tail(
        seed: u64,
        length in 0_u64..300_000,
        lead in 0_u64..10_000,
        tail in 0_u64..10_000,
        gap in (0_u64..2_000, 0_u64..2_000),
        lasting in (0_u64..3_000, 0_u64..3_000),
        deck in prop::collection::vec(prop::sample::select(Kind::ALL.to_vec()), 0..6),
    ) {
        // Ranges may be given the wrong way round: they count as their first end.
        let profile = Profile {
            deck,
            lead: ms(lead),
            tail: ms(tail),
            gap: ms(gap.0)..=ms(gap.1),
            lasting: ms(lasting.0)..=ms(lasting.1),
            ..Profile::default()
        };
        let schedule = Schedule::seeded(seed, ms(length), &profile);
        prop_assert_eq!(&schedule, &Schedule::seeded(seed, ms(length), &profile));
        let mut free = profile.lead;
        for step in schedule.steps() {
            prop_assert!(step.at >= free);
            prop_assert_eq!(step.fault.is_momentary() && !step.lasting.is_zero(), false);
            prop_assert!(profile.deck.contains(&step.fault.kind()));
            free = step.end() + ms(gap.0.max(1));
            prop_assert!(step.end() + profile.tail <= schedule.length());
        }
        let mut last = Duration::ZERO;
        let mut open = None;
        for (at, change) in schedule.changes() {
            prop_assert!(at >= last);
            last = at;
            match change {
                Change::Began { number, fault } => {
                    prop_assert_eq!(open, None);
                    open = (!fault.is_momentary()).then_some(number);
                }
                Change::Ended { number, .. } => prop_assert_eq!(open.take(), Some(number)),
            }
        }
        prop_assert_eq!(open, None);
    }
}

#[tokio::test]
async fn a_run_does_each_fault_and_its_end_in_order_and_leaves_the_rig_whole() {
    let (upstream, addr) = listener().await;
    let rig = Rig::new(7);
    let before = Conditions::clear().delay(ms(1)).jitter(ms(1));
    rig.set(Direction::Both, before);
    let signaling = rig.tcp(addr).await.unwrap();
    let media = rig.udp(addr).await.unwrap();
    let (_client, _server) = pair(signaling.addr(), &upstream).await;

    let step = ms(20);
    let faults = [
        Fault::Rate { bytes_per_second: 1_000 },
        Fault::Loss { probability: 0.5 },
        Fault::Delay { one_way: ms(70) },
        Fault::BlackHole(Direction::Up),
        Fault::CutUdp,
        Fault::Refuse,
        Fault::Rebind,
        Fault::Reset,
        Fault::CutTcp,
        Fault::Cut,
    ];
    let schedule =
        faults.into_iter().fold(Schedule::new(), |script, fault| script.fault(fault, step).clear(step));

    let mut log = Vec::new();
    let mut seen = Vec::new();
    let run = schedule.run(&rig, |applied| {
        assert!(applied.at >= applied.planned);
        log.push(applied.change);
        let line = media.conditions().down;
        seen.push((line.rate, line.loss, line.delay, line.jitter));
    });
    soon("the schedule runs", run).await.unwrap();

    assert_eq!(log, schedule.changes().map(|(_, change)| change).collect::<Vec<_>>());
    let whole = (None, 0.0, ms(1), ms(1));
    assert_eq!(
        seen[..6],
        [
            (Some(1_000), 0.0, ms(1), ms(1)),
            whole,
            (None, 0.5, ms(1), ms(1)),
            whole,
            (None, 0.0, ms(70), ms(1)),
            whole,
        ]
    );
    assert_eq!((media.conditions().up, media.conditions().down), (before, before));
    soon("rebound", media.wait_for(|stats| stats.rebinds == 1)).await.unwrap();
    // The connection had been accepted before the reset, which therefore took it.
    soon("reset", signaling.wait_for(|stats| stats.reset >= 1 && stats.open == 0)).await.unwrap();
    let (mut client, mut server) = pair(signaling.addr(), &upstream).await;
    passes(&mut client, &mut server, "whole").await;
}

#[tokio::test]
async fn a_run_that_is_dropped_ends_the_fault_in_force() {
    let (upstream, addr) = listener().await;
    let rig = Rig::new(7);
    let signaling = rig.tcp(addr).await.unwrap();
    let schedule = Schedule::new().fault(Fault::Cut, ms(3_600_000));
    let (began, mut begins) = tokio::sync::mpsc::channel(1);
    {
        let mut run = pin!(schedule.run(&rig, |_| began.try_send(()).unwrap()));
        tokio::select! {
            _ = &mut run => panic!("an hour has passed"),
            _ = begins.recv() => {}
        }
        assert!(TcpStream::connect(signaling.addr()).await.is_err());
    }
    let (mut client, mut server) = pair(signaling.addr(), &upstream).await;
    passes(&mut client, &mut server, "whole").await;
}

#[tokio::test]
async fn a_rebind_of_the_rig_moves_every_udp_relay_to_new_ports() {
    let upstream = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let rig = Rig::new(7);
    let relays = [
        rig.udp(upstream.local_addr().unwrap()).await.unwrap(),
        rig.udp(upstream.local_addr().unwrap()).await.unwrap(),
    ];
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        for relay in &relays {
            client.send_to(b"from where?", relay.addr()).await.unwrap();
            let (_, from) = soon("a datagram", upstream.recv_from(&mut [0; 16])).await.unwrap();
            assert!(!seen.contains(&from));
            seen.push(from);
        }
        rig.rebind_udp();
        for relay in &relays {
            soon("rebound", relay.wait_for(|stats| stats.rebinds > 0)).await.unwrap();
        }
    }
}

const GOLDEN: &str = "
    5.000 s  cut-tcp for 2.203 s
   14.139 s  cut-udp for 2.139 s
   21.015 s  reset
   28.186 s  black-hole for 1.037 s
   33.705 s  rate of 131635 B/s for 1.581 s
   41.316 s  refuse for 2.771 s
   60.000 s  end
";
