import assert from 'node:assert/strict';
import { test } from 'node:test';

import { normalizeMessageContent } from 'baileys';

import { eventOf, fitting, millis } from '../lib/messages.mjs';
import { goldenMessage } from './helpers.mjs';

const ANA = '15551112222@s.whatsapp.net';
const LID = '931025874664848@lid';
const context = { me: '15550009999:3@s.whatsapp.net', normalize: normalizeMessageContent, phoneForLid: async () => undefined };

const CASES = {
  TEXT: { key: { remoteJid: ANA }, message: { conversation: 'Hola' }, messageTimestamp: 1790000000, pushName: 'Ana' },
  LID: { key: { remoteJid: LID, remoteJidAlt: ANA }, message: { extendedTextMessage: { text: 'by LID' } }, messageTimestamp: 1790000000 },
  NUMBERLESS: { key: { remoteJid: LID }, message: { conversation: 'no number' } },
  GROUP: {
    key: { remoteJid: '120363041234567890@g.us', participant: LID, participantAlt: ANA },
    message: { conversation: 'in a group' },
    messageTimestamp: { toNumber: () => 1790000000 },
    pushName: 'Ana',
  },
  STATUS: { key: { remoteJid: 'status@broadcast', participant: ANA }, message: { imageMessage: { caption: 'on holiday' } } },
  NEWS: { key: { remoteJid: '120363000000000000@newsletter' }, message: { conversation: 'news' } },
  MINE: { key: { remoteJid: ANA, fromMe: true }, message: { conversation: 'from my phone' }, pushName: 'Office' },
  REVOKE: { key: { remoteJid: ANA }, message: { protocolMessage: { type: 0, key: { id: 'TEXT', fromMe: true } } } },
  EDIT: { key: { remoteJid: ANA }, message: { protocolMessage: { type: 14, key: { id: 'TEXT', fromMe: true }, editedMessage: { conversation: 'mended' } } } },
  REACTION: { key: { remoteJid: ANA }, message: { reactionMessage: { text: '👍', key: { id: '3EB0C767D26A1B7F0E5A11', fromMe: false } } } },
  VOICE: { key: { remoteJid: ANA }, message: { audioMessage: { ptt: true } } },
  NEW: { key: { remoteJid: ANA }, message: { hologramMessage: { brightness: 7 } } },
};

for (const [id, { key, ...rest }] of Object.entries(CASES)) {
  test(`the message ${id} is told as the protocol has it`, async () => {
    const event = await eventOf({ key: { fromMe: false, id, ...key }, ...rest }, context);
    assert.deepEqual(event, goldenMessage(id));
  });
}

test('a number that only the mapping knows is found', async () => {
  const phoneForLid = async (lid) => (lid === LID ? '15551112222:0@s.whatsapp.net' : undefined);
  const message = { key: { remoteJid: LID, id: 'X', fromMe: false }, message: { conversation: 'x' } };
  const event = await eventOf(message, { ...context, phoneForLid });
  assert.equal(event.from, '+15551112222');
  assert.equal(event.chat.id, ANA);
  assert.equal(event.chat.lid, LID);
});

test('what is wrapped is unwrapped', async () => {
  const inside = { conversation: 'vanishes' };
  const message = { key: { remoteJid: ANA, id: 'X', fromMe: false }, message: { ephemeralMessage: { message: inside } } };
  assert.equal((await eventOf(message, context)).body, 'vanishes');
});

test('what a message is about is told as the account sees it', async () => {
  const GROUP = '120363041234567890@g.us';
  const BEN = '15553334444@s.whatsapp.net';
  const of = async (key, about) => {
    const message = { reactionMessage: { text: '👍', key: { id: 'A', ...about } } };
    const event = await eventOf({ key: { id: 'X', fromMe: false, ...key }, message }, { ...context, meLid: '199900000000001:3@lid' });
    return event.target.fromMe;
  };
  const inGroup = { remoteJid: GROUP, participant: ANA };
  assert.equal(await of({ remoteJid: ANA, fromMe: true }, { fromMe: true }), true, 'the owner, on his phone, about his own');
  assert.equal(await of({ remoteJid: ANA, fromMe: true }, { fromMe: false }), false, 'the owner about hers');
  assert.equal(await of(inGroup, { fromMe: true }), false, 'hers');
  assert.equal(await of(inGroup, { participant: BEN }), false, "somebody else's");
  assert.equal(await of(inGroup, { participant: '15550009999@s.whatsapp.net' }), true, 'ours, by number');
  assert.equal(await of(inGroup, { participant: '199900000000001@lid' }), true, 'ours, by LID');
});

test('what is not for people gives no event', async () => {
  const key = { remoteJid: ANA, id: 'X', fromMe: false };
  assert.equal(await eventOf({ key, message: { protocolMessage: { type: 5 } } }, context), null);
  assert.equal(await eventOf({ key, message: { senderKeyDistributionMessage: {} } }, context), null);
  assert.equal(await eventOf({ key, messageStubType: 2 }, context), null);
  assert.equal(await eventOf({ key: { id: 'X' }, message: { conversation: 'x' } }, context), null);
});

test('times are milliseconds, or absent', () => {
  assert.equal(millis(1790000000), 1790000000000);
  assert.equal(millis({ toNumber: () => 2 }), 2000);
  for (const none of [0, undefined, null, 'x', NaN]) assert.equal(millis(none), undefined);
});

test('a text of any length fits into a line, and a million plain characters are told whole', async () => {
  for (const [character, whole] of [['x', true], ['ñ', false], ['😀', false], ['\u0001', false]]) {
    const text = character.repeat(1_000_000);
    const pushName = 'n'.repeat(100_000);
    const event = await eventOf({ key: { remoteJid: ANA, id: 'LONG' }, message: { conversation: text }, pushName }, context);
    assert.ok(Buffer.byteLength(JSON.stringify(event)) < 1 << 20);
    assert.equal(event.truncated, whole ? undefined : true);
    assert.ok(whole ? event.body === text : event.body.endsWith('…') && text.startsWith(event.body.slice(0, -1)));
    assert.ok(event.body.isWellFormed());
  }
  assert.equal(fitting('hola'), 'hola');
});
