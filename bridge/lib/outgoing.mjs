// Sends texts, and answers each `send` exactly once: when WhatsApp's server acknowledged or refused it, or when that
// can't be known any more.
//
// Baileys resolves `sendMessage` once the bytes are in the socket and ignores a good `ack`; so the raw node counts.

import { jidOf } from './ids.mjs';
import { refusalOf } from './reasons.mjs';

const ACK_TIMEOUT_MS = 20_000;
const RECENT = 1_000;

export class Outgoing {
  #emit;
  #socket = null;
  /** messageId → { to, timer }: given to the socket or about to be. */
  #pending = new Map();
  /** messageId → content: what a recipient's phone may ask for again, and how our own messages are recognised. */
  #recent = new Map();
  /** Sends go one after the other: Baileys encrypts one at a time anyway, and the order within a chat is kept. */
  #queue = Promise.resolve();

  constructor(emit) {
    this.#emit = emit;
  }

  /** The socket that is open now, or null. What waited for an answer of the old one is answered as unknown. */
  setSocket(socket) {
    this.#socket = socket;
    if (!socket) for (const id of [...this.#pending.keys()]) this.#answer(id, refusalOf(428));
  }

  isOurs(messageId) {
    return this.#recent.has(messageId);
  }

  content(messageId) {
    return this.#recent.get(messageId) ?? undefined;
  }

  send({ to, text, messageId }, newId) {
    const jid = jidOf(to);
    const id = messageId ?? newId();
    const wrong = this.#whatIsWrong(jid, text, messageId);
    if (wrong) {
      this.#emit({ type: 'sent', to: String(to), ok: false, ...(messageId && { messageId: String(messageId) }), code: 400, error: wrong, retryable: false });
      return;
    }
    if (!this.#socket) {
      this.#emit({ type: 'sent', to, ok: false, messageId: id, ...refusalOf(428) });
      return;
    }
    const earlier = this.#pending.get(id);
    if (earlier) {
      earlier.again += 1; // the same message is under way: one attempt, one answer for each command
      return;
    }
    this.#pending.set(id, { to, timer: null, again: 0 });
    this.#queue = this.#queue.then(() => this.#attempt(id, jid, text));
  }

  #whatIsWrong(jid, text, messageId) {
    if (!jid) return '"to" is neither an E.164 number such as +584244370180 nor the id of a chat';
    if (typeof text !== 'string' || !text) return '"text" is not a text, or empty';
    if (messageId !== undefined && (typeof messageId !== 'string' || !/^[0-9A-Za-z_-]{4,64}$/.test(messageId))) return '"messageId" is not an id';
    return null;
  }

  async #attempt(id, jid, text) {
    const socket = this.#socket;
    if (!this.#pending.has(id) || !socket) return;
    this.#remember(id, null);
    try {
      const pending = this.#pending.get(id);
      pending.timer = setTimeout(() => this.#answer(id, refusalOf(408)), ACK_TIMEOUT_MS);
      const sent = await socket.sendMessage(jid, { text, linkPreview: null }, { messageId: id });
      if (sent?.message) this.#remember(id, sent.message);
    } catch (error) {
      const code = error?.output?.statusCode;
      const closed = code === 428 || code === 408 || code === 503;
      this.#answer(id, closed ? refusalOf(code) : { ...(Number.isInteger(code) && { code }), error: `the message can't be sent: ${error?.message ?? error}`, retryable: false });
    }
  }

  /** A raw `ack` of a message. */
  acknowledged({ id, error }) {
    if (!error) this.#answer(id, null);
    else this.#answer(id, refusalOf(Number(error)));
  }

  #answer(id, refusal) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const event = { type: 'sent', to: pending.to, ok: !refusal, messageId: id, ...refusal };
    for (let n = 0; n <= pending.again; n += 1) this.#emit(event);
  }

  #remember(id, content) {
    this.#recent.set(id, content);
    if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.keys().next().value);
  }
}
