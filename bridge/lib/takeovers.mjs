// Other programs that took the link over, in a sliding window: fighting them would go on for ever.

const KEY = 'takeovers';
const WINDOW_MS = 10 * 60_000;
const ALLOWED = 1;

export class Takeovers {
  #store;

  constructor(store) {
    this.#store = store;
  }

  #recent(now) {
    return JSON.parse(this.#store.get(KEY) ?? '[]').filter((at) => at <= now && now - at < WINDOW_MS);
  }

  add(now = Date.now()) {
    this.#store.write([[KEY, JSON.stringify([...this.#recent(now), now])]]);
  }

  /** Only on the operator's word may the link be taken back. */
  needsConsent(now = Date.now()) {
    return this.#recent(now).length > ALLOWED;
  }
}
