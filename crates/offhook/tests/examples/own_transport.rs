//! The example of a transport: its program, and the conformance suite over it, in real time and
//! over sockets. What it cannot do is named here, so that no check falls silent unseen.

use crate::programs::custom_transport::wire::LONGEST;
use crate::programs::custom_transport::{Lines, Room, program};
use crate::screen::{Screen, bounded};
use async_trait::async_trait;
use offhook::transport::{
    Desired, DialRequest, EndCode, Epoch, InstanceId, Plan, Plane, Revision, SessionRef,
};
use offhook_transport::conformance::{
    Behaviour, FarSide, Hostility, NotSupported, Rig, Stage, Step, run_all,
};
use offhook_transport::media::MediaPorts;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// F03, F31, F50: what a session is worth over a transport that does so little.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_of_ones_own_is_recovered_over() {
    let mut screen = Screen::default();
    bounded(program(&mut screen)).await.expect("the room is there");
    let expected = [
        "Joined on 1 socket, with [\"sepia\"] in force",
        "then [\"posterize\"]",
        "the far side refused the prompt (unknown prompt; try one of: edges, posterize, sepia); change it and set it again",
        "the line was cut",
        "back by rejoin, with [\"posterize\"] in force",
        "the far side says that the conversation has ended; begin a new one when it is wanted",
    ];
    assert_eq!(screen.lines(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_of_ones_own_keeps_the_contract() {
    let report = tokio::time::timeout(Duration::from_secs(120), run_all(&LinesRig)).await;
    let report = report.expect("each check is bounded");
    report.assert_held();
    assert_eq!(
        report.skipped(),
        [
            // It has no messages between members.
            "a_message_is_answered_by_its_id",
            // It cannot resume, and has no media to restart: what is lost is joined again.
            "a_resume_on_a_new_socket_keeps_the_media",
            "a_resume_with_an_ice_restart_brings_both_planes_back",
            "a_failed_dial_takes_nothing_of_the_old_link",
            "an_ice_restart_carries_the_media_again",
            "a_redial_replaces_a_dial_under_way",
            // Its far side asks nobody to move.
            "a_go_away_is_passed_on_and_the_link_goes_on",
            // It has no media.
            "frames_go_out_in_order",
            "frames_come_in_in_order",
            "no_frame_leaves_before_the_gate_opens",
            "no_frame_leaves_after_the_gate_closed",
            "a_closed_link_takes_no_frames",
            // It knows nothing of the machine's network.
            "a_watch_of_a_network_that_stays_is_silent_and_leaves_nothing",
            // It has no rings.
            "nothing_of_presence_happens_before_the_first_poll",
            "presence_is_up_first_and_once",
            "a_ping_of_presence_brings_a_sign_of_life",
            "a_question_about_an_unknown_ring_is_answered",
            "a_refused_presence_says_so_and_is_over",
            "an_unreachable_far_side_is_a_lost_presence",
            "a_closed_presence_says_so_once_and_leaves_nothing",
            "a_dropped_presence_leaves_nothing",
        ]
    );
}

struct LinesRig;

#[async_trait]
impl Rig for LinesRig {
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported> {
        let room = |after| async move {
            let room = Room::open(after).await.expect("loopback has a free port");
            (room.address().to_string(), Far::Room(room))
        };
        let (address, far) = match behaviour {
            Behaviour::Accepting => room(Duration::ZERO).await,
            Behaviour::Late(by) => room(by).await,
            Behaviour::Refusing(code) => {
                let line = format!("refused {} 0\n", code.code());
                script(move |socket| answer(socket, line.clone().into_bytes())).await
            }
            Behaviour::Silent => script(|socket| async move { hold(socket).await }).await,
            Behaviour::Unreachable => {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
                let address = listener.local_addr().expect("it is bound").to_string();
                drop(listener);
                (address, Far::Nobody)
            }
            Behaviour::Hostile(way) => {
                let bytes = match way {
                    Hostility::Garbage => b"\xff\xfe no words of ours\n".to_vec(),
                    Hostility::Truncated => b"welc".to_vec(),
                    Hostility::Oversize => vec![b'w'; LONGEST + 1],
                    Hostility::OutOfOrder => b"applied 99\n".to_vec(),
                };
                script(move |socket| answer(socket, bytes.clone())).await
            }
            Behaviour::ClosingAt(Step::Opened) => script(|socket| async move { drop(socket) }).await,
            // A whole join was heard, and no word of it is answered.
            Behaviour::ClosingAt(Step::Answered) => script(|socket| answer(socket, Vec::new())).await,
            Behaviour::ClosingAt(Step::Admitted) => {
                script(|socket| answer(socket, b"welcome 6f6e65\n".to_vec())).await
            }
        };
        Ok(Stage { transport: Box::new(Lines::to(address)), far: Box::new(far) })
    }

    fn unknown_prompt(&self) -> Option<&str> {
        Some("as if painted by nobody")
    }
}

/// Hears the join, says this, and closes.
async fn answer(socket: TcpStream, bytes: Vec<u8>) {
    let mut socket = BufReader::new(socket);
    let mut join = String::new();
    if socket.read_line(&mut join).await.is_ok() {
        // A client that has heard enough may be gone before it heard all.
        let _ = socket.get_mut().write_all(&bytes).await;
    }
}

/// Takes what is said, and says nothing.
async fn hold(socket: TcpStream) {
    let mut socket = BufReader::new(socket);
    let mut heard = String::new();
    while socket.read_line(&mut heard).await.is_ok_and(|read| read > 0) {}
}

/// A far side that does this to whoever dials it.
async fn script<F: Future<Output = ()> + Send>(
    play: impl Fn(TcpStream) -> F + Send + 'static,
) -> (String, Far) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let playing = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            play(socket).await;
        }
    });
    (address, Far::Script(playing))
}

enum Far {
    Room(Room),
    Script(JoinHandle<()>),
    Nobody,
}

impl Drop for Far {
    fn drop(&mut self) {
        if let Self::Script(playing) = self {
            playing.abort();
        }
    }
}

impl Far {
    fn room(&self) -> Result<&Room, NotSupported> {
        match self {
            Self::Room(room) => Ok(room),
            Self::Script(_) | Self::Nobody => {
                Err(NotSupported("a hand on a far side that is no room".into()))
            }
        }
    }
}

#[async_trait]
impl FarSide for Far {
    fn a_join(&self) -> DialRequest {
        DialRequest {
            plan: Plan::Join { resume: None },
            epoch: Epoch(1),
            inherit: None,
            instance: InstanceId([7; 16]),
            session: SessionRef { kind: "room".into(), id: "7".into() },
            target: None,
            credential: None,
            join_ticket: None,
            desired: Desired::default(),
            revision: Revision(0),
            model: None,
            viewer: false,
            wait_in_queue: false,
            media: MediaPorts::default(),
            open_timeout: Duration::from_secs(5),
        }
    }

    async fn cut(&self, _: Plane) -> Result<(), NotSupported> {
        self.room()?.cut();
        Ok(())
    }

    async fn restore(&self) -> Result<(), NotSupported> {
        // A cut line is cut once: a new one stands at once.
        Ok(())
    }

    async fn end(&self, code: EndCode) -> Result<(), NotSupported> {
        self.room()?.end(code.code());
        Ok(())
    }

    async fn census(&self) -> Result<Vec<(&'static str, u64)>, NotSupported> {
        let room = self.room()?;
        Ok(vec![("sockets", room.sockets()), ("members", room.prompts().len() as u64)])
    }
}
