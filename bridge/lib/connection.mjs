// One connection to WhatsApp at a time: linking, logging in, and coming back by itself where WhatsApp expects it.

import * as baileys from 'baileys';

import { Backoff } from './backoff.mjs';
import { accountOf } from './ids.mjs';
import { Gate } from './gate.mjs';
import { Groups, Subjects } from './groups.mjs';
import { Kept } from './kept.mjs';
import { Linking } from './linking.mjs';
import { Liveness } from './liveness.mjs';
import { FORGOTTEN, LOGGED_OUT, NOT_OPEN, removeDevice } from './logout.mjs';
import { codec } from './messages.mjs';
import { Outgoing } from './outgoing.mjs';
import { receiptEvents } from './receipts.mjs';
import { reasonOf } from './reasons.mjs';
import { Restriction } from './restriction.mjs';
import { renewKey, somebodyLeft } from './sender-keys.mjs';
import { openSocket, probe } from './socket.mjs';
import { log } from './stdout.mjs';
import { Upserts } from './upserts.mjs';

/** Baileys never says so when the upgrade to a WebSocket is answered with an HTTP error: see it ourselves. */
const CONNECT_TIMEOUT_MS = 25_000;

export class Connection {
  #emit;
  #fatal;
  #outgoing;
  #opening = null;
  #kept = null;
  #restriction;
  #liveness = new Liveness(() => probe(this.#socket, CONNECT_TIMEOUT_MS), () => this.#closed({ message: 'no answer', output: { statusCode: 408 } }));
  #state = null;
  #socket = null;
  /** Grows with each socket: what belongs to an older one is ignored. */
  #generation = 0;
  #phase = 'idle';
  #retryTimer = null;
  #watchdog = null;
  #backoff = new Backoff();
  #lastFrameAt = 0;
  #linking;
  /** A logout is under way. */
  #leaving = false;
  #upserts;
  #subjects;

  /** `fatal` is called when the state can't be written. */
  constructor(emit, fatal) {
    this.#emit = emit;
    this.#fatal = fatal;
    this.#restriction = new Restriction(emit);
    const tell = (event, pairs) => this.#tell(event, pairs);
    this.#outgoing = new Outgoing(tell, codec, (socket) => this.#restriction.ask(socket));
    this.#linking = new Linking(emit, (reason) => this.#notLinked(reason));
    this.#subjects = new Subjects(emit);
    this.#upserts = new Upserts(tell, (id) => this.#outgoing.isOurs(id));
  }

