// Proof that the connection lives in both directions: the age of WhatsApp's last answer to something of ours.
//
// Time is counted in ticks: while the event loop is held up, by a host that doesn't read, no time passes here.

const TICK_MS = 1_000;
const ASK_AFTER = 20;
const LOST_AFTER = 35;

export class Liveness {
  #ask;
  #lost;
  #timer = null;
  #quiet = 0;
  #answeredAt = 0;
  /** We ourselves don't read at present. */
  paused = false;

  /** `ask` puts a question to WhatsApp's server; `lost` is called when nothing was answered for too long. */
  constructor(ask, lost) {
    this.#ask = ask;
    this.#lost = lost;
  }

  start() {
    this.stop();
    this.answered();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** A stanza came: only an answer counts. */
  frame({ tag, attrs }) {
    if (tag === 'ack' || (tag === 'iq' && (attrs?.type === 'result' || attrs?.type === 'error'))) this.answered();
  }

  answered() {
    this.#quiet = 0;
    this.#answeredAt = performance.now();
  }

  /** The age of the last answer in milliseconds, or undefined when there was none. */
  ageMs() {
    return this.#answeredAt ? Math.round(performance.now() - this.#answeredAt) : undefined;
  }

  #tick() {
    if (this.paused || !this.#timer) return;
    this.#quiet += 1;
    if (this.#quiet === ASK_AFTER) this.#ask();
    if (this.#quiet >= LOST_AFTER) {
      this.stop();
      this.#lost();
    }
  }
}
