//! Small helpers for WhatsApp's binary nodes.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeContent};

/// WhatsApp's server, as the client addresses it.
pub(crate) const SERVER: &str = "s.whatsapp.net";

/// The value of an attribute as text; empty when it is not there.
pub(crate) fn attr(node: &Node, name: &str) -> String {
    node.attrs.get(name).map(|value| value.as_str().into_owned()).unwrap_or_default()
}

/// The children; none when there are none.
pub(crate) fn children(node: &Node) -> &[Node] {
    node.children().unwrap_or_default()
}

/// The first child with this tag.
pub(crate) fn child<'a>(node: &'a Node, tag: &str) -> Option<&'a Node> {
    children(node).iter().find(|c| c.tag == tag)
}

/// The bytes inside; a text's bytes when it is a text.
pub(crate) fn bytes(node: &Node) -> Vec<u8> {
    match &node.content {
        Some(NodeContent::Bytes(bytes)) => bytes.clone(),
        Some(NodeContent::String(text)) => text.as_bytes().to_vec(),
        Some(NodeContent::Nodes(_)) | None => Vec::new(),
    }
}

/// The bytes of the child with this tag.
pub(crate) fn child_bytes(node: &Node, tag: &str) -> Vec<u8> {
    child(node, tag).map(bytes).unwrap_or_default()
}

/// A big-endian number of up to four bytes.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b))
}

/// A node with bytes inside.
pub(crate) fn leaf(tag: &'static str, bytes: impl Into<Vec<u8>>) -> Node {
    NodeBuilder::new(tag).bytes(bytes).build()
}

/// The good answer to an iq.
pub(crate) fn result(iq: &Node, content: impl IntoIterator<Item = Node>) -> Node {
    let builder = NodeBuilder::new("iq").attr("from", SERVER).attr("type", "result").attr("id", attr(iq, "id"));
    builder.children(content).build()
}

/// The bad answer to an iq.
pub(crate) fn error(iq: &Node, code: u16, text: &str) -> Node {
    let error = NodeBuilder::new("error").attr("code", code.to_string()).attr("text", text).build();
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("type", "error")
        .attr("id", attr(iq, "id"))
        .children([error])
        .build()
}

/// `<stream:error>` with a code, or with a child.
pub(crate) fn stream_error(code: Option<u16>, inside: Option<Node>) -> Node {
    let mut builder = NodeBuilder::new("stream:error");
    if let Some(code) = code {
        builder = builder.attr("code", code.to_string());
    }
    builder.children(inside).build()
}

/// `user` and `server` of a jid without its device.
pub(crate) fn user_of(jid: &str) -> (&str, &str) {
    let (user, server) = jid.split_once('@').unwrap_or((jid, ""));
    let user = user.split(':').next().unwrap_or(user);
    (user.split('_').next().unwrap_or(user), server)
}
