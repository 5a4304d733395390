//! One client's connection: the WebSocket, the handshake, and its stanzas.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, marshal, util};
use wacore_noise::framing::{FrameDecoder, encode_frame};

use crate::nodes::{SERVER, attr, stream_error};
use crate::noise::{Boxes, Client, Handshake};
use crate::world::{Linking, Online, Out, Shared};
use crate::{iq, linking, messages};

type Socket = WebSocketStream<TcpStream>;

const HEADER: usize = 4;

/// Serves a client until it goes.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, number: u64) -> anyhow::Result<()> {
    let refuse = shared.lock().await.faults.refuse_upgrades;
    #[expect(clippy::result_large_err, reason = "the library's type")]
    let callback = |_: &Request, response: Response| match refuse {
        None => Ok(response),
        Some(code) => {
            let mut answer = ErrorResponse::new(None);
            *answer.status_mut() = code.try_into().unwrap_or_default();
            Err(answer)
        }
    };
    stream.set_nodelay(true)?;
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, callback).await?;
    let mut frames = Frames::default();
    let hello = frames.next(&mut socket).await?;
    let (handshake, answer) = Handshake::answer(&shared.lock().await.keys, &frames.header, &hello)?;
    socket.send(Message::binary(encode_frame(&answer, None)?)).await?;
    let finish = frames.next(&mut socket).await?;
    let (client, boxes) = handshake.finish(&finish)?;
    let (out, waiting) = mpsc::unbounded_channel();
    greet(&shared, &client, out.clone(), number).await?;
    shared.changed();
    let result = stanzas(&shared, socket, frames, boxes, waiting, number).await;
    let mut world = shared.lock().await;
    if world.online.as_ref().is_some_and(|o| o.connection == number) {
        world.online = None;
    }
    if world.linking.as_ref().is_some_and(|l| l.connection == number) {
        world.linking = None;
    }
    drop(world);
    shared.changed();
    result
}

/// The first word after the handshake: an offer to link, a welcome, or a refusal.
async fn greet(shared: &Shared, client: &Client, out: mpsc::UnboundedSender<Out>, number: u64) -> anyhow::Result<()> {
    let mut world = shared.lock().await;
    if let Some(bundle) = linking::registration_bundle(&client.payload) {
        let refs = linking::refs();
        out.send(Out::Node(Box::new(linking::pair_device(&refs))))?;
        world.linking = Some(Linking {
            connection: number,
            noise_key: client.noise_key.clone(),
            bundle,
            refs,
            out,
            wrapped: None,
            code: None,
            details: None,
            platform: linking::platform(&client.payload).unwrap_or_default(),
            passkey: None,
        });
        return Ok(());
    }
    let known = world.device.as_ref().is_some_and(|d| d.noise_key == client.noise_key);
    let refused = world.faults.fail_logins.or((!known).then_some(401));
    if let Some(code) = refused {
        let failure = NodeBuilder::new("failure").attr("reason", code.to_string()).build();
        out.send(Out::Node(Box::new(failure)))?;
        out.send(Out::Close)?;
        return Ok(());
    }
    if let Some(old) = world.online.take() {
        let conflict = NodeBuilder::new("conflict").attr("type", "replaced").build();
        let _ = old.out.send(Out::Node(Box::new(stream_error(None, Some(conflict)))));
        let _ = old.out.send(Out::Close);
    }
    world.logins += 1;
    let device = world.device.as_ref().map_or(1, |d| d.number);
    let success = NodeBuilder::new("success")
        .attr("t", "1700000000")
        .attr("lid", format!("{}:{device}@lid", world.account.lid))
        .attr("props", "1")
        .attr("location", "sim")
        .build();
    out.send(Out::Node(Box::new(success)))?;
    world.online = Some(Online { connection: number, out, active: false });
    Ok(())
}

