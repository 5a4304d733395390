// The passkey step of linking, which WhatsApp demands of some accounts after the QR was scanned or the code entered.
//
// WhatsApp sends a challenge; the owner has it signed in a browser; then the client and the phone agree on a key, and the
// client gives the phone a new secret, which the phone signs the link with. Baileys knows nothing of it: it goes by raw
// stanzas. What happens here happens in order, one step after the other.

import crypto from 'node:crypto';

import { confirmationCode, handoffKey, handoffProof, pairingKey, pairingRequest, primaryOf, prologue } from './passkey-crypto.mjs';
import { log } from './stdout.mjs';
import { assertionOf, faultOf, optionsOf, patienceOf, snippetFor } from './webauthn.mjs';

const SERVER = 's.whatsapp.net';
const QUERY_MS = 20_000;
/** For so long the phone knows by a proof that it deals with whom it scanned; later the owner compares a code. */
const PROOF_MS = 5 * 60_000;

const ANSWERED = new Set(['answered', 'comparing', 'given']);

const WORDS = {
  400: 'WhatsApp finds it malformed',
  401: 'WhatsApp does not accept it',
  403: 'WhatsApp forbids it',
  404: 'WhatsApp knows of no such passkey step any more',
  408: 'WhatsApp did not answer in time',
  409: 'WhatsApp has the answer to this challenge already',
  428: 'the connection to WhatsApp was lost',
  429: 'there were too many attempts; wait some minutes',
  500: 'WhatsApp had an internal error',
  503: 'WhatsApp is not available at present',
};

export class Passkey {
  #emit;
  #socket;
  #creds;
  #deviceType;
  #failed;
  /** `idle`, `asked`, `answered`, `comparing`, `given`, or `ended`. */
  #stage = 'idle';
  #options = null;
  #deadline = null;
  /** What proves that the phone deals with whom it scanned, until then. */
  #handoff = null;
  #secret = null;
  #prologue = null;
  #key = null;
  #steps = Promise.resolve();

  /** `failed` is called with a reason when this attempt to link can't go on. */
  constructor({ emit, socket, creds, deviceType, failed }) {
    this.#emit = emit;
    this.#socket = socket;
    this.#creds = creds;
    this.#deviceType = deviceType;
    this.#failed = failed;
  }

