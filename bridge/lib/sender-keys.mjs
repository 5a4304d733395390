// The key that we write in a group with, and who has it.
//
// Baileys gives it to each device once and notes so before WhatsApp has said that it took the message. And it writes
// with the same key for ever, also when somebody who has it is put out of the group.

/** Changes after which somebody has the key who is not in the group any more. */
const LEFT = new Set(['remove', 'leave', 'modify']);

/** Whether a notification about a group says that somebody went. */
export function somebodyLeft({ content }) {
  return Array.isArray(content) && content.some(({ tag }) => LEFT.has(tag));
}

/** Everybody in the group gets our key with the next message, whoever may have it already. */
export async function giveKeyAgain({ authState: { keys } }, group) {
  await keys.set({ 'sender-key-memory': { [group]: null } });
}

/** The next message goes out with a new key. */
export async function renewKey({ authState: { creds, keys }, signalRepository }, group) {
  // We write by our LID in some groups and by our number in others.
  const addresses = [creds.me?.lid, creds.me?.id].filter(Boolean).map((jid) => signalRepository.jidToSignalProtocolAddress(jid));
  const names = addresses.map((address) => `${group}::${address.replace(/\.(\d+)$/, '::$1')}`);
  await keys.transaction(async () => {
    await keys.set({ 'sender-key': Object.fromEntries(names.map((name) => [name, null])), 'sender-key-memory': { [group]: null } });
  }, group);
}
