// Commands in, connection and events out: what ties the parts together.

import { Connection } from './connection.mjs';
import { isE164 } from './ids.mjs';
import { LineReader } from './lines.mjs';
import { log } from './stdout.mjs';

const EXIT_WITHIN_MS = 2_000;

export class Bridge {
  #emit;
  #connection;

  constructor(emit) {
    this.#emit = emit;
    this.#connection = new Connection(emit, (error) => this.#fatal(error));
  }

  /** Serves commands until stdin closes. */
  async run() {
    const lines = new LineReader({
      onLine: (line) => this.#line(line),
      onTooLong: (bytes) => this.#error(`a command of ${bytes} bytes was skipped: it is too long`),
    });
    process.on('SIGINT', () => {}); // the terminal's Ctrl-C belongs to the host
    process.on('SIGTERM', () => this.#exit(0));
    process.on('uncaughtException', (error) => this.#fatal(error));
    // Queries that were under way when a connection ended reject with nobody listening: that is no fault of ours.
    process.on('unhandledRejection', (error) => log(`a rejection was not handled: ${error?.message ?? error}`));
    process.stdin.on('data', (chunk) => lines.push(chunk));
    process.stdin.on('end', () => this.#exit(0));
    process.stdin.on('error', () => this.#exit(0));
  }

  #line(line) {
    if (!line.trim()) return;
    let command;
    try {
      command = JSON.parse(line);
    } catch {
      return this.#error('a command is not valid JSON');
    }
    if (command === null || typeof command !== 'object' || typeof command.cmd !== 'string') {
      return this.#error('a command is a JSON object with "cmd"');
    }
    switch (command.cmd) {
      case 'connect':
        return this.#connect(command);
      case 'send':
        return this.#connection.send(command);
      case 'ack':
        return this.#ack(command);
      case 'passkey':
        return this.#connection.respond(command.response);
      case 'passkey_confirm':
        return this.#confirm(command);
      case 'logout':
        return this.#logout(command);
      case 'ping':
        return this.#ping(command);
      default:
        return this.#error(`there is no command ${JSON.stringify(command.cmd.slice(0, 40))}`);
    }
  }

  #connect({ usePairingCode = false, phoneNumber, ack = false, takeOver = false }) {
    if (typeof usePairingCode !== 'boolean') return this.#error('"usePairingCode" is true or false');
    if (usePairingCode && !isE164(phoneNumber)) {
      return this.#error('"phoneNumber" is an E.164 number such as +584244370180');
    }
    for (const [name, value] of Object.entries({ ack, takeOver })) {
      if (typeof value !== 'boolean') return this.#error(`"${name}" is true or false`);
    }
    return this.#connection.connect({ number: usePairingCode ? phoneNumber : null, ack, takeOver });
  }

  #ack({ seq }) {
    if (!Number.isInteger(seq) || seq < 0) return this.#error('"seq" is the number of an event');
    return this.#connection.acknowledge(seq);
  }

  #confirm({ same }) {
    if (typeof same !== 'boolean') return this.#error('"same" is true or false');
    return this.#connection.confirm(same);
  }

  #logout({ local = false }) {
    if (typeof local !== 'boolean') return this.#error('"local" is true or false');
    return this.#connection.logout({ local });
  }

  #ping({ id }) {
    if (!Number.isInteger(id)) return this.#error('"id" is a whole number');
    const asked = performance.now();
    setTimeout(() => {
      const { lastFrameAgeMs, lastAnswerAgeMs } = this.#connection.ages();
      this.#emit({
        type: 'pong',
        id,
        rssBytes: process.memoryUsage.rss(),
        eventLoopLagMs: Math.max(0, Math.round(performance.now() - asked - 1)),
        ...(lastFrameAgeMs !== undefined && { lastFrameAgeMs }),
        ...(lastAnswerAgeMs !== undefined && { lastAnswerAgeMs }),
      });
    }, 1);
  }

  #error(error) {
    this.#emit({ type: 'error', error });
  }

  #fatal(error) {
    log(`fatal: ${error?.stack ?? error}`);
    this.#error(`the bridge fails and ends: ${error?.message ?? error}`);
    this.#exit(1);
  }

  #exit(code) {
    setTimeout(() => process.exit(code), EXIT_WITHIN_MS).unref();
    this.#connection.stop().finally(() => process.exit(code));
  }
}
