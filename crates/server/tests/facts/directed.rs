//! What the server has its members do: how to come back, and to bring a fresh credential.

use crate::wire::{
    Member, PATIENCE, Wire, builder, credential, empty, join, now, pong, refusal_of, server, signed, studio,
};
use offhook_server::{EndCode, Mint, Strategy};
use offhook_signaling::{
    Credential, CredentialNeed, Error, ErrorCode, FromClient, FromServer, GoAway, Join, Secret, SessionRef,
};
use std::time::Duration;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

async fn told(member: &mut Member) -> GoAway {
    member
        .wire
        .until("go_away", |message| match message {
            FromServer::GoAway(away) => Some(away),
            _ => None,
        })
        .await
}

// F35
#[tokio::test]
async fn a_plan_comes_without_a_target_and_the_place_is_kept_for_it() {
    let server = server().await;
    for (number, plan) in [(1, Strategy::Resume), (2, Strategy::Rejoin)] {
        let mut member = Wire::enter(&server, &format!("ada {number}"), number).await;
        let secret = member.joined.resume_secret.clone();
        assert_eq!(server.direct(None, plan.clone(), Duration::from_millis(50)).await, 1);
        let away = told(&mut member).await;
        assert_eq!((away.strategy.as_ref(), &away.target, &away.ticket), (Some(&plan), &None, &None));
        let (said, _) = member.wire.rest().await;
        assert!(!said.iter().any(|message| matches!(message, FromServer::Ended(_))), "{said:?}");
        let mut wire = Wire::dial(&server).await;
        wire.frames = std::mem::take(&mut member.wire.frames);
        wire.say_once(&FromClient::Resume(member.resume(2, &secret))).await;
        let Ok(FromServer::Resumed(_)) = wire.next().await else { panic!("`resumed` was due") };
        member.wire = wire;
        // The plan is carried out: no deadline is left over.
        pong(&mut member, 1).await;
        member.wire.say(&crate::wire::goodbye()).await;
        member.wire.rest().await;
        empty(&server).await;
    }
}

// F35
#[tokio::test]
async fn a_plan_that_is_followed_in_time_leaves_the_new_link_alone() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    server.direct(Some("studio/1"), Strategy::Resume, LONG).await;
    told(&mut member).await;
    let resume = member.resume(2, &member.joined.resume_secret);
    let mut wire = Wire::dial(&server).await;
    wire.frames = std::mem::take(&mut member.wire.frames);
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Resumed(_)) = wire.next().await else { panic!("`resumed` was due") };
    member.wire = wire;
    pong(&mut member, 1).await;
    assert_eq!(server.direct(None, Strategy::Migrate, LONG).await, 1);
    assert_eq!(told(&mut member).await.strategy, Some(Strategy::Migrate));
}

// F35: stop is an ending, and says that trying again makes no sense.
#[tokio::test]
async fn stop_ends_everybody_for_good() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    assert_eq!(server.direct(None, Strategy::Stop, LONG).await, 1);
    let (said, _) = member.wire.rest().await;
    let Some(FromServer::Ended(ended)) = said.last() else { panic!("an ending was due: {said:?}") };
    assert_eq!((&ended.reason, ended.may_retry), (&EndCode::Closed, false));
    empty(&server).await;
}

fn fresh(credential: Secret) -> FromClient {
    FromClient::Credential(Credential { credential })
}

async fn refreshed(member: &mut Member) -> Result<u64, Error> {
    member
        .wire
        .until("an answer to the credential", |message| match message {
            FromServer::CredentialRefreshed(fresh) => Some(Ok(fresh.expires_in_ms)),
            FromServer::Error(error) => Some(Err(error)),
            _ => None,
        })
        .await
}

