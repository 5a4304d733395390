// Who is in a group, for sending to it, and what it is called.
//
// Baileys asks WhatsApp before each message to a group, and WhatsApp answers only so many of these questions. So an
// answer is kept as long as the connection lives and nothing is heard of a change.

import { groupRefusalOf, Refused } from './reasons.mjs';
import { log } from './stdout.mjs';

/** So many subjects are told at most, and so many characters of each: WhatsApp lets people write 100. */
const MAX_SUBJECTS = 1_000;
const MAX_SUBJECT = 100;
/** So many groups are kept: the members of a large one need some 100 KB. */
const MAX_GROUPS = 100;
/** The shortest time between two questions for the subjects of groups in which somebody wrote. */
const ASK_AGAIN_MS = 10_000;

export class Groups {
  #ask;
  /** Group → what sending needs to know of it, the one used last at the end. */
  #known = new Map();
  /** Grows with each change that is told: an answer that was under way then may be older than it. */
  #changes = 0;

  /** `ask(group)` asks WhatsApp, as Baileys' `groupMetadata` does. */
  constructor(ask) {
    this.#ask = ask;
  }

  /** What Baileys wants to know of a group before it sends. Throws `Refused` when WhatsApp doesn't tell. */
  async metadata(group) {
    const changes = this.#changes;
    const known = this.#known.get(group) ?? (await this.#fetch(group));
    if (changes !== this.#changes) return known;
    this.#known.delete(group);
    this.#known.set(group, known);
    if (this.#known.size > MAX_GROUPS) this.#known.delete(this.#known.keys().next().value);
    return known;
  }

  /** Something may be different in this group. */
  forget(group) {
    this.#changes += 1;
    this.#known.delete(group);
  }

  async #fetch(group) {
    try {
      const { id, addressingMode, ephemeralDuration, participants } = await this.#ask(group);
      return { id, addressingMode, ephemeralDuration, participants: participants.map((member) => ({ id: member.id })) };
    } catch (error) {
      // WhatsApp's own number; a connection that ended has none.
      if (Number.isInteger(error?.data)) throw new Refused(groupRefusalOf(error.data));
      throw error;
    }
  }
}

/** The protocol's event for what groups are called, or null when nothing of that is told here. */
export function subjectsOf(groups) {
  const told = groups.filter(({ id, subject }) => typeof id === 'string' && typeof subject === 'string' && subject);
  if (!told.length) return null;
  return { type: 'groups', groups: told.slice(0, MAX_SUBJECTS).map(({ id, subject }) => ({ id, subject: subject.slice(0, MAX_SUBJECT) })) };
}

/** Tells what groups are called. That is good to know, and nothing rests on it. */
export class Subjects {
  #emit;
  /** Groups that were told, or asked for in vain. */
  #known = new Set();
  #asking = false;
  #askedAt = -Infinity;

  constructor(emit) {
    this.#emit = emit;
  }

  tell(groups) {
    const event = subjectsOf(groups);
    if (!event) return;
    for (const { id } of event.groups) this.#know(id);
    this.#emit(event);
  }

  /** Asks for those of all groups, and tells them while `isCurrent()` says that it is this socket's turn. */
  async ask(socket, isCurrent) {
    this.#asking = true;
    try {
      const groups = await askSubjects(socket);
      if (isCurrent()) this.tell(groups);
    } catch (error) {
      log(`what the groups are called could not be had: ${error?.message ?? error}`);
    } finally {
      this.#asking = false;
    }
  }

  /** Somebody wrote in this chat. Asks again when it is a group that is not known: WhatsApp may not have said that it is new. */
  async heard(chat, socket, isCurrent, now = performance.now()) {
    if (!chat?.endsWith('@g.us') || this.#known.has(chat) || this.#asking || now - this.#askedAt < ASK_AGAIN_MS) return;
    this.#askedAt = now;
    this.#know(chat);
    await this.ask(socket, isCurrent);
  }

  #know(group) {
    if (this.#known.size >= 2 * MAX_SUBJECTS) this.#known.clear();
    this.#known.add(group);
  }
}

/** Asks WhatsApp what the groups are called that the account is in; who is in them is left out. */
export async function askSubjects(socket) {
  const answer = await socket.query({
    tag: 'iq',
    attrs: { to: '@g.us', xmlns: 'w:g2', type: 'get' },
    content: [{ tag: 'participating', attrs: {} }],
  });
  const children = (node) => (Array.isArray(node?.content) ? node.content : []);
  const groups = children(answer).find(({ tag }) => tag === 'groups');
  return children(groups).map(({ attrs }) => ({ id: attrs.id?.includes('@') ? attrs.id : `${attrs.id}@g.us`, subject: attrs.subject }));
}
