// The page at /: what the gateway does, live, and what one may ask of it. It holds no secret: the token is given by
// whoever opens it, and is kept in the tab, or in the browser when that is wanted.

import { follow } from './events.js';
import { Feed, element } from './feed.js';
import { Linking } from './linking.js';
import { figures, lasting, moment, short, stateOf, visible } from './words.js';

const KEY = 'pilothouse.token';
/** What no event tells, such as memory, is asked for so often, while somebody looks. */
const LOOK_EVERY_MS = 5_000;
/** However much happens, the status is not asked for more often. */
const LOOK_PAUSE_MS = 500;

const $ = (id) => document.getElementById(id);
const feed = new Feed($('feed'), $('feed-empty'), (to) => { $('to').value = to; $('text').focus(); });

let token = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? '';
let status = null;
let following = null;
/** By how much this machine's clock is behind the gateway's. */
let behind = 0;
let looking = null;
let looked = 0;

const now = () => Date.now() + behind;
const linking = new Linking(ask, look, now);
const headers = () => ({ Authorization: `Bearer ${token}` });

/** Asks the API. Resolves to the response; rejects with a `Problem` when it is not a good one. */
async function ask(path, { method = 'GET', body, accept = 'application/json', key } = {}) {
  const sent = { ...headers(), Accept: accept, ...(body && { 'Content-Type': 'application/json' }), ...(key && { 'Idempotency-Key': key }) };
  const used = token;
  let response;
  try {
    response = await fetch(path, { method, headers: sent, body: body && JSON.stringify(body), cache: 'no-store' });
  } catch {
    throw new Problem(0, { detail: 'the gateway can’t be reached' });
  }
  const date = Date.parse(response.headers.get('date'));
  // To the second: a smaller difference is none.
  if (date) behind = Math.abs(date - Date.now()) < 2_000 ? 0 : date - Date.now();
  if (response.ok) return response;
  if (response.status === 401 && used && used === token) leave('The token is not, or no longer, the right one.');
  throw new Problem(response.status, await response.json().catch(() => ({ detail: `the answer was ${response.status}` })));
}

class Problem extends Error {
  constructor(code, { detail, field, state }) {
    // The field is where the words are shown.
    const words = visible(detail).replace(field ? `${field}: ` : '', '');
    super(words.charAt(0).toUpperCase() + words.slice(1));
    Object.assign(this, { code, field, state });
  }
}

/** Looks at the status soon; many calls at once are one. */
function look() {
  if (looking || !following) return;
  const mine = following;
  looking = setTimeout(async () => {
    looked = Date.now();
    try {
      const told = mine === following && await (await ask('/status')).json();
      if (mine === following) show(told);
    } catch {
      // the line to the gateway is shown by what follows the events
    }
    looking = null;
  }, Math.max(0, LOOK_PAUSE_MS - (Date.now() - looked)));
}

function show(told) {
  status = told;
  const { connection, account } = told;
  const [name, tone] = stateOf(told);
  if ($('state-name').textContent !== name) $('state-name').textContent = name;
  $('state').dataset.tone = tone;
  document.title = `${name} – Pilothouse`;
  $('account').replaceChildren(...(account ? [element('bdi', '', short(account.phone ?? '')), ' ', element('bdi', 'muted', short(account.name ?? '', 40))] : []));
  $('reason').textContent = connection.reason && connection.state !== 'open' ? visible(connection.reason.text ?? connection.reason.class) : '';
  $('log-out').hidden = !['open', 'unverified'].includes(connection.state);
  $('notices').replaceChildren(...notices(told).map((text) => element('li', '', text)));
  $('figures').replaceChildren(...figures(told).map(([title, value]) => {
    const pair = element('div');
    pair.append(element('dt', '', title), element('dd', '', value));
    return pair;
  }));
  linking.update(told);
  tick();
}

/** What the owner should know of besides. */
function notices({ store, restriction, pacing, queue, connection, last_error: error, bridge }) {
  const said = [];
  if (store.state !== 'ok') said.push(`The database can’t be written: ${visible(store.reason)}`);
  if (restriction) said.push(`WhatsApp restricts this account until ${moment(restriction.until, now())}: ${visible(restriction.text)}`);
  if (bridge.silent) said.push('The bridge runs and says nothing; see the log.');
  if (pacing) said.push(`${pacing.waiting} messages wait for their turn, so that WhatsApp does not take them for spam.`);
  else if (queue && !['open', 'unverified'].includes(connection.state)) said.push(`${queue} ${queue === 1 ? 'message waits' : 'messages wait'} for the connection.`);
  if (error) said.push(`${moment(error.at, now())}: ${short(error.text, 300)}`);
  return said;
}

