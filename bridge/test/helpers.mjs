// The events of the protocol, one a line: the host's tests read the same file.

import fs from 'node:fs';

const lines = fs.readFileSync(new URL('golden.ndjson', import.meta.url), 'utf8').trim().split('\n');

export const golden = lines.map((line) => JSON.parse(line));

/** The golden message with this id. */
export const goldenMessage = (id) => golden.find((event) => event.type === 'message' && event.messageId === id);
