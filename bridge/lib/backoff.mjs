// How long to wait before the next attempt to connect.

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const STABLE_AFTER_MS = 60_000;

export class Backoff {
  #failures = 0;
  #openedAt = 0;

  opened() {
    this.#openedAt = performance.now();
  }

  reset() {
    this.#failures = 0;
  }

  /** How long to wait before the next attempt: none where WhatsApp expects us at once, else longer with each failure. */
  pause(name) {
    if (name === 'restart_required' || name === 'link_expired') return 0;
    if (this.#openedAt && performance.now() - this.#openedAt >= STABLE_AFTER_MS) this.#failures = 0;
    this.#openedAt = 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return Math.round(pause * (0.75 + Math.random() / 4));
  }
}