async fn stanzas(
    shared: &Shared,
    mut socket: Socket,
    mut frames: Frames,
    boxes: Boxes,
    mut out: mpsc::UnboundedReceiver<Out>,
    number: u64,
) -> anyhow::Result<()> {
    let (mut read, mut written) = (0_u32, 0_u32);
    let (mut under_way, mut ended) = (VecDeque::new(), false);
    loop {
        let arrives = under_way.front().map(|(at, _)| *at);
        tokio::select! {
            frame = frames.next(&mut socket) => {
                let mut frame = frame?;
                boxes.read.decrypt_in_place_with_counter(read, &mut frame)?;
                read += 1;
                let plain = util::unpack(&frame)?;
                let node = marshal::unmarshal_ref(&plain)?.to_owned();
                if shared.lock().await.faults.silent {
                    continue;
                }
                stanza(shared, number, &node).await;
                shared.changed();
            }
            next = out.recv(), if !ended => {
                ended = next.is_none();
                under_way.push_back((Instant::now() + *shared.delay.borrow(), next.unwrap_or(Out::Close)));
            }
            () = reached(arrives), if arrives.is_some() => match under_way.pop_front() {
                Some((_, Out::Node(node))) => {
                    let sealed = boxes.write.encrypt_with_counter(written, &marshal::marshal(&node)?)?;
                    written += 1;
                    socket.send(Message::binary(encode_frame(&sealed, None)?)).await?;
                }
                Some((_, Out::Close)) | None => {
                    let _ = socket.close(None).await;
                    return Ok(());
                }
            }
        }
    }
}

/// Waits until then; a timer for what is due now would cost a millisecond.
async fn reached(at: Option<Instant>) {
    if let Some(at) = at.filter(|at| *at > Instant::now()) {
        sleep_until(at).await;
    }
}

async fn stanza(shared: &Shared, number: u64, node: &Node) {
    let mut world = shared.lock().await;
    match &*node.tag {
        "iq" => {
            let answer = if attr(node, "xmlns") == "w:p" {
                Some(crate::nodes::result(node, []))
            } else {
                iq::answer(&mut world, number, node).await
            };
            if let Some(answer) = answer {
                let online = world.online.as_ref().filter(|o| o.connection == number).map(|o| &o.out);
                let linking = world.linking.as_ref().filter(|l| l.connection == number).map(|l| &l.out);
                if let Some(out) = online.or(linking) {
                    let _ = out.send(Out::Node(Box::new(answer)));
                }
            }
        }
        "message" => messages::from_client(&mut world, node).await,
        "receipt" => messages::client_receipt(&mut world, node).await,
        "ack" => messages::client_ack(&mut world, node),
        "ib" | "presence" | "chatstate" => {}
        other => tracing::debug!(tag = other, "a stanza that needs no answer from {SERVER}"),
    }
}

/// The client's bytes as frames. The first four bytes of a connection are a header; routing information may come before.
#[derive(Default)]
struct Frames {
    header: Vec<u8>,
    start: Vec<u8>,
    decoder: Option<FrameDecoder>,
}

impl Frames {
    /// The next frame. Cancel-safe: bytes are kept as soon as they are read.
    async fn next(&mut self, socket: &mut Socket) -> anyhow::Result<bytes::BytesMut> {
        loop {
            if let Some(frame) = self.decoder.as_mut().and_then(FrameDecoder::decode_frame) {
                return Ok(frame);
            }
            match socket.next().await.context("the client closed the connection")?? {
                Message::Binary(bytes) => self.feed(&bytes)?,
                Message::Close(_) => bail!("the client closed the connection"),
                Message::Text(_) => bail!("the client sent text"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(decoder) = &mut self.decoder {
            decoder.feed(bytes);
            return Ok(());
        }
        self.start.extend_from_slice(bytes);
        let mut at = 0;
        if self.start.starts_with(b"ED") {
            if self.start.len() < 7 {
                return Ok(());
            }
            at = 7 + usize::try_from(crate::nodes::number(&self.start[4..7]))?;
        }
        if self.start.len() < at + HEADER {
            return Ok(());
        }
        self.header = self.start[at..at + HEADER].to_vec();
        let mut decoder = FrameDecoder::new();
        decoder.feed(&self.start[at + HEADER..]);
        self.start.clear();
        self.decoder = Some(decoder);
        Ok(())
    }
}
