// Baileys' own events for messages: what didn't come through the inbox, such as a message that the phone gave once more.

import * as baileys from 'baileys';

import { eventOf } from './messages.mjs';
import { log } from './stdout.mjs';

const { CIPHERTEXT } = baileys.proto.WebMessageInfo.StubType;

export class Upserts {
  #tell;
  #isOurs;
  /** Messages are told in the order in which they came, though finding a number may take time. */
  #telling = Promise.resolve();

  /** `tell` is given each event, and `isOurs(id)` says whether the message with this id went out from here. */
  constructor(tell, isOurs) {
    this.#tell = tell;
    this.#isOurs = isOurs;
  }

  /** These came from this socket; `wasTold(id)` says whether the inbox has told one. */
  received(messages, socket, wasTold) {
    const context = {
      me: socket?.user?.id,
      meLid: socket?.user?.lid,
      normalize: baileys.normalizeMessageContent,
      phoneForLid: async (lid) => {
        try {
          return await socket?.signalRepository?.lidMapping?.getPNForLID(lid);
        } catch {
          return undefined;
        }
      },
    };
    for (const message of messages) {
      if (wasTold(message.key?.id)) continue;
      if (message.key?.fromMe && this.#isOurs(message.key.id)) continue;
      // Not an event: Baileys asks for it again, and when it can be read it comes under the same id. Other stubs are
      // about a group: who came, who went.
      if (!message.message && message.messageStubType === CIPHERTEXT) log(`a message could not be read (stub ${message.messageStubType})`);
      this.#telling = this.#telling
        .then(async () => {
          const event = await eventOf(message, context);
          if (event) this.#tell(event);
        })
        .catch((error) => log(`a message could not be told: ${error?.message ?? error}`));
    }
  }

  /** Waits until all that came has been told. */
  async told() {
    await this.#telling;
  }
}
