// The credentials of the link and the keys of Signal, in files.
//
// Each file is written beside, synced and renamed over the old one, so that a kill at any moment leaves either the old
// or the new content. The folder is 0700, the files 0600. One bridge at a time: a lock file names its process.

import fs from 'node:fs';
import path from 'node:path';

const CREDS = 'creds.json';
const LOCK = 'lock';

/** The stored credentials can't be read. */
export class UnreadableCredentials extends Error {}

/** Another process uses the folder. */
export class FolderHeld extends Error {}

export class SessionStore {
  #folder;
  #baileys;

  constructor(folder, baileys) {
    this.#folder = folder;
    this.#baileys = baileys;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.chmodSync(folder, 0o700);
  }

  /** Takes the folder for this process. Throws `FolderHeld` when a living process has it. */
  lock() {
    const file = path.join(this.#folder, LOCK);
    for (;;) {
      try {
        fs.writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
        return;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = Number(readOrNull(file));
      if (holder === process.pid) return;
      if (holder && isAlive(holder)) {
        throw new FolderHeld(`process ${holder} uses the session folder ${this.#folder}; stop it, or set WA_SESSION_DIR to another folder`);
      }
      fs.rmSync(file, { force: true });
    }
  }

  unlock() {
    const file = path.join(this.#folder, LOCK);
    if (Number(readOrNull(file)) === process.pid) fs.rmSync(file, { force: true });
  }

  /** The stored state, or a fresh one when there is none. Throws `UnreadableCredentials`. */
  load() {
    const stored = readOrNull(path.join(this.#folder, CREDS));
    if (stored === null) return this.fresh();
    let creds;
    try {
      creds = JSON.parse(stored, this.#baileys.BufferJSON.reviver);
    } catch {
      creds = null;
    }
    if (!creds?.noiseKey || !creds?.signedIdentityKey) {
      throw new UnreadableCredentials(
        `the credentials in ${path.join(this.#folder, CREDS)} can't be read; restore the file from a backup, or move it away to link anew`,
      );
    }
    return this.#state(creds);
  }

  /** A state without a link. What an unfinished linking left is removed. */
  fresh() {
    for (const name of this.#files()) fs.rmSync(path.join(this.#folder, name), { force: true });
    return this.#state(this.#baileys.initAuthCreds());
  }

  /** Moves credentials that are void aside; the last ones moved there are kept. */
  retire() {
    const old = fs.readdirSync(this.#folder).filter((name) => name.startsWith('logged-out-'));
    for (const name of old) fs.rmSync(path.join(this.#folder, name), { recursive: true, force: true });
    const aside = path.join(this.#folder, `logged-out-${new Date().toISOString().replace(/[:.]/g, '-')}`);
    fs.mkdirSync(aside, { mode: 0o700 });
    // The credentials go first: without them the keys mean nothing.
    const names = this.#files().sort((a, b) => (b === CREDS) - (a === CREDS));
    for (const name of names) fs.renameSync(path.join(this.#folder, name), path.join(aside, name));
    this.#syncFolder();
  }

  #files() {
    return fs.readdirSync(this.#folder).filter((name) => name.endsWith('.json') || name.endsWith('.tmp'));
  }

  #state(creds) {
    const { BufferJSON, proto } = this.#baileys;
    const fileOf = (type, id) => `${type}-${encodeURIComponent(id)}.json`;
    const keys = {
      get: async (type, ids) => {
        const found = {};
        for (const id of ids) {
          const stored = readOrNull(path.join(this.#folder, fileOf(type, id)));
          let value = null;
          try {
            if (stored !== null) value = JSON.parse(stored, BufferJSON.reviver);
          } catch {
            value = null;
          }
          if (value && type === 'app-state-sync-key') value = proto.Message.AppStateSyncKeyData.fromObject(value);
          found[id] = value;
        }
        return found;
      },
      set: async (data) => {
        for (const [type, entries] of Object.entries(data)) {
          for (const [id, value] of Object.entries(entries)) {
            if (value) this.#write(fileOf(type, id), JSON.stringify(value, BufferJSON.replacer));
            else fs.rmSync(path.join(this.#folder, fileOf(type, id)), { force: true });
          }
        }
        this.#syncFolder();
      },
    };
    const save = () => {
      this.#write(CREDS, JSON.stringify(creds, BufferJSON.replacer));
      this.#syncFolder();
    };
    return { creds, keys, save };
  }

  #write(name, text) {
    const file = path.join(this.#folder, name);
    const beside = `${file}.tmp`;
    const handle = fs.openSync(beside, 'w', 0o600);
    try {
      fs.writeSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(beside, file);
  }

  #syncFolder() {
    const handle = fs.openSync(this.#folder, 'r');
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  }
}

function readOrNull(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