// F39
#[tokio::test]
async fn a_credential_that_nobody_refreshed_is_asked_for_before_it_ends() {
    let server = server().await;
    let short = credential(&Mint::user("ada").life(Duration::from_secs(3)));
    let mut member = Wire::enter_with(&server, Join { credential: Some(short), ..join("ada", 1) }).await;
    assert!(member.joined.expires_in_ms.is_some_and(|left| left <= 3_000), "relative, never a wall clock");
    let why = member.wire.until("the question", |message| match message {
        FromServer::NeedCredential(need) => Some(need.why),
        _ => None,
    });
    assert_eq!(why.await, CredentialNeed::ExpiresSoon);
    member.wire.say(&fresh(credential(&Mint::user("ada")))).await;
    assert!(refreshed(&mut member).await.expect("it is good") > 500_000);
}

// F39, S4
#[tokio::test]
async fn a_fresh_credential_that_is_not_good_costs_the_link_and_not_the_place() {
    let server = server().await;
    let expired = credential(&Mint::user("ada").life(Duration::ZERO));
    let others = credential(&Mint::user("eve"));
    let elsewhere = credential(&Mint::user("ada").session("studio", "2"));
    let used = credential(&Mint::user("ada").session("studio", "1"));
    let first = Join { credential: Some(used.clone()), ..join("ada", 99) };
    let _first = Wire::enter_with(&server, first).await;
    for (number, (bad, code)) in [
        (expired, ErrorCode::CredentialExpired),
        (others, ErrorCode::Unauthorized),
        (elsewhere, ErrorCode::NotPermitted),
        (used, ErrorCode::Unauthorized),
        (Secret::new("no-token"), ErrorCode::Unauthorized),
    ]
    .into_iter()
    .enumerate()
    {
        let mut member = Wire::enter(&server, "ada", 1 + number as u128).await;
        let secret = member.joined.resume_secret.clone();
        member.wire.say(&fresh(bad)).await;
        let refused = refreshed(&mut member).await.expect_err("it is not good");
        assert_eq!(refused.code, code);
        member.wire.rest().await;
        let mut wire = Wire::dial(&server).await;
        wire.frames = std::mem::take(&mut member.wire.frames);
        wire.say_once(&FromClient::Resume(member.resume(2, &secret))).await;
        assert!(matches!(wire.next().await, Ok(FromServer::Resumed(_))), "{code}");
    }
}

// E7: an outage may outlast the credential; the resume secret is what counts.
#[tokio::test]
async fn a_resume_does_not_ask_how_long_the_credential_was_good() {
    let server = builder().resume_window(Duration::from_secs(7_200)).start().await.expect("a port");
    // Inside the leeway for a few seconds more.
    let claims = serde_json::json!({ "sub": "ada", "aud": "offhook", "exp": now() - 50, "jti": "short" });
    let short = signed(&claims);
    let ada = Join { credential: Some(short.clone()), ..join("ada", 1) };
    let member = Wire::enter_with(&server, ada).await;
    let resume = member.resume(2, &member.joined.resume_secret);
    let frames = member.wire.lose();
    let probe = async {
        for epoch in 1.. {
            // In another session: what happens in her own is kept for her, and that is bounded.
            let session = SessionRef { id: "2".into(), ..studio() };
            let again = Join { session, credential: Some(short.clone()), epoch, ..join("ada", 2) };
            let mut wire = Wire::dial(&server).await;
            wire.say_once(&FromClient::Join(again)).await;
            let refused = wire.until("an answer", |message| match message {
                FromServer::Error(error) => Some(Some(error.code)),
                FromServer::Joined(_) => Some(None),
                _ => None,
            });
            if let Some(code) = refused.await {
                return code;
            }
        }
        unreachable!("it expires")
    };
    let code = timeout(3 * PATIENCE, probe).await.expect("its time is over at last");
    assert_eq!(code, ErrorCode::CredentialExpired);
    let mut wire = Wire::dial(&server).await;
    wire.frames = frames;
    wire.say_once(&FromClient::Resume(resume)).await;
    let first = wire.next().await;
    assert!(matches!(first, Ok(FromServer::Resumed(_))), "the outage outlasted the credential: {first:?}");
    // For a rejoin the door wants a fresh one, and says so.
    let rejoin = Join { credential: Some(short), epoch: 3, ..join("ada", 1) };
    assert_eq!(refusal_of(&server, &FromClient::Join(rejoin)).await.0.code, ErrorCode::CredentialExpired);
}
