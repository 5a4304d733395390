// What there is to link with: a QR, a code, or the passkey step. Nothing is shown that has run out.

import { lasting, visible } from './words.js';

const $ = (id) => document.getElementById(id);
/** The parts of the card, one of which is shown. */
const PARTS = { qr: 'link-qr', code: 'link-code', passkey: 'link-passkey', passkey_code: 'link-compare' };

export class Linking {
  #ask;
  #look;
  #now;
  /** What is shown: its kind, from when and until when it counts; null: nothing. */
  #shown = null;
  /** What the gateway says that there is. */
  #kind = null;
  #image = null;
  /** Grows with each look: an older one that comes later is void. */
  #turn = 0;

  /** `ask` is for the API; `look` has the status looked at; `now` is the gateway's time. */
  constructor(ask, look, now) {
    [this.#ask, this.#look, this.#now] = [ask, look, now];
    const post = (path, body) => this.#post(path, body);
    $('code-form').addEventListener('submit', (event) => {
      event.preventDefault();
      post('/pairing', { phone_number: $('code-number').value.replace(/[\s().-]/g, '') });
    });
    $('use-qr').addEventListener('click', () => post('/config', { use_pairing_code: false }));
    $('same').addEventListener('click', () => post('/pairing/passkey/confirm', { same: true }));
    $('other').addEventListener('click', () => post('/pairing/passkey/confirm', { same: false }));
    $('copy-snippet').addEventListener('click', async () => {
      $('snippet').select();
      // Without https the browser gives no clipboard; then it is selected, and the keyboard copies it.
      await navigator.clipboard?.writeText($('snippet').value).catch(() => {});
    });
    $('passkey-form').addEventListener('submit', (event) => {
      event.preventDefault();
      let answer = null;
      try { answer = JSON.parse($('passkey-answer').value); } catch { /* said below */ }
      if (answer) post('/pairing/passkey', answer);
      else $('passkey-fault').textContent = 'This is not what the browser showed: it begins with { and ends with }.';
    });
  }

  /** Takes the status over. */
  update({ connection, bridge, pairing, account, linking }) {
    const waits = ['linking', 'passkey', 'logged_out'].includes(connection.state) || (!account && bridge.state === 'installing');
    $('link').hidden = !waits && !pairing;
    $('code-form').hidden = pairing !== 'qr';
    $('qr-instead').hidden = !(linking.use_pairing_code && (pairing === 'code' || pairing === null));
    $('link-wait').textContent = bridge.state === 'installing' ? 'The bridge is being set up. This happens once.'
      : connection.state === 'logged_out' ? 'The link has ended.' : 'Waiting for something to link with …';
    if ($('link').hidden) return this.clear();
    if (pairing !== this.#kind || (pairing && !this.#shown)) this.changed(pairing);
    return undefined;
  }

  /** There is something new to link with. */
  async changed(kind = this.#kind) {
    this.#kind = kind;
    const turn = (this.#turn += 1);
    let shown = null;
    try {
      if (kind === 'qr') shown = await this.#qr();
      else if (kind) shown = await this.#pairing();
    } catch (problem) {
      if (problem.state && problem.state !== kind) this.#look();
    }
    if (turn !== this.#turn) return;
    this.#shown = shown && { from: this.#now(), ...shown };
    for (const [name, part] of Object.entries(PARTS)) $(part).hidden = shown?.kind !== name;
    $('link-wait').hidden = shown !== null;
    $('countdown').hidden = shown === null;
    if (!shown) this.#forgetImage();
    this.tick();
  }

  /** Takes all secrets off the page. */
  clear() {
    this.#turn += 1;
    this.#kind = this.#shown = null;
    this.#forgetImage();
    for (const id of ['code', 'compare-code', 'link-fault', 'passkey-fault']) $(id).textContent = '';
    for (const id of ['snippet', 'passkey-answer']) $(id).value = '';
    for (const part of Object.values(PARTS)) $(part).hidden = true;
    $('countdown').hidden = true;
    $('link-wait').hidden = false;
  }

  /** Counts down, and takes away what has run out. */
  tick() {
    if (!this.#shown) return;
    const { from, until } = this.#shown;
    const left = until - this.#now();
    if (left <= 0) {
      this.#kind = null;
      this.changed(null);
      this.#look();
      return;
    }
    $('countdown').dataset.tone = left < 10_000 ? 'warn' : 'good';
    $('countdown-text').textContent = `good for another ${lasting(left)}`;
    $('countdown-bar').style.transform = `scaleX(${Math.min(1, left / (until - from))})`;
  }

  async #qr() {
    const response = await this.#ask('/qr', { accept: 'image/svg+xml' });
    const until = Date.parse(response.headers.get('expires'));
    const image = URL.createObjectURL(await response.blob());
    this.#forgetImage();
    this.#image = image;
    $('qr').src = image;
    return { kind: 'qr', until };
  }

  async #pairing() {
    const told = await (await this.#ask('/pairing')).json();
    const code = visible(told.code);
    if (told.state === 'code') $('code').textContent = code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
    if (told.state === 'passkey') {
      $('snippet').value = told.snippet;
      $('passkey-fault').textContent = told.answered ? 'WhatsApp looks at the answer …' : visible(told.error);
    }
    if (told.state === 'passkey_code') {
      $('compare-code').textContent = code;
      $('compare-text').textContent = told.confirm ? 'Does the phone show the same code?' : 'The phone shows the same code. Linking goes on by itself.';
      $('compare-buttons').hidden = !told.confirm;
    }
    return { kind: told.state, until: Date.parse(told.expires_at) };
  }

  async #post(path, body) {
    $('link-fault').textContent = '';
    $('passkey-fault').textContent = '';
    try {
      await this.#ask(path, { method: 'POST', body });
      $('passkey-answer').value = '';
      this.changed();
    } catch (problem) {
      $(path === '/pairing/passkey' ? 'passkey-fault' : 'link-fault').textContent = problem.message;
    }
    this.#look();
  }

  #forgetImage() {
    if (this.#image) URL.revokeObjectURL(this.#image);
    this.#image = null;
    $('qr').removeAttribute('src');
  }
}
