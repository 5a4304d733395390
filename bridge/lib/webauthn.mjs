// The passkey's challenge and its answer: WebAuthn, done by the owner's browser on WhatsApp's own page.

const ORIGIN = 'https://web.whatsapp.com';
const SHORTEST_MS = 60_000;
const LONGEST_MS = 10 * 60_000;
const DEFAULT_MS = 5 * 60_000;

const isBase64url = (text) => typeof text === 'string' && /^[A-Za-z0-9_-]+={0,2}$/.test(text);

/** The challenge's options from WhatsApp's bytes, or null when they can't be read. */
export function optionsOf(bytes) {
  try {
    const options = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isBase64url(options?.challenge) ? options : null;
  } catch {
    return null;
  }
}

/** How long an answer is awaited. */
export function patienceOf({ timeout }) {
  return Number.isFinite(timeout) ? Math.min(Math.max(timeout, SHORTEST_MS), LONGEST_MS) : DEFAULT_MS;
}

/**
 * What to paste in the console of WhatsApp's page. It makes a button, since browsers let a page use a passkey only when
 * somebody clicks; the answer is shown to be copied, since the page may send nothing elsewhere. The options come in as
 * data, never as code.
 */
export function snippetFor(options) {
  return [
    '(() => {',
    `const options = JSON.parse(${JSON.stringify(JSON.stringify(options))});`,
    "const button = document.createElement('button');",
    "button.textContent = 'Click here to answer with your passkey';",
    "button.style.cssText = 'position:fixed;top:40%;left:20%;right:20%;padding:2em;font-size:20px;color:#000;background:#fff;border:3px solid #000;z-index:2147483647';",
    'button.onclick = async () => {',
    'button.remove();',
    'try {',
    'const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);',
    'const answer = JSON.stringify(await navigator.credentials.get({ publicKey }));',
    'console.log(answer);',
    "prompt('Copy all of this and paste it into Pilothouse:', answer);",
    "} catch (error) { alert('The passkey gave no answer: ' + error.message); }",
    '};',
    'document.body.append(button);',
    '})();',
  ].join(' ');
}

/** Says what is wrong with an answer, or undefined when it may be right. Only WhatsApp can check its signature. */
export function faultOf(answer, { challenge, allowCredentials }) {
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return 'it is not a JSON object';
  const { id, rawId, type, response } = answer;
  if (type !== 'public-key' || !isBase64url(rawId) || typeof id !== 'string') return 'it is not the credential that the browser gave';
  for (const field of ['clientDataJSON', 'authenticatorData', 'signature']) {
    if (!isBase64url(response?.[field])) return `its "${field}" is missing; copy all of it`;
  }
  let said;
  try {
    said = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString('utf8'));
  } catch {
    return 'it is damaged; copy all of it';
  }
  if (said?.type !== 'webauthn.get') return 'it is not the answer to a challenge';
  if (said.origin !== ORIGIN) return `it was not made on ${ORIGIN}`;
  if (!same(said.challenge, challenge)) return 'it answers another challenge; run the snippet that is shown now';
  if (Array.isArray(allowCredentials) && allowCredentials.length && !allowCredentials.some((allowed) => same(allowed?.id, rawId))) {
    return "it is of a passkey that isn't this account's";
  }
  return undefined;
}

const same = (a, b) => typeof a === 'string' && typeof b === 'string' && Buffer.from(a, 'base64url').equals(Buffer.from(b, 'base64url'));

/** The credential's id, and the answer as WhatsApp takes it: without what browsers add. */
export function assertionOf({ id, rawId, type, response }) {
  const { clientDataJSON, authenticatorData, signature, userHandle = null } = response;
  const assertion = { id, rawId, type, response: { clientDataJSON, authenticatorData, signature, userHandle } };
  return { credentialId: Buffer.from(rawId, 'base64url'), assertion: Buffer.from(JSON.stringify(assertion)) };
}
