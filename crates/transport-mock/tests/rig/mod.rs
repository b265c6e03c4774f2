//! The mock's rig: stages made of a studio or of a hand that answers in the census's name.

pub(crate) mod breach;
mod presence;

use async_trait::async_trait;
use breach::{Breach, Breaking};
use offhook_transport::conformance::{Behaviour, FarSide, Hostility, NotSupported, Rig, Stage, Step};
use offhook_transport::media::EncodedFrame;
use offhook_transport::{
    DialRequest, EndCode, Epoch, FaultKind, GoAwayHint, GoAwayReason, InstanceId, Plane, PresenceRequest,
    Revision, Transport,
};
use offhook_transport_mock::{MockDial, Remote, Studio, a_join, pair};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct MockRig {
    breach: Option<Breach>,
}

impl MockRig {
    /// Stages whose transport breaks a rule.
    pub(crate) fn breaking(breach: Breach) -> Self {
        Self { breach: Some(breach) }
    }
}

#[async_trait]
impl Rig for MockRig {
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported> {
        let (transport, remote) = pair();
        let studio = Studio::seeded(3).knowing(&["sepia", "posterize"]);
        match behaviour {
            Behaviour::Accepting => remote.auto(studio),
            Behaviour::Late(by) => remote.auto(studio.answering_in(by)),
            Behaviour::Silent => {}
            Behaviour::Unreachable => remote.cut(),
            Behaviour::Refusing(code) => {
                remote.refuse_presence(Some(code));
                remote.script(move |dial| dial.refuse(code));
            }
            Behaviour::Hostile(Hostility::OutOfOrder) => remote.script(|dial| {
                dial.ack(Revision(99));
                dial.message("nobody", "too early", vec![1, 2, 3]);
                dial.go_away(GoAwayHint {
                    url: None,
                    ticket: None,
                    deadline: None,
                    reason: GoAwayReason::Other,
                });
            }),
            Behaviour::Hostile(_) => remote.script(|dial| dial.garble()),
            Behaviour::ClosingAt(step) => remote.script(move |dial| {
                if step != Step::Opened {
                    dial.answer();
                }
                if step == Step::Admitted {
                    dial.up(dial.a_welcome());
                }
                dial.lose_after(Duration::from_millis(5), Plane::Signaling, FaultKind::Closed);
            }),
        }
        let transport: Box<dyn Transport> = match self.breach {
            Some(breach) => Box::new(Breaking::new(breach, transport)),
            None => Box::new(transport),
        };
        Ok(Stage { transport, far: Box::new(MockFar { remote }) })
    }

    fn unknown_prompt(&self) -> Option<&str> {
        Some("as if painted by nobody")
    }
}

struct MockFar {
    remote: Remote,
}

impl MockFar {
    fn newest(&self) -> Result<MockDial, NotSupported> {
        self.remote.newest().ok_or_else(|| NotSupported("this without an open link".into()))
    }
}

#[async_trait]
impl FarSide for MockFar {
    fn a_join(&self) -> DialRequest {
        a_join()
    }

    fn a_presence(&self) -> Result<PresenceRequest, NotSupported> {
        let device = InstanceId([9; 16]);
        let open_timeout = Duration::from_secs(5);
        Ok(PresenceRequest { epoch: Epoch(1), device, credential: None, open_timeout })
    }

    async fn cut(&self, plane: Plane) -> Result<(), NotSupported> {
        let kind = match plane {
            Plane::Signaling => FaultKind::Closed,
            Plane::Media => FaultKind::IceSilent,
        };
        self.newest()?.lose(plane, kind);
        Ok(())
    }

    async fn restore(&self) -> Result<(), NotSupported> {
        // A lost plane of the mock is lost alone: the network was there all the time.
        Ok(())
    }

    async fn end(&self, code: EndCode) -> Result<(), NotSupported> {
        self.remote.end(code);
        Ok(())
    }

    async fn go_away(&self, hint: GoAwayHint) -> Result<(), NotSupported> {
        self.remote.go_away(hint);
        Ok(())
    }

    async fn send_frame(&self, frame: EncodedFrame) -> Result<(), NotSupported> {
        self.remote.send_frame(&frame);
        Ok(())
    }

    async fn published(&self) -> Result<Vec<EncodedFrame>, NotSupported> {
        Ok(self.remote.frames().into_iter().map(|published| published.frame).collect())
    }

    async fn census(&self) -> Result<Vec<(&'static str, u64)>, NotSupported> {
        let census = self.remote.census();
        Ok(vec![
            ("connections", census.connections as u64),
            ("media planes", census.media_planes as u64),
            ("taps", census.taps as u64),
            ("watches", census.watches as u64),
            ("presences", census.presences as u64),
        ])
    }
}
