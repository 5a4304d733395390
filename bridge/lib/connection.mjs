// One connection to WhatsApp at a time: linking, logging in, and coming back by itself where WhatsApp expects it.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import * as baileys from 'baileys';
import libraryLogger from 'baileys/lib/Utils/logger.js';

import { bare, phoneOf } from './ids.mjs';
import { eventOf } from './messages.mjs';
import { receiptEvents } from './receipts.mjs';
import { reasonOf } from './reasons.mjs';
import { FolderHeld, SessionStore } from './session-store.mjs';
import { log } from './stdout.mjs';

const FIRST_QR_MS = 60_000;
const LATER_QR_MS = 20_000;
const QR_ROUNDS = 6;
/** Baileys never says so when the upgrade to a WebSocket is answered with an HTTP error: see it ourselves. */
const CONNECT_TIMEOUT_MS = 25_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const STABLE_AFTER_MS = 60_000;
const LOCK_TRIES = 50;
const LOCK_PAUSE_MS = 100;

// Baileys' own logger writes to the file of stdout, past everything: it must stay silent.
libraryLogger.level = 'silent';

/** Baileys wants a logger of pino's shape. Objects are not printed: they hold keys. */
const logger = {
  level: 'warn',
  child: () => logger,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: (object, text) => log(words(object, text)),
  error: (object, text) => log(words(object, text)),
};

const words = (object, text) =>
  [text ?? (typeof object === 'string' ? object : ''), object?.err?.message ?? object?.error?.message ?? ''].filter(Boolean).join(': ');

export class Connection {
  #emit;
  #outgoing;
  #store = null;
  #state = null;
  #socket = null;
  /** Grows with each socket: what belongs to an older one is ignored. */
  #generation = 0;
  #phase = 'idle';
  #number = null;
  #retryTimer = null;
  #watchdog = null;
  #failures = 0;
  #openedAt = 0;
  #lastFrameAt = 0;
  #qrs = 0;
  #codeAsked = false;
  /** Messages are told in the order in which they came, though finding a number may take time. */
  #telling = Promise.resolve();

  constructor(emit, outgoing) {
    this.#emit = emit;
    this.#outgoing = outgoing;
  }

  lastFrameAgeMs() {
    return this.#lastFrameAt ? Math.round(performance.now() - this.#lastFrameAt) : undefined;
  }

