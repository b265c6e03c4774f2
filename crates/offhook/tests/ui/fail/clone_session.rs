//! A session is linear.
use offhook::{Joined, Session};

fn misuse(session: Session<Joined>) -> (Session<Joined>, Session<Joined>) {
    (session.clone(), session)
}

fn main() {
    let _ = misuse;
}
