//! One foreign peer: a browser with its own WebRTC joins through the small page, sends its
//! camera, has it repainted, leaves. Judged by pixels, in the page.

mod chromium;

use chromium::{Chromium, Page};
use offhook_server::{Mint, Server};
use offhook_transport::media::VideoWish;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Longest that one step may take on a machine that builds something at the same time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Two frames that show the same thing are not farther apart than this in the mean of their
/// channels, 0 to 255: the returned one is later, and went through two codecs.
const ALIKE: f64 = 16.0;

/// Waits for a fresh picture on both videos and compares them on a small canvas: mean
/// saturation of each, and mean distance of the returned from the sent and from its negative.
/// (Its test camera has colours beyond what RGB can show, so that light alone says nothing.)
const COMPARE: &str = r#"(async () => {
    const fresh = (id) => new Promise((done) => {
        const video = document.getElementById(id);
        const timer = setTimeout(() => done(null), 1000);
        video.requestVideoFrameCallback(() => {
            clearTimeout(timer);
            const canvas = new OffscreenCanvas(64, 36);
            const brush = canvas.getContext("2d");
            brush.drawImage(video, 0, 0, 64, 36);
            done(brush.getImageData(0, 0, 64, 36).data);
        });
    });
    const [sent, returned] = await Promise.all([fresh("sent"), fresh("returned")]);
    if (!sent || !returned) return null;
    const mean = (f) => {
        let sum = 0;
        for (let at = 0; at < sent.length; at += 4) sum += f(at);
        return sum / (sent.length / 4);
    };
    const spread = (data) => mean((at) => Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]));
    const apart = (f) => mean((at) => [0, 1, 2].reduce((sum, c) => sum + Math.abs(f(sent[at + c]) - returned[at + c]), 0) / 3);
    return { sent: spread(sent), returned: spread(returned), apart: apart((c) => c), negative: apart((c) => 255 - c) };
})()"#;

/// What [`COMPARE`] found.
#[derive(Debug)]
struct Looks {
    sent: f64,
    returned: f64,
    apart: f64,
    negative: f64,
}

fn looks(value: &Value) -> Option<Looks> {
    let number = |name: &str| value.get(name)?.as_f64();
    Some(Looks {
        sent: number("sent")?,
        returned: number("returned")?,
        apart: number("apart")?,
        negative: number("negative")?,
    })
}

async fn until_it_looks(page: &mut Page, what: &str, fits: impl Fn(&Looks) -> bool) -> Looks {
    let value = page.until(what, PATIENCE, COMPARE, |value| looks(value).is_some_and(|l| fits(&l))).await;
    looks(&value).expect("it fitted")
}

async fn paint(page: &mut Page, prompt: &str) {
    let prompt = serde_json::to_string(prompt).expect("text");
    page.value(&format!(
        "document.getElementById('text').value = {prompt}; document.getElementById('prompt').requestSubmit()"
    ))
    .await;
}

/// An expression, looked at once a frame of the page.
fn per_frame(expression: &str) -> String {
    format!("new Promise((done) => requestAnimationFrame(() => done({expression})))")
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn keep(name: &str, png: &[u8]) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, png).expect("the test's own folder can be written");
    println!("{} is what it looked like", path.display());
}

