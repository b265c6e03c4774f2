//! The door for rings: who may have a presence, and who comes in with the ticket of one.

use super::{
    Admission, Refusal, UsedTicket, agree, good, key, known_kind, model_of, not_kicked, now, refuse,
};
use crate::Shared;
use crate::rings::{Bearer, TooMany, given_up};
use crate::token::Credential;
use offhook_signaling::{Error, ErrorCode, FromServer, Join, Presence, Secret};

/// Judges a presence: a user's credential, of no session. Who, with what, and the version.
pub(crate) fn presence(shared: &Shared, hello: &Presence) -> Result<(String, Bearer, u32), Refusal> {
    let version = agree(shared, hello.versions, &[])?;
    let Some(credential) = &hello.credential else {
        let text = "presence needs a credential; put one into the first frame";
        return Err(refuse(ErrorCode::Unauthorized, text));
    };
    let claims = good(shared, credential)?;
    if claims.session.is_some() {
        let text = "the credential is for a session; presence needs one of the user alone";
        return Err(refuse(ErrorCode::NotPermitted, text));
    }
    let credential = Credential::of(&claims);
    Ok((claims.sub, Bearer { grants: claims.grants, credential }, version))
}

/// A presence that finds no room.
pub(crate) fn no_room(shared: &Shared, why: TooMany) -> Refusal {
    let (code, text) = match why {
        TooMany::Closed => return super::going_down(shared),
        TooMany::Stale => (ErrorCode::StaleEpoch, "a newer link of this device is there; use that one"),
        TooMany::Devices => (ErrorCode::Busy, "too many devices of this user; close one of them"),
        TooMany::Presences => (ErrorCode::Busy, "too many are here; dial again in a while"),
    };
    let mut error = Error::new(code, text);
    error.retry_after_ms = (why != TooMany::Stale).then_some(10_000);
    Box::new(FromServer::Error(error))
}

/// Judges a join with a ring's ticket, which stands for the credential.
///
/// A ticket is for one place: once somebody came in with it, only the same instance may show it
/// again, and only while the member that it made is there, because its link was lost.
pub(super) fn join(
    shared: &Shared,
    join: &Join,
    ticket: &Secret,
    version: u32,
) -> Result<Admission, Refusal> {
    let (session, instance) = (key(&join.session), join.instance.to_string());
    let fits = shared.signer.check_ring_ticket(ticket.expose()).ok();
    let fits = fits.filter(|ticket| ticket.pass.session == session && ticket.pass.instance == instance);
    let fits = fits.filter(|ticket| {
        !shared.doormat.was_used(&ticket.jti) || shared.rooms.find(&join.session, join.instance).is_some()
    });
    let Some(ticket) = fits else {
        return Err(refuse(
            ErrorCode::TicketRefused,
            "the ticket is not good here (used, too old, or for another session or instance); ring again",
        ));
    };
    let alone = shared.rings.lock().left_alone(&ticket.pass.ring);
    if alone.is_some_and(|alone| shared.rooms.has_only(&join.session, [alone.caller, alone.callee])) {
        return Err(Box::new(FromServer::Ended(given_up())));
    }
    if let Some(credential) = &join.credential
        && good(shared, credential)?.sub != ticket.sub
    {
        return Err(refuse(
            ErrorCode::Unauthorized,
            "ticket and credential are of two users; show one of them",
        ));
    }
    known_kind(shared, &join.session)?;
    not_kicked(shared, &session, &ticket.sub)?;
    let model = model_of(join)?;
    let credential = ticket.pass.credential;
    let expires_in_ms = Some(credential.exp.saturating_sub(now()).saturating_mul(1000));
    Ok(Admission {
        user: ticket.sub,
        grants: ticket.pass.grants,
        version,
        expires_in_ms,
        credential,
        model,
        pass: None,
        ring_ticket: Some(UsedTicket { ring: ticket.pass.ring, jti: ticket.jti, exp: ticket.exp }),
    })
}