/** What changes with time alone. */
function tick() {
  if (!status) return;
  const { since, retry_at: retry, proven_at: proven } = status.connection;
  const said = [`since ${moment(since, now())}, ${lasting(now() - Date.parse(since))}`];
  if (proven) said.push(`WhatsApp answered ${lasting(now() - Date.parse(proven))} ago`);
  if (retry && Date.parse(retry) > now()) said.push(`tried again in ${lasting(Date.parse(retry) - now())}`);
  const text = said.join('\n');
  if ($('since').textContent !== text) $('since').textContent = text;
  linking.tick();
}

async function loadFeed() {
  try {
    const { messages } = await (await ask('/messages?limit=50')).json();
    feed.page(messages);
  } catch (problem) {
    if (problem.code === 503) setTimeout(loadFeed, 1_000);
  }
}

function heard({ type, data }) {
  if (type === 'message.status') feed.status(data);
  else if (type.startsWith('message.')) feed.add(data);
  else if (type === 'gap') feed.clear(), loadFeed();
  else if (type.startsWith('link.')) linking.changed();
  look();
}

function enter() {
  $('login').hidden = true;
  $('desk').hidden = false;
  feed.clear();
  following = new AbortController();
  const said = (text, tone) => { $('stream').textContent = text; $('stream').dataset.tone = tone; };
  said('Connecting …', 'busy');
  const on = {
    open(fresh) {
      said('Live', 'good');
      if (fresh) loadFeed();
      look();
    },
    event: heard,
    lost: (seconds) => said(`No line to the gateway, again in ${seconds} s`, 'bad'),
    refused: () => leave('The token is not, or no longer, the right one.'),
  };
  follow(headers(), on, following.signal);
  look();
}

/** Forgets the token. `why`: what the owner is told. */
function leave(why = '') {
  following?.abort();
  following = null;
  [token, status] = ['', null];
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  linking.clear();
  feed.clear();
  $('log-out-dialog').close();
  $('desk').hidden = true;
  $('login').hidden = false;
  $('login-fault').textContent = why;
  document.title = 'Pilothouse';
  $('token').focus();
}

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  token = $('token').value.trim();
  $('login-fault').textContent = '';
  try {
    await ask('/status');
  } catch (problem) {
    if (problem.code !== 401) $('login-fault').textContent = problem.message;
    return;
  }
  ($('remember').checked ? localStorage : sessionStorage).setItem(KEY, token);
  $('token').value = '';
  enter();
});
$('forget').addEventListener('click', () => leave());

/** The key of the message that is being sent: it stays while it isn't known whether the message was accepted. */
let sending = null;
const told = (text, tone) => { $('send-told').textContent = text; $('send-told').dataset.tone = tone; };

$('send-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = { to: $('to').value.trim(), text: $('text').value };
  const same = sending && sending.to === body.to && sending.text === body.text;
  if (!same) sending = { ...body, key: [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('') };
  $('send').disabled = true;
  told('Sending …', 'busy');
  try {
    await ask('/send', { method: 'POST', body, key: sending.key });
    sending = null;
    $('text').value = '';
    told('Accepted: it goes out as soon as it can.', 'good');
    $('text').focus();
  } catch (problem) {
    const unknown = problem.code === 0 || problem.code >= 500;
    if (!unknown) sending = null;
    told(`${problem.message}${unknown ? '. Send again: it won’t go out twice' : ''}.`, 'bad');
    if (problem.field === 'to' || problem.field === 'text') $(problem.field).focus();
  } finally {
    $('send').disabled = false;
  }
});
$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || matchMedia('(pointer: coarse)').matches) return;
  event.preventDefault();
  $('send-form').requestSubmit();
});

$('log-out').addEventListener('click', () => {
  const { queue } = status;
  $('log-out-fault').textContent = '';
  $('log-out-queue').textContent = queue ? `${queue} ${queue === 1 ? 'message waits' : 'messages wait'} to be sent, and will go out from the account that is linked next.` : '';
  $('log-out-dialog').showModal();
});
$('log-out-no').addEventListener('click', () => $('log-out-dialog').close());
$('log-out-yes').addEventListener('click', async () => {
  try {
    await ask('/link', { method: 'DELETE' });
    $('log-out-dialog').close();
  } catch (problem) {
    $('log-out-fault').textContent = problem.message;
  }
  look();
});

setInterval(() => {
  if (document.hidden || !following) return;
  tick();
  if (Date.now() - looked > LOOK_EVERY_MS) look();
}, 1_000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });

if (token) enter();
else leave();
