// Ending the link from this side: WhatsApp's server is asked to remove this device from the account.

const ANSWER_WITHIN_MS = 15_000;

export const LOGGED_OUT = 'the account was logged out here, as was asked; connect again to link anew';
export const FORGOTTEN = 'the credentials were removed here without WhatsApp knowing; remove the device on the phone as well';
export const NOT_OPEN = 'WhatsApp can\'t be told of a logout while the connection isn\'t open; try again when it is, or remove the device on the phone';

/**
 * Resolves when the server has removed the device. Rejects when it refuses, does not answer, or the connection ends:
 * what Baileys' own `logout` can't tell apart, since it waits for no answer.
 */
export async function removeDevice(socket) {
  const removal = { tag: 'remove-companion-device', attrs: { jid: socket.user?.id, reason: 'user_initiated' } };
  const iq = { tag: 'iq', attrs: { to: 's.whatsapp.net', type: 'set', xmlns: 'md' }, content: [removal] };
  await socket.query(iq, ANSWER_WITHIN_MS);
}
