//! The one data channel: negotiated beforehand, id 0, ordered and reliable (RFC 8832 is not
//! needed), so both sides have it without a word.

use super::engine::{DATA_BUFFER, MAX_DATA, local};
use super::events::PeerEvent;
use super::{Peer, PeerError};
use bytes::BytesMut;
use std::sync::Arc;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit, RTCDataChannelState};
use webrtc::peer_connection::PeerConnection;

const LABEL: &str = "offhook";

pub(super) async fn create(pc: &dyn PeerConnection) -> Result<Arc<dyn DataChannel>, PeerError> {
    let init = RTCDataChannelInit { ordered: true, negotiated: Some(0), ..RTCDataChannelInit::default() };
    pc.create_data_channel(LABEL, Some(init)).await.map_err(local)
}

/// Passes on what comes in, as fast as the owner reads; then SCTP holds the far side back.
pub(super) async fn read(channel: Arc<dyn DataChannel>, owner: mpsc::Sender<PeerEvent>) {
    while let Some(event) = channel.poll().await {
        let event = match event {
            DataChannelEvent::OnOpen => PeerEvent::DataOpen,
            DataChannelEvent::OnMessage(message) => {
                PeerEvent::Data { payload: message.data.freeze(), text: message.is_string }
            }
            DataChannelEvent::OnClosing | DataChannelEvent::OnClose => break,
            _ => continue,
        };
        if owner.send(event).await.is_err() {
            return;
        }
    }
    // Our own close ends this task before; so this is the far side's.
    let _ = owner.send(PeerEvent::DataClosed).await;
}

impl Peer {
    /// Queues one message, as text if it is UTF-8 and `text` is asked for.
    ///
    /// # Errors
    /// [`PeerError::DataNotOpen`]; [`PeerError::DataTooMuch`] if it is longer than 64 KiB or
    /// more than 1 MiB waits already.
    pub async fn send_data(&self, payload: &[u8], text: bool) -> Result<(), PeerError> {
        self.inner.ensure_open()?;
        if payload.len() > MAX_DATA {
            return Err(PeerError::DataTooMuch { limit: MAX_DATA });
        }
        let data = &self.inner.data;
        if data.ready_state().await.map_err(|_| PeerError::DataNotOpen)? != RTCDataChannelState::Open {
            return Err(PeerError::DataNotOpen);
        }
        let sent = match std::str::from_utf8(payload) {
            Ok(utf8) if text => data.try_send_text(utf8).await,
            _ => data.try_send(BytesMut::from(payload)).await,
        };
        sent.map_err(|error| match error {
            webrtc::error::Error::ErrSendBufferFull => PeerError::DataTooMuch { limit: DATA_BUFFER },
            _ => PeerError::DataNotOpen,
        })
    }
}
