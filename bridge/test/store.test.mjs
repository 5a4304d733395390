import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import * as baileys from 'baileys';

import { Recent } from '../lib/recent.mjs';
import { SessionStore, UnreadableCredentials } from '../lib/session-store.mjs';
import { FolderHeld, Store } from '../lib/store.mjs';
import { Takeovers } from '../lib/takeovers.mjs';
import { folder } from './helpers.mjs';

const open = async (t, at = folder(t)) => {
  const store = await Store.open(at);
  t.after(() => store.close().catch(() => {}));
  return store;
};

test('what was written is read at once, and after a restart', async (t) => {
  const at = folder(t);
  const store = await open(t, at);
  const done = store.write([['a', '1'], ['b', '2']]);
  assert.equal(store.get('a'), '1');
  assert.equal(store.idle, false);
  store.write([['b', null], ['c', '3']]);
  assert.equal(store.get('b'), undefined);
  await done;
  assert.equal(store.get('b'), undefined, 'the later write counts, though the earlier is synced');
  await store.settled();
  assert.equal(store.idle, true);
  await store.close();
  const again = await open(t, at);
  assert.deepEqual(await again.keys(''), ['a', 'c']);
  for (const file of fs.readdirSync(path.join(at, 'state'))) assert.equal(fs.statSync(path.join(at, 'state', file)).mode & 0o777, 0o600, file);
});

test('a folder belongs to one process, and the one that has it is named', async (t) => {
  const at = folder(t);
  const store = await open(t, at);
  await assert.rejects(Store.open(at), (error) => error instanceof FolderHeld && error.message.startsWith(`process ${process.pid} uses`));
  await store.close();
  assert.ok(!fs.existsSync(path.join(at, 'lock')));
  fs.writeFileSync(path.join(at, 'lock'), '1'); // left by a kill, and another process has the number now
  await open(t, at);
});

test('credentials and keys come back as they were', async (t) => {
  const store = await open(t);
  const first = await new SessionStore(store, baileys).load();
  first.creds.pairingCode = 'X';
  first.save();
  await first.keys.set({ session: { 'a/../b:1': Buffer.from([1, 2, 3]) }, 'pre-key': { 7: { public: Buffer.from([9]) } } });
  const again = await new SessionStore(store, baileys).load();
  assert.deepEqual(again.creds.noiseKey, first.creds.noiseKey);
  assert.deepEqual(await again.keys.get('session', ['a/../b:1', 'none']), { 'a/../b:1': Buffer.from([1, 2, 3]), none: null });
  await again.keys.set({ 'pre-key': { 7: null } });
  assert.deepEqual(await again.keys.get('pre-key', ['7']), { 7: null });
});

test('credentials that cannot be read are said, and kept', async (t) => {
  const store = await open(t);
  await store.write([['creds', '{"noiseKey":']]);
  await assert.rejects(new SessionStore(store, baileys).load(), UnreadableCredentials);
  assert.ok(store.get('creds'));
});

test('void credentials are put aside, and only the last are kept', async (t) => {
  const store = await open(t);
  const session = new SessionStore(store, baileys);
  for (const pairingCode of ['ONE', 'TWO']) {
    const state = await session.fresh();
    state.creds.pairingCode = pairingCode;
    state.save();
    await state.keys.set({ session: { [pairingCode]: 1 } });
    await session.retire();
    assert.equal(store.get('creds'), undefined);
  }
  assert.deepEqual(await store.keys('key!'), []);
  assert.deepEqual(await store.keys('void!'), ['void!creds', 'void!key!session-TWO']);
});

test('the files of an earlier version are taken over once', async (t) => {
  const at = folder(t);
  fs.mkdirSync(at);
  const creds = baileys.initAuthCreds();
  fs.writeFileSync(path.join(at, 'creds.json'), JSON.stringify(creds, baileys.BufferJSON.replacer));
  fs.writeFileSync(path.join(at, 'sender-key-memory-1%40g.us.json'), '{"x":true}');
  fs.writeFileSync(path.join(at, 'creds.json.tmp'), '{');
  const store = await open(t, at);
  const state = await new SessionStore(store, baileys).load();
  assert.deepEqual(state.creds.noiseKey, creds.noiseKey);
  assert.deepEqual(await state.keys.get('sender-key-memory', ['1@g.us']), { '1@g.us': { x: true } });
  assert.deepEqual(fs.readdirSync(at).sort(), ['lock', 'state']);
  await store.settled();
  assert.equal((await store.keys('key!')).length, 1);
});

test('files that cannot be read are not taken over, and stay', async (t) => {
  const at = folder(t);
  fs.mkdirSync(at);
  fs.writeFileSync(path.join(at, 'creds.json'), '');
  const store = await open(t, at);
  await assert.rejects(new SessionStore(store, baileys).load(), UnreadableCredentials);
  assert.ok(fs.existsSync(path.join(at, 'creds.json')));
});

test('of what is bounded the newest are kept, also after a restart', async (t) => {
  const store = await open(t);
  const recent = await new Recent(store, 'sent', 2).load();
  for (const name of ['a!', 'b', 'c', 'b']) store.write(recent.put(name, `is ${name}`));
  await store.settled();
  const again = await new Recent(store, 'sent', 2).load();
  assert.deepEqual([...again.names()], ['b', 'c']);
  assert.equal(again.get('b'), 'is b');
  assert.equal(again.get('a!'), undefined);
  store.write(again.put('d', 'x'));
  assert.deepEqual([...again.names()], ['c', 'd']);
});

test('two takeovers within ten minutes need the word of the operator', async (t) => {
  const takeovers = new Takeovers(await open(t));
  const minute = 60_000;
  takeovers.add(0);
  assert.equal(takeovers.needsConsent(minute), false);
  takeovers.add(minute);
  assert.equal(takeovers.needsConsent(2 * minute), true);
  assert.equal(takeovers.needsConsent(10.5 * minute), false, 'the first is too long ago');
});
