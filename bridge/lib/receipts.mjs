// From the server's receipt nodes to the protocol's events.

const STATUSES = { '': 'delivered', inactive: 'delivered', read: 'read', played: 'played' };

/** The messages that a receipt node is about. Those of a group may come as a list of who got a message, named there. */
function messageIds({ attrs: { id }, content }) {
  const children = Array.isArray(content) ? content : [];
  const named = children.filter(({ tag, attrs }) => tag === 'participants' && attrs?.key).map(({ attrs }) => attrs.key);
  if (named.length) return named;
  const list = children.find(({ tag }) => tag === 'list');
  const items = Array.isArray(list?.content) ? list.content.map((item) => item.attrs?.id).filter(Boolean) : [];
  return [id, ...items];
}

/** The events for a receipt node: one for each message that it is about. Others' kinds of receipts give none. */
export function receiptEvents(node) {
  const { id, type = '', t } = node.attrs ?? {};
  const status = STATUSES[type];
  if (!status || !id) return [];
  const timestampMs = Number(t) > 0 ? Number(t) * 1000 : undefined;
  return messageIds(node).map((messageId) => ({ type: 'receipt', messageId, status, ...(timestampMs && { timestampMs }) }));
}
