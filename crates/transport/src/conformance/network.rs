//! The watch of the network, where a transport has one. Only its silence can be held here: no rig
//! can change the network of the machine that it runs on.

use super::closing::{census_of, eventually_as};
use super::driven::Driven;
use super::{Behaviour, Check, NotSupported, Rig, broken};
use tokio::time::timeout;

/// A watch does nothing before it is polled, says nothing while the network stays as it is, a
/// dial's arrival included, and lets go of what it holds when it is dropped.
pub async fn a_watch_of_a_network_that_stays_is_silent_and_leaves_nothing(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let before = census_of(&stage).await?;
    let request = stage.far.a_join();
    let Some(mut watch) = stage.transport.watch_network(request.instance) else {
        return Err(NotSupported("a watch of the network".into()).into());
    };
    let unpolled = census_of(&stage).await?;
    if unpolled != before {
        return broken(format!("a watch that nobody polled made {unpolled:?} of {before:?}"));
    }
    let silent =
        async |watch: &mut dyn crate::NetworkWatch, when: &str| match timeout(rig.settle(), watch.next())
            .await
        {
            Ok(Some(fact)) => broken(format!("{when} the watch said {fact:?}, and nothing had happened")),
            Ok(None) | Err(_) => Ok(()),
        };
    silent(&mut *watch, "before the dial").await?;
    let mut link = Driven::join(rig, &stage, request).await?;
    silent(&mut *watch, "after the join").await?;
    link.close();
    link.finish().await?;
    drop(link);
    silent(&mut *watch, "after the link").await?;
    drop(watch);
    eventually_as(rig, &stage, &before, "a dropped watch").await
}
