// Baileys' socket, set up as a gateway needs it.

import * as baileys from 'baileys';
import libraryLogger from 'baileys/lib/Utils/logger.js';

import { logger } from './stdout.mjs';

/** What the phone lists this device as. */
export const BROWSER = baileys.Browsers.ubuntu('Chrome');
/** Longer than any attempt: the QRs change by our own clock. */
const NEVER_MS = 2 ** 31 - 1;

// Baileys' own logger writes to the file of stdout, past everything: it must stay silent.
libraryLogger.level = 'silent';

/** Connects. `state` has the credentials, `groups` who is in a group, and `content(id)` what a message of ours says. */
export function openSocket({ state: { creds, keys }, makeSignalRepository, groups, content }) {
  return baileys.makeWASocket({
    auth: { creds, keys },
    makeSignalRepository,
    logger,
    browser: BROWSER,
    qrTimeout: NEVER_MS,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    // While Baileys waits for the phone's history, up to 20 s, it holds new messages back although it has confirmed
    // them to WhatsApp already. History isn't shown here: so there is nothing to wait for.
    shouldSyncHistoryMessage: () => false,
    generateHighQualityLinkPreview: false,
    cachedGroupMetadata: (group) => groups.metadata(group),
    getMessage: async ({ id }) => content(id),
    ...(process.env.WA_WEBSOCKET_URL && { waWebSocketUrl: process.env.WA_WEBSOCKET_URL }),
  });
}

/** Asks the server something: the answer comes as a frame. */
export function probe(socket, timeoutMs) {
  const ping = { tag: 'iq', attrs: { to: 's.whatsapp.net', type: 'get', xmlns: 'w:p' }, content: [{ tag: 'ping', attrs: {} }] };
  socket?.query(ping, timeoutMs).catch(() => {});
}
