// The list of messages: bounded, newest first, each message once.

import { DELIVERY, moment, short, visible } from './words.js';

const MOST = 200;
const WAYS = { in: ['↓', 'received'], out: ['↑', 'sent'], out_elsewhere: ['↗', 'sent from another device'] };
const DEEDS = { edit: 'edited a message:', revoke: 'deleted a message', reaction: 'reacted' };

/** An element with a class and a text. Texts are only ever set as texts. */
export function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

export class Feed {
  #list;
  #empty;
  #reply;
  /** By the message: its row, and how far it has come. */
  #rows = new Map();

  /** `reply(to)`: somebody is to be written to. */
  constructor(list, empty, reply) {
    [this.#list, this.#empty, this.#reply] = [list, empty, reply];
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  /** Takes a page of `GET /messages`, newest first, beside what came meanwhile. */
  page(messages) {
    for (const message of messages) {
      if (message.state) this.#further(message);
      if (!this.#rows.has(keyOf(message))) this.#list.append(this.#row(message));
    }
    this.#trim();
  }

  /** A message that came just now. */
  add(message) {
    if (this.#rows.has(keyOf(message))) return;
    this.#list.prepend(this.#row(message));
    this.#trim();
  }

  /** A message of ours got further, or was accepted. */
  status(told) {
    const message = { ...told, direction: 'out', kind: 'text', at: told.queued_at };
    if (told.text !== undefined) this.add(message);
    else this.#further(message);
  }

  #trim() {
    while (this.#list.childElementCount > MOST) {
      this.#rows.delete(this.#list.lastElementChild.dataset.key);
      this.#list.lastElementChild.remove();
    }
    this.#empty.hidden = this.#list.childElementCount > 0;
  }

  #further(message) {
    const row = this.#rows.get(keyOf(message));
    if (!row) return;
    const [mark, word] = DELIVERY[message.state] ?? ['?', message.state];
    row.dataset.state = message.state;
    const shown = row.querySelector('.mark-of');
    shown.textContent = mark;
    shown.title = word;
    row.querySelector('.word-of').textContent = word;
    row.querySelector('.why')?.remove();
    if (message.failure) row.append(element('p', 'why', visible(message.failure.text)));
  }

  #row(message) {
    const { chat, direction, kind, name, from, text, at, target, truncated } = message;
    const row = element('li');
    row.dataset.key = keyOf(message);
    row.dataset.way = direction;
    const [arrow, way] = WAYS[direction] ?? ['•', direction];
    const arrowed = element('span', 'way', arrow);
    arrowed.setAttribute('aria-hidden', 'true');
    const address = chat?.phone ?? chat?.id ?? from ?? '';
    const who = element('button', 'who');
    who.type = 'button';
    who.title = 'Write to this chat';
    who.append(element('span', 'unseen', `${way}, ${direction === 'in' ? 'from' : 'to'} `));
    if (direction === 'in' && name) who.append(element('bdi', '', short(name, 40)), ' ');
    const number = element('bdi', direction === 'in' && name ? 'muted' : '', short(direction === 'in' && chat?.kind === 'person' ? from : address, 60));
    who.append(number);
    who.addEventListener('click', () => this.#reply(address));
    const meta = element('span', 'meta');
    const time = element('time', '', moment(at, new Date()));
    time.dateTime = at;
    meta.append(time);
    if (direction === 'out') meta.append(' ', element('span', 'mark-of'), element('span', 'unseen word-of'));
    const body = element('p', 'body');
    body.dir = 'auto';
    if (DEEDS[kind] || kind !== 'text') body.append(element('span', 'kind', DEEDS[kind] ?? short(kind, 30)), ' ');
    body.append(visible(text) + (truncated ? ' …' : ''));
    if (target && kind === 'reaction' && !text) body.firstChild.textContent = 'took a reaction back';
    row.append(arrowed, who, meta, body);
    this.#rows.set(row.dataset.key, row);
    if (message.state) this.#further(message);
    return row;
  }
}

/** Ids of ours are unique; those of others are within their chat. */
const keyOf = ({ id, chat, direction }) => (direction === 'out' ? `out ${id}` : `${chat?.id} ${id}`);
