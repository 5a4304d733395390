// Telephone numbers and WhatsApp's ids (jids).

const E164 = /^\+[1-9]\d{6,14}$/;
const CHAT = /^[0-9-]{5,40}@(s\.whatsapp\.net|lid|g\.us)$/;

/** Whether the text is a telephone number as E.164 has them: + and 7 to 15 digits. */
export const isE164 = (text) => typeof text === 'string' && E164.test(text);

/** The jid for an E.164 number or a chat's id, or null. */
export function jidOf(to) {
  if (isE164(to)) return `${to.slice(1)}@s.whatsapp.net`;
  return typeof to === 'string' && CHAT.test(to) ? to : null;
}

/** A jid without its device and agent. */
export function bare(jid) {
  const [user = '', server = ''] = String(jid ?? '').split('@');
  return server ? `${user.split(':')[0].split('_')[0]}@${server === 'c.us' ? 's.whatsapp.net' : server}` : '';
}

/** The number of a jid that holds one, or undefined. */
export function phoneOf(jid) {
  const [user, server] = bare(jid).split('@');
  return server === 's.whatsapp.net' && isE164(`+${user}`) ? `+${user}` : undefined;
}

/** The account of Baileys' `me` or `user`, as the protocol has it. */
export const accountOf = (me) => ({
  phone: phoneOf(me.id),
  ...(me.lid && { lid: bare(me.lid) }),
  ...(me.name && me.name !== '~' && { name: me.name }),
});

export const isLid = (jid) => bare(jid).endsWith('@lid');

export const isGroup = (jid) => bare(jid).endsWith('@g.us');

/** What kind of conversation a jid names. */
export function chatKind(jid) {
  const server = bare(jid).split('@')[1];
  if (jid === 'status@broadcast') return 'status';
  if (server === 's.whatsapp.net' || server === 'lid') return 'person';
  if (server === 'g.us') return 'group';
  if (server === 'broadcast') return 'broadcast';
  if (server === 'newsletter') return 'newsletter';
  return 'other';
}