  newMessageId() {
    return baileys.generateMessageIDV2(this.#socket?.user?.id);
  }

  #linked() {
    return Boolean(this.#state?.creds.account);
  }

  /** Connects, or says how things are when a connection is open. `number`: link by a code for it instead of a QR. */
  async connect(number) {
    if (this.#phase === 'open') return this.#tellOpen();
    const otherWay = number !== this.#number;
    this.#number = number;
    if (this.#phase === 'connecting' && (this.#linked() || !otherWay)) return;
    if (this.#phase === 'void') this.#retire();
    this.#failures = 0;
    await this.#start();
  }

  /** Ends the connection and lets the folder go. */
  async stop() {
    this.#generation += 1;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    this.#outgoing.setSocket(null);
    try {
      await socket?.ws?.close();
    } catch {
      // it was closed already
    }
    await this.#telling;
    this.#store?.unlock();
  }

  async #openStore() {
    if (this.#store) return;
    const beside = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'sessions-bridge');
    const store = new SessionStore(process.env.WA_SESSION_DIR || beside, baileys);
    for (let left = LOCK_TRIES; ; left -= 1) {
      try {
        store.lock();
        break;
      } catch (error) {
        // The bridge of a host that was killed is on its way out: it is given some time.
        if (!(error instanceof FolderHeld) || left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
      }
    }
    this.#store = store;
  }

  async #start() {
    clearTimeout(this.#retryTimer);
    const generation = (this.#generation += 1);
    this.#endSocket();
    this.#phase = 'connecting';
    this.#emit({ type: 'connection', state: 'connecting' });
    try {
      await this.#openStore();
      if (generation !== this.#generation) return;
      this.#state = this.#store.load();
      // An unfinished linking can't be taken up again: WhatsApp refuses its half-made credentials.
      if (!this.#linked()) this.#state = this.#store.fresh();
    } catch (error) {
      this.#phase = 'ended';
      const text = error.message;
      this.#emit({ type: 'error', error: text });
      this.#emit({ type: 'connection', state: 'closed', reason: { class: 'bad_session', text } });
      return;
    }
    this.#qrs = 0;
    this.#codeAsked = false;
    const { creds, keys } = this.#state;
    const socket = baileys.makeWASocket({
      auth: { creds, keys },
      logger,
      browser: baileys.Browsers.ubuntu('Chrome'),
      markOnlineOnConnect: false,
      syncFullHistory: false,
      // While Baileys waits for the phone's history, up to 20 s, it holds new messages back although it has confirmed
      // them to WhatsApp already. History isn't shown here: so there is nothing to wait for.
      shouldSyncHistoryMessage: () => false,
      generateHighQualityLinkPreview: false,
      getMessage: async ({ id }) => this.#outgoing.content(id),
      ...(process.env.WA_WEBSOCKET_URL && { waWebSocketUrl: process.env.WA_WEBSOCKET_URL }),
    });
    this.#socket = socket;
    this.#watch(socket, generation);
    this.#watchdog = setTimeout(() => {
      if (generation === this.#generation && this.#phase === 'connecting') {
        this.#closed({ message: 'no answer', output: { statusCode: 503 } });
      }
    }, CONNECT_TIMEOUT_MS);
  }

  #watch(socket, generation) {
    const current = (handler) => (value) => {
      if (generation === this.#generation) return handler(value);
      return undefined;
    };
    const { ev, ws } = socket;
    const state = this.#state;
    ev.on('creds.update', current(() => state.save()));
    ev.on('connection.update', current((update) => this.#updated(update)));
    ev.on('messages.upsert', current(({ messages }) => this.#received(messages)));
    ws.on('frame', current(() => (this.#lastFrameAt = performance.now())));
    ws.on('CB:ack,class:message', current((node) => this.#outgoing.acknowledged(node.attrs)));
    ws.on('CB:receipt', current((node) => receiptEvents(node).forEach((event) => this.#emit(event))));
  }

  #updated({ connection, lastDisconnect, qr }) {
    if (qr) this.#offer(qr);
    if (connection === 'open') this.#opened();
    if (connection === 'close') this.#closed(lastDisconnect?.error);
  }

  #offer(qr) {
    clearTimeout(this.#watchdog);
    this.#qrs += 1;
    if (this.#number) {
      if (!this.#codeAsked) this.#askForCode();
      return;
    }
    this.#emit({ type: 'qr', qr, expiresInMs: this.#qrs === 1 ? FIRST_QR_MS : LATER_QR_MS });
  }

  async #askForCode() {
    this.#codeAsked = true;
    const generation = this.#generation;
    try {
      const code = await this.#socket.requestPairingCode(this.#number.slice(1));
      if (generation !== this.#generation) return;
      // A code lives for as long as the QRs that come with it.
      this.#emit({ type: 'pairing_code', code, expiresInMs: FIRST_QR_MS + (QR_ROUNDS - 1) * LATER_QR_MS });
    } catch (error) {
      if (generation === this.#generation) this.#emit({ type: 'error', error: `no pairing code could be had: ${error?.message ?? error}` });
    }
  }

  #opened() {
    clearTimeout(this.#watchdog);
    this.#phase = 'open';
    this.#openedAt = performance.now();
    this.#outgoing.setSocket(this.#socket);
    this.#tellOpen();
  }

  #tellOpen() {
    const me = this.#socket?.user ?? this.#state.creds.me ?? {};
    const account = {
      phone: phoneOf(me.id),
      ...(me.lid && { lid: bare(me.lid) }),
      ...(me.name && me.name !== '~' && { name: me.name }),
    };
    this.#emit({ type: 'connection', state: 'open', account });
    this.#emit({ type: 'ready', account });
  }

  #closed(error) {
    const linked = this.#linked();
    const { reason, retry } = reasonOf(error, { linked, offered: this.#qrs > 0 });
    this.#generation += 1;
    this.#endSocket();
    log(`connection closed: ${reason.class} ${reason.code ?? ''} ${error?.message ?? ''}`);
    if (reason.class === 'logged_out') {
      this.#phase = 'void';
      this.#emit({ type: 'connection', state: 'logged_out', reason });
      return;
    }
    if (!retry) {
      this.#phase = 'ended';
      this.#emit({ type: 'connection', state: 'closed', reason });
      return;
    }
    this.#phase = 'waiting';
    const retryInMs = this.#pause(reason.class);
    this.#emit({ type: 'connection', state: 'closed', reason, retryInMs });
    this.#retryTimer = setTimeout(() => this.#start(), retryInMs);
  }

  /** How long to wait before the next attempt: none where WhatsApp expects us at once, else longer with each failure. */
  #pause(name) {
    if (name === 'restart_required' || name === 'link_expired') return 0;
    if (this.#openedAt && performance.now() - this.#openedAt >= STABLE_AFTER_MS) this.#failures = 0;
    this.#openedAt = 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return Math.round(pause * (0.75 + Math.random() / 4));
  }

  #endSocket() {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    this.#outgoing.setSocket(null);
    Promise.resolve(socket?.end?.(undefined)).catch(() => {});
  }

  #retire() {
    this.#store?.retire();
    this.#state = null;
  }

  #received(messages) {
    const socket = this.#socket;
    const context = {
      me: socket?.user?.id,
      normalize: baileys.normalizeMessageContent,
      phoneForLid: async (lid) => {
        try {
          return await socket?.signalRepository?.lidMapping?.getPNForLID(lid);
        } catch {
          return undefined;
        }
      },
    };
    for (const message of messages) {
      if (message.key?.fromMe && this.#outgoing.isOurs(message.key.id)) continue;
      // Not an event: Baileys asks for it again, and when it can be read it comes under the same id.
      if (!message.message && message.messageStubType) log(`a message could not be read (stub ${message.messageStubType})`);
      this.#telling = this.#telling
        .then(async () => {
          const event = await eventOf(message, context);
          if (event) this.#emit(event);
        })
        .catch((error) => log(`a message could not be told: ${error?.message ?? error}`));
    }
  }
}
