//! Messages, receipts and acknowledgements, in both directions.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rand::RngExt;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use crate::group_messages;
use crate::nodes::{SERVER, attr, bytes, child, children, leaf, user_of};
use crate::noise::rng;
use crate::world::{Person, Receipts, Received, Waiting, World};

/// Seconds since the Unix epoch, as WhatsApp writes times.
pub(crate) fn seconds() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string()
}

/// What a message says, when it is a text.
pub(crate) fn text_of(message: &wa::Message) -> String {
    let extended = message.extended_text_message.clone().into_option().and_then(|e| e.text);
    message.conversation.clone().or(extended).unwrap_or_default()
}

/// How a contact's message is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By telephone number.
    Number,
    /// By the id that hides the number; the number is given beside.
    Lid,
    /// In a group, but encrypted for the account alone, as when a message of a group is written again.
    Group,
    /// As a status post, encrypted likewise.
    Status,
}

impl Addressing {
    /// How a contact's message was addressed.
    fn of(node: &Node) -> Self {
        match user_of(&attr(node, "from")).1 {
            "lid" => Self::Lid,
            "g.us" => Self::Group,
            "broadcast" => Self::Status,
            _ => Self::Number,
        }
    }
}

/// The group that contacts write in.
const GROUP: &str = "120363041234567890@g.us";

/// A contact writes to the client.
pub(crate) async fn from_contact(
    world: &mut World,
    pn: &str,
    id: &str,
    message: &wa::Message,
    addressing: Addressing,
) -> anyhow::Result<()> {
    if !world.contacts.get(pn).is_some_and(|p| p.party.has_session()) {
        start_session(world, pn).await?;
    }
    let person = world.contacts.get_mut(pn).context("no such contact")?;
    let (kind, sealed) = person.party.encrypt(message).await?;
    let (number, lid) = (format!("{pn}@{SERVER}"), format!("{}@lid", person.lid));
    let builder = NodeBuilder::new("message").attr("id", id).attr("t", seconds()).attr("type", "text");
    let builder = builder.attr("notify", person.name.as_str());
    let builder = match addressing {
        Addressing::Number => builder.attr("from", number).attr("sender_lid", lid),
        Addressing::Lid => builder.attr("from", lid).attr("addressing_mode", "lid").attr("sender_pn", number),
        Addressing::Group | Addressing::Status => {
            let place = if addressing == Addressing::Group { GROUP } else { "status@broadcast" };
            builder.attr("from", place).attr("participant", number).attr("participant_lid", lid)
        }
    };
    let enc = NodeBuilder::new("enc").attr("v", "2").attr("type", kind).bytes(sealed).build();
    let node = builder.children([enc]).build();
    world.deliver(Waiting { id: id.to_owned(), node, message: Some((pn.to_owned(), message.clone())) });
    Ok(())
}

/// A contact begins a session with the client; what is under way in an earlier one can still be read.
pub(crate) async fn start_session(world: &mut World, pn: &str) -> anyhow::Result<()> {
    let device = world.device.as_mut().context("no device is linked")?;
    let one_time = device.prekeys.pop_front();
    let bundle = crate::signal::Bundle { one_time, ..device.bundle.clone() };
    world.contacts.get_mut(pn).context("no such contact")?.party.start_session(&bundle).await
}

