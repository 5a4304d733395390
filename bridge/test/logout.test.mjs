import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as baileys from 'baileys';

import { removeDevice } from '../lib/logout.mjs';
import { SessionStore } from '../lib/session-store.mjs';
import { Store } from '../lib/store.mjs';
import { folder } from './helpers.mjs';

test('the server is asked to remove this very device, and its answer is waited for', async () => {
  const asked = [];
  const socket = (answer) => ({
    user: { id: '15550009999:7@s.whatsapp.net' },
    query: async (iq, timeoutMs) => {
      asked.push([iq, timeoutMs]);
      return answer();
    },
  });
  await removeDevice(socket(() => ({})));
  const [[{ tag, attrs, content }, timeoutMs]] = asked;
  assert.deepEqual([tag, attrs], ['iq', { to: 's.whatsapp.net', type: 'set', xmlns: 'md' }]);
  assert.deepEqual(content, [{ tag: 'remove-companion-device', attrs: { jid: '15550009999:7@s.whatsapp.net', reason: 'user_initiated' } }]);
  assert.ok(timeoutMs > 0);
  await assert.rejects(removeDevice(socket(() => { throw new Error('item-not-found'); })), /item-not-found/);
});

test('what is forgotten is gone from the disk', async (t) => {
  const store = await Store.open(folder(t));
  t.after(() => store.close().catch(() => {}));
  const session = new SessionStore(store, baileys);
  const state = await session.load();
  state.save();
  await state.keys.set({ session: { 'a:1': Buffer.from([1]) } });
  await store.write([['sent!x', 'acked']]);
  await session.forget();
  assert.equal(store.get('creds'), undefined);
  assert.deepEqual(await store.keys(''), ['sent!x'], 'what was sent is known still');
});
