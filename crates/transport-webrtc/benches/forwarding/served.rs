//! The room on the real server: members that dial in, and what their links count.

use crate::MEMBERS;
use crate::crowd::{Counts, Crowd, Run, measured};
use crate::native_common::{Line, join};
use offhook_server::{Mint, Server};
use offhook_transport::media::{Gate, LocalTrack, MediaPorts, Remote};
use offhook_transport::{Action, Content, DialRequest, Event, SessionRef, StatsTotals};
use offhook_transport_webrtc::native::WebRtc;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// The server, on the far side's runtime.
pub(crate) async fn server(far: &Handle) -> Server {
    let started = far.spawn(async { Server::builder().start().await.expect("loopback has a free port") });
    started.await.expect("it starts or says why not")
}

/// The server stops on the runtime that it runs on.
pub(crate) async fn stop(server: Server, far: &Handle) {
    far.spawn(async move { server.shutdown().await }).await.expect("it stops");
}

/// What a member asks for.
pub(crate) fn request(server: &Server, user: &str, track: &LocalTrack, remote: &Remote) -> DialRequest {
    let credential = server.mint(&Mint::user(user)).expect("a key signs");
    let request = join(Some(credential));
    let gate = Gate::new();
    gate.open();
    remote.switch_to(request.epoch);
    let media = MediaPorts { publish: vec![track.clone()], sink: Some(remote.sink(request.epoch)), gate };
    let session = SessionRef { kind: "room".into(), id: "1".into() };
    DialRequest { session, model: None, media, ..request }
}

/// A member whose events are read by a task.
pub(crate) struct Member {
    /// The newest report of its link, and how many there were.
    stats: watch::Receiver<(u64, StatsTotals)>,
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Member {
    pub(crate) fn new(mut line: Line) -> Self {
        let (report, stats) = watch::channel((0, StatsTotals::default()));
        let (leave, mut left) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut reports = 0;
            loop {
                let event = tokio::select! {
                    event = line.connection.next() => event,
                    _ = &mut left => break,
                };
                match event.expect("nobody ends it but us") {
                    Event::Content(Content::Stats(stats)) => {
                        reports += 1;
                        report.send_replace((reports, stats.totals()));
                    }
                    Event::PlaneLost(plane, fault) => panic!("{plane:?} was lost: {fault:?}"),
                    _ => {}
                }
            }
            // Without a goodbye its place would be kept.
            line.connection.act(Action::Goodbye).expect("room");
            while line.connection.next().await.is_some() {}
        });
        Self { stats, leave, task }
    }

    pub(crate) async fn leaves(self) {
        // Ended by itself is ended, too; the task says how.
        let _ = self.leave.send(());
        self.task.await.expect("its link held");
    }

    /// The report that comes next; one comes each second.
    async fn report(&mut self) -> StatsTotals {
        let seen = self.stats.borrow_and_update().0;
        let next = self.stats.wait_for(|(reports, _)| *reports > seen).await;
        next.expect("its link reports until it leaves").1
    }
}

pub(crate) async fn run(far: &Handle, frames: usize) -> Run {
    let server = server(far).await;
    let transport = WebRtc::new(server.url());
    let (mut crowd, tracks) = Crowd::new(MEMBERS);
    let (mut members, mut remotes) = (Vec::new(), Vec::new());
    for (at, track) in tracks.iter().enumerate() {
        let remote = Remote::new();
        let line = Line::joined(&transport, request(&server, &format!("member {at}"), track, &remote)).await;
        members.push(Member::new(line));
        remotes.push(remote);
    }
    let count = async || {
        let mut counts = Counts::default();
        for report in futures_util::future::join_all(members.iter_mut().map(Member::report)).await {
            counts.add(&report);
        }
        counts
    };
    let mut run = measured(&mut crowd, frames, count).await;
    run.dropped = server.unforwarded();
    for member in members {
        member.leaves().await;
    }
    stop(server, far).await;
    run
}
