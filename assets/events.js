// Server-sent events over fetch(), since EventSource can't send the token.

/** The server says something every 15 s: when nothing comes for so long, the line is dead. */
const SILENCE_MS = 40_000;
const PAUSE_MS = { first: 500, most: 20_000 };

/**
 * Follows `/events` until `signal` aborts, and comes back by itself to where it was.
 *
 * `on.open(fresh)`: it listens; `fresh` says that it begins now and not where it was. `on.event(event)`: one event.
 * `on.lost(seconds)`: it tries again then. `on.refused()`: the token doesn't count any more; it is over.
 */
export async function follow(headers, on, signal) {
  let lastId = null;
  let pause = PAUSE_MS.first;
  while (!signal.aborted) {
    const line = new AbortController();
    const end = () => line.abort();
    signal.addEventListener('abort', end);
    let silence = setTimeout(end, SILENCE_MS);
    try {
      const resumed = lastId === null ? {} : { 'Last-Event-ID': lastId };
      const response = await fetch('/events', { headers: { ...headers, ...resumed }, signal: line.signal, cache: 'no-store' });
      if (response.status === 401) return on.refused();
      if (!response.ok) throw new Error(`status ${response.status}`);
      on.open(lastId === null);
      pause = PAUSE_MS.first;
      const heard = () => { clearTimeout(silence); silence = setTimeout(end, SILENCE_MS); };
      await read(response.body, heard, (event, id) => {
        if (id !== null) lastId = id;
        on.event(event);
      });
    } catch {
      // whatever it was: it is tried again
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', end);
    }
    if (signal.aborted) return undefined;
    const wait = pause * (0.75 + Math.random() / 2);
    pause = Math.min(pause * 2, PAUSE_MS.most);
    on.lost(Math.ceil(wait / 1000));
    await new Promise((resolve) => { setTimeout(resolve, wait); signal.addEventListener('abort', resolve, { once: true }); });
  }
  return undefined;
}

/** Reads a stream as the standard has it, as far as this server uses it: `id` and `data`, a line each. */
async function read(body, heard, on) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      let [id, data] = [null, ''];
      for (const line of block.split('\n')) {
        if (line.startsWith('id: ')) id = line.slice(4);
        if (line.startsWith('data: ')) data += line.slice(6);
      }
      if (data) on(JSON.parse(data), id);
    }
  }
}
