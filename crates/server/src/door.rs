//! The door: who may come in, judged from the first frame alone. Nothing is allocated for a
//! session before the credential is good (S9); who is inside is `rooms.rs`.

mod ringing;

pub(crate) use ringing::{no_room, presence};

use crate::handover::Dossier;
use crate::model::Model;
use crate::token::{Claims, Credential, Grants, Pass, TokenError};
use crate::{Shared, hex};
use offhook_signaling::{
    Error, ErrorCode, Feature, FromServer, GoAway, GoAwayCode, Join, Migrate, Resume, ResumeRefusal,
    ResumeRefused, SessionRef, Versions,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// What this server speaks.
pub(crate) fn versions() -> Versions {
    Versions::new(offhook_signaling::VERSION, offhook_signaling::VERSION)
        .expect("a number is not above itself")
}

/// Everything the studio can do.
pub(crate) const FEATURES: &[Feature] = &[
    Feature::Prompt,
    Feature::Image,
    Feature::Generation,
    Feature::Resume,
    Feature::IceRestart,
    Feature::MakeBeforeBreak,
    Feature::Messages,
    Feature::AddressedMessages,
    Feature::Reactions,
    Feature::Roster,
    Feature::CredentialRefresh,
    Feature::Queue,
    Feature::Directory,
    Feature::Rings,
];

/// What a member has that is joined with this one.
pub(crate) fn features(shared: &Shared, model: Model, grants: &Grants) -> Vec<Feature> {
    let of_its_own = match model {
        Model::Studio => &[][..],
        Model::Echo => &[Feature::Conversation, Feature::Answers],
        Model::Room => &[Feature::Forwarding],
    };
    // Only the studio paints, and generates what is counted.
    let lacks = |feature: &Feature| {
        model != Model::Studio && matches!(feature, Feature::Prompt | Feature::Image | Feature::Generation)
    };
    let intake = shared.config.intake().map(|_| Feature::Telemetry);
    let moderates = grants.moderate.then_some(Feature::Moderation);
    let of_all = FEATURES.iter().filter(|feature| !lacks(feature)).cloned();
    of_all.chain(of_its_own.iter().cloned()).chain(intake).chain(moderates).collect()
}

/// Somebody who may come in.
pub(crate) struct Admission {
    /// Who.
    pub(crate) user: String,
    /// What they may do.
    pub(crate) grants: Grants,
    /// The version that is spoken.
    pub(crate) version: u32,
    /// How long the credential is good, from now.
    pub(crate) expires_in_ms: Option<u64>,
    /// The credential's own name and end: what a kick revokes, where it is of this session only.
    pub(crate) credential: Credential,
    /// Whom it is joined with.
    pub(crate) model: Model,
    /// The pass of one that came with a ticket: who it was where it comes from.
    pub(crate) pass: Option<Pass>,
    /// The ticket of a ring that it came with: used up once it is in.
    pub(crate) ring_ticket: Option<UsedTicket>,
}

/// The ticket of a ring, by its name and end.
#[derive(Clone, Debug)]
pub(crate) struct UsedTicket {
    pub(crate) ring: String,
    pub(crate) jti: String,
    pub(crate) exp: u64,
}

/// The answer to a first frame that is not let in.
pub(crate) type Refusal = Box<FromServer>;

fn refuse(code: ErrorCode, text: &str) -> Refusal {
    Box::new(FromServer::Error(Error::new(code, text)))
}

/// Judges a join.
pub(crate) fn join(shared: &Shared, join: &Join) -> Result<Admission, Refusal> {
    let version = agree(shared, join.versions, &join.requires)?;
    if let Some(ticket) = &join.join_ticket {
        return ringing::join(shared, join, ticket, version);
    }
    let Some(credential) = &join.credential else {
        return Err(refuse(
            ErrorCode::Unauthorized,
            "a join needs a credential; put one into the first frame",
        ));
    };
    let claims = good(shared, credential)?;
    known_kind(shared, &join.session)?;
    let session = key(&join.session);
    fits_session(shared, &claims, &session, &join.instance.to_string())?;
    not_kicked(shared, &session, &claims.sub)?;
    let model = model_of(join)?;
    let expires_in_ms = Some(claims.exp.saturating_sub(now()).saturating_mul(1000));
    let credential = Credential::of(&claims);
    Ok(Admission {
        user: claims.sub,
        grants: claims.grants,
        version,
        expires_in_ms,
        credential,
        model,
        pass: None,
        ring_ticket: None,
    })
}

fn model_of(join: &Join) -> Result<Model, Refusal> {
    let name = join.model.as_deref();
    Model::named(name, &join.session.kind).ok_or_else(|| {
        let (asked, known) = (name.unwrap_or_default().escape_debug(), Model::names());
        let mut error = Error::new(
            ErrorCode::UnknownModel,
            format!("no model is called `{asked}`; known: {}", known.join(", ")),
        );
        error.known = known;
        Box::new(FromServer::Error(error))
    })
}

/// Judges a migration: the ticket stands for the credential.
/// `called` is the name this server was called by, from the request.
pub(crate) fn migrate(shared: &Shared, migrate: &Migrate, called: &str) -> Result<Admission, Refusal> {
    let version = agree(shared, migrate.versions, &migrate.requires)?;
    let session = key(&migrate.session);
    let ticket = shared
        .signer
        .check_ticket(migrate.ticket.expose())
        .ok()
        .filter(|ticket| ticket.pass.session == session)
        .filter(|ticket| ticket.pass.instance == migrate.instance.to_string())
        .filter(|ticket| ticket.target.eq_ignore_ascii_case(called))
        .filter(|ticket| shared.doormat.use_once(&ticket.jti, ticket.exp, now()));
    let Some(ticket) = ticket else {
        return Err(refuse(
            ErrorCode::TicketRefused,
            "the ticket is not good here (used, too old, or for another session or server); rejoin with a credential",
        ));
    };
    not_kicked(shared, &session, &ticket.sub)?;
    let pass = ticket.pass;
    let (grants, credential) = (pass.grants.clone(), pass.credential.clone());
    let expires_in_ms = Some(credential.exp.saturating_sub(now()).saturating_mul(1000));
    Ok(Admission {
        user: ticket.sub,
        grants,
        version,
        expires_in_ms,
        credential,
        model: pass.model,
        pass: Some(pass),
        ring_ticket: None,
    })
}

/// Judges who asks of a session, or would steer it, without joining.
pub(crate) fn claims(
    shared: &Shared,
    asked: Versions,
    session: &SessionRef,
    credential: Option<&offhook_signaling::Secret>,
) -> Result<Claims, Refusal> {
    agree(shared, asked, &[])?;
    let Some(credential) = credential else {
        return Err(refuse(ErrorCode::Unauthorized, "this needs a credential; put one into the first frame"));
    };
    let claims = good(shared, credential)?;
    let key = key(session);
    // Looking binds nothing: the credential still belongs to the instance that joins with it.
    if claims.session.as_ref().is_some_and(|bound| *bound != key) {
        return Err(refuse(
            ErrorCode::NotPermitted,
            "the credential is for another session; ask for one for this",
        ));
    }
    known_kind(shared, session)?;
    not_kicked(shared, &key, &claims.sub)?;
    Ok(claims)
}

/// What a credential says, if it is good and nobody took it back.
fn good(shared: &Shared, credential: &offhook_signaling::Secret) -> Result<Claims, Refusal> {
    let claims = shared.signer.check(credential.expose()).map_err(|error| {
        let code = match error {
            TokenError::Expired => ErrorCode::CredentialExpired,
            TokenError::Invalid => ErrorCode::Unauthorized,
        };
        refuse(code, &error.to_string())
    })?;
    if shared.doormat.is_revoked(&claims.jti) {
        // Only one of a single session is ever taken away.
        return Err(Box::new(FromServer::Error(removed())));
    }
    Ok(claims)
}

/// An owner that names the kinds of its sessions has no others.
fn known_kind(shared: &Shared, session: &SessionRef) -> Result<(), Refusal> {
    let kinds = &shared.config.kinds;
    if kinds.is_empty() || kinds.contains(&session.kind) {
        return Ok(());
    }
    let text = format!("there are no sessions of this kind here; known: {}", kinds.join(", "));
    let mut error = Error::new(ErrorCode::NotFound, text);
    error.known.clone_from(kinds);
    Err(Box::new(FromServer::Error(error)))
}

/// E8: a kick is for the person, not for the credential it came with.
pub(crate) fn not_kicked(shared: &Shared, session: &str, user: &str) -> Result<(), Refusal> {
    if is_kicked(shared, session, user) {
        return Err(Box::new(FromServer::Error(removed())));
    }
    Ok(())
}

pub(crate) fn is_kicked(shared: &Shared, session: &str, user: &str) -> bool {
    shared.kicks.keeps_out(session, user, Instant::now())
}

/// The refusal of somebody who was removed.
pub(crate) fn removed() -> Error {
    let text = "you were removed from this session and cannot come back for now; ask its owner";
    Error::new(ErrorCode::NotPermitted, text)
}

/// The refusal of a rejoin that comes with too many others (E10).
pub(crate) fn too_many_at_once(wait: Duration) -> Refusal {
    let mut error = Error::new(ErrorCode::Busy, "many come back at once; dial again when it is your turn");
    // Rounded up: who comes a moment early only has to come again.
    error.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1));
    Box::new(FromServer::Error(error))
}

