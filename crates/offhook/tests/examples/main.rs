//! The examples, run: each over the scripted transport, or over a server of its own on loopback,
//! bounded, and held to what it prints. What a user copies first is so known to work.

#[path = "../../examples"]
#[allow(dead_code, reason = "their `main` is cargo's to call")]
mod programs {
    pub(crate) mod bot;
    pub(crate) mod connection_manager;
    #[path = "custom_transport/main.rs"]
    pub(crate) mod custom_transport;
    pub(crate) mod graceful_shutdown;
    pub(crate) mod incoming_call;
    pub(crate) mod moderate_room;
    pub(crate) mod repaint_file;
    #[cfg(feature = "webrtc")]
    pub(crate) mod room;
    pub(crate) mod same_program;
    pub(crate) mod scoped_component;
    pub(crate) mod talking_persona;
    #[path = "testing_your_app/main.rs"]
    mod testing_your_app;
    pub(crate) mod ui_loop;
}

#[cfg(unix)]
mod graceful_shutdown;
mod incoming_call;
mod moderate_room;
mod own_transport;
mod owners;
mod repaint_file;
#[cfg(feature = "webrtc")]
mod room;
mod same_program;
mod screen;
mod survivors;
mod talking_persona;
