// Nothing leaves for WhatsApp before what it rests on is on disk: a confirmation not before the message, a message not
// before the session that encrypted it.
//
// Baileys' own bytes wait here, in order, and it is told at once that they were sent: so it goes on with the next
// stanza meanwhile, and one sync of the disk serves many.

/** Guards the `send` of a WebSocket of the library ws. */
export class Gate {
  #last = null;

  constructor(socket, store) {
    const send = socket.send.bind(socket);
    socket.send = (data, options, callback) => {
      const done = typeof options === 'function' ? options : callback;
      if (!this.#last && store.idle) return send(data, done);
      // When the socket is closed by then, its `close` says so.
      this.#after(store.settled(), () => send(data, () => {}));
      if (done) process.nextTick(done);
      return undefined;
    };
  }

  /** What is sent from now on waits for this too. */
  hold(promise) {
    this.#after(promise, () => {});
  }

  #after(promise, step) {
    const mine = Promise.all([this.#last, promise]).then(() => {
      if (this.#last === mine) this.#last = null;
      step();
    });
    this.#last = mine;
  }
}
