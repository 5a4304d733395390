// The embedded store: every piece of state that outlives the bridge, in one LevelDB.
//
// * What is written together is on disk together or not at all, and in the order in which it was written: a kill at any
//   moment leaves the state after some write, whole.
// * Reads see what was written at once; what must wait for the disk waits for the promise of `write`, or for `settled`.
// * Batches grow by themselves while the one before is synced: a burst doesn't cost a sync for each write.
// * A write that fails is the end: `onFailure` is told, and no promise of it or of a later one is ever resolved.

import fs from 'node:fs';
import path from 'node:path';

import { ClassicLevel } from 'classic-level';

const DATABASE = 'state';
const HOLDER = 'lock';
/** Sorts after every character of a key. */
const LAST = '\uffff';

/** Another process uses the folder. */
export class FolderHeld extends Error {}

/** The files of the store are damaged. */
export class Damaged extends Error {}

export class Store {
  #folder;
  #database;
  #onFailure;
  /** What is not on disk yet: key → value, or null for what is removed. */
  #fresh = new Map();
  #queued = [];
  /** The promise for what is queued, and for what is being synced. */
  #next = null;
  #current = null;
  #failed = false;
  #closed = false;

  constructor(folder, database, onFailure) {
    this.#folder = folder;
    this.#database = database;
    this.#onFailure = onFailure;
  }

  /** Takes the folder for this process and opens what is in it. Throws `FolderHeld` or `Damaged`. */
  static async open(folder, onFailure = (error) => { throw error; }) {
    process.umask(0o077); // LevelDB's files are for nobody else
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.chmodSync(folder, 0o700);
    const holder = path.join(folder, HOLDER);
    const database = new ClassicLevel(path.join(folder, DATABASE));
    try {
      await database.open();
    } catch (error) {
      // The system's own lock decides: it ends with its process, however that ends. The file beside only names it.
      if (error.cause?.code === 'LEVEL_LOCKED') throw new FolderHeld(held(folder, readOrNull(holder)));
      throw new Damaged(`the state in ${path.join(folder, DATABASE)} can't be opened: ${error.cause?.message ?? error.message}`);
    }
    fs.writeFileSync(holder, String(process.pid), { mode: 0o600 });
    return new Store(folder, database, onFailure);
  }

  get folder() {
    return this.#folder;
  }

  /** The value as it was written last, or undefined. */
  get(key) {
    if (this.#fresh.has(key)) return this.#fresh.get(key) ?? undefined;
    return this.#database.getSync(key);
  }

  /** The keys that begin like this, in order, as far as they are on disk. */
  keys(prefix) {
    return this.#database.keys({ gte: prefix, lt: prefix + LAST }).all();
  }

  /** Keys and values that begin like this, in order, as far as they are on disk. */
  entries(prefix) {
    return this.#database.iterator({ gte: prefix, lt: prefix + LAST });
  }

  /** Writes [key, value] pairs; null removes. Resolves when they are on disk. */
  write(pairs) {
    if (!pairs.length) return this.settled();
    if (this.#closed) return new Promise(() => {}); // what comes too late never was
    for (const pair of pairs) {
      this.#queued.push(pair);
      this.#fresh.set(pair[0], pair[1]);
    }
    this.#next ??= resolvers();
    if (!this.#current) queueMicrotask(() => this.#sync());
    return this.#next.promise;
  }

  /** Everything is on disk. */
  get idle() {
    return !this.#next && !this.#current;
  }

  /** Resolves when everything that was written so far is on disk. */
  settled() {
    return (this.#next ?? this.#current)?.promise ?? Promise.resolve();
  }

  /** Lets the folder go after what was written is on disk. */
  async close() {
    this.#closed = true;
    await this.settled();
    await this.#database.close();
    fs.rmSync(path.join(this.#folder, HOLDER), { force: true });
  }

  async #sync() {
    if (this.#current || this.#failed) return;
    while (this.#next) {
      const pairs = this.#queued;
      this.#current = this.#next;
      this.#queued = [];
      this.#next = null;
      const batch = pairs.map(([key, value]) => (value === null ? { type: 'del', key } : { type: 'put', key, value }));
      try {
        await this.#database.batch(batch, { sync: true });
      } catch (error) {
        this.#failed = true;
        this.#onFailure(error);
        return;
      }
      const newer = new Set(this.#queued.map(([key]) => key));
      for (const [key] of pairs) if (!newer.has(key)) this.#fresh.delete(key);
      const done = this.#current;
      this.#current = null;
      done.resolve();
    }
  }
}

function resolvers() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}

const held = (folder, pid) =>
  `${pid ? `process ${pid}` : 'another process'} uses the session folder ${folder}; stop it, or set WA_SESSION_DIR to another folder`;

export function readOrNull(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
