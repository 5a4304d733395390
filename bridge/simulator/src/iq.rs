//! The answers to a client's queries.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::nodes::{
    SERVER, attr, bytes, child, child_bytes, children, error, leaf, number, result, stream_error, user_of,
};
use crate::world::{Out, Waiting, World};
use crate::{groups, linking, passkey};

/// The number of the query about the reach-out time lock.
const REACHOUT_TIMELOCK: &str = "23983697327930364";

/// Answers a query of the client on this connection. None: no answer.
pub(crate) async fn answer(world: &mut World, connection: u64, iq: &Node) -> Option<Node> {
    let (kind, xmlns) = (attr(iq, "type"), attr(iq, "xmlns"));
    match (kind.as_str(), xmlns.as_str()) {
        ("result", _) => {
            if child(iq, "pair-device-sign").is_some()
                && let Err(error) = linking::signed(world, iq).await
            {
                tracing::warn!(%error, "linking");
            }
            None
        }
        ("error", _) => None,
        (_, "md") => md(world, connection, iq).await,
        (_, "encrypt") => encrypt(world, iq),
        (_, "passive") => {
            if child(iq, "active").is_some() {
                activate(world, connection, iq).await;
                return None;
            }
            Some(result(iq, []))
        }
        (_, "usync") => Some(usync(world, iq)),
        (_, "abt") => Some(result(iq, [NodeBuilder::new("props").attr("hash", "0").build()])),
        (_, "blocklist") => Some(result(iq, [NodeBuilder::new("list").build()])),
        ("get", "privacy") => Some(result(iq, [privacy()])),
        ("set", "privacy") => Some(result(iq, [NodeBuilder::new("tokens").build()])),
        (_, "w:sync:app:state") => Some(app_state(iq)),
        (_, "w:mex") => Some(mex(world, iq)),
        (_, "w:profile:picture") => Some(error(iq, 404, "item-not-found")),
        (_, "w:g2") => Some(groups::answer(world, iq)),
        _ => Some(result(iq, [])),
    }
}

async fn md(world: &mut World, connection: u64, iq: &Node) -> Option<Node> {
    if let Some((stage, node)) = linking::code_stage(iq) {
        if stage == "companion_finish" {
            if let Err(error) = linking::companion_finish(world, node).await {
                tracing::warn!(%error, "linking by code");
            }
            return Some(result(iq, []));
        }
        let linking = world.linking.as_mut().filter(|l| l.connection == connection)?;
        return Some(linking::companion_hello(linking, iq, node));
    }
    if let Some(answer) = passkey::answer(world, iq).await {
        return Some(answer);
    }
    if let Some(removal) = child(iq, "remove-companion-device") {
        return remove_device(world, connection, iq, &attr(removal, "jid"));
    }
    Some(result(iq, []))
}

/// The device asks to be removed from the account. It gets its answer before its connection ends.
fn remove_device(world: &mut World, connection: u64, iq: &Node, jid: &str) -> Option<Node> {
    let own = world.device.as_ref().map(|device| format!("{}:{}@{SERVER}", world.account.pn, device.number));
    if own.as_deref() != Some(jid) {
        return Some(error(iq, 404, "item-not-found"));
    }
    if let Some(online) = world.online.as_ref().filter(|online| online.connection == connection) {
        let _ = online.out.send(Out::Node(Box::new(result(iq, []))));
    }
    unlink(world);
    None
}

/// The device is not linked any more, and is told so.
pub(crate) fn unlink(world: &mut World) {
    world.device = None;
    world.waiting.clear();
    let conflict = NodeBuilder::new("conflict").attr("type", "device_removed").build();
    if let Some(online) = world.online.take() {
        let _ = online.out.send(Out::Node(Box::new(stream_error(Some(401), Some(conflict)))));
        let _ = online.out.send(Out::Close);
    }
}

fn encrypt(world: &mut World, iq: &Node) -> Option<Node> {
    if let Some(keys) = child(iq, "key") {
        let users = children(keys).iter().map(|user| attr(user, "jid")).collect::<Vec<_>>();
        let bundles: Vec<_> = users.iter().filter_map(|jid| bundle(world, jid)).collect();
        return Some(result(iq, [NodeBuilder::new("list").children(bundles).build()]));
    }
    let device = world.device.as_mut()?;
    if attr(iq, "type") == "set" {
        if let Some(list) = child(iq, "list") {
            let key = |node: &Node| (number(&child_bytes(node, "id")), child_bytes(node, "value"));
            device.prekeys.extend(children(list).iter().map(key));
        }
        if let Some(skey) = child(iq, "skey").or_else(|| child(iq, "rotate").and_then(|r| child(r, "skey"))) {
            device.bundle.signed =
                (number(&child_bytes(skey, "id")), child_bytes(skey, "value"), child_bytes(skey, "signature"));
        }
        return Some(result(iq, []));
    }
    if child(iq, "count").is_some() {
        let count = NodeBuilder::new("count").attr("value", device.prekeys.len().to_string()).build();
        return Some(result(iq, [count]));
    }
    if child(iq, "digest").is_some() {
        return Some(result(iq, [NodeBuilder::new("digest").children([leaf("hash", vec![0; 20])]).build()]));
    }
    Some(result(iq, []))
}

