//! The twin: code that does not care for the phase is generic over it.
use offhook::{CallingState, Phase, Session};

fn usage<P: Phase>(session: &Session<P>) -> CallingState {
    session.state()
}

fn main() {
    let _ = usage::<offhook::Joined>;
    let _ = usage::<offhook::Left>;
}
