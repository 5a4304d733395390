//! The groups as the server knows them: who is in them, what it answers about them, and what it tells of changes.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::messages::seconds;
use crate::nodes::{SERVER, attr, child, error, result};
use crate::world::{Waiting, World};

/// A group.
pub(crate) struct Group {
    pub(crate) subject: String,
    /// The numbers of the contacts in it, without the plus sign.
    pub(crate) members: Vec<String>,
    /// The account is in it.
    pub(crate) joined: bool,
    /// Its members are addressed by their LIDs, as in all newer groups; otherwise by their numbers.
    pub(crate) by_lid: bool,
    /// How often the client asked who is in it.
    pub(crate) queries: u64,
}

/// A member's two names, the one by which the group addresses him first.
pub(crate) struct Names {
    pub(crate) jid: String,
    pub(crate) other: String,
}

impl Group {
    pub(crate) fn names(&self, pn: &str, lid: &str) -> Names {
        let (number, lid) = (format!("{pn}@{SERVER}"), format!("{lid}@lid"));
        if self.by_lid { Names { jid: lid, other: number } } else { Names { jid: number, other: lid } }
    }

    /// How addresses are written in it.
    pub(crate) fn mode(&self) -> &'static str {
        if self.by_lid { "lid" } else { "pn" }
    }

    fn participant(&self, pn: &str, lid: &str) -> Node {
        let names = self.names(pn, lid);
        let other = if self.by_lid { "phone_number" } else { "lid" };
        NodeBuilder::new("participant").attr("jid", names.jid).attr(other, names.other).build()
    }
}

/// Answers a query about groups.
pub(crate) fn answer(world: &mut World, iq: &Node) -> Node {
    if child(iq, "participating").is_some() {
        let joined = world.groups.iter().filter(|(_, group)| group.joined);
        let nodes: Vec<_> = joined.map(|(id, group)| metadata(world, id, group)).collect();
        return result(iq, [NodeBuilder::new("groups").children(nodes).build()]);
    }
    let id = attr(iq, "to");
    if let Some(group) = world.groups.get_mut(&id) {
        group.queries += 1;
    }
    match world.groups.get(&id) {
        None => error(iq, 404, "item-not-found"),
        Some(group) if !group.joined => error(iq, 403, "forbidden"),
        Some(group) => result(iq, [metadata(world, &id, group)]),
    }
}

fn metadata(world: &World, id: &str, group: &Group) -> Node {
    let people = group.members.iter().filter_map(|pn| world.contacts.get(pn));
    let mut members: Vec<_> = people.map(|person| group.participant(&person.pn, &person.lid)).collect();
    members.push(group.participant(&world.account.pn, &world.account.lid));
    NodeBuilder::new("group")
        .attr("id", id.split('@').next().unwrap_or(id))
        .attr("subject", group.subject.as_str())
        .attr("creation", "1700000000")
        .attr("s_t", "1700000000")
        .attr("addressing_mode", group.mode())
        .attr("size", members.len().to_string())
        .children(members)
        .build()
}

/// What changes in a group.
pub(crate) enum Change<'a> {
    /// A contact comes in.
    Added(&'a str),
    /// A contact goes.
    Removed(&'a str),
    /// The account is put out.
    PutOut,
    /// It has another subject.
    Subject(&'a str),
}

/// Makes a change and tells the client of it.
pub(crate) fn change(world: &mut World, id: &str, change: &Change<'_>) {
    let Some(group) = world.groups.get_mut(id) else { return };
    match change {
        Change::Added(pn) => group.members.push((*pn).to_owned()),
        Change::Removed(pn) => group.members.retain(|member| member != pn),
        Change::PutOut => group.joined = false,
        Change::Subject(subject) => (*subject).clone_into(&mut group.subject),
    }
    let Some(group) = world.groups.get(id) else { return };
    let person = |pn: &str| world.contacts.get(pn).map(|person| group.participant(&person.pn, &person.lid));
    let owner = group.participant(&world.account.pn, &world.account.lid);
    let inside = match change {
        Change::Added(pn) => NodeBuilder::new("add").children(person(pn)),
        Change::Removed(pn) => NodeBuilder::new("remove").children(person(pn)),
        Change::PutOut => NodeBuilder::new("remove").children([owner]),
        Change::Subject(subject) => NodeBuilder::new("subject").attr("subject", *subject).attr("s_t", seconds()),
    };
    let by = group.members.first().and_then(|pn| world.contacts.get(pn));
    let by = by.map(|person| group.names(&person.pn, &person.lid).jid).unwrap_or_default();
    world.notifications += 1;
    let number = world.notifications.to_string();
    let node = NodeBuilder::new("notification")
        .attr("from", id)
        .attr("type", "w:gp2")
        .attr("id", number.as_str())
        .attr("participant", by)
        .attr("t", seconds())
        .children([inside.build()])
        .build();
    world.deliver(Waiting { id: number, node, message: None });
}
