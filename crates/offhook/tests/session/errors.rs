//! What errors are good for beside being read: they go where a program's errors go.

use crate::common::*;
use offhook::mock::pair;
use offhook::{Client, Clip, Join};
use std::error::Error;

/// Design §4: with `?` into a `Box<dyn Error + Send + Sync>`, and with it into any error of a program.
#[test]
fn every_error_can_be_carried_to_another_thread_and_looked_at_there() {
    fn goes_anywhere<E: Error + Send + Sync + 'static>() {}
    goes_anywhere::<offhook::JoinError>();
    goes_anywhere::<offhook::AcceptError>();
    goes_anywhere::<offhook::RingError>();
    goes_anywhere::<offhook::BadName>();
    goes_anywhere::<offhook::BuildError>();
    goes_anywhere::<offhook::ModerateError>();
    goes_anywhere::<offhook::PlayError>();
    goes_anywhere::<offhook::PresenceError>();
    goes_anywhere::<offhook::PublishError>();
    goes_anywhere::<offhook::SendError>();
    goes_anywhere::<offhook::SetError>();
    goes_anywhere::<offhook::TrackError>();
    goes_anywhere::<offhook::Unfit>();
    goes_anywhere::<offhook::ProviderError>();
    goes_anywhere::<offhook::DirectoryError>();
    goes_anywhere::<offhook::SoundError>();
    goes_anywhere::<offhook::DeviceError>();
}

/// F08: a program whose `main` returns it shows what to do.
#[tokio::test(start_paused = true)]
async fn a_join_error_says_what_to_do_however_it_is_shown() {
    async fn program(client: &Client) -> Result<(), Box<dyn Error + Send + Sync>> {
        let session = idle(client).join(Join::new().publish(Clip::sample())).await?;
        drop(session.leave());
        Ok(())
    }
    let (transport, remote) = pair();
    let client = Client::new(transport);
    let (refused, ()) = tokio::join!(program(&client), async {
        remote.dial().await.refuse(offhook::transport::RefusedCode::Unauthorized);
    });
    let error = refused.expect_err("it is refused");
    let says = format!("{error:?}");
    assert!(says.contains(&error.to_string()), "{says}");
}
