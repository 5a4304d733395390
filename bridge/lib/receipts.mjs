// From the server's receipt nodes to the protocol's events.

const STATUSES = { '': 'delivered', inactive: 'delivered', read: 'read', played: 'played' };

/** The events for a receipt node: one for each message that it is about. Others' kinds of receipts give none. */
export function receiptEvents(node) {
  const { id, type = '', t } = node.attrs ?? {};
  const status = STATUSES[type];
  if (!status || !id) return [];
  const list = Array.isArray(node.content) ? node.content.find((child) => child.tag === 'list') : undefined;
  const items = Array.isArray(list?.content) ? list.content.map((item) => item.attrs?.id).filter(Boolean) : [];
  const timestampMs = Number(t) > 0 ? Number(t) * 1000 : undefined;
  return [id, ...items].map((messageId) => ({ type: 'receipt', messageId, status, ...(timestampMs && { timestampMs }) }));
}
