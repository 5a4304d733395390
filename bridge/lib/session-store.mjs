// The credentials of the link and the keys of Signal, in the store.

import fs from 'node:fs';
import path from 'node:path';

import { readOrNull } from './store.mjs';

const CREDS = 'creds';
const KEY = 'key!';
const VOID = 'void!';

/** The stored credentials can't be read. */
export class UnreadableCredentials extends Error {}

export class SessionStore {
  #store;
  #baileys;
  #extra;

  /** `extra`: for a type of key that isn't Baileys', what to write for its entries, and how: see `set`. */
  constructor(store, baileys, extra = {}) {
    this.#store = store;
    this.#baileys = baileys;
    this.#extra = extra;
  }

  /** The stored state, or a fresh one when there is none. Throws `UnreadableCredentials`. */
  async load() {
    await this.#importFiles();
    const stored = this.#store.get(CREDS);
    if (stored === undefined) return this.#state(this.#baileys.initAuthCreds());
    return this.#state(this.#read(stored, path.join(this.#store.folder, 'state')));
  }

  /** A state without a link. What an unfinished linking left is removed. */
  async fresh() {
    await this.forget();
    return this.#state(this.#baileys.initAuthCreds());
  }

  /** Removes the credentials and all keys. */
  async forget() {
    const keys = await this.#keys();
    await this.#store.write([[CREDS, null], ...keys.map((key) => [key, null])]);
  }

  /** Puts credentials that are void aside; the last ones put there are kept. */
  async retire() {
    await this.#store.settled();
    const old = await this.#store.keys(VOID);
    const names = [CREDS, ...(await this.#keys())];
    const pairs = names.map((key) => [key, this.#store.get(key)]).filter(([, value]) => value !== undefined);
    await this.#store.write([
      ...old.map((key) => [key, null]),
      ...pairs.map(([key, value]) => [VOID + key, value]),
      ...pairs.map(([key]) => [key, null]),
    ]);
  }

  async #keys() {
    await this.#store.settled();
    return this.#store.keys(KEY);
  }

  #read(text, where) {
    let creds;
    try {
      creds = JSON.parse(text, this.#baileys.BufferJSON.reviver);
    } catch {
      creds = null;
    }
    if (creds?.noiseKey && creds?.signedIdentityKey) return creds;
    throw new UnreadableCredentials(
      `the credentials in ${where} can't be read; restore them from a backup, or move them away to link anew`,
    );
  }

  /** Earlier versions kept a file for each key: they are taken over once, and removed when they are in the store. */
  async #importFiles() {
    const { folder } = this.#store;
    const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json') || name.endsWith('.json.tmp'));
    if (!names.length) return;
    const creds = readOrNull(path.join(folder, 'creds.json'));
    if (creds !== null && this.#store.get(CREDS) === undefined) {
      this.#read(creds, path.join(folder, 'creds.json'));
      const keys = names.filter((name) => name.endsWith('.json') && name !== 'creds.json');
      await this.#store.write([
        [CREDS, creds],
        ...keys.map((name) => [KEY + name.slice(0, -'.json'.length), fs.readFileSync(path.join(folder, name), 'utf8')]),
      ]);
    }
    for (const name of names) fs.rmSync(path.join(folder, name), { force: true });
  }

  #state(creds) {
    const { BufferJSON, proto } = this.#baileys;
    const keyOf = (type, id) => `${KEY}${type}-${encodeURIComponent(id)}`;
    const keys = {
      get: async (type, ids) => {
        const found = {};
        for (const id of ids) {
          const stored = this.#store.get(keyOf(type, id));
          let value = null;
          try {
            if (stored !== undefined) value = JSON.parse(stored, BufferJSON.reviver);
          } catch {
            value = null;
          }
          if (value && type === 'app-state-sync-key') value = proto.Message.AppStateSyncKeyData.fromObject(value);
          found[id] = value;
        }
        return found;
      },
      // Doesn't wait for the disk: nothing leaves the bridge before what it rests on is there (see Gate).
      set: async (data) => {
        const pairs = [];
        let write = (all) => this.#store.write(all);
        for (const [type, entries] of Object.entries(data)) {
          if (this.#extra[type]) write = this.#extra[type](entries);
          else for (const [id, value] of Object.entries(entries)) pairs.push([keyOf(type, id), value ? JSON.stringify(value, BufferJSON.replacer) : null]);
        }
        write(pairs);
      },
    };
    const save = () => this.#store.write([[CREDS, JSON.stringify(creds, BufferJSON.replacer)]]);
    return { creds, keys, save };
  }
}
