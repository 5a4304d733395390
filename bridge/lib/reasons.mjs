// Why a connection ended: WhatsApp's number, a class, words, and whether to try again.

const TEXTS = {
  restart_required: 'WhatsApp asked for a new connection, as it does after linking',
  connection_lost: 'the connection to WhatsApp was lost',
  unavailable: 'WhatsApp is not available at present',
  link_expired: 'nobody scanned the QR or typed the code in time',
  logged_out: 'the phone ended the link; connect again to link anew',
  banned: 'WhatsApp has banned this number; see WhatsApp on the phone',
  replaced: 'another program took this link over; end it, then connect again',
  outdated: 'WhatsApp refuses this version of the bridge; update it',
  bad_session: 'WhatsApp refuses the stored session; connect again, and link anew when it stays',
};

const CLASSES = {
  515: 'restart_required',
  408: 'connection_lost',
  428: 'connection_lost',
  503: 'unavailable',
  401: 'logged_out',
  403: 'banned',
  440: 'replaced',
  405: 'outdated',
  411: 'outdated',
  500: 'bad_session',
};

const RETRIED = new Set(['restart_required', 'connection_lost', 'unavailable', 'link_expired', 'other']);

/** The reason for the end of a connection. `linked`: an account was linked. `offered`: a QR or code was shown. */
export function reasonOf(error, { linked, offered }) {
  const code = error?.output?.statusCode;
  let name = CLASSES[code] ?? 'other';
  if (!linked && offered && code === 408) name = 'link_expired';
  // Without a link there is nothing to be logged out of: an unfinished linking by code ends like this.
  if (!linked && name === 'logged_out') name = 'link_expired';
  const text = TEXTS[name] ?? `the connection ended: ${error?.message ?? 'no reason was given'}`;
  return { reason: { class: name, ...(Number.isInteger(code) && { code }), text }, retry: RETRIED.has(name) };
}

const REFUSALS = {
  400: 'WhatsApp finds the message malformed',
  403: 'WhatsApp forbids sending to this chat',
  404: 'WhatsApp does not know the recipient',
  406: 'WhatsApp does not accept this message',
  408: "WhatsApp's server did not answer in time",
  421: "WhatsApp does not accept the message's addressing",
  428: 'the connection ended before WhatsApp answered',
  429: 'too many messages in a short time; send more slowly',
  463: 'WhatsApp restricts this account: it may not start new chats for some time',
  475: 'WhatsApp wants a newer version of the bridge',
  479: 'WhatsApp refuses the message for this recipient; it may have been sent to an old device list',
  500: 'WhatsApp had an internal error',
  503: 'WhatsApp is not available at present',
};

const RETRYABLE_REFUSALS = new Set([408, 428, 500, 503]);

/** The words for the server's refusal of a message, and whether the same message may be given again. */
export function refusalOf(code) {
  const known = Number.isInteger(code) ? { code } : {};
  return { ...known, error: REFUSALS[code] ?? `WhatsApp refused the message (${code})`, retryable: RETRYABLE_REFUSALS.has(code) };
}

const GROUP_REFUSALS = {
  401: 'this account is not in the group; have a member add it, then send again',
  403: 'this account is not in the group; have a member add it, then send again',
  404: 'WhatsApp knows no such group; see whether the id is right and the group still exists',
};

/** The same for the server's refusal to say who is in a group, without which nothing can be sent to it. */
export function groupRefusalOf(code) {
  const refusal = refusalOf(code);
  return { ...refusal, error: GROUP_REFUSALS[code] ?? `WhatsApp does not tell who is in the group: ${refusal.error}` };
}

/** What can't be sent, with the words for it. */
export class Refused extends Error {
  constructor(refusal) {
    super(refusal.error);
    this.refusal = refusal;
  }
}
