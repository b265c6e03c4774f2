//! The client's end: a transport whose connections speak to a [`Remote`].

use crate::connection::MockConnection;
use crate::machine::MockWatch;
use crate::world::World;
use crate::{Remote, Studio};
use offhook_transport::media::MediaPorts;
use offhook_transport::{
    Capabilities, Capability, Connection, Desired, DialRequest, Directory, Epoch, InstanceId, MigrationStyle,
    NetworkWatch, Plan, Presence, Revision, SessionRef, Transport,
};
use std::sync::Arc;
use std::time::Duration;

/// A transport and the hand that plays its far side. The far side does nothing until told.
pub fn pair() -> (MockTransport, Remote) {
    let world = Arc::new(World::new());
    let capabilities = everything().with(Capability::Telemetry).with(Capability::Forwarding);
    (MockTransport { world: world.clone(), capabilities }, Remote::new(world))
}

/// A first join of one instance to `studio/7`, epoch 1: a start for tests to change.
pub fn a_join() -> DialRequest {
    DialRequest {
        plan: Plan::Join { resume: None },
        epoch: Epoch(1),
        inherit: None,
        instance: InstanceId([7; 16]),
        session: SessionRef { kind: "studio".into(), id: "7".into() },
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

/// The scripted transport.
#[derive(Clone, Debug)]
pub struct MockTransport {
    pub(crate) world: Arc<World>,
    capabilities: Capabilities,
}

impl MockTransport {
    /// A far side that behaves by itself. The seed is that of [`Remote::faults`]' default and
    /// of the session ids and keys it gives out.
    pub fn studio(seed: u64) -> (Self, Remote) {
        let (transport, remote) = pair();
        remote.auto(Studio::seeded(seed));
        (transport, remote)
    }

    /// Says that it can do this at most; the default is everything.
    #[must_use]
    pub fn capable_of(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }
}

impl Transport for MockTransport {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn dial(&self, request: DialRequest) -> Box<dyn Connection> {
        Box::new(MockConnection::new(self.world.clone(), request))
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.capabilities.has(Capability::Directory).then_some(self)
    }

    fn presence(&self) -> Option<&dyn Presence> {
        self.capabilities.has(Capability::Rings).then_some(self)
    }

    fn watch_network(&self, _: InstanceId) -> Option<Box<dyn NetworkWatch>> {
        Some(Box::new(MockWatch::new(self.world.clone())))
    }
}

/// What a far side grants unless told otherwise: everything but an intake for telemetry, which it
/// has where its owner asks for one.
pub(crate) const fn everything() -> Capabilities {
    Capabilities::NONE
        .with(Capability::SignalingPlane)
        .with(Capability::MediaPlane)
        .with(Capability::Resume)
        .with(Capability::Rejoin)
        .with(Capability::IceRestart)
        .with(Capability::Prompt)
        .with(Capability::Image)
        .with(Capability::Publish)
        .with(Capability::Messages)
        .with(Capability::AddressedMessages)
        .with(Capability::Reactions)
        .with(Capability::Conversation)
        .with(Capability::Queue)
        .with(Capability::Rings)
        .with(Capability::Directory)
        .with(Capability::Acks)
        .with(Capability::Moderate)
        .migrating(MigrationStyle::MakeBeforeBreak)
}
