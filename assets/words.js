// Words for what the API tells, and texts from strangers made harmless. Nothing here touches the page.

/** Characters that are not seen, or turn round what follows. Joiners stay: emoji and some scripts need them. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
/** More marks on one letter than any language has. */
const HEAPED = /(\p{M}{6})\p{M}+/gu;

/** A text as it is shown: what can't be seen, and what would hide or turn round something else, is shown as its number. */
export function visible(text) {
  const named = (c) => {
    const code = c.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '\u2421' : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
  };
  return String(text ?? '').replace(/\r\n/g, '\n').replace(HIDDEN, named).replace(HEAPED, '$1');
}

/** The same on one line, and not long. */
export function short(text, most = 80) {
  const line = [...visible(text).replace(/\s+/g, ' ').trim()];
  return line.length > most ? `${line.slice(0, most).join('')}…` : line.join('');
}

const STATES = {
  open: ['Connected', 'good'],
  unverified: ['Connected, not proven', 'warn'],
  connecting: ['Connecting …', 'busy'],
  linking: ['Waiting to be linked', 'busy'],
  passkey: ['Waiting for the passkey', 'busy'],
  closed: ['Disconnected', 'bad'],
  logged_out: ['Logged out', 'bad'],
  down: ['Not running', 'bad'],
};

/** The name of the connection's state, and its tone. */
export function stateOf({ connection, bridge }) {
  if (connection.state === 'down' && bridge.state === 'installing') return ['Setting up the bridge …', 'busy'];
  if (connection.state === 'down' && bridge.state === 'backing_off') return ['Starting the bridge again …', 'busy'];
  return STATES[connection.state] ?? [connection.state, 'warn'];
}

/** How far a message of ours has come: a mark, and the word for it. */
export const DELIVERY = {
  queued: ['…', 'waits'],
  dispatched: ['›', 'given to the bridge'],
  sent: ['✓', 'taken by WhatsApp'],
  delivered: ['✓✓', 'delivered'],
  read: ['◉', 'read'],
  played: ['◉', 'played'],
  failed: ['✗', 'failed'],
  expired: ['✗', 'not sent in time'],
  cancelled: ['✗', 'taken back'],
};

/** A length of time. */
export function lasting(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 && s % 60 ? ` ${s % 60} s` : ''}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** The time of day, and the day when it isn't today. */
export function moment(at, now) {
  const time = new Date(at);
  const today = DAY.format(time) === DAY.format(now);
  return today ? TIME.format(time) : `${DAY.format(time)}, ${TIME.format(time)}`;
}

/** A size in memory. */
export const size = (bytes) => (bytes ? `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB` : '–');

/** What is shown of the figures: name and value. */
export function figures({ counters, queue, bridge, host, uptime_seconds: uptime }) {
  const ms = (micros) => (micros === 0 ? '–' : micros < 1000 ? `${micros} µs` : `${(micros / 1000).toFixed(micros < 10_000 ? 1 : 0)} ms`);
  return [
    ['Received', counters.messages_received],
    ['Sent', counters.messages_sent],
    ['Delivered', counters.messages_delivered],
    ['Read', counters.messages_read],
    ['Failed', counters.messages_failed + counters.messages_expired],
    ['Waiting', queue],
    ['Bridge restarts', bridge.restarts],
    ['Memory', size(host.rss_bytes)],
    ['Bridge memory', size(bridge.rss_bytes)],
    ['API median', ms(host.api.p50_micros)],
    ['API p99', ms(host.api.p99_micros)],
    ['Up for', lasting(uptime * 1000)],
  ].map(([name, value]) => [name, typeof value === 'number' ? value.toLocaleString() : value]);
}
