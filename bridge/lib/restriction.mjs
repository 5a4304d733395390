// WhatsApp's reach-out time lock: for some time the account may not start new chats.

const ASK_FOR_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Restriction {
  #emit;
  #timer = null;
  #asked = null;
  #active = false;
  /** Until when, or null. */
  untilMs = null;

  constructor(emit) {
    this.#emit = emit;
  }

  /** Asks WhatsApp. Returns until when the account is restricted, or undefined when it isn't or that can't be known. */
  async ask(socket) {
    let patience;
    const late = new Promise((resolve) => (patience = setTimeout(resolve, ASK_FOR_MS)));
    this.#asked ??= Promise.resolve()
      .then(() => socket.fetchAccountReachoutTimelock())
      .then((state) => this.update(state))
      .catch(() => {}) // the refusal itself is told all the same
      .finally(() => (this.#asked = null));
    await Promise.race([this.#asked, late]);
    clearTimeout(patience);
    return this.untilMs ?? undefined;
  }

  /** What WhatsApp says, asked or by itself. */
  update({ isActive, timeEnforcementEnds }) {
    const untilMs = isActive && timeEnforcementEnds ? timeEnforcementEnds.getTime() : null;
    if (!isActive || (untilMs && untilMs <= Date.now())) return this.#ended();
    if (this.#active && untilMs === this.untilMs) return undefined;
    this.#active = true;
    this.untilMs = untilMs;
    clearTimeout(this.#timer);
    if (untilMs) {
      const left = Math.min(untilMs - Date.now(), LONGEST_TIMER_MS);
      this.#timer = setTimeout(() => this.update({ isActive, timeEnforcementEnds }), left).unref();
    }
    const text = 'WhatsApp restricts this account: for some time it may not start new chats';
    return this.#emit({ type: 'restriction', class: 'reachout_timelock', active: true, ...(untilMs && { untilMs }), text });
  }

  #ended() {
    clearTimeout(this.#timer);
    this.untilMs = null;
    if (!this.#active) return;
    this.#active = false;
    this.#emit({ type: 'restriction', class: 'reachout_timelock', active: false, text: 'the restriction of this account has ended' });
  }
}
