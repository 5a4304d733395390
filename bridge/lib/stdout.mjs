// Owns stdout: only protocol lines get there. What libraries print goes to stderr, without whatever looks like a key.
//
// Writing to a pipe is synchronous in Node on Unix: a host that does not read holds the bridge up instead of filling
// its memory, lines stay in order, and none is lost at the exit.

const CONSOLE_METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table', 'group', 'groupCollapsed', 'assert'];
const MAX_LOG_CHARS = 2000;

/** Stands before what only somebody who looks for it wants to read: the host logs it as `DEBUG`. */
const DEBUG = 'debug: ';

/** By these libraries tell of trouble, by the others of what they do. */
const TELLING = new Set(['warn', 'error', 'assert', 'trace']);

/** What libsignal warns of many times a second while all is well: each session is replaced by newer ones all the time. */
const OFTEN = /^(Session already (closed|open)|Closing (open|stale) |Decrypted message with closed session)/;

/** Takes stdout and the console over. Returns the function that emits a protocol event. */
export function takeStdout() {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.on('error', () => process.exit(0)); // the host is gone
  process.stderr.on('error', () => {});
  process.stdout.write = (chunk, encoding, callback) => {
    log(typeof chunk === 'string' ? chunk : '(bytes)');
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
  for (const method of CONSOLE_METHODS) {
    console[method] = (...args) => {
      const text = args.filter((arg) => typeof arg !== 'object').map(String).join(' ');
      log(TELLING.has(method) && !OFTEN.test(text) ? text : `${DEBUG}${text}`);
    };
  }
  return (event) => {
    write(`${JSON.stringify(event)}\n`);
  };
}

/** Writes a line for people to stderr. */
export function log(text) {
  const line = redact(text).replace(/\s+/g, ' ').trim().slice(0, MAX_LOG_CHARS);
  if (line) process.stderr.write(`[bridge] ${line}\n`);
}

/** The text without runs of characters that look like keys, and without control characters other than white space. */
export function redact(text) {
  return String(text)
    .replace(/<Buffer [^>]*>/g, '[redacted]')
    .replace(/[A-Za-z0-9+/=_-]{24,}/g, (run) => (/\d/.test(run) && /[A-Za-z]/.test(run) ? '[redacted]' : run))
    .replace(/(\b\d{1,3}\s*,\s*){8,}\d{1,3}/g, '[redacted]')
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** What Baileys warns of at each start though it is meant to be so here: whoever reads the log could do nothing about it. */
const ON_PURPOSE = /shouldSyncHistoryMsg/;

/** Baileys wants a logger of pino's shape. Objects are not printed: they hold keys. */
export const logger = {
  level: 'warn',
  child: () => logger,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: (object, text) => ON_PURPOSE.test(words(object, text)) || log(words(object, text)),
  error: (object, text) => log(words(object, text)),
};

const words = (object, text) =>
  [text ?? (typeof object === 'string' ? object : ''), object?.err?.message ?? object?.error?.message ?? ''].filter(Boolean).join(': ');