  ages() {
    const lastFrameAgeMs = this.#lastFrameAt ? Math.round(performance.now() - this.#lastFrameAt) : undefined;
    return { lastFrameAgeMs, lastAnswerAgeMs: this.#liveness.ageMs() };
  }

  send(command) {
    this.#outgoing.send(command, () => this.newMessageId());
  }

  /** The owner's answer to the passkey's challenge. */
  respond(answer) {
    this.#linking.respond(answer);
  }

  /** Whether the phone shows the same code. */
  confirm(same) {
    this.#linking.confirm(same);
  }

  /** The host has the events up to this number. */
  acknowledge(seq) {
    this.#kept?.log.acknowledge(seq);
  }

  /** Tells an event that matters: it is on disk first, as soon as there is a store. */
  #tell(event, pairs) {
    if (this.#kept) this.#kept.log.append([event], pairs);
    else this.#emit(event);
  }

  newMessageId() {
    return baileys.generateMessageIDV2(this.#socket?.user?.id);
  }

  #linked() {
    return Boolean(this.#state?.creds.account);
  }

  /** Connects, or says how things are when a connection is open. `number`: link by a code for it instead of a QR. */
  async connect({ number, ack, takeOver }) {
    if (!(await this.#ready(ack))) return;
    if (this.#phase === 'open') return this.#tellOpen();
    const otherWay = number !== this.#linking.number;
    this.#linking.number = number;
    if (this.#phase === 'connecting' && (this.#linked() || !otherWay)) return;
    if (this.#kept.takeovers.needsConsent() && !takeOver) {
      const { reason } = reasonOf({ output: { statusCode: 440 } }, { linked: true });
      this.#emit({ type: 'connection', state: 'closed', reason });
      return;
    }
    if (this.#phase === 'void') await this.#kept.session.retire();
    this.#backoff.reset();
    await this.#start();
  }

  /** Ends the link, with WhatsApp's word for it; with `local` also without, when it can't be had. */
  async logout({ local }) {
    if (this.#leaving) return;
    if (!this.#kept || (this.#phase !== 'open' && !local)) {
      this.#emit({ type: 'error', error: NOT_OPEN });
      return;
    }
    this.#leaving = true;
    const generation = this.#generation;
    let told = false;
    try {
      if (this.#phase === 'open') {
        await removeDevice(this.#socket);
        told = true;
      }
    } catch (error) {
      if (!local && generation === this.#generation) {
        this.#leaving = false;
        this.#emit({ type: 'error', error: `WhatsApp did not take the logout, and the link is as it was: ${error?.message ?? error}` });
        // The next connection shows whether it did all the same.
        this.#closed({ message: 'no answer to the logout', output: { statusCode: 408 } });
      }
    }
    // The server may end the connection before its answer is read: that was the answer.
    if (this.#leaving && (told || local)) await this.#forget(told ? LOGGED_OUT : FORGOTTEN);
    this.#leaving = false;
  }

  /** The credentials are void or not wanted any more: they are removed, and then it is said. */
  async #forget(text) {
    this.#leaving = false;
    clearTimeout(this.#retryTimer);
    const generation = (this.#generation += 1);
    this.#endSocket();
    this.#phase = 'void';
    this.#state = null;
    await this.#kept.session.forget();
    if (generation === this.#generation) this.#emit({ type: 'connection', state: 'logged_out', reason: { class: 'logged_out', code: 401, text } });
  }

  /** Ends the connection and lets the folder go. */
  async stop() {
    this.#generation += 1;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#watchdog);
    this.#linking.end();
    const socket = this.#socket;
    this.#socket = null;
    this.#outgoing.setSocket(null);
    try {
      await socket?.ws?.close();
    } catch {
      // it was closed already
    }
    this.#liveness.stop();
    await this.#upserts.told();
    await this.#kept?.store.close();
  }

  /** Opens the store, once, and tells what an earlier run left. Says so when that can't be done. */
  async #ready(acknowledges) {
    if (this.#kept) this.#kept.log.acknowledges = acknowledges;
    try {
      await (this.#opening ??= this.#open(acknowledges));
      return true;
    } catch (error) {
      this.#opening = null;
      this.#unusable(error);
      return false;
    }
  }

  async #open(acknowledges) {
    const kept = await Kept.open(this.#emit, {
      isOurs: (id) => this.#outgoing.isOurs(id),
      onFailure: (error) => this.#fatal(new Error(`the state can't be written: ${error.message}`)),
      onFull: (count) => this.#hold(count),
      onRoom: () => this.#resume(),
    });
    this.#outgoing.setStore(kept.store, kept.sent);
    kept.log.acknowledges = acknowledges;
    await kept.log.replay();
    this.#kept = kept;
  }

  #unusable({ message: text }) {
    this.#phase = 'ended';
    this.#emit({ type: 'error', error: text });
    this.#emit({ type: 'connection', state: 'closed', reason: { class: 'bad_session', text } });
  }

  /** The host acknowledges nothing: nothing more is read, so that nothing more is confirmed. */
  #hold(count) {
    this.#liveness.paused = true;
    this.#socket?.ws.socket?.pause();
    this.#emit({ type: 'error', error: `${count} events wait for the host's acknowledgement: nothing more is taken from WhatsApp until it comes` });
  }

  #resume() {
    this.#liveness.paused = false;
    this.#liveness.answered();
    this.#socket?.ws.socket?.resume();
  }

  async #start() {
    clearTimeout(this.#retryTimer);
    const generation = (this.#generation += 1);
    this.#endSocket();
    this.#phase = 'connecting';
    this.#emit({ type: 'connection', state: 'connecting' });
    try {
      await this.#kept.log.room();
      if (generation !== this.#generation) return;
      this.#state = await this.#kept.session.load();
      // An unfinished linking can't be taken up again: WhatsApp refuses its half-made credentials.
      if (!this.#linked()) this.#state = await this.#kept.session.fresh();
      if (generation !== this.#generation) return;
    } catch (error) {
      this.#unusable(error);
      return;
    }
    this.#linking.offered = false;
    const groups = new Groups((group) => socket.groupMetadata(group));
    const socket = openSocket({
      state: this.#state,
      makeSignalRepository: this.#kept.inbox.repository(() => generation === this.#generation),
      groups,
      content: (id) => this.#outgoing.content(id),
    });
    this.#socket = socket;
    this.#watch(socket, generation, groups);
    this.#watchdog = setTimeout(() => {
      if (generation === this.#generation && this.#phase === 'connecting') {
        this.#closed({ message: 'no answer', output: { statusCode: 503 } });
      }
    }, CONNECT_TIMEOUT_MS);
  }

  #watch(socket, generation, groups) {
    const current = (handler) => (value) => {
      if (generation === this.#generation) return handler(value);
      return undefined;
    };
    const { ev, ws } = socket;
    const state = this.#state;
    const gate = new Gate(ws.socket, this.#kept.store);
    const { lidMapping } = socket.signalRepository;
    ev.on('creds.update', current(() => state.save()));
    ev.on('connection.update', current((update) => this.#updated(update)));
    ev.on('messages.upsert', current(({ messages }) => this.#upserts.received(messages, socket, (id) => this.#kept.inbox.wasTold(id))));
    ev.on('groups.upsert', current((told) => this.#subjects.tell(told)));
    ev.on('groups.update', current((told) => this.#subjects.tell(told)));
    ws.on('frame', current((node) => {
      this.#lastFrameAt = performance.now();
      this.#liveness.frame(node);
      const telling = this.#kept.inbox.arrived(node, state.creds, lidMapping);
      if (telling) gate.hold(telling);
    }));
    if (!this.#linked()) this.#linking.watch(socket, state.creds, current);
    const isCurrent = () => generation === this.#generation;
    ws.on('CB:message', current(({ attrs }) => {
      this.#subjects.heard(attrs.from, socket, isCurrent);
    }));
    ws.on('CB:ack,class:message', current(({ attrs }) => {
      if (attrs.error) groups.forget(attrs.from);
      this.#outgoing.acknowledged(attrs);
    }));
    ws.on('CB:notification,type:w:gp2', current((node) => {
      groups.forget(node.attrs.from);
      if (somebodyLeft(node)) this.#outgoing.between(() => renewKey(socket, node.attrs.from));
    }));
    ws.on('CB:ack,class:receipt', current((node) => this.#kept.inbox.confirmed(node.attrs.id, this.#kept.store)));
    ws.on('CB:receipt', current((node) => this.#kept.log.append(receiptEvents(node))));
  }

  /** This attempt to link is over. */
  #notLinked(message) {
    this.#closed({ message, output: { statusCode: 408 } });
  }

  #updated({ connection, lastDisconnect, qr, reachoutTimeLock }) {
    if (reachoutTimeLock) this.#restriction.update(reachoutTimeLock);
    if (qr) this.#offer(qr);
    if (connection === 'open') this.#opened();
    if (connection === 'close') this.#closed(lastDisconnect?.error);
  }

  #offer(qr) {
    clearTimeout(this.#watchdog);
    const generation = this.#generation;
    this.#linking.offer(qr, this.#socket, () => generation === this.#generation);
  }

  #opened() {
    clearTimeout(this.#watchdog);
    this.#phase = 'open';
    this.#backoff.opened();
    this.#outgoing.setSocket(this.#socket);
    this.#liveness.start();
    this.#tellOpen();
    const generation = this.#generation;
    this.#subjects.ask(this.#socket, () => generation === this.#generation);
  }

  #tellOpen() {
    const me = this.#socket?.user ?? this.#state.creds.me ?? {};
    const account = accountOf(me);
    this.#emit({ type: 'connection', state: 'open', account });
    this.#emit({ type: 'ready', account });
  }

  #closed(error) {
    const linked = this.#linked();
    const { reason, retry } = reasonOf(error, { linked, offered: this.#linking.offered });
    this.#generation += 1;
    this.#endSocket();
    log(`connection closed: ${reason.class} ${reason.code ?? ''} ${error?.message ?? ''}`);
    if (reason.class === 'replaced') this.#kept.takeovers.add();
    if (reason.class === 'logged_out' && this.#leaving) {
      this.#forget(LOGGED_OUT);
      return;
    }
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
    const retryInMs = this.#backoff.pause(reason.class);
    this.#emit({ type: 'connection', state: 'closed', reason, retryInMs });
    this.#retryTimer = setTimeout(() => this.#start(), retryInMs);
  }

  #endSocket() {
    clearTimeout(this.#watchdog);
    this.#linking.end();
    this.#liveness.stop();
    const socket = this.#socket;
    this.#socket = null;
    this.#outgoing.setSocket(null);
    Promise.resolve(socket?.end?.(undefined)).catch(() => {});
  }
}
