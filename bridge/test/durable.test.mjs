import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as baileys from 'baileys';

import { EventLog } from '../lib/event-log.mjs';
import { Gate } from '../lib/gate.mjs';
import { INCOMING, Inbox } from '../lib/inbox.mjs';
import { Liveness } from '../lib/liveness.mjs';
import { SessionStore } from '../lib/session-store.mjs';
import { Store } from '../lib/store.mjs';
import { folder } from './helpers.mjs';

const BEN = '15553334444@s.whatsapp.net';
const logger = { level: 'silent', child: () => logger, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A repository of sessions as Baileys makes it, on a store; and its creds and keys. */
async function party(t, name, events = []) {
  const store = await Store.open(`${folder(t)}-${name}`);
  t.after(() => store.close());
  const log = new EventLog(store, (event) => events.push(event));
  const inbox = new Inbox(baileys, log, store, () => false);
  const session = new SessionStore(store, baileys, { [INCOMING]: (entries) => inbox.write(entries) });
  const { creds, keys: plain } = await session.fresh();
  creds.me = { id: '15550009999:1@s.whatsapp.net', lid: '199900000000001:1@lid' };
  const keys = baileys.addTransactionCapability(plain, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
  const repository = inbox.repository(() => true)({ creds, keys }, logger, async () => []);
  return { store, inbox, creds, keys, repository };
}

const bundleOf = ({ creds }) => ({
  registrationId: creds.registrationId,
  identityKey: baileys.generateSignalPubKey(creds.signedIdentityKey.public),
  signedPreKey: {
    keyId: creds.signedPreKey.keyId,
    publicKey: baileys.generateSignalPubKey(creds.signedPreKey.keyPair.public),
    signature: creds.signedPreKey.signature,
  },
});

test('a session that encrypts is written when it did, not when the sending is over', async (t) => {
  const [we, ben] = [await party(t, 'we'), await party(t, 'ben')];
  await we.keys.transaction(async () => {
    await we.repository.injectE2ESession({ jid: BEN, session: bundleOf(ben) });
    await we.repository.encryptMessage({ jid: BEN, data: Buffer.from('x') });
    const first = we.store.get('key!session-15553334444.0');
    assert.ok(first);
    await we.repository.encryptMessage({ jid: BEN, data: Buffer.from('y') });
    assert.notEqual(we.store.get('key!session-15553334444.0'), first);
  }, we.creds.me.id);
});

test('a message for one session leaves the other sessions of its contact as they were', async (t) => {
  const [we, ben] = [await party(t, 'we'), await party(t, 'ben')];
  const write = (from, jid) => from.repository.encryptMessage({ jid, data: Buffer.from('x') });
  const read = (to, jid, { type, ciphertext }) => to.repository.decryptMessage({ jid, type, ciphertext });
  const us = we.creds.me.id;
  // Both sides begin at once: there are two sessions, and each side writes in the one that the other began.
  await we.repository.injectE2ESession({ jid: BEN, session: bundleOf(ben) });
  await ben.repository.injectE2ESession({ jid: us, session: bundleOf(we) });
  const [ours, theirs] = [await write(we, BEN), await write(ben, us)];
  await read(we, BEN, theirs);
  await read(ben, us, ours);
  await read(we, BEN, await write(ben, us));
  assert.equal(String(await read(ben, us, await write(we, BEN))), 'x');
});

test('a message is written with the session that decrypted it, and reads the same when it comes again', async (t) => {
  const told = [];
  const [we, ben] = [await party(t, 'we', told), await party(t, 'ben')];
  await ben.repository.injectE2ESession({ jid: we.creds.me.id, session: bundleOf(we) });
  const plain = Buffer.concat([baileys.proto.Message.encode({ conversation: 'Hola' }).finish(), Buffer.from([1])]);
  const { type, ciphertext } = await ben.repository.encryptMessage({ jid: we.creds.me.id, data: plain });
  const batches = [];
  const write = we.store.write.bind(we.store);
  we.store.write = (pairs) => {
    batches.push(pairs.map(([key]) => key.split('!')[0] + (key.includes('session') ? ' session' : '')));
    return write(pairs);
  };
  const stanza = (content) => ({ tag: 'message', attrs: { id: 'A', from: BEN, t: '1790000000' }, content: [{ tag: 'enc', attrs: { type }, content }] });
  we.inbox.arrived(stanza(ciphertext), we.creds, we.repository.lidMapping);
  assert.deepEqual(await we.repository.decryptMessage({ jid: BEN, type, ciphertext }), plain);
  assert.deepEqual(told, [], 'not before it is on disk');
  assert.equal(batches.length, 1);
  for (const part of ['key session', 'log', 'seen']) assert.ok(batches[0].includes(part), `${batches[0]}`);
  await we.store.settled();
  await settled();
  assert.equal(told.length, 1);
  assert.equal(told[0].body, 'Hola');
  assert.ok(we.inbox.wasTold('A'));

  // As after a kill before the confirmation: the key is spent, but the message reads the same and is told no second time.
  const copy = Buffer.from(ciphertext);
  const log = { room: async () => {} };
  const after = await new Inbox(baileys, log, we.store, () => false).load();
  after.arrived(stanza(copy), we.creds, we.repository.lidMapping);
  const repository = after.repository(() => true)({ creds: we.creds, keys: we.keys }, logger, async () => []);
  assert.deepEqual(await repository.decryptMessage({ jid: BEN, type, ciphertext: copy }), plain);
  assert.ok(after.wasTold('A'));
  after.confirmed('A', we.store);
  await we.store.settled();
  assert.deepEqual(await we.store.keys('seen!'), []);
});

test('what belongs to an old connection is not decrypted any more', async (t) => {
  const we = await party(t, 'we');
  const repository = we.inbox.repository(() => false)({ creds: we.creds, keys: we.keys }, logger, async () => []);
  await assert.rejects(repository.decryptMessage({ jid: BEN, type: 'msg', ciphertext: Buffer.from('x') }), /connection ended/);
});

test('bytes wait for what was written before them, in order, and their sender does not', async () => {
  const sent = [];
  const store = { idle: true, settled: () => disk.promise };
  const disk = {};
  disk.promise = new Promise((resolve) => (disk.synced = resolve));
  const socket = { send: (bytes) => sent.push(bytes) };
  const gate = new Gate(socket, store);
  socket.send('at once');
  assert.deepEqual(sent, ['at once']);
  store.idle = false;
  let answered = 0;
  socket.send('waits', () => (answered += 1));
  store.idle = true;
  socket.send('after it', () => (answered += 1));
  await settled();
  assert.deepEqual(sent, ['at once']);
  assert.equal(answered, 2);
  disk.synced();
  await settled();
  assert.deepEqual(sent, ['at once', 'waits', 'after it']);
  let release;
  gate.hold(new Promise((resolve) => (release = resolve)));
  socket.send('held');
  await settled();
  assert.equal(sent.length, 3);
  release();
  await settled();
  assert.equal(sent[3], 'held');
});

test('the log counts on after it was emptied, and holds when it is full', async (t) => {
  const store = await Store.open(folder(t));
  t.after(() => store.close());
  const [told, calls] = [[], []];
  const limits = { maxEvents: 2, onFull: (count) => calls.push(`full ${count}`), onRoom: () => calls.push('room') };
  const first = new EventLog(store, (event) => told.push(event), limits);
  first.acknowledges = true;
  await first.append([{ type: 'message', n: 1 }]);
  await first.append([{ type: 'message', n: 2 }]);
  assert.deepEqual(told.map(({ seq }) => seq), [1, 2]);
  let passed = false;
  first.room().then(() => (passed = true));
  first.acknowledge(0);
  await settled();
  assert.deepEqual([passed, ...calls], [false, 'full 2']);
  first.acknowledge(1);
  await settled();
  assert.deepEqual([passed, ...calls], [true, 'full 2', 'room']);
  first.acknowledge(2);
  await store.settled();
  const second = new EventLog(store, (event) => told.push(event), limits);
  second.acknowledges = true;
  await second.replay();
  assert.equal(told.length, 2);
  await second.append([{ type: 'message', n: 3 }]);
  assert.equal(told[2].seq, 3);
});

test('the log holds when it has too many bytes, also those of an earlier run', async (t) => {
  const store = await Store.open(folder(t));
  t.after(() => store.close());
  const limits = { maxBytes: 100 };
  const first = new EventLog(store, () => {}, limits);
  first.acknowledges = true;
  await first.append([{ type: 'message', body: 'x'.repeat(40) }]);
  assert.equal(first.full, false);
  await first.append([{ type: 'message', body: 'x'.repeat(40) }]);
  assert.equal(first.full, true);
  const second = new EventLog(store, () => {}, limits);
  second.acknowledges = true;
  await second.replay();
  assert.equal(second.full, true);
  second.acknowledge(1);
  assert.equal(second.full, false);
});

test('a connection without answers is asked after 20 s and given up after 35 s', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const calls = [];
  const liveness = new Liveness(() => calls.push('ask'), () => calls.push('lost'));
  liveness.start();
  const seconds = (n) => t.mock.timers.tick(n * 1000);
  seconds(19);
  liveness.frame({ tag: 'message', attrs: {} });
  assert.deepEqual(calls, []);
  seconds(1);
  assert.deepEqual(calls, ['ask'], 'what comes by itself is no answer');
  liveness.frame({ tag: 'iq', attrs: { type: 'result' } });
  seconds(20);
  liveness.paused = true;
  seconds(60);
  assert.deepEqual(calls, ['ask', 'ask'], 'who does not read can not wait for an answer');
  liveness.paused = false;
  seconds(15);
  assert.deepEqual(calls, ['ask', 'ask', 'lost']);
  seconds(60);
  assert.equal(calls.length, 3);
});
