import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { Outgoing } from '../lib/outgoing.mjs';
import { golden } from './helpers.mjs';

const TO = '+15551112222';
const ID = '3EB0C767D26A1B7F0E5A11';

let events;
let outgoing;
let written;
let socket;
let kept;
let restrictedUntil;

beforeEach(() => {
  events = [];
  written = [];
  const codec = { make: async (jid, text) => ({ conversation: text }), encode: (content) => btoa(content.conversation), decode: (text) => ({ conversation: atob(text) }) };
  restrictedUntil = undefined;
  outgoing = new Outgoing((event) => events.push(event), codec, async () => restrictedUntil);
  kept = new Map();
  outgoing.setStore({ write: (pairs) => pairs.forEach((pair) => kept.set(...pair)) }, { has: (id) => kept.has(id), get: (id) => kept.get(id), put: (...pair) => [kept.set(...pair) && pair] });
  socket = {
    relayMessage: async (jid, { conversation: text }, { messageId }) => {
      assert.ok(kept.has(messageId), 'what may be asked for again is kept first');
      written.push({ jid, text, messageId });
    },
  };
});

afterEach(() => outgoing.setSocket(null)); // stops the timers of what is open

const send = (command) => outgoing.send({ to: TO, text: 'Hola', messageId: ID, ...command }, () => 'GENERATED');
const settled = async () => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
};

test('bytes written are no answer; the ack is', async () => {
  outgoing.setSocket(socket);
  send();
  await settled();
  assert.deepEqual(written, [{ jid: '15551112222@s.whatsapp.net', text: 'Hola', messageId: ID }]);
  assert.deepEqual(events, []);
  outgoing.acknowledged({ id: ID });
  assert.deepEqual(events, [{ type: 'sent', to: TO, ok: true, messageId: ID }]);
  outgoing.acknowledged({ id: ID });
  assert.equal(events.length, 1, 'a second ack says nothing new');
});

test('a refusal has its code, words, and whether to try again', async () => {
  outgoing.setSocket(socket);
  send();
  await settled();
  restrictedUntil = 1790000600000;
  outgoing.acknowledged({ id: ID, error: '463' });
  await settled();
  const [event] = events;
  assert.equal(event.ok, false);
  assert.equal(event.code, 463);
  assert.equal(event.retryable, false);
  assert.match(event.error, /restricts/);
  assert.equal(event.retryAtMs, restrictedUntil);
  assert.deepEqual(event, golden.find(({ retryAtMs }) => retryAtMs));
});

test('a refusal stays one though the connection ends while WhatsApp is asked for more', async () => {
  restrictedUntil = new Promise(() => {});
  outgoing.setSocket(socket);
  send();
  await settled();
  outgoing.acknowledged({ id: ID, error: '463' });
  outgoing.setSocket(null);
  assert.deepEqual([events[0].code, events[0].retryable], [463, false]);
});

test('no answer for too long is said', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  outgoing.setSocket(socket);
  send();
  await settled();
  t.mock.timers.tick(19_999);
  assert.deepEqual(events, []);
  t.mock.timers.tick(1);
  assert.equal(events[0].code, 408);
  assert.equal(events[0].retryable, true);
});

test('the end of the connection answers what was open', async () => {
  outgoing.setSocket(socket);
  send();
  await settled();
  outgoing.setSocket(null);
  assert.equal(events[0].code, 428);
  assert.equal(events[0].retryable, true);
  send();
  assert.equal(events.length, 2, 'without a connection the answer comes at once');
});

test('the same id twice is written once, and each command is answered', async () => {
  outgoing.setSocket(socket);
  send();
  send();
  await settled();
  assert.equal(written.length, 1);
  outgoing.acknowledged({ id: ID });
  assert.equal(events.length, 2);
});

test('wrong commands are answered with 400 and never written', async () => {
  outgoing.setSocket(socket);
  for (const wrong of [{ to: '0424' }, { to: 7 }, { text: '' }, { text: 7 }, { messageId: 'x y' }, { messageId: 7 }]) send(wrong);
  await settled();
  assert.equal(written.length, 0);
  assert.deepEqual(events.map((event) => event.code), Array(6).fill(400));
});

test('what the library refuses is a failure, with its words', async () => {
  socket.relayMessage = mock.fn(async () => {
    throw new Error('not a jid');
  });
  outgoing.setSocket(socket);
  send();
  await settled();
  assert.equal(events[0].ok, false);
  assert.match(events[0].error, /not a jid/);
});

test('what is asked for again is what was sent, and what is unknown is undefined', async () => {
  outgoing.setSocket(socket);
  send();
  await settled();
  assert.deepEqual(outgoing.content(ID), { conversation: 'Hola' });
  assert.equal(outgoing.content('OTHER'), undefined);
  assert.equal(outgoing.isOurs(ID), true);
});

test('a host without ids gets one made', async () => {
  outgoing.setSocket(socket);
  send({ messageId: undefined });
  await settled();
  assert.equal(written[0].messageId, 'GENERATED');
});

test('what WhatsApp has already is answered and not sent again', async () => {
  outgoing.setSocket(socket);
  send();
  await settled();
  outgoing.acknowledged({ id: ID });
  outgoing.setSocket(null);
  send();
  assert.equal(written.length, 1);
  assert.deepEqual(events, Array(2).fill({ type: 'sent', to: TO, ok: true, messageId: ID }));
  assert.deepEqual(outgoing.content(ID), { conversation: 'Hola' });
});
