//! The phases, sealed: nobody else can make one, and none has a value.

use super::{Back, RingBack, Session, mint};
use crate::{Direction, Ending, JoinErrorKind, Link, Snapshot};
use std::marker::PhantomData;

/// A phase of a session. Sealed.
pub trait Phase: sealed::Sealed + Sized + 'static {
    /// What a handle in this phase knows beside its link.
    type Data: Unpin;
    /// Its name, as in the type.
    const NAME: &'static str;
    /// Is it the end, so that dropping it wishes nothing?
    #[doc(hidden)]
    const IS_OVER: bool = false;
}

/// A phase that a join can begin in. Sealed.
pub trait Origin: Phase<Data = ()> {
    /// What a join that did not succeed gives back.
    type Back<L: Link>: From<Session<Left, L>>;
    /// The handle of this phase and why, if `seen` says that the join which began `since` then
    /// gave it back; otherwise the link.
    #[doc(hidden)]
    fn regain<L: Link>(link: L, seen: &Snapshot, since: Since) -> Result<(Self::Back<L>, JoinErrorKind), L>;
}

/// What a snapshot counted when a join began; what it counts beyond that is about this join.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Since {
    pub(super) joins: u32,
    pub(super) failed_joins: u32,
    pub(super) failed_accepts: u32,
}

/// The direction of a ring, as a type. Sealed.
pub trait RingDirection: sealed::Sealed + 'static {
    /// The same, as a value.
    const DIRECTION: Direction;
    /// Its name, as in the type.
    const NAME: &'static str;
}

/// Not joined, nothing rings; building it did no I/O.
#[derive(Debug)]
pub enum Idle {}
/// A ring was received, or placed.
#[derive(Debug)]
pub struct Ringing<D: RingDirection>(PhantomData<D>, sealed::Never);
/// Somebody rings us.
#[derive(Debug)]
pub enum Incoming {}
/// We ring somebody.
#[derive(Debug)]
pub enum Outgoing {}
/// The join succeeded, and this handle has not left.
#[derive(Debug)]
pub enum Joined {}
/// It is over; the reason is known.
#[derive(Debug)]
pub enum Left {}

impl Phase for Idle {
    type Data = ();
    const NAME: &'static str = "Idle";
}
impl<D: RingDirection> Phase for Ringing<D> {
    type Data = ();
    const NAME: &'static str = D::NAME;
}
impl Phase for Joined {
    type Data = ();
    const NAME: &'static str = "Joined";
}
impl Phase for Left {
    type Data = Ending;
    const NAME: &'static str = "Left";
    const IS_OVER: bool = true;
}
impl RingDirection for Incoming {
    const DIRECTION: Direction = Direction::Incoming;
    const NAME: &'static str = "Ringing<Incoming>";
}
impl RingDirection for Outgoing {
    const DIRECTION: Direction = Direction::Outgoing;
    const NAME: &'static str = "Ringing<Outgoing>";
}

impl Origin for Idle {
    type Back<L: Link> = Back<L>;
    fn regain<L: Link>(link: L, seen: &Snapshot, since: Since) -> Result<(Back<L>, JoinErrorKind), L> {
        match seen.join_error() {
            Some(kind) if seen.failed_joins() > since.failed_joins => Ok((Back::Idle(mint(link, ())), kind)),
            _ => Err(link),
        }
    }
}
impl Origin for Ringing<Incoming> {
    type Back<L: Link> = RingBack<L>;
    fn regain<L: Link>(link: L, seen: &Snapshot, since: Since) -> Result<(RingBack<L>, JoinErrorKind), L> {
        if seen.failed_accepts() > since.failed_accepts {
            Ok((RingBack::Ringing(mint(link, ())), JoinErrorKind::ServerUnreachable))
        } else {
            Err(link)
        }
    }
}
impl Origin for Ringing<Outgoing> {
    type Back<L: Link> = Session<Left, L>;
    fn regain<L: Link>(link: L, _: &Snapshot, _: Since) -> Result<(Self::Back<L>, JoinErrorKind), L> {
        // A ring that was placed ends in a session or in `Left`; nothing is ever given back.
        Err(link)
    }
}

mod sealed {
    pub trait Sealed {}
    #[derive(Debug)]
    #[allow(unreachable_pub, reason = "a field of a public phase, sealed by its module")]
    pub enum Never {}
    impl Sealed for super::Idle {}
    impl<D: super::RingDirection> Sealed for super::Ringing<D> {}
    impl Sealed for super::Incoming {}
    impl Sealed for super::Outgoing {}
    impl Sealed for super::Joined {}
    impl Sealed for super::Left {}
}
