// A session of Signal that can't read a message stays as it was.
//
// A contact may have several sessions: both sides began one at the same time, or one was begun anew. The npm libsignal
// tries a message with each of them, the one used last first, and steps its ratchet before the message's authentication
// code shows whether it is the right one. When another one reads the message, all are stored: the one in use has lost
// its place, and from then on neither side can read the other ("Bad MAC"). The libraries of Signal try on a copy.

import { createRequire } from 'node:module';

const { SessionCipher } = createRequire(import.meta.resolve('baileys'))('libsignal');
const decrypt = SessionCipher.prototype.doDecryptWhisperMessage;

/** Makes libsignal put a session back after an attempt that failed. */
export function keepSessionsWhole() {
  SessionCipher.prototype.doDecryptWhisperMessage = async function decryptOrPutBack(bytes, session) {
    const before = session?.serialize();
    try {
      return await decrypt.call(this, bytes, session);
    } catch (error) {
      if (session) Object.assign(session, session.constructor.deserialize(before));
      throw error;
    }
  };
}
