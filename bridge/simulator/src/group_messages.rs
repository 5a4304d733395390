//! Messages of groups, in both directions, encrypted with sender keys.

use anyhow::Context;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use crate::messages::{ack, ask_again, receipt, receive, seconds, start_session};
use crate::nodes::{attr, bytes, child, children, user_of};
use crate::world::{Receipts, Waiting, World};

/// A member writes to everybody in the group.
///
/// # Errors
/// When he isn't in it, or no device is linked.
pub(crate) async fn from_member(
    world: &mut World,
    id: &str,
    group: &str,
    pn: &str,
    message: &wa::Message,
) -> anyhow::Result<()> {
    let group_is = world.groups.get(group).context("no such group")?;
    anyhow::ensure!(group_is.members.iter().any(|member| member == pn), "{pn} is not in the group {group}");
    if !group_is.joined {
        return Ok(()); // nobody hands it to the account
    }
    let person = world.contacts.get_mut(pn).context("no such contact")?;
    let distribution = person.sender_keys.first_distribution(group).await?;
    let mut encs = Vec::new();
    if let Some(distribution) = distribution {
        encs.push(for_the_client(world, pn, &distribution).await?);
    }
    let person = world.contacts.get_mut(pn).context("no such contact")?;
    encs.push(enc("skmsg", person.sender_keys.encrypt(group, message).await?));
    deliver(world, id, group, pn, message, encs)
}

/// A member writes a message again, for the client alone and with the key for the next ones.
pub(crate) async fn again(
    world: &mut World,
    id: &str,
    group: &str,
    pn: &str,
    message: &wa::Message,
) -> anyhow::Result<()> {
    let person = world.contacts.get_mut(pn).context("no such contact")?;
    let with_key = person.sender_keys.distribution(group, message.clone()).await?;
    let enc = for_the_client(world, pn, &with_key).await?;
    deliver(world, id, group, pn, message, vec![enc])
}

async fn for_the_client(world: &mut World, pn: &str, message: &wa::Message) -> anyhow::Result<Node> {
    if !world.contacts.get(pn).is_some_and(|person| person.party.has_session()) {
        start_session(world, pn).await?;
    }
    let person = world.contacts.get_mut(pn).context("no such contact")?;
    let (kind, sealed) = person.party.encrypt(message).await?;
    Ok(enc(kind, sealed))
}

fn enc(kind: &'static str, sealed: Vec<u8>) -> Node {
    NodeBuilder::new("enc").attr("v", "2").attr("type", kind).bytes(sealed).build()
}

fn deliver(
    world: &mut World,
    id: &str,
    group: &str,
    pn: &str,
    message: &wa::Message,
    encs: Vec<Node>,
) -> anyhow::Result<()> {
    let group_is = world.groups.get(group).context("no such group")?;
    let person = world.contacts.get(pn).context("no such contact")?;
    let names = group_is.names(&person.pn, &person.lid);
    let other = if group_is.by_lid { "participant_pn" } else { "participant_lid" };
    let node = NodeBuilder::new("message")
        .attr("id", id)
        .attr("t", seconds())
        .attr("type", "text")
        .attr("from", group)
        .attr("participant", names.jid)
        .attr("addressing_mode", group_is.mode())
        .attr(other, names.other)
        .attr("notify", person.name.as_str())
        .children(encs)
        .build();
    world.deliver(Waiting { id: id.to_owned(), node, message: Some((pn.to_owned(), message.clone())) });
    Ok(())
}

/// The client wrote to a group. `told`: the server and the members say what became of it.
pub(crate) async fn from_client(world: &mut World, node: &Node, told: bool) {
    let (id, to) = (attr(node, "id"), attr(node, "to"));
    let Some(group) = world.groups.get(&to).filter(|group| group.joined) else {
        return world.send(ack(node, Some(403)));
    };
    if told {
        world.send(ack(node, None));
    }
    let members = group.members.clone();
    let listed = child(node, "participants").map(children).unwrap_or_default();
    for given in listed {
        let jid = attr(given, "jid");
        let Some(enc) = child(given, "enc") else { continue };
        if let Err(error) = take_key(world, &members, &to, &jid, enc).await {
            tracing::warn!(%error, jid, "a member can't take the client's sender key");
        }
    }
    let sealed = children(node).iter().find(|enc| enc.tag == "enc" && attr(enc, "type") == "skmsg").map(bytes);
    if let Some(sealed) = &sealed {
        let strangers = world.contacts.values_mut().filter(|person| !members.contains(&person.pn));
        for stranger in strangers {
            if stranger.sender_keys.decrypt(&to, sealed).await.is_ok() {
                *world.counts.entry("leaked").or_default() += 1;
            }
        }
    }
    // Written again for one member, who asked for it: with a session instead of the sender key.
    let direct = child(node, "enc").filter(|enc| attr(enc, "type") != "skmsg");
    let one = user_of(&attr(node, "participant")).0.to_owned();
    for pn in members {
        let Some(person) = world.contacts.get_mut(&pn) else { continue };
        let opened = match (&sealed, direct) {
            (Some(sealed), _) => person.sender_keys.decrypt(&to, sealed).await,
            (None, Some(enc)) if one == person.pn || one == person.lid => {
                let opened = person.party.decrypt(&attr(enc, "type"), &bytes(enc)).await;
                if let Ok(message) = &opened {
                    let _ = person.sender_keys.take(&to, message).await;
                }
                opened
            }
            (None, _) => continue,
        };
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
                tracing::warn!(%error, pn, "a member can't read the client's message");
                *world.counts.entry("unreadable").or_default() += 1;
                ask_again(world, &pn, &to, &id);
            }
        }
    }
}

/// A device got the client's sender key for a group.
async fn take_key(world: &mut World, members: &[String], group: &str, jid: &str, enc: &Node) -> anyhow::Result<()> {
    if world.is_own(jid) {
        return Ok(());
    }
    let person = world.person(jid).context("nobody has this address")?;
    anyhow::ensure!(members.contains(&person.pn), "who gets the key is not in the group");
    let message = person.party.decrypt(&attr(enc, "type"), &bytes(enc)).await?;
    person.sender_keys.take(group, &message).await
}