/// The keys by which the client can write to somebody first. Nobody has devices but the phone.
fn bundle(world: &mut World, jid: &str) -> Option<Node> {
    if world.is_own(jid) {
        return Some(world.account.party.bundle_node(jid));
    }
    world.person(jid).map(|person| person.party.bundle_node(jid))
}

/// The client wants its messages from now on. First comes what waited.
async fn activate(world: &mut World, connection: u64, iq: &Node) {
    let silent = world.faults.silent;
    let waiting: Vec<_> = world.waiting.iter().map(|w: &Waiting| offline(&w.node)).collect();
    let Some(online) = world.online.as_mut().filter(|o| o.connection == connection) else { return };
    online.active = true;
    if silent {
        return;
    }
    let out = online.out.clone();
    let ib = |inside: Node| NodeBuilder::new("ib").attr("from", SERVER).children([inside]).build();
    let mut nodes = vec![result(iq, [])];
    let count = waiting.len().to_string();
    if !waiting.is_empty() {
        let preview = NodeBuilder::new("offline_preview").attr("count", count.as_str()).attr("message", count.as_str());
        nodes.push(ib(preview.attr("receipt", "0").attr("notification", "0").build()));
    }
    nodes.extend(waiting);
    nodes.push(ib(NodeBuilder::new("offline").attr("count", count.as_str()).build()));
    for node in nodes {
        if out.send(Out::Node(Box::new(node))).is_err() {
            return;
        }
    }
}

/// A stanza that waited is marked as such.
fn offline(node: &Node) -> Node {
    let mut node = node.clone();
    node.attrs.insert("offline", "0");
    node
}

fn usync(world: &mut World, iq: &Node) -> Node {
    let Some(usync) = child(iq, "usync") else { return result(iq, []) };
    let asked = child(usync, "list").map(children).unwrap_or_default();
    let wants = |tag: &str| child(usync, "query").is_some_and(|q| child(q, tag).is_some());
    let (contact, devices, lid) = (wants("contact"), wants("devices"), wants("lid"));
    let own = world.device.as_ref().map(|d| d.number);
    let mut users = Vec::new();
    for user in asked {
        if contact {
            users.push(on_whatsapp(world, user));
            continue;
        }
        let jid = attr(user, "jid");
        let mine = world.is_own(&jid);
        let known = if mine { Some(world.account.lid.clone()) } else { world.person(&jid).map(|p| p.lid.clone()) };
        let mut inside = Vec::new();
        if devices {
            inside.push(device_list(known.is_some(), own.filter(|_| mine)));
        }
        if lid
            && user_of(&jid).1 != "lid"
            && let Some(known) = known
        {
            inside.push(NodeBuilder::new("lid").attr("val", format!("{known}@lid")).build());
        }
        users.push(NodeBuilder::new("user").attr("jid", jid).children(inside).build());
    }
    let answer = NodeBuilder::new("usync")
        .attr("sid", attr(usync, "sid"))
        .children([NodeBuilder::new("result").build(), NodeBuilder::new("list").children(users).build()]);
    result(iq, [answer.build()])
}

fn device_list(known: bool, companion: Option<u16>) -> Node {
    let device = |id: u16| NodeBuilder::new("device").attr("id", id.to_string());
    let mut list = Vec::new();
    if known {
        list.push(device(0).build());
    }
    list.extend(companion.map(|id| device(id).attr("key-index", "1").build()));
    NodeBuilder::new("devices").children([NodeBuilder::new("device-list").children(list).build()]).build()
}

fn on_whatsapp(world: &mut World, user: &Node) -> Node {
    let phone = child(user, "contact").map(bytes).unwrap_or_default();
    let digits: String = String::from_utf8_lossy(&phone).chars().filter(char::is_ascii_digit).collect();
    let jid = format!("{digits}@{SERVER}");
    let known = world.person(&jid).is_some() || world.is_own(&jid);
    let contact = NodeBuilder::new("contact").attr("type", if known { "in" } else { "out" }).build();
    NodeBuilder::new("user").attr("jid", jid).children([contact]).build()
}

fn privacy() -> Node {
    let category = |name: &str| NodeBuilder::new("category").attr("name", name).attr("value", "all").build();
    NodeBuilder::new("privacy").children(["readreceipts", "last", "online", "profile"].map(category)).build()
}

fn app_state(iq: &Node) -> Node {
    let asked = child(iq, "sync").map(children).unwrap_or_default();
    let collections = asked.iter().filter(|c| c.tag == "collection").map(|c| {
        let version = attr(c, "version");
        let version = if version.is_empty() { "0".to_owned() } else { version };
        NodeBuilder::new("collection").attr("name", attr(c, "name")).attr("version", version).build()
    });
    let collections: Vec<_> = collections.collect();
    result(iq, [NodeBuilder::new("sync").children(collections).build()])
}

/// A query in GraphQL: the one about the reach-out time lock.
fn mex(world: &World, iq: &Node) -> Node {
    if child(iq, "query").map(|query| attr(query, "query_id")).as_deref() != Some(REACHOUT_TIMELOCK) {
        return result(iq, []);
    }
    let (active, ends) = (world.faults.timelock.is_some(), world.faults.timelock.unwrap_or(0));
    let answer = format!(
        r#"{{"data":{{"xwa2_fetch_account_reachout_timelock":{{"is_active":{active},"time_enforcement_ends":"{ends}","enforcement_type":"DEFAULT"}}}}}}"#
    );
    result(iq, [leaf("result", answer)])
}
