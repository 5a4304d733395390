// Sends texts, and answers each `send` exactly once: when WhatsApp's server acknowledged or refused it, or when that
// can't be known any more.
//
// Baileys resolves `sendMessage` once the bytes are in the socket and ignores a good `ack`; so the raw node counts.

import { isGroup, jidOf } from './ids.mjs';
import { Refused, refusalOf } from './reasons.mjs';
import { giveKeyAgain } from './sender-keys.mjs';
import { log } from './stdout.mjs';

const ACK_TIMEOUT_MS = 20_000;

/** What is answered when Baileys could not send. */
function failureOf(error) {
  if (error instanceof Refused) return error.refusal;
  const code = error?.output?.statusCode;
  if (code === 428 || code === 408 || code === 503) return refusalOf(code);
  return { ...(Number.isInteger(code) && { code }), error: `the message can't be sent: ${error?.message ?? error}`, retryable: false };
}

export class Outgoing {
  #tell;
  #codec;
  #restrictedUntil;
  #socket = null;
  /** messageId → { to, timer, refusal, socket }: given to the socket or about to be. */
  #pending = new Map();
  /**
   * What a recipient's phone may ask for again, how our own messages are recognised, and which of them WhatsApp has:
   * messageId → 'acked ' or 'given ' and the content. A `Recent`, as soon as there is a store.
   */
  #recent = null;
  /** Sends go one after the other: Baileys encrypts one at a time anyway, and the order within a chat is kept. */
  #queue = Promise.resolve();
  #write = () => {};

  /**
   * `tell(event, pairs)` tells an event and writes pairs in the same batch. `codec` makes, encodes and decodes contents.
   * `restrictedUntil(socket)` asks until when the account may not start chats.
   */
  constructor(tell, codec, restrictedUntil = async () => undefined) {
    this.#tell = tell;
    this.#codec = codec;
    this.#restrictedUntil = restrictedUntil;
  }

  setStore(store, recent) {
    this.#recent = recent;
    this.#write = (pairs) => store.write(pairs);
  }

  /** The socket that is open now, or null. What waited for an answer of the old one is answered as unknown. */
  setSocket(socket) {
    this.#socket = socket;
    if (!socket) for (const [id, { refusal }] of [...this.#pending]) this.#answer(id, refusal ?? refusalOf(428));
  }

  isOurs(messageId) {
    return this.#recent?.has(messageId) ?? false;
  }

  content(messageId) {
    const [, content] = this.#recent?.get(messageId)?.split(' ') ?? [];
    return content ? this.#codec.decode(content) : undefined;
  }

  send({ to, text, messageId }, newId) {
    const jid = jidOf(to);
    const id = messageId ?? newId();
    const wrong = this.#whatIsWrong(jid, text, messageId);
    if (wrong) {
      this.#tell({ type: 'sent', to: String(to), ok: false, ...(messageId && { messageId: String(messageId) }), code: 400, error: wrong, retryable: false });
      return;
    }
    if (this.#recent?.get(id)?.startsWith('acked')) {
      this.#tell({ type: 'sent', to, ok: true, messageId: id }); // WhatsApp has it, maybe since an earlier run
      return;
    }
    if (!this.#socket) {
      this.#tell({ type: 'sent', to, ok: false, messageId: id, ...refusalOf(428) });
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
    const pending = this.#pending.get(id);
    if (!pending || !socket) return;
    try {
      pending.socket = socket;
      pending.timer = setTimeout(() => this.#answer(id, refusalOf(408)), ACK_TIMEOUT_MS);
      const content = await this.#codec.make(jid, text, id, socket.user?.id);
      // It may have been lost on its way, and with it our key for those who had none: see sender-keys.mjs.
      if (isGroup(jid) && this.#recent?.has(id)) await giveKeyAgain(socket, jid);
      this.#write(this.#recent?.put(id, `given ${this.#codec.encode(content)}`) ?? []);
      await socket.relayMessage(jid, content, { messageId: id });
    } catch (error) {
      this.#answer(id, failureOf(error));
    }
  }

  /** Does this when no message is on its way out. */
  between(work) {
    this.#queue = this.#queue.then(work).catch((error) => log(`between two messages: ${error?.message ?? error}`));
  }

  /** A raw `ack` of a message. */
  acknowledged({ id, error }) {
    if (!error) this.#answer(id, null);
    else if (error === '463') this.#restricted(id);
    else this.#answer(id, refusalOf(Number(error)));
  }

  async #restricted(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    clearTimeout(pending.timer);
    pending.refusal = refusalOf(463); // stays, though the connection may end while WhatsApp is asked
    const retryAtMs = await this.#restrictedUntil(this.#socket);
    this.#answer(id, { ...pending.refusal, ...(retryAtMs && { retryAtMs }) });
  }

  #answer(id, refusal) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const { to, socket } = pending;
    if (refusal && socket && isGroup(to)) this.between(() => giveKeyAgain(socket, to)); // nobody may have got it
    const event = { type: 'sent', to, ok: !refusal, messageId: id, ...refusal };
    const content = this.#recent?.get(id)?.split(' ')[1];
    const pairs = !refusal && content ? this.#recent.put(id, `acked ${content}`) : [];
    for (let n = 0; n <= pending.again; n += 1) this.#tell(event, pairs);
  }
}
