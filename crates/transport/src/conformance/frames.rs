//! Media: both ways, in order, and never past a gate that is not open.

use super::driven::Driven;
use super::marks::{BEAT, Media, in_order};
use super::{Behaviour, Check, NotSupported, Rig, broken, mark_of, marked};
use crate::{Epoch, Plane};

/// What the application sends reaches the far side once, in order, whole.
pub async fn frames_go_out_in_order(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    let seen = link.during(media.send_until_seen(rig, &*stage.far, 20)).await?;
    in_order(&seen)
}

/// What the far side sends reaches the application once, in order, whole.
pub async fn frames_come_in_in_order(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    media.switch_to(Epoch(1));
    let far = &*stage.far;
    let mut seen = Vec::new();
    let flow = async {
        let mut n = 0;
        while seen.len() < 20 {
            n += 1;
            far.send_frame(marked(n, n % 10 == 1)).await?;
            tokio::time::sleep(BEAT).await;
            while let Some(frame) = now(media.receiver.next()).await {
                let Some(mark) = mark_of(&frame) else {
                    return broken(format!("a frame came in without its payload: {frame:?}"));
                };
                let sent = marked(mark, frame.key);
                if frame.data.len() < sent.data.len() / 2 {
                    return broken(format!("frame {mark} came in broken: {} bytes", frame.data.len()));
                }
                seen.push(mark);
            }
        }
        Ok(())
    };
    match link.during(tokio::time::timeout(rig.patience(), flow)).await {
        Ok(flowed) => flowed?,
        Err(_) => return broken(format!("only the frames {seen:?} came in")),
    }
    in_order(&seen)
}

/// The output of a future if it is there already.
async fn now<T>(next: impl Future<Output = Option<T>>) -> Option<T> {
    let mut next = std::pin::pin!(next);
    std::future::poll_fn(|cx| match next.as_mut().poll(cx) {
        std::task::Poll::Ready(frame) => std::task::Poll::Ready(frame),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

/// Until the gate opens no frame reaches the far side; then the picture starts (R14).
pub async fn no_frame_leaves_before_the_gate_opens(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    stage.far.published().await?;
    let mut media = Media::new();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    let held = link.during(media.send(15)).await;
    link.watch(rig.settle()).await;
    let early = stage.far.published().await?;
    if !early.is_empty() {
        let marks: Vec<_> = early.iter().filter_map(mark_of).collect();
        return broken(format!("the frames {marks:?} left through a gate that was not open"));
    }
    media.gate.open();
    let seen = link.during(media.send_until_seen(rig, &*stage.far, 5)).await?;
    if seen.iter().any(|mark| *mark <= held) {
        return broken(format!("of the frames held back up to {held}, some came later: {seen:?}"));
    }
    in_order(&seen)
}

/// From the moment the gate is closed, no frame sent afterwards reaches the far side (R4).
pub async fn no_frame_leaves_after_the_gate_closed(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    let mut media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    let seen = link.during(media.send_until_seen(rig, &*stage.far, 5)).await?;
    media.gate.close();
    let last = seen.last().copied().unwrap_or_default();
    // What was on the way already may arrive; what is given from here on may not.
    let first_after = last.max(link.during(media.send(1)).await);
    link.during(media.send(15)).await;
    link.watch(rig.settle()).await;
    let late: Vec<_> =
        stage.far.published().await?.iter().filter_map(mark_of).filter(|mark| *mark >= first_after).collect();
    if !late.is_empty() {
        return broken(format!("the frames {late:?} left after the gate was closed"));
    }
    Ok(())
}

/// A link that is gone takes no more frames.
pub async fn a_closed_link_takes_no_frames(rig: &dyn Rig) -> Check {
    let stage = rig.stage(Behaviour::Accepting).await?;
    if !stage.transport.capabilities().has_plane(Plane::Media) {
        return Err(NotSupported("media".into()).into());
    }
    let media = Media::open();
    let mut link = Driven::join(rig, &stage, media.on(stage.far.a_join())).await?;
    if !media.sender.is_tapped() {
        return broken("a link whose media carries takes no published track");
    }
    link.close();
    link.finish().await?;
    if media.sender.is_tapped() {
        return broken("a closed link still takes the published track");
    }
    Ok(())
}
