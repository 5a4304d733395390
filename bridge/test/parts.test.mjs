import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { bare, chatKind, isE164, jidOf, phoneOf } from '../lib/ids.mjs';
import { LineReader } from '../lib/lines.mjs';
import { reasonOf, refusalOf } from '../lib/reasons.mjs';
import { receiptEvents } from '../lib/receipts.mjs';
import { logger, redact } from '../lib/stdout.mjs';
import { golden } from './helpers.mjs';

test('a warning of what is meant to be so is not logged, and others are', () => {
  const [lines, write] = [[], process.stderr.write];
  process.stderr.write = (text) => lines.push(text);
  try {
    logger.warn('⚠️ DANGER: DISABLING ALL SYNC BY shouldSyncHistoryMsg PREVENTS BAILEYS FROM …');
    logger.warn({}, 'something else');
  } finally {
    process.stderr.write = write;
  }
  assert.deepEqual(lines, ['[bridge] something else\n']);
});

test('what libraries say of what they do is a detail, trouble is not, and neither holds keys', async () => {
  const script = `
    import { takeStdout } from ${JSON.stringify(new URL('../lib/stdout.mjs', import.meta.url).href)};
    takeStdout();
    const session = { currentRatchet: { rootKey: Buffer.from('secret') } };
    console.info('Closing session:', session);
    console.info('Closing session: ' + 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ');
    console.warn('Session already closed', session);
    console.warn('Closing open session in favor of incoming prekey bundle');
    console.warn('Decrypted message with closed session.');
    console.error('Session error:Error: Bad MAC', 'at x');
    console.warn('Unhandled bucket type (for naming):', 'number', 7);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    '[bridge] debug: Closing session:',
    '[bridge] debug: Closing session: [redacted]',
    '[bridge] debug: Session already closed',
    '[bridge] debug: Closing open session in favor of incoming prekey bundle',
    '[bridge] debug: Decrypted message with closed session.',
    '[bridge] Session error:Error: Bad MAC at x',
    '[bridge] Unhandled bucket type (for naming): number 7',
  ]);
});

test('numbers are E.164 or refused', () => {
  for (const good of ['+584244370180', '+1234567', '+123456789012345']) assert.ok(isE164(good), good);
  for (const bad of ['584244370180', '+0424', '+123456', '+1234567890123456', '+58 424', '+58a', '', null, 7]) assert.ok(!isE164(bad), bad);
});

test('jids are made, stripped and told apart', () => {
  assert.equal(jidOf('+584244370180'), '584244370180@s.whatsapp.net');
  assert.equal(jidOf('120363041234567890@g.us'), '120363041234567890@g.us');
  for (const bad of ['x@s.whatsapp.net', '1@evil.example', 'status@broadcast', '']) assert.equal(jidOf(bad), null);
  assert.equal(bare('15551112222:7@s.whatsapp.net'), '15551112222@s.whatsapp.net');
  assert.equal(bare('15551112222_1:7@c.us'), '15551112222@s.whatsapp.net');
  assert.equal(phoneOf('931025874664848@lid'), undefined);
  const kinds = { 'status@broadcast': 'status', '1@broadcast': 'broadcast', '1@lid': 'person', '1@newsletter': 'newsletter', '1@bot': 'other', x: 'other' };
  for (const [jid, kind] of Object.entries(kinds)) assert.equal(chatKind(jid), kind);
});

test('lines come whole, whatever the chunks, and too long ones are told and skipped', () => {
  const lines = [];
  const reader = new LineReader({ onLine: (line) => lines.push(line), onTooLong: (n) => lines.push(n), max: 10 });
  const text = Buffer.from('añb\n\nxyz\n12345678901\nend\n');
  for (const byte of text) reader.push(Buffer.from([byte]));
  assert.deepEqual(lines, ['añb', 'xyz', 11, 'end']);
});

test('each end of a connection has a class, and only some are tried again', () => {
  const of = (code, context = { linked: true, offered: false }) => {
    const { reason, retry } = reasonOf({ output: { statusCode: code } }, context);
    return [reason.class, retry];
  };
  assert.deepEqual(of(515), ['restart_required', true]);
  assert.deepEqual(of(428), ['connection_lost', true]);
  assert.deepEqual(of(408), ['connection_lost', true]);
  assert.deepEqual(of(503), ['unavailable', true]);
  assert.deepEqual(of(401), ['logged_out', false]);
  assert.deepEqual(of(403), ['banned', false]);
  assert.deepEqual(of(440), ['replaced', false]);
  assert.deepEqual(of(405), ['outdated', false]);
  assert.deepEqual(of(411), ['outdated', false]);
  assert.deepEqual(of(500), ['bad_session', false]);
  assert.deepEqual(of(418), ['other', true]);
  assert.deepEqual(of(undefined), ['other', true]);
  assert.deepEqual(of(408, { linked: false, offered: true }), ['link_expired', true]);
  assert.deepEqual(of(401, { linked: false, offered: true }), ['link_expired', true]);
});

test('refusals that may be tried again are marked', () => {
  for (const code of [408, 428, 500, 503]) assert.equal(refusalOf(code).retryable, true, code);
  for (const code of [400, 403, 463, 479, 999, NaN]) assert.equal(refusalOf(code).retryable, false, code);
});

test('a receipt is about each message that it names', () => {
  const node = { attrs: { id: 'A', type: 'read', t: '1790000000' }, content: [{ tag: 'list', content: [{ attrs: { id: 'B' } }] }] };
  assert.deepEqual(receiptEvents(node), [
    { type: 'receipt', messageId: 'A', status: 'read', timestampMs: 1790000000000 },
    { type: 'receipt', messageId: 'B', status: 'read', timestampMs: 1790000000000 },
  ]);
  const one = receiptEvents({ attrs: { id: '3EB0C767D26A1B7F0E5A11', t: '1790000000' } });
  assert.deepEqual(one, golden.filter((event) => event.type === 'receipt').slice(0, 1));
  assert.deepEqual(receiptEvents({ attrs: { id: 'A', type: 'retry' } }), []);
  const inGroup = [{ tag: 'participants', attrs: { key: 'C' }, content: [{ tag: 'user', attrs: { jid: '2@lid', t: '1790000000' } }] }];
  assert.deepEqual(receiptEvents({ attrs: { id: 'X' }, content: inGroup }), [{ type: 'receipt', messageId: 'C', status: 'delivered' }]);
});

test('what looks like a key is not printed', () => {
  const key = Buffer.alloc(32, 7).toString('base64').replace('B', '8');
  assert.equal(redact(`privKey: ${key}`), 'privKey: [redacted]');
  assert.equal(redact('<Buffer 05 a1 b2>'), '[redacted]');
  assert.equal(redact('5, 161, 178, 99, 12, 13, 14, 15, 16, 17'), '[redacted]');
  assert.equal(redact('the connection to WhatsApp was lost'), 'the connection to WhatsApp was lost');
  assert.ok(!redact('\u001b[31m').includes('\u001b'));
});
