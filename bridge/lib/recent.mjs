// A bounded map in the store: the newest entries by name, also after a restart.

export class Recent {
  #store;
  #prefix;
  #max;
  /** name → key, the oldest first. */
  #keys = new Map();
  #next = 0;

  constructor(store, prefix, max) {
    this.#store = store;
    this.#prefix = `${prefix}!`;
    this.#max = max;
  }

  async load() {
    for (const key of await this.#store.keys(this.#prefix)) {
      const [, number, name] = key.split('!');
      this.#keys.set(decodeURIComponent(name), key);
      this.#next = Number(number) + 1;
    }
    return this;
  }

  names() {
    return this.#keys.keys();
  }

  has(name) {
    return this.#keys.has(name);
  }

  get(name) {
    const key = this.#keys.get(name);
    return key && this.#store.get(key);
  }

  /** What to write so that the value is there, and the oldest gone when there are too many. */
  put(name, value) {
    const known = this.#keys.get(name);
    const key = known ?? `${this.#prefix}${String(this.#next++).padStart(16, '0')}!${encodeURIComponent(name).replaceAll('!', '%21')}`;
    this.#keys.set(name, key);
    const pairs = [[key, value]];
    if (this.#keys.size > this.#max) pairs.push(...this.drop(this.#keys.keys().next().value));
    return pairs;
  }

  /** What to write so that it is gone. */
  drop(name) {
    const key = this.#keys.get(name);
    this.#keys.delete(name);
    return key ? [[key, null]] : [];
  }
}