/// A fresh id for a contact's message.
pub(crate) fn new_id() -> String {
    let mut random = [0_u8; 10];
    rng().fill(&mut random);
    random.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The server's answer to the client's message: that it has it, or the code of a refusal.
pub(crate) fn ack(message: &Node, error: Option<u16>) -> Node {
    let ack = NodeBuilder::new("ack").attr("class", "message").attr("id", attr(message, "id"));
    let ack = ack.attr("from", attr(message, "to")).attr("t", seconds());
    match error {
        Some(code) => ack.attr("error", code.to_string()).build(),
        None => ack.build(),
    }
}

/// The client wrote a message.
pub(crate) async fn from_client(world: &mut World, node: &Node) {
    *world.counts.entry("messages").or_default() += 1;
    let (id, to) = (attr(node, "id"), attr(node, "to"));
    if let Some((code, left)) = world.faults.refuse_sends.filter(|(_, left)| *left > 0) {
        world.faults.refuse_sends = Some((code, left - 1));
        return world.send(ack(node, Some(code)));
    }
    if world.faults.lose_sends > 0 {
        world.faults.lose_sends -= 1;
        *world.counts.entry("lost").or_default() += 1;
        return;
    }
    let told = !world.faults.withhold_acks;
    if user_of(&to).1 == "g.us" {
        return group_messages::from_client(world, node, told).await;
    }
    if told {
        world.send(ack(node, None));
    }
    let direct = child(node, "enc").map(|enc| (to.clone(), enc));
    let listed = child(node, "participants").map(children).unwrap_or_default();
    let listed = listed.iter().filter_map(|p| child(p, "enc").map(|enc| (attr(p, "jid"), enc)));
    let copies: Vec<(String, Node)> = listed.chain(direct).map(|(jid, enc)| (jid, enc.clone())).collect();
    for (jid, enc) in copies {
        if world.is_own(&jid) {
            continue;
        }
        let Some(person) = world.person(&jid) else { continue };
        let pn = person.pn.clone();
        let opened = person.party.decrypt(&attr(&enc, "type"), &bytes(&enc)).await;
        match opened {
            Ok(message) => {
                receive(person, &id, &message);
                let receipts = person.receipts;
                if told && receipts != Receipts::None {
                    receipt(world, &pn, &to, &id, None);
                }
                if told && receipts == Receipts::Read {
                    receipt(world, &pn, &to, &id, Some("read"));
                }
            }
            Err(error) => {
                tracing::warn!(%error, jid, "a contact can't read the client's message");
                *world.counts.entry("unreadable").or_default() += 1;
                ask_again(world, &pn, &to, &id);
            }
        }
    }
}

/// A contact's phone shows a message, once.
pub(crate) fn receive(person: &mut Person, id: &str, message: &wa::Message) {
    match person.received.iter_mut().find(|received| received.id == id) {
        Some(known) => known.copies += 1,
        None => person.received.push(Received { id: id.to_owned(), text: text_of(message), copies: 1 }),
    }
}

/// A contact confirms a message of the client. `from` is as the client addressed it.
pub(crate) fn receipt(world: &mut World, pn: &str, from: &str, id: &str, kind: Option<&'static str>) {
    let mut builder = from_contact_in(world, "receipt", pn, from).attr("id", id).attr("t", seconds());
    if let Some(kind) = kind {
        builder = builder.attr("type", kind);
    }
    world.deliver(Waiting { id: id.to_owned(), node: builder.build(), message: None });
}

/// A stanza that comes from a contact, in a group or not.
fn from_contact_in(world: &World, tag: &'static str, pn: &str, from: &str) -> NodeBuilder {
    let from = if from.is_empty() { format!("{pn}@{SERVER}") } else { from.to_owned() };
    let member = world.groups.get(&from).zip(world.contacts.get(pn));
    let builder = NodeBuilder::new(tag).attr("from", from);
    match member {
        Some((group, person)) => builder.attr("participant", group.names(pn, &person.lid).jid),
        None => builder,
    }
}

/// A contact could not read a message and asks for it again. `from` is as the client addressed it.
pub(crate) fn ask_again(world: &mut World, pn: &str, from: &str, id: &str) {
    let registration = world.contacts.get(pn).map(|person| person.party.registration()).unwrap_or_default();
    let retry = NodeBuilder::new("retry").attr("count", "1").attr("id", id).attr("t", seconds()).attr("v", "1").build();
    let node = from_contact_in(world, "receipt", pn, from)
        .attr("type", "retry")
        .attr("id", id)
        .attr("t", seconds())
        .children([retry, leaf("registration", registration.to_be_bytes().to_vec())])
        .build();
    world.deliver(Waiting { id: id.to_owned(), node, message: None });
}

/// The client confirms a message, or asks for it again.
pub(crate) async fn client_receipt(world: &mut World, node: &Node) {
    let (id, to, kind) = (attr(node, "id"), attr(node, "to"), attr(node, "type"));
    let mut ack = NodeBuilder::new("ack").attr("class", "receipt").attr("id", id.as_str()).attr("from", to);
    if !kind.is_empty() {
        ack = ack.attr("type", kind.as_str());
    }
    world.send(ack.build());
    let at = world.waiting.iter().position(|w| w.id == id && w.node.tag == "message");
    let confirmed = at.and_then(|at| world.waiting.remove(at));
    if kind == "retry"
        && let Some(Waiting { message: Some((pn, message)), node, .. }) = confirmed
    {
        *world.counts.entry("retries").or_default() += 1;
        let from = attr(&node, "from");
        let again = match start_session(world, &pn).await {
            Ok(()) if world.groups.contains_key(&from) => group_messages::again(world, &id, &from, &pn, &message).await,
            Ok(()) => from_contact(world, &pn, &id, &message, Addressing::of(&node)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = again {
            tracing::warn!(%error, "writing a message again");
        }
    }
}

/// The client confirms a receipt or a notification.
pub(crate) fn client_ack(world: &mut World, node: &Node) {
    let (id, class, kind) = (attr(node, "id"), attr(node, "class"), attr(node, "type"));
    let fits = |w: &Waiting| w.id == id && w.node.tag == class.as_str() && attr(&w.node, "type") == kind;
    if matches!(class.as_str(), "receipt" | "notification")
        && let Some(at) = world.waiting.iter().position(fits)
    {
        world.waiting.remove(at);
    }
}
