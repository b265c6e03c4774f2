//! The suite every transport passes: one rule of [`Connection`](crate::Connection) a check,
//! each named by the fact it holds.
//!
//! A transport's test implements [`Rig`] and [`FarSide`] over whatever far side it has, and
//! calls [`run_all`]; [`Report::assert_held`] then fails with every rule that is broken. What
//! the rig cannot do is skipped and printed; name the skipped checks in your test, so that
//! none falls silent unseen ([`Report::skipped`]).
//!
//! The suite names no runtime: it needs a `tokio` clock for its bounds and spawns nothing. It
//! runs in virtual time over a scripted far side as well as in real time over sockets, so no
//! bound is tight except the ones that the contract itself states.

mod closing;
mod desired;
mod driven;
mod frames;
mod hostile;
mod joining;
mod marks;
mod network;
mod planes;
mod presence;
mod rig;
mod run;
mod taking_over;

pub use closing::*;
pub use desired::*;
pub use frames::*;
pub use hostile::*;
pub use joining::*;
pub use marks::{mark_of, marked};
pub use network::*;
pub use planes::*;
pub use presence::*;
pub use rig::{Behaviour, FarSide, Hostility, NotSupported, Rig, Stage, Step};
pub use run::{CHECKS, Named, Outcome, Report, run_all, run_one};
pub use taking_over::*;

/// What a check comes to.
pub type Check = Result<(), Miss>;

/// Why a check did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// The rig cannot show it.
    #[error(transparent)]
    NotSupported(#[from] NotSupported),
    /// The transport breaks the rule.
    #[error("{0}")]
    Broken(String),
}

fn broken<T>(how: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Broken(how.into()))
}
