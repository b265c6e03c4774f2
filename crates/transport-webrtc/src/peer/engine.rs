//! Makes the engine: codecs, settings and interceptors of one connection.

use super::asking::{self, PacedRequests, RoundTrip};
use super::error::shown;
use super::handler::{Handler, Shared};
use super::keyframes::{KeyFrameRequests, SLOT};
use super::kick::KickRuntime;
use super::reported::Reports;
use super::{IceServer, PeerConfig, PeerError};
use offhook_transport::media::Codec;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{NackGeneratorBuilder, NackResponderBuilder, Slot};
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use std::sync::Arc;
use std::time::Duration;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceServer,
    RTCIceTransportPolicy, Registry, SettingEngine, SettingEngineBuilder, configure_rtcp_reports,
    configure_simulcast_extension_headers, configure_twcc_receiver_only,
};

/// The longest data message, both ways.
pub(super) const MAX_DATA: usize = 64 * 1024;
/// What may wait on the data channel before sending is refused.
pub(super) const DATA_BUFFER: usize = 1024 * 1024;

/// How soon a missing packet is asked for. When it is asked for again is said in `asking`.
const NACK_EVERY: Duration = Duration::from_millis(20);
/// How far behind the newest a packet may come and still be taken, in packets: as far as lost ones
/// are asked for. With less, what was asked for and came is thrown away and asked for again.
const REPLAY_WINDOW: usize = 512;

pub(super) async fn build(
    config: &PeerConfig,
    handler: Arc<Handler>,
    runtime: KickRuntime,
    shared: &Shared,
) -> Result<Arc<dyn PeerConnection>, PeerError> {
    let mut media = MediaEngine::default();
    for codec in &config.codecs {
        media.register_codec(parameters(*codec), kind(*codec)).map_err(local)?;
    }
    let registry = interceptors(&mut media, shared.reports.clone(), shared.round_trip.clone())?;
    let (ice_servers, ignored) = usable(&config.ice_servers);
    if ignored > 0 {
        tracing::debug!(ignored, "ICE servers of kinds that cannot be used here");
    }
    let policy = policy(config, relays(&ice_servers));
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(ice_servers)
        .with_ice_transport_policy(policy)
        .with_certificates(vec![config.certificate.inner()])
        .build();
    let peer = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(media)
        .with_setting_engine(settings(config))
        .with_interceptor_registry(registry)
        .with_runtime(Arc::new(runtime))
        .with_handler(handler)
        .with_udp_addrs(config.bind.clone())
        .with_data_channel_send_buffer_limit(DATA_BUFFER)
        .build()
        .await
        .map_err(local)?;
    Ok(Arc::new(peer))
}

/// The engine's usual ones, with lost packets asked for five times sooner.
fn interceptors(
    media: &mut MediaEngine,
    reports: Reports,
    round_trip: RoundTrip,
) -> Result<Registry, PeerError> {
    configure_simulcast_extension_headers(media).map_err(local)?;
    let registry = configure_twcc_receiver_only(Registry::new(), media).map_err(local)?;
    Ok(configure_rtcp_reports(registry)
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(
            Slot::NackGenerator,
            NackGeneratorBuilder::new().with_interval(NACK_EVERY).with_size(REPLAY_WINDOW as u16).build(),
        )
        .with(Slot::from(asking::SLOT), PacedRequests::new(round_trip))
        .with(Slot::from(SLOT), KeyFrameRequests::new(reports)))
}

fn settings(config: &PeerConfig) -> SettingEngine {
    let at_once = Some(Duration::ZERO);
    let ice = &config.ice;
    SettingEngineBuilder::new()
        .with_ice_timeouts(Some(ice.disconnected), Some(ice.failed), Some(ice.keepalive))
        .with_ice_connection_attempts(Some(ice.check), Some(ice.checks))
        .with_host_acceptance_min_wait(at_once)
        .with_srflx_acceptance_min_wait(at_once)
        .with_prflx_acceptance_min_wait(at_once)
        .with_relay_acceptance_min_wait(at_once)
        // Names are never looked up: see `candidates`.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(config.include_loopback)
        .with_discard_local_candidates_during_ice_restart(config.rebind_on_restart)
        .with_lite(config.lite)
        .with_srtp_replay_protection_window(REPLAY_WINDOW)
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(MAX_DATA as u32))
        .build()
}

/// The engine takes "relay only" only together with a relay. Until there is one, nothing is
/// gathered: `put_in_force` sees to that.
pub(super) fn policy(config: &PeerConfig, relays: bool) -> RTCIceTransportPolicy {
    if config.relay_only && relays { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All }
}

/// Is there a TURN server among them?
pub(super) fn relays(servers: &[RTCIceServer]) -> bool {
    servers.iter().any(|server| server.urls.iter().any(|url| url.starts_with("turn")))
}

/// The servers the engine can use, and how many addresses it cannot.
pub(super) fn usable(servers: &[IceServer]) -> (Vec<RTCIceServer>, usize) {
    let mut ignored = 0;
    let mut usable = Vec::new();
    for server in servers {
        let username = server.username.clone().unwrap_or_default();
        let credential = server.credential.as_ref().map(|c| c.expose().to_owned()).unwrap_or_default();
        let urls: Vec<String> = server
            .urls
            .iter()
            .filter(|url| {
                let one = RTCIceServer {
                    urls: vec![(*url).clone()],
                    username: username.clone(),
                    credential: credential.clone(),
                };
                let known = url.starts_with("stun:")
                    || (url.starts_with("turn:") && !url.to_ascii_lowercase().contains("transport=tcp"));
                known && one.urls().is_ok()
            })
            .cloned()
            .collect();
        ignored += server.urls.len() - urls.len();
        if !urls.is_empty() {
            usable.push(RTCIceServer { urls, username, credential });
        }
    }
    (usable, ignored)
}

pub(super) fn kind(codec: Codec) -> RtpCodecKind {
    match codec.kind() {
        offhook_transport::media::Kind::Audio => RtpCodecKind::Audio,
        offhook_transport::media::Kind::Video => RtpCodecKind::Video,
    }
}

/// How a codec is offered. An answer uses the payload types of the offer instead.
pub(super) fn parameters(codec: Codec) -> RTCRtpCodecParameters {
    let (mime, channels, fmtp, payload_type) = match codec {
        Codec::H264 => {
            ("video/H264", 0, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 125)
        }
        Codec::Vp8 => ("video/VP8", 0, "", 96),
        Codec::Opus => ("audio/opus", 2, "minptime=10;useinbandfec=1", 111),
        // A codec this room was not taught is offered under no name and matches nothing.
        _ => ("video/unknown", 0, "", 127),
    };
    let feedback =
        |typ: &str, parameter: &str| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
    let rtcp_feedback = if mime.starts_with("video/") {
        vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir")]
    } else {
        Vec::new()
    };
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: mime.to_owned(),
            clock_rate: codec.clock_rate(),
            channels,
            sdp_fmtp_line: fmtp.to_owned(),
            rtcp_feedback,
        },
        payload_type,
    }
}

pub(super) fn local(error: webrtc::error::Error) -> PeerError {
    PeerError::Local(shown(&error))
}