/// Where to go instead of coming in here, and why: this server is being emptied, or its links
/// failed the client and there is another (E4). What a client says of this node is taken for a
/// wish and changes nothing here.
pub(crate) fn better_place(shared: &Shared, join: &Join) -> Option<(String, GoAwayCode)> {
    if let Some(target) = shared.emptied_to() {
        return Some((target, GoAwayCode::ShuttingDown));
    }
    let avoided = shared.config.node.as_ref().is_some_and(|node| join.avoid.contains(node));
    let other = shared.config.elsewhere.clone().filter(|_| avoided)?;
    Some((other, GoAwayCode::Unhealthy))
}

/// Sends there, with a ticket: of one that is inside here with what is known of it.
pub(crate) fn elsewhere(
    shared: &Shared,
    join: &Join,
    admission: Admission,
    inside: Option<Box<Dossier>>,
    (target, reason): (String, GoAwayCode),
) -> Refusal {
    let viewer = join.viewer || !admission.grants.publish;
    let (left, generations, generated_ms, silenced) = inside.map_or_else(Default::default, |inside| {
        (inside.expires_in_ms, inside.generations, inside.generated_ms, inside.silenced)
    });
    let kept = join.rejoin.as_ref().map(|rejoin| rejoin.session_id.clone());
    let pass = Pass {
        session: key(&join.session),
        session_id: kept.unwrap_or_default(),
        instance: join.instance.to_string(),
        grants: admission.grants,
        name: join.name.clone(),
        viewer,
        model: admission.model,
        credential: admission.credential,
        ends_at_ms: left.map(Duration::from_millis).and_then(Pass::ends_in),
        generations,
        generated_ms,
        silenced,
    };
    match shared.signer.ticket(&admission.user, pass, &target) {
        Ok(ticket) => Box::new(FromServer::GoAway(GoAway {
            target: Some(target),
            ticket: Some(offhook_signaling::Secret::new(ticket)),
            deadline_ms: 0,
            reason,
            strategy: None,
        })),
        Err(_) => going_down(shared),
    }
}

