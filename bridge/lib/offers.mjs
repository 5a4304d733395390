// The QRs of one attempt to link, one after the other, until somebody scans one or none is left.
//
// Baileys would do the same, but can't be told to stop: a scanned QR may be followed by a step that takes minutes.

export const FIRST_MS = 60_000;
export const LATER_MS = 20_000;

export class Offers {
  #show;
  #over;
  #timer = null;
  #refs = [];

  /** `show` is called with each QR and how long it lives; `over` when none is left. */
  constructor(show, over) {
    this.#show = show;
    this.#over = over;
  }

  /** WhatsApp's offer came. */
  offered(node) {
    const offer = node.content?.find?.(({ tag }) => tag === 'pair-device');
    const refs = offer?.content?.filter?.(({ tag }) => tag === 'ref') ?? [];
    this.#refs = refs.map(({ content }) => Buffer.from(content).toString('utf8'));
  }

  /** Baileys made the first QR: the others differ in WhatsApp's ref alone. */
  start(qr) {
    const [first, ...others] = this.#refs;
    this.#next([qr, ...others.map((ref) => qr.replace(first, () => ref))], FIRST_MS);
    return FIRST_MS + others.length * LATER_MS;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #next([qr, ...others], expiresInMs) {
    clearTimeout(this.#timer);
    if (qr === undefined) return this.#over();
    this.#timer = setTimeout(() => this.#next(others, LATER_MS), expiresInMs);
    this.#show(qr, expiresInMs);
  }
}
