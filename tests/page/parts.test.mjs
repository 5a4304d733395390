// The parts of the page that need no browser: texts from strangers, and the reading of events.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

/** The files are modules for a browser: Node takes them as such from a `data:` address, whatever their names. */
const load = (name) => {
  const text = fs.readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8');
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
};

const { visible, short, lasting } = await load('words.js');
const { follow } = await load('events.js');

test('what can not be seen, or would turn round what follows, is shown', () => {
  const table = [
    ['Hola\n\t¿qué tal?', 'Hola\n\t¿qué tal?'],
    ['a\r\nb', 'a\nb'],
    ['\u001b[2J\u0007\u0000', '␛[2J␇␀'],
    ['\u007f\u009b', '␡⟨U+009B⟩'],
    ['\u202egpj.exe\u202c', '⟨U+202E⟩gpj.exe⟨U+202C⟩'],
    ['\u2066x\u2069\u200f\u061c', '⟨U+2066⟩x⟨U+2069⟩⟨U+200F⟩⟨U+061C⟩'],
    ['a\u200bb\ufeff\u2028', 'a⟨U+200B⟩b⟨U+FEFF⟩⟨U+2028⟩'],
    ['👩‍👩‍👧 می‌خواهم שלום', '👩‍👩‍👧 می‌خواهم שלום'],
    [`e${'\u0301'.repeat(500)}!`, `e${'\u0301'.repeat(6)}!`],
    [null, ''],
  ];
  for (const [text, shown] of table) assert.equal(visible(text), shown);
  assert.equal(short('a\nb   c'.repeat(50), 5), 'a b c…');
  assert.equal(short('👍'.repeat(5), 5), '👍'.repeat(5));
});

test('a length of time is told in words', () => {
  const table = [[-5, '0 s'], [59_400, '59 s'], [60_000, '1 min'], [90_000, '1 min 30 s'], [3_600_000, '1 h 0 min'], [90_000_000, '1 d 1 h']];
  for (const [ms, words] of table) assert.equal(lasting(ms), words);
});

/** Follows a server that gives these answers, one after the other, and returns what was asked and heard. */
async function followed(t, answers) {
  const [asked, heard] = [[], []];
  const stop = new AbortController();
  const { fetch, setTimeout } = globalThis;
  t.after(() => Object.assign(globalThis, { fetch, setTimeout }));
  // The pauses between two attempts take no time; the long wait for a sign of life does not end.
  globalThis.setTimeout = (then, ms) => (ms < 30_000 ? queueMicrotask(then) : 0);
  globalThis.fetch = async (path, { headers }) => {
    asked.push(headers['Last-Event-ID'] ?? null);
    const answer = answers.shift();
    if (answer === undefined) stop.abort();
    return answer ?? Response.error();
  };
  const say = (word) => (what) => heard.push(what === undefined ? word : [word, what]);
  const on = { open: say('open'), event: (event) => heard.push(event.data), lost: () => heard.push('lost'), refused: () => heard.push('refused') };
  await follow({}, on, stop.signal);
  return { asked, heard };
}

/** A stream whose pieces are single bytes. */
const stream = (text) => {
  const bytes = new TextEncoder().encode(text);
  return new Response(new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  }));
};
const event = (id, data) => `${id ? `id: ${id}\n` : ''}event: x\ndata: ${JSON.stringify({ data })}\n\n`;

test('events are read whatever pieces they come in, and the next attempt says which was the last', async (t) => {
  const first = stream(`: hello\n\n${event(7, 'ñ 👍')}${event(null, 'live')}: \n\n${event(9, 'two')}id: 10\ndata: {"da`);
  const { asked, heard } = await followed(t, [first, new Response('', { status: 503 }), stream(event(10, 'three'))]);
  assert.deepEqual(asked, [null, '9', '9', '10']);
  assert.deepEqual(heard, [['open', true], 'ñ 👍', 'live', 'two', 'lost', 'lost', ['open', false], 'three', 'lost']);
});

test('a token that does not count any more ends it', async (t) => {
  const { asked, heard } = await followed(t, [new Response('', { status: 401 })]);
  assert.deepEqual([asked, heard], [[null], ['refused']]);
});
