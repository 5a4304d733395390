// From Baileys' messages to the protocol's.

import * as baileys from 'baileys';

import { bare, chatKind, isLid, phoneOf } from './ids.mjs';
import { logger } from './stdout.mjs';

const KINDS = {
  conversation: 'text',
  extendedTextMessage: 'text',
  imageMessage: 'image',
  videoMessage: 'video',
  ptvMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  stickerMessage: 'sticker',
  lottieStickerMessage: 'sticker',
  locationMessage: 'location',
  liveLocationMessage: 'location',
  contactMessage: 'contact',
  contactsArrayMessage: 'contact',
  reactionMessage: 'reaction',
};

/** What a text may need as JSON: a line has at most 1 MiB, and the host skips a longer one. */
const MAX_TEXT_BYTES = (1 << 20) - (32 << 10);
/** WhatsApp's own apps let people write names of 25 characters. */
const MAX_NAME = 500;

const REVOKE = 0;
const EDIT = 14;

/** What a message's content is: kind, body, and the key of the message that it is about. Null: nothing that is for people. */
export function contentOf(message, normalize) {
  const content = normalize(message);
  const name = Object.keys(content ?? {}).find(
    (key) => content[key] != null && (key === 'conversation' || key.includes('Message')) && key !== 'senderKeyDistributionMessage',
  );
  if (!name) return null;
  const value = content[name];
  if (name === 'protocolMessage') return protocolContent(value, normalize);
  if (name.startsWith('pollCreation')) return { kind: 'poll', body: value.name ?? '' };
  const kind = KINDS[name] ?? name.replace(/Message$/, '');
  const body = typeof value === 'string' ? value : (value.text ?? value.caption ?? value.displayName ?? value.name ?? value.title ?? '');
  return { kind, body: String(body), ...(kind === 'reaction' && { about: value.key }) };
}

function protocolContent(value, normalize) {
  const type = value.type ?? REVOKE;
  if (type === REVOKE) return { kind: 'revoke', body: '', about: value.key };
  if (type === EDIT) return { kind: 'edit', body: contentOf(value.editedMessage, normalize)?.body ?? '', about: value.key };
  return null;
}

/** A timestamp of protobuf (seconds, as a number or a Long) in milliseconds. */
export function millis(timestamp) {
  const seconds = Number(typeof timestamp?.toNumber === 'function' ? timestamp.toNumber() : timestamp);
  return Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1000) : undefined;
}

/** A person by both ids, as far as they are known. `phoneForLid` asks WhatsApp's own mapping. */
async function person(jid, alt, phoneForLid) {
  const [one, other] = [bare(jid), bare(alt)];
  const lid = [one, other].find((j) => isLid(j));
  let phone = phoneOf(one) ?? phoneOf(other);
  if (!phone && lid) phone = phoneOf(await phoneForLid(lid));
  return { phone, lid };
}

/** The conversation that a message belongs to. Its id is the number's wherever the number is known. */
async function chatOf(key, phoneForLid) {
  const kind = chatKind(key.remoteJid);
  if (kind !== 'person') return { kind, id: bare(key.remoteJid) || String(key.remoteJid) };
  const { phone, lid } = await person(key.remoteJid, key.remoteJidAlt, phoneForLid);
  const id = phone ? `${phone.slice(1)}@s.whatsapp.net` : bare(key.remoteJid);
  return { kind, id, ...(phone && { phone }), ...(lid && { lid }) };
}

/**
 * The message that another is about. WhatsApp's key has it as its writer sees it: what is the writer's own is not ours,
 * and what is not his own is ours in a chat of two; in a group it has the name of its own writer.
 */
function targetOf(about, key, own) {
  if (!about?.id) return undefined;
  const theirs = () => !about.fromMe && (about.participant ? own.includes(bare(about.participant)) : !key.participant);
  return { messageId: about.id, fromMe: key.fromMe ? Boolean(about.fromMe) : theirs() };
}

/**
 * The protocol's event for a message of Baileys, or null when it holds nothing for people.
 *
 * `context` has `me` and `meLid` (jids), `normalize` (Baileys' own unwrapping) and `phoneForLid`.
 */
export async function eventOf(message, { me, meLid, normalize, phoneForLid }) {
  const { key } = message;
  if (!key?.remoteJid || !key.id) return null;
  if (!message.message) return null;
  const content = contentOf(message.message, normalize);
  if (!content) return null;
  const chat = await chatOf(key, phoneForLid);
  let from;
  if (key.fromMe) {
    from = phoneOf(me) ?? bare(me);
  } else if (chat.kind === 'person') {
    from = chat.phone ?? chat.id;
  } else {
    const writer = await person(key.participant, key.participantAlt, phoneForLid);
    from = writer.phone ?? (bare(key.participant) || chat.id);
  }
  const timestampMs = millis(message.messageTimestamp);
  const target = targetOf(content.about, key, [me, meLid].filter(Boolean).map(bare));
  const body = fitting(content.body);
  return {
    type: 'message',
    from,
    body,
    ...(body !== content.body && { truncated: true }),
    messageId: key.id,
    kind: content.kind,
    ...(target && { target }),
    fromMe: Boolean(key.fromMe),
    ...(timestampMs && { timestampMs }),
    ...(message.pushName && !key.fromMe && { name: message.pushName.slice(0, MAX_NAME) }),
    chat,
  };
}

/** The text, or as much of its beginning as fits into a line, with an ellipsis. Only a text that no app of WhatsApp lets people write is cut. */
export function fitting(text, max = MAX_TEXT_BYTES) {
  const fits = (length) => Buffer.byteLength(JSON.stringify(`${text.slice(0, length)}…`)) <= max;
  if (text.length * 6 + 5 <= max || Buffer.byteLength(JSON.stringify(text)) <= max) return text; // no character needs more than 6
  let [short, long] = [0, text.length];
  while (long - short > 1) {
    const middle = (short + long) >> 1;
    if (fits(middle)) short = middle;
    else long = middle;
  }
  const half = /[\ud800-\udbff]$/.test(text.slice(0, short)); // of a character
  return `${text.slice(0, half ? short - 1 : short)}…`;
}

/** The contents of our messages, as they are made and kept. */
export const codec = {
  make: async (jid, text, messageId, userJid) => (await baileys.generateWAMessage(jid, { text, linkPreview: null }, { logger, userJid, messageId })).message,
  encode: (content) => Buffer.from(baileys.proto.Message.encode(content).finish()).toString('base64'),
  decode: (text) => baileys.proto.Message.decode(Buffer.from(text, 'base64')),
};
