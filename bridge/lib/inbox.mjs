// A message is on disk in the same batch as the session that decrypted it.
//
// Baileys advances the Signal session, confirms the message to WhatsApp, and only then tells of it: a kill in between
// would lose it. So the event is made where the session is: inside the transaction of decrypting. The plaintext is
// kept beside until WhatsApp takes the confirmation: a stanza that comes again reads the same, though its key is spent.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';

import { eventOf } from './messages.mjs';
import { keepSessionsWhole } from './ratchet.mjs';
import { Recent } from './recent.mjs';
import { log } from './stdout.mjs';

/** The type under which `auth.keys` takes what came in. */
export const INCOMING = 'incoming';
const MAX_UNCONFIRMED = 10_000;
const MAX_TOLD = 10_000;

keepSessionsWhole();

export class Inbox {
  #baileys;
  #events;
  #isOurs;
  #seen;
  /** Message id → names in `seen`. */
  #unconfirmed = new Map();
  /** Ciphertext → the stanza that it came in: Baileys hands on the same bytes. */
  #stanzas = new WeakMap();
  /** Ids told from here: Baileys' own event for them says nothing new. */
  #told = new Set();

  constructor(baileys, events, store, isOurs) {
    this.#baileys = baileys;
    this.#events = events;
    this.#isOurs = isOurs;
    this.#seen = new Recent(store, 'seen', MAX_UNCONFIRMED);
  }

  async load() {
    await this.#seen.load();
    for (const name of this.#seen.names()) this.#index(name);
    return this;
  }

  /** Writes for `auth.keys.set`: events and plaintexts, in the batch of what else is set. */
  write(entries) {
    const { event, name, plain } = entries.one;
    this.#index(name);
    return (pairs) => this.#events.append(event ? [event] : [], [...pairs, ...this.#seen.put(name, Buffer.from(plain).toString('base64'))]);
  }

  wasTold(id) {
    return this.#told.has(id);
  }

  /** A stanza came: before anybody else looks at it. Returns what its confirmation must wait for, or undefined. */
  arrived(node, creds, lidMapping) {
    if (node.tag !== 'message') return undefined;
    // Baileys reads what waited for us in the order in which it came, one after the other, and what comes live beside
    // that: it would overtake. So all of it stands in the one queue.
    node.attrs.offline ??= '0';
    if (!Array.isArray(node.content)) return undefined;
    for (const { tag, content } of node.content) if (tag === 'enc' && content) this.#stanzas.set(content, node);
    const plain = node.content.find(({ tag, content }) => tag === 'plaintext' && content instanceof Uint8Array);
    if (!plain) return undefined;
    return this.#eventOf(node, this.#baileys.proto.Message.decode(plain.content), creds, lidMapping)
      .then((event) => event && this.#events.append([event]))
      .catch((error) => log(`a message could not be told: ${error?.message ?? error}`));
  }

  /** WhatsApp took our confirmation of this message: it won't come again. */
  confirmed(id, store) {
    const names = this.#unconfirmed.get(id);
    if (!names) return;
    this.#unconfirmed.delete(id);
    store.write(names.flatMap((name) => this.#seen.drop(name)));
  }

  /** Baileys' repository of sessions, with the above. `current` says whether its connection still is the one. */
  repository(current) {
    return (auth, logger, pnToLid) => {
      const inner = this.#baileys.DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, pnToLid);
      // Baileys sends inside a transaction that it commits after sending, with sessions as they were at its start. Each
      // step with a session is a transaction of its own instead: committed before bytes leave, and never undone by another.
      const outside = AsyncLocalStorage.snapshot();
      const apart = (method) => (args) => outside(() => inner[method](args));
      // Baileys locks a session by the jid as it was written, and a session has several: by number, by LID, with or
      // without device. Two steps with one session would overwrite each other; so it is locked by its own name.
      const alone = async (jid, work) => {
        const lid = await inner.lidMapping.getLIDForPN(jid).catch(() => null);
        return auth.keys.transaction(work, `session ${inner.jidToSignalProtocolAddress(lid ?? jid)}`);
      };
      const received = (method, bytes, lock) => (args) => outside(async () => {
        await this.#events.room();
        if (!current()) throw new Error('the connection ended');
        return lock(args, () => this.#decrypt(args[bytes], () => inner[method](args), auth, inner.lidMapping));
      });
      return {
        ...inner,
        decryptMessage: received('decryptMessage', 'ciphertext', ({ jid }, work) => alone(jid, work)),
        decryptGroupMessage: received('decryptGroupMessage', 'msg', ({ group }, work) => auth.keys.transaction(work, group)),
        // By the LID wherever there is one, as decrypting does: one name and one queue for a session.
        encryptMessage: ({ jid, data }) => outside(async () => {
          const lid = jid === auth.creds.me?.id ? null : await inner.lidMapping.getLIDForPN(jid);
          return alone(lid ?? jid, () => inner.encryptMessage({ jid: lid ?? jid, data }));
        }),
        injectE2ESession: (args) => outside(() => alone(args.jid, () => inner.injectE2ESession(args))),
        migrateSession: (from, to) => outside(() => alone(to, () => inner.migrateSession(from, to))),
        ...Object.fromEntries(
          ['encryptGroupMessage', 'processSenderKeyDistributionMessage', 'getSenderKeyDistributionMessage', 'deleteSession', 'validateSession', 'getSessionInfo', 'hasSenderKey']
            .map((method) => [method, apart(method)]),
        ),
      };
    };
  }

  async #decrypt(ciphertext, decrypt, auth, lidMapping) {
    const stanza = this.#stanzas.get(ciphertext);
    const id = stanza?.attrs.id ?? '';
    const name = `${createHash('sha256').update(ciphertext).digest('base64')} ${id}`;
    const known = this.#seen.get(name);
    if (known !== undefined) {
      this.#tell(id);
      return Buffer.from(known, 'base64');
    }
    const plain = await decrypt();
    let event = null;
    try {
      const message = this.#baileys.proto.Message.decode(this.#baileys.unpadRandomMax16(plain));
      if (stanza) event = await this.#eventOf(stanza, message, auth.creds, lidMapping);
    } catch (error) {
      log(`a message could not be told: ${error?.message ?? error}`);
    }
    await auth.keys.set({ [INCOMING]: { one: { event, name, plain } } });
    return plain;
  }

  async #eventOf(stanza, message, creds, lidMapping) {
    const { id = '', lid = '' } = creds.me ?? {};
    const { fullMessage } = this.#baileys.decodeMessageNode(stanza, id, lid);
    this.#tell(fullMessage.key.id);
    if (fullMessage.key.fromMe && this.#isOurs(fullMessage.key.id)) return null;
    fullMessage.message = message.deviceSentMessage?.message ?? message;
    const phoneForLid = (jid) => lidMapping.getPNForLID(jid).catch(() => undefined);
    return eventOf(fullMessage, { me: id, meLid: lid, normalize: this.#baileys.normalizeMessageContent, phoneForLid });
  }

  #tell(id) {
    this.#told.add(id);
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.values().next().value);
  }

  #index(name) {
    const id = name.slice(name.indexOf(' ') + 1);
    this.#unconfirmed.set(id, [...(this.#unconfirmed.get(id) ?? []), name]);
  }
}
