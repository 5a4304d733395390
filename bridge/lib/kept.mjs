// Everything that the bridge keeps on disk, opened together: one store, and what is in it.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import * as baileys from 'baileys';

import { EventLog } from './event-log.mjs';
import { INCOMING, Inbox } from './inbox.mjs';
import { Recent } from './recent.mjs';
import { SessionStore } from './session-store.mjs';
import { FolderHeld, Store } from './store.mjs';
import { Takeovers } from './takeovers.mjs';

const LOCK_TRIES = 50;
const LOCK_PAUSE_MS = 100;
/** So many of our own contents are kept, for phones that ask again. */
const SENT_KEPT = 10_000;

export class Kept {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Opens it. Throws `FolderHeld` or `Damaged`. */
  static async open(emit, { isOurs, onFailure, onFull, onRoom }) {
    const beside = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'sessions-bridge');
    const store = await openWithin(process.env.WA_SESSION_DIR || beside, onFailure);
    const maxEvents = Number(process.env.WA_UNACKNOWLEDGED_MAX);
    const log = new EventLog(store, emit, { ...(maxEvents > 0 && { maxEvents }), onFull, onRoom });
    const sent = await new Recent(store, 'sent', SENT_KEPT).load();
    const inbox = await new Inbox(baileys, log, store, isOurs).load();
    const session = new SessionStore(store, baileys, { [INCOMING]: (entries) => inbox.write(entries) });
    return new Kept({ store, log, sent, inbox, session, takeovers: new Takeovers(store) });
  }
}

async function openWithin(folder, onFailure) {
  for (let left = LOCK_TRIES; ; left -= 1) {
    try {
      return await Store.open(folder, onFailure);
    } catch (error) {
      // The bridge of a host that was killed is on its way out: it is given some time.
      if (!(error instanceof FolderHeld) || left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    }
  }
}