/// The refusal of everything by a server that is about to stop.
pub(crate) fn going_down(shared: &Shared) -> Refusal {
    let mut error = Error::new(ErrorCode::ShuttingDown, "the server is going down; dial again in a while");
    error.retry_after_ms = Some(shared.spread_ms());
    Box::new(FromServer::Error(error))
}

/// The refusal of a resume of a session that is not here. In the first minutes of a server's life
/// one that another life made was lost in the restart, and all the others come as well: spread
/// out, please.
pub(crate) fn nothing_to_resume(shared: &Shared, resume: &Resume) -> Refusal {
    let came = shared.rooms.was_adopted(&key(&resume.session), &resume.session_id);
    let went = shared.emptied_to().is_some();
    if !came && !went && shared.was_before_restart(&resume.session_id) {
        let why = ResumeRefusal::Restarted;
        let retry_after_ms = Some(shared.spread_ms());
        return Box::new(FromServer::ResumeRefused(ResumeRefused { why, retry_after_ms }));
    }
    no_resume(ResumeRefusal::Unknown)
}

/// The refusal of a resume that cannot be.
pub(crate) fn no_resume(why: ResumeRefusal) -> Refusal {
    Box::new(FromServer::ResumeRefused(ResumeRefused { why, retry_after_ms: None }))
}

/// The refusal of a first frame that begins nothing.
pub(crate) fn not_a_beginning() -> Refusal {
    refuse(
        ErrorCode::ProtocolError,
        "the first frame must be join, resume, migrate, presence, or one of the directory",
    )
}

/// Does anybody here have it?
fn is_known(shared: &Shared, feature: &Feature) -> bool {
    Model::ALL.into_iter().any(|model| features(shared, model, &Grants::MODERATOR).contains(feature))
}

fn agree(shared: &Shared, theirs: Versions, requires: &[Feature]) -> Result<u32, Refusal> {
    let version = versions().negotiate(theirs).map_err(|_| {
        let mut error =
            Error::new(ErrorCode::Unsupported, "no common protocol version; update the older side");
        error.supported = Some(versions());
        Box::new(FromServer::Error(error))
    })?;
    if let Some(missing) = requires.iter().find(|feature| !is_known(shared, feature)) {
        let mut error =
            Error::new(ErrorCode::FeatureMissing, format!("`{missing}` is required and not offered here"));
        error.known = FEATURES.iter().map(ToString::to_string).collect();
        return Err(Box::new(FromServer::Error(error)));
    }
    Ok(version)
}

pub(crate) fn fits_session(
    shared: &Shared,
    claims: &Claims,
    session: &str,
    instance: &str,
) -> Result<(), Refusal> {
    let Some(bound) = &claims.session else { return Ok(()) };
    if bound != session {
        return Err(refuse(
            ErrorCode::NotPermitted,
            "the credential is for another session; ask for one for this",
        ));
    }
    // S4: a session credential belongs to the instance that showed it first.
    if !shared.doormat.bind(&claims.jti, instance, claims.exp, now()) {
        return Err(refuse(
            ErrorCode::Unauthorized,
            "the credential was used by another instance; ask for a fresh one",
        ));
    }
    Ok(())
}

/// A session's name as credentials and tickets write it.
pub(crate) fn key(session: &SessionRef) -> String {
    format!("{}/{}", session.kind, session.id)
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A fresh 256-bit resume secret.
pub(crate) fn resume_secret() -> Result<String, getrandom::Error> {
    hex::random::<32>()
}
