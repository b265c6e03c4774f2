// A minimal far side of the native protocol, with the browser's own WebRTC. It joins, sends the
// camera, shows what comes back, sets prompts and leaves. Recovery is the library's business.
const $ = (id) => document.getElementById(id);
const hex = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
const credential = decodeURIComponent(location.hash.slice(1));
// Out of the address bar, and so out of bookmarks, screenshots and the history.
history.replaceState(null, "", location.pathname);

const state = (text) => { $("state").textContent = text; document.body.dataset.state = text.split(/[ :]/)[0]; };

// A credential for one session says for which (RFC 7519: the middle part); any other opens "page".
function session() {
  try {
    const claims = JSON.parse(atob(credential.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    const [kind, ...id] = (claims.session ?? "studio/page").split("/");
    return { kind, id: id.join("/") };
  } catch {
    return { kind: "studio", id: "page" };
  }
}

let sent = 0, seen = 0, revision = 1, lastId = 0;
let socket, peer, sender, over = false;
const asked = new Map();

const reliable = new Set(["sending", "paused", "apply", "message", "reaction"]);
function say(message) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const frame = { ...message, ack: seen };
  if (reliable.has(message.type)) frame.seq = ++sent;
  socket.send(JSON.stringify(frame));
}

async function join() {
  if (!credential) return state("idle: open this page with a credential behind #");
  state("joining");
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360, frameRate: 25 } });
  $("sent").srcObject = camera;
  peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver(camera.getVideoTracks()[0], { direction: "sendrecv", streams: [camera] });
  sender = transceiver.sender;
  const h264 = RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => c.mimeType === "video/H264");
  if (h264.length === 0) return state("idle: this browser has no H.264");
  transceiver.setCodecPreferences(h264);
  peer.createDataChannel("offhook", { negotiated: true, id: 0 });
  peer.ontrack = (event) => { $("returned").srcObject = new MediaStream([event.track]); };
  await peer.setLocalDescription();
  const sdp = peer.localDescription.sdp;
  const ufrag = /a=ice-ufrag:(\S+)/.exec(sdp)[1];
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/session`);
  const waiting = [];
  let open = false;
  peer.onicecandidate = ({ candidate }) => {
    const message = candidate
      ? { type: "candidate", ufrag, mid: candidate.sdpMid, candidate: candidate.candidate }
      : { type: "end_of_candidates", ufrag };
    if (!message.candidate && candidate) return;
    if (open) say(message); else waiting.push(message);
  };
  socket.onopen = () => {
    const instance = hex(16);
    say({
      type: "join", versions: [1, 1], session: session(), instance, epoch: 1,
      credential, desired: { revision }, tracks: [{ track: "camera", kind: "video", mid: transceiver.mid ?? "0" }],
      offer: { negotiation_id: 1, sdp, tracks: [{ track: "camera", kind: "video", mid: transceiver.mid ?? "0" }] },
    });
    open = true;
    waiting.splice(0).forEach(say);
  };
  socket.onmessage = ({ data }) => handle(JSON.parse(data));
  socket.onclose = () => { if (!over) finish("closed: the server is gone; once it is back, open its link again"); };
  peer.onconnectionstatechange = () => { if (!over) document.body.dataset.media = peer.connectionState; };
}

async function handle(frame) {
  if (frame.seq !== undefined) { if (frame.seq <= seen) return; seen = frame.seq; }
  switch (frame.type) {
    case "joined":
      await peer.setRemoteDescription({ type: "answer", sdp: frame.answer.sdp });
      state("joined");
      await fit(frame.capabilities?.video);
      break;
    case "video_wanted": await fit(frame); break;
    case "candidate":
      await peer.addIceCandidate({ candidate: frame.candidate, sdpMid: frame.mid, usernameFragment: frame.ufrag });
      break;
    case "acked":
      document.body.dataset.acked = frame.revision;
      answer(asked.has(frame.revision) ? `painted: ${asked.get(frame.revision)}` : "", false);
      break;
    case "refused":
      document.body.dataset.refused = frame.revision;
      answer(frame.text, true);
      break;
    case "ping": say({ type: "pong", id: frame.id }); break;
    case "ended": finish(`left (${frame.reason})`); break;
    case "error": finish(`refused (${frame.code}): ${frame.text}`); break;
  }
}

// What the far side has a use for: smaller, of the same shape, and fewer (webrtc, RTCRtpSender.setParameters).
async function fit(wish) {
  const { width, height } = sender.track?.getSettings() ?? {};
  if (!wish || !width || !height) return;
  const scale = Math.max(
    1,
    Math.max(width, height) / Math.max(wish.width, wish.height),
    Math.min(width, height) / Math.min(wish.width, wish.height),
  );
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) {
    encoding.scaleResolutionDownBy = scale;
    encoding.maxFramerate = wish.fps;
  }
  await sender.setParameters(parameters);
}

function answer(text, refused) {
  $("answer").textContent = text;
  $("answer").classList.toggle("refused", refused);
}

function finish(text) {
  over = true;
  state(text);
  peer?.close();
  socket?.close();
  $("sent").srcObject?.getTracks().forEach((track) => track.stop());
}

$("prompt").onsubmit = (event) => {
  event.preventDefault();
  revision += 1;
  asked.set(revision, $("text").value);
  say({ type: "apply", id: ++lastId, desired: { revision, prompt: { text: $("text").value, enhance: false } } });
};
const leave = () => say({ type: "goodbye", reason: "left_by_user" });
$("leave").onclick = leave;
addEventListener("pagehide", leave);

join().catch((error) => state(`failed: ${error.message}`));
