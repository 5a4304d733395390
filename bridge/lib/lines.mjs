// Reads lines of bounded length from a stream of bytes.

export const MAX_LINE_BYTES = 1 << 20;

/** Calls `onLine(text)` for each line and `onTooLong(bytes)` for each that is skipped for its length. */
export class LineReader {
  #max;
  #parts = [];
  #length = 0;

  constructor({ onLine, onTooLong, max = MAX_LINE_BYTES }) {
    this.onLine = onLine;
    this.onTooLong = onTooLong;
    this.#max = max;
  }

  push(chunk) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  #add(part) {
    this.#length += part.length;
    if (this.#length > this.#max) this.#parts = [];
    else if (part.length) this.#parts.push(Buffer.from(part));
  }

  #finish() {
    const [parts, length] = [this.#parts, this.#length];
    this.#parts = [];
    this.#length = 0;
    if (length > this.#max) this.onTooLong(length);
    else if (length) this.onLine(Buffer.concat(parts).toString('utf8'));
  }
}
