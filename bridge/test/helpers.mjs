// The events of the protocol, one a line: the host's tests read the same file.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const lines = fs.readFileSync(new URL('golden.ndjson', import.meta.url), 'utf8').trim().split('\n');

export const golden = lines.map((line) => JSON.parse(line));

/** The golden message with this id. */
export const goldenMessage = (id) => golden.find((event) => event.type === 'message' && event.messageId === id);

/** An empty folder that goes with the test. */
export function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'pilothouse-'));
  t.after(() => fs.rmSync(made, { recursive: true }));
  return path.join(made, 'session');
}
