//! One who comes into a room where nine are already: how long from its dial to the first whole picture.

use crate::MEMBERS;
use crate::crowd::{Crowd, LABEL};
use crate::native_common::{Line, PATIENCE};
use crate::served::{Member, request, server, stop};
use crate::table::Table;
use offhook_server::Server;
use offhook_transport::media::{Kind, LocalTrack, Remote, TrackId};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Instant;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Milliseconds since the dial.
struct Arrival {
    joined: f64,
    /// Each resident's first picture, the soonest first.
    pictures: Vec<f64>,
}

pub(crate) fn run(table: &mut Table, near: &Runtime, far: &Runtime, times: usize) {
    let arrivals = near.block_on(arrivals(far.handle(), times));
    let each = |value: fn(&Arrival) -> f64| arrivals.iter().map(value).collect::<Vec<f64>>();
    let first = |arrival: &Arrival| arrival.pictures[0];
    let beyond = |arrival: &Arrival| arrival.pictures[0] - arrival.joined;
    let all = |arrival: &Arrival| arrival.pictures[arrival.pictures.len() - 1];
    table.row("one who comes late: joined", "ms", &mut each(|arrival| arrival.joined), None);
    table.row("one who comes late: the first picture", "ms", &mut each(first), None);
    table.row("one who comes late: the first picture, beyond joined", "ms", &mut each(beyond), Some("≤ 300"));
    table.row("one who comes late: a picture of each of the nine", "ms", &mut each(all), None);
    table.note("who comes late is the tenth, and publishes a camera that sends nothing; from the dial of the native transport, which is what join() begins with; joined is when both planes carry; a picture is a whole key frame, handed out and not decoded; below zero it came before that");
}

async fn arrivals(far: &Handle, times: usize) -> Vec<Arrival> {
    let server = server(far).await;
    let transport = WebRtc::new(server.url());
    let (mut crowd, mut tracks) = Crowd::new(MEMBERS - 1);
    // Of the one who comes late: nothing is on it.
    let (_camera, track) = offhook_transport::media::local(tracks[0].spec().clone());
    let (mut residents, mut remotes, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (at, track) in tracks.drain(..).enumerate() {
        let remote = Remote::new();
        let request = request(&server, &format!("member {at}"), &track, &remote);
        names.push(TrackId::new(request.instance.to_string(), LABEL));
        residents.push(Member::new(Line::joined(&transport, request).await));
        remotes.push(remote);
    }
    let playing = tokio::spawn(async move {
        loop {
            crowd.play(25, true).await;
        }
    });
    // The first pays for what no later one pays for.
    drop(comes(&server, &transport, &track, &names).await);
    let mut arrivals = Vec::new();
    for _ in 0..times {
        arrivals.push(comes(&server, &transport, &track, &names).await);
    }
    playing.abort();
    for resident in residents {
        resident.leaves().await;
    }
    stop(server, far).await;
    arrivals
}

/// Comes, sees everybody and leaves.
async fn comes(server: &Server, transport: &WebRtc, track: &LocalTrack, names: &[TrackId]) -> Arrival {
    let remote = Remote::new();
    let request = request(server, "late", track, &remote);
    let mut seeing = JoinSet::new();
    let began = Instant::now();
    for name in names {
        let mut video = remote.track(name, Kind::Video);
        seeing.spawn(async move {
            video.next().await.expect("its publisher stays");
            began.elapsed().as_secs_f64() * 1e3
        });
    }
    let line = Line::joined(transport, request).await;
    let joined = began.elapsed().as_secs_f64() * 1e3;
    let member = Member::new(line);
    let mut pictures = timeout(PATIENCE, seeing.join_all()).await.expect("everybody is seen");
    pictures.sort_by(f64::total_cmp);
    member.leaves().await;
    Arrival { joined, pictures }
}