// Issue 2, point 11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_joins_is_repainted_and_leaves_nothing_behind() {
    let Some(program) = Chromium::installed() else {
        println!("skipped: there is no Chromium on this machine; install the package `chromium`");
        return;
    };
    // One after the other: another test's runtime would open files while they are counted.
    sends_no_larger_picture_than_the_studio_wants(program).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (files_before, tasks_before) = (open_files(), tasks());

    let server = Server::builder().bind("127.0.0.1:0").start().await.expect("a free port");
    let credential = server.mint(&Mint::user("browser").session("studio", "1")).expect("a credential");
    let chromium = Chromium::start(program);
    let mut page = chromium.page().await;
    page.open(&format!("{}#{}", server.page(), credential.expose())).await;

    let state = per_frame("document.body?.dataset.state ?? ''");
    page.until("the page joins", PATIENCE, &state, |state| state == "joined").await;
    assert_eq!(page.value("location.hash").await, "", "the credential left the address bar");
    let csp = page.value("fetch('/').then((page) => page.headers.get('content-security-policy'))").await;
    assert!(csp.as_str().is_some_and(|csp| csp.contains("default-src 'none'")), "{csp}");

    // No prompt: it comes back as it is.
    let plain = until_it_looks(&mut page, "the camera comes back", |l| l.apart < ALIKE).await;
    assert!(plain.sent > 40.0, "the fake camera has colour, or the next steps prove nothing: {plain:?}");
    assert!((plain.sent - plain.returned).abs() < ALIKE, "{plain:?}");
    assert!(plain.negative > 2.0 * ALIKE, "{plain:?}");
    keep("browser-plain.png", &page.picture().await);

    paint(&mut page, "make it greyscale, please").await;
    let acked = per_frame("Number(document.body.dataset.acked ?? 0)");
    page.until("the prompt is acked", PATIENCE, &acked, |revision| revision.as_u64() >= Some(2)).await;
    let grey = until_it_looks(&mut page, "the colour goes", |l| l.returned < 8.0).await;
    assert!(grey.sent > 40.0, "only the returned one is grey: {grey:?}");
    keep("browser-greyscale.png", &page.picture().await);

    paint(&mut page, "invert").await;
    let negative = until_it_looks(&mut page, "dark is light", |l| l.negative < 2.0 * ALIKE).await;
    assert!(negative.returned > 40.0, "the colour is back: {negative:?}");
    assert!(negative.apart > 2.0 * ALIKE, "{negative:?}");
    keep("browser-invert.png", &page.picture().await);

    // F50: refused by revision, with words for the person, and the picture stays.
    paint(&mut page, "zorblax").await;
    let answer =
        per_frame("document.body.dataset.refused ? document.getElementById('answer').textContent : ''");
    let text = page.until("the refusal is shown", PATIENCE, &answer, |text| text != "").await;
    assert!(
        text.as_str().is_some_and(|text| text.contains("does not know") && text.contains("sepia")),
        "{text}"
    );
    let still = until_it_looks(&mut page, "still the negative", |l| l.negative < 2.0 * ALIKE).await;
    assert!(still.apart > 2.0 * ALIKE, "{still:?}");
    assert_eq!(server.census().members, 1);

    page.value("document.getElementById('leave').click()").await;
    page.until("the page has left", PATIENCE, &state, |state| state == "left").await;
    keep("browser-left.png", &page.picture().await);
    settled("members, sessions and tasks are gone", || {
        let census = server.census();
        (census.members, census.sessions, census.tasks) == (0, 0, 0)
    })
    .await;

    page.quit().await;
    drop(chromium);
    server.shutdown().await;
    settled("every file is closed", || open_files() == files_before).await;
    settled("every task has ended", || tasks() == tasks_before).await;
}

/// A way to the server that can be cut, without a word to anybody.
async fn way_to(server: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let way = tokio::spawn(async move {
        let mut both_ways = JoinSet::new();
        while let Ok((mut browser, _)) = listener.accept().await {
            let mut server = TcpStream::connect(server).await.expect("it listens");
            both_ways.spawn(async move { tokio::io::copy_bidirectional(&mut browser, &mut server).await });
        }
    });
    (address, way)
}

/// F58: the page scales its camera to what the studio wants, of the same shape; and once its server is gone
/// it says so, and the camera is off.
async fn sends_no_larger_picture_than_the_studio_wants(program: &str) {
    let wish = VideoWish::new(320, 320, 10).expect("it can be meant");
    let server = Server::builder().studio_video(wish).start().await.expect("a free port");
    let credential = server.mint(&Mint::user("browser").session("studio", "1")).expect("a credential");
    let chromium = Chromium::start(program);
    let mut page = chromium.page().await;
    let (address, way) = way_to(server.address()).await;
    page.open(&format!("http://{address}/#{}", credential.expose())).await;
    let size = |id: &str| {
        per_frame(&format!(
            "(({id}) => `${{{id}.videoWidth}}x${{{id}.videoHeight}}`)(document.getElementById('{id}'))"
        ))
    };
    page.until("the camera", PATIENCE, &size("sent"), |size| size == "640x360").await;
    page.until("the small picture", PATIENCE, &size("returned"), |size| size == "320x180").await;
    way.abort();
    let camera =
        "document.getElementById('sent').srcObject.getTracks().every((it) => it.readyState === 'ended')";
    page.until("the camera is off", PATIENCE, &per_frame(camera), |off| off == true).await;
    let told = page.value("document.getElementById('state').textContent").await;
    assert!(told.as_str().is_some_and(|told| told.contains("open its link again")), "{told}");
    page.quit().await;
    drop(chromium);
    server.shutdown().await;
}

/// A level that nobody announces, looked at until it holds.
async fn settled(what: &str, holds: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "{what}: not within 5 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
