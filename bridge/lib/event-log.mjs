// The events that matter, on disk before they are told and until the host has them on its own disk.
//
// * Each has a number, `seq`, that grows for ever, from 1, across restarts.
// * The host acknowledges up to a number; a new run tells what is left again, in order, with the old numbers.
// * For a host that acknowledges nothing, what was written to stdout counts as acknowledged, and no number is told.
// * It is bounded: when it is full, `onFull` is called, `room` waits, and nothing is dropped.

const ENTRY = 'log!';
const LAST = 'log-last';
const MAX_EVENTS = 100_000;
const MAX_BYTES = 64 << 20;

const keyOf = (seq) => ENTRY + String(seq).padStart(16, '0');

export class EventLog {
  #store;
  #emit;
  #limits;
  #last = 0;
  /** seq → length of what is not acknowledged, in order. */
  #kept = new Map();
  #bytes = 0;
  #waiting = [];
  /** The host acknowledges. */
  acknowledges = false;

  constructor(store, emit, { maxEvents = MAX_EVENTS, maxBytes = MAX_BYTES, onFull = () => {}, onRoom = () => {} } = {}) {
    this.#store = store;
    this.#emit = emit;
    this.#limits = { maxEvents, maxBytes, onFull, onRoom };
  }

  /** Tells again what an earlier run left, in order. Comes before the first `append`. */
  async replay() {
    this.#last = Number(this.#store.get(LAST) ?? 0);
    for await (const [key, text] of this.#store.entries(ENTRY)) {
      const seq = Number(key.slice(ENTRY.length));
      this.#keep(seq, text.length);
      this.#tell(seq, JSON.parse(text));
    }
  }

  /** Writes events, and in the same batch `pairs`; tells them when they are on disk. */
  append(events, pairs = []) {
    const told = events.map((event) => {
      const seq = (this.#last += 1);
      return { seq, event, text: JSON.stringify(event) };
    });
    for (const { seq, text } of told) this.#keep(seq, text.length);
    const entries = told.map(({ seq, text }) => [keyOf(seq), text]);
    const last = told.length ? [[LAST, String(this.#last)]] : [];
    return this.#store.write([...pairs, ...entries, ...last]).then(() => told.forEach(({ seq, event }) => this.#tell(seq, event)));
  }

  /** The host has everything up to this number. */
  acknowledge(upTo) {
    const gone = [];
    for (const [seq, length] of this.#kept) {
      if (seq > upTo) break;
      this.#kept.delete(seq);
      this.#bytes -= length;
      gone.push([keyOf(seq), null]);
    }
    if (gone.length) this.#store.write(gone);
    if (this.full || !this.#waiting.length) return;
    for (const resume of this.#waiting.splice(0)) resume();
    this.#limits.onRoom();
  }

  get full() {
    return this.#kept.size >= this.#limits.maxEvents || this.#bytes >= this.#limits.maxBytes;
  }

  /** Resolves when there is room for one more. */
  async room() {
    while (this.full) {
      if (!this.#waiting.length) this.#limits.onFull(this.#kept.size);
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  #keep(seq, length) {
    this.#kept.set(seq, length);
    this.#bytes += length;
  }

  #tell(seq, event) {
    if (this.acknowledges) return this.#emit({ ...event, seq });
    this.#emit(event);
    return this.acknowledge(seq);
  }
}