  /** The connection has ended: nothing is said any more. */
  end() {
    this.#stage = 'ended';
    clearTimeout(this.#deadline);
  }

  /** WhatsApp demands the passkey. */
  requested(node) {
    this.#acknowledge(node);
    if (this.#stage === 'ended') return;
    // The phone knows the secret of the QR, or the one agreed on by the code: not the one that is made here.
    if (this.#creds.advSecretKey !== this.#secret) {
      this.#handoff = { key: handoffKey(Buffer.from(this.#creds.advSecretKey, 'base64')), until: performance.now() + PROOF_MS };
      this.#secret = crypto.randomBytes(32).toString('base64');
      this.#creds.advSecretKey = this.#secret;
    }
    this.#prologue = null;
    this.#key = null;
    this.#stage = 'asked';
    this.#options = optionsOf(contentOf(node, 'passkey_request_options'));
    if (this.#options) return this.#tell();
    this.#step(async () => {
      if (!(await this.#newChallenge())) this.#give("WhatsApp's demand for a passkey can't be read");
    });
  }

  /** The owner's answer. */
  respond(answer) {
    this.#step(async () => {
      if (ANSWERED.has(this.#stage)) return this.#error('the passkey was answered already: wait for the phone');
      if (this.#stage !== 'asked' || !this.#options) return this.#error(NOTHING_ASKED);
      const fault = faultOf(answer, this.#options);
      if (fault) return this.#error(`this is not the passkey's answer: ${fault}. Give it again`);
      await this.#answer(answer);
    });
  }

  /** The owner compared the codes. */
  confirm(same) {
    this.#step(async () => {
      if (this.#stage !== 'comparing') return this.#error('there is no code to compare at present');
      if (!same) return this.#give('the codes differ: somebody may stand between this computer and the phone. Nothing was linked');
      await this.#hand();
    });
  }

  /** The phone's part came. */
  continued(node) {
    this.#acknowledge(node);
    this.#step(async () => {
      if (this.#stage !== 'answered') return log('the phone went on with a passkey step that is not under way');
      const primary = primaryOf(contentOf(node, 'primary_ephemeral_identity'));
      if (!primary) return this.#give("the phone's part of the passkey step can't be read");
      const { proven, ...own } = this.#prologue;
      const refused = await this.#query('set', { tag: 'companion_nonce', attrs: {}, content: own.nonce });
      if (this.#stage !== 'answered') return undefined;
      if (refused.words) return this.#give(`the passkey step was refused: ${refused.words}`);
      this.#key = pairingKey(own, primary);
      this.#stage = 'comparing';
      this.#emit({ type: 'passkey_code', code: confirmationCode(own, primary), confirm: !proven });
      return proven ? this.#hand() : undefined;
    });
  }

  async #answer(answer) {
    const options = this.#options;
    const stale = () => this.#stage !== 'asked' || this.#options !== options;
    const asked = await this.#query('get', { tag: 'ref', attrs: {} });
    if (stale()) return;
    const ref = contentOf(asked.node, 'ref');
    if (asked.words || !ref?.length) {
      this.#error(`the passkey's answer could not be given: ${asked.words ?? 'WhatsApp sent no reference'}. Give it again`);
      return;
    }
    const own = prologue({ deviceType: this.#deviceType, ref: Buffer.from(ref).toString('utf8') });
    const proven = Boolean(this.#handoff && performance.now() < this.#handoff.until);
    const { credentialId, assertion } = assertionOf(answer);
    const content = [
      { tag: 'credential_id', attrs: {}, content: credentialId },
      { tag: 'webauthn_assertion', attrs: {}, content: assertion },
      { tag: 'prologue_payload', attrs: {}, content: own.payload },
    ];
    if (proven) content.push({ tag: 'pairing_handoff_proof', attrs: {}, content: handoffProof(this.#handoff.key, own.payload) });
    const given = await this.#query('set', { tag: 'passkey_prologue', attrs: {}, content });
    if (stale()) return;
    if (!given.words) {
      this.#prologue = { ...own, proven };
      this.#stage = 'answered';
      return;
    }
    // A challenge can be answered once: another try needs another one.
    const renewed = await this.#newChallenge();
    if (this.#stage !== 'asked') return;
    const again = renewed ? 'Run the snippet that is shown now and give its answer' : 'Give it again, or link anew';
    this.#error(`the passkey's answer was refused: ${given.words}. ${again}`);
  }

  /** Gives the phone what it signs. The new secret is what Baileys checks its signature with. */
  async #hand() {
    const request = pairingRequest(this.#key, this.#creds, Buffer.from(this.#secret, 'base64'));
    this.#stage = 'given';
    const refused = await this.#query('set', { tag: 'encrypted_pairing_request', attrs: {}, content: request });
    if (this.#stage === 'given' && refused.words) this.#give(`the passkey step was refused at its end: ${refused.words}`);
  }

  async #newChallenge() {
    const { node } = await this.#query('get', { tag: 'passkey_request_options', attrs: {} });
    const options = optionsOf(contentOf(node, 'passkey_request_options'));
    if (!options || this.#stage !== 'asked') return false;
    this.#options = options;
    this.#tell();
    return true;
  }

  #tell() {
    const expiresInMs = patienceOf(this.#options);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#give('the passkey was not answered in time'), expiresInMs);
    this.#emit({ type: 'passkey', options: this.#options, snippet: snippetFor(this.#options), expiresInMs });
  }

  /** What came while the connection lives, in order. */
  #step(step) {
    this.#steps = this.#steps.then(() => (this.#stage === 'ended' ? undefined : step())).catch((error) => {
      log(`the passkey step failed: ${error?.message ?? error}`);
      this.#give('the passkey step failed');
    });
  }

  /** The attempt is over. */
  #give(reason) {
    if (this.#stage === 'ended') return;
    this.end();
    this.#error(`${reason}. Link anew`);
    this.#failed(reason);
  }

  /** Asks WhatsApp; what is in the answer is the answer, or words for why there is none. */
  async #query(type, inside) {
    const iq = { tag: 'iq', attrs: { to: SERVER, type, xmlns: 'md' }, content: [inside] };
    try {
      const node = await this.#socket.query(iq, QUERY_MS);
      return node ? { node } : { words: WORDS[408] };
    } catch (error) {
      const code = Number.isInteger(error?.data) ? error.data : error?.output?.statusCode;
      return { words: WORDS[code] ?? `WhatsApp refused it (${Number.isInteger(code) ? code : 'no reason was given'})` };
    }
  }

  /** Baileys acknowledges only when it knows the account, as it does when linking by a code. */
  #acknowledge({ attrs }) {
    if (this.#creds.me) return;
    const ack = { tag: 'ack', attrs: { id: attrs.id, to: attrs.from, class: 'notification', type: attrs.type } };
    this.#socket.sendNode(ack).catch(() => {}); // the connection's end is told elsewhere
  }

  #error(error) {
    this.#emit({ type: 'error', error });
  }
}

export const NOTHING_ASKED = 'no passkey is asked for at present: link anew, and answer when the phone has taken the QR or the code';

const contentOf = (node, tag) => (Array.isArray(node?.content) ? node.content.find((child) => child.tag === tag)?.content : undefined);
