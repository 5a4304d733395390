// Linking: what is shown to the owner until his phone has linked this device: QRs, a code, or what a passkey asks for.

import * as baileys from 'baileys';

import { Offers } from './offers.mjs';
import { NOTHING_ASKED, Passkey } from './passkey.mjs';
import { BROWSER } from './socket.mjs';

const { PlatformType } = baileys.proto.DeviceProps;

export class Linking {
  #emit;
  #failed;
  #offers;
  #passkey = null;
  /** The number for which there is to be a code; null: there are to be QRs. */
  number = null;
  /** Somebody could link by now. */
  offered = false;

  /** `failed` is called with the reason when an attempt is over. */
  constructor(emit, failed) {
    this.#emit = emit;
    this.#failed = failed;
    this.#offers = new Offers((qr, expiresInMs) => this.#show(qr, expiresInMs), () => failed('nobody linked'));
  }

  /** A socket was opened that is not linked. `current` makes handlers that are silent once it is another's turn. */
  watch(socket, creds, current) {
    const passkey = new Passkey({
      emit: this.#emit,
      socket,
      creds,
      deviceType: PlatformType[BROWSER[1].toUpperCase()] ?? PlatformType.CHROME,
      failed: this.#failed,
    });
    this.#passkey = passkey;
    socket.ws.on('CB:iq,type:set,pair-device', current((node) => this.#offers.offered(node)));
    socket.ws.on('CB:notification,type:passkey_prologue_request', current((node) => {
      // The QR was scanned: no other is needed, and this takes longer than a QR lives.
      this.#offers.stop();
      passkey.requested(node);
    }));
    socket.ws.on('CB:notification,type:crsc_continuation', current((node) => passkey.continued(node)));
  }

  /** Baileys made the first QR of this socket. `isCurrent` says whether it still is the one. */
  offer(qr, socket, isCurrent) {
    this.offered = true;
    const livesMs = this.#offers.start(qr);
    if (this.number) this.#askForCode(socket, livesMs, isCurrent);
  }

  /** The attempt is over, or has come to its aim. */
  end() {
    this.#offers.stop();
    this.#passkey?.end();
    this.#passkey = null;
  }

  /** The owner's answer to the passkey's challenge. */
  respond(answer) {
    if (this.#passkey) this.#passkey.respond(answer);
    else this.#emit({ type: 'error', error: NOTHING_ASKED });
  }

  /** Whether the phone shows the same code. */
  confirm(same) {
    if (this.#passkey) this.#passkey.confirm(same);
    else this.#emit({ type: 'error', error: NOTHING_ASKED });
  }

  #show(qr, expiresInMs) {
    if (!this.number) this.#emit({ type: 'qr', qr, expiresInMs });
  }

  /** A code lives for as long as the QRs that come with it. */
  async #askForCode(socket, expiresInMs, isCurrent) {
    try {
      const code = await socket.requestPairingCode(this.number.slice(1));
      if (isCurrent()) this.#emit({ type: 'pairing_code', code, expiresInMs });
    } catch (error) {
      if (isCurrent()) this.#emit({ type: 'error', error: `no pairing code could be had: ${error?.message ?? error}` });
    }
  }
}
