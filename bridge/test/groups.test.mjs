import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Groups, Subjects, askSubjects, subjectsOf } from '../lib/groups.mjs';
import { Refused } from '../lib/reasons.mjs';
import { renewKey, somebodyLeft } from '../lib/sender-keys.mjs';
import { golden } from './helpers.mjs';

const GROUP = '120363041234567890@g.us';
const answer = (id) => ({ id, subject: 'Saturday football', addressingMode: 'lid', participants: [{ id: '2@lid', phoneNumber: '1@s.whatsapp.net' }] });

function asked() {
  const questions = [];
  const groups = new Groups(async (group) => {
    questions.push(group);
    return answer(group);
  });
  return { questions, groups };
}

test('it is asked once who is in a group, until something may be different', async () => {
  const { questions, groups } = asked();
  const told = await groups.metadata(GROUP);
  assert.deepEqual(told, { id: GROUP, addressingMode: 'lid', ephemeralDuration: undefined, participants: [{ id: '2@lid' }] });
  await groups.metadata(GROUP);
  assert.equal(questions.length, 1);
  groups.forget(GROUP);
  await groups.metadata(GROUP);
  assert.equal(questions.length, 2);
});

test('an answer that may be older than a change is not kept', async () => {
  const { questions, groups } = asked();
  const under = groups.metadata(GROUP);
  groups.forget(GROUP);
  await under;
  await groups.metadata(GROUP);
  assert.equal(questions.length, 2);
});

test('the groups used last are kept, and no more than a hundred', async () => {
  const { questions, groups } = asked();
  await groups.metadata(GROUP);
  for (let n = 0; n < 99; n += 1) await groups.metadata(`${n}@g.us`);
  await groups.metadata(GROUP);
  await groups.metadata('another@g.us');
  await groups.metadata(GROUP);
  assert.equal(questions.length, 101, 'it was used again in time');
  await groups.metadata('0@g.us');
  assert.equal(questions.length, 102, 'and another one had to go');
});

test('what WhatsApp answers instead is said in words, and a connection that ended is not taken for an answer', async () => {
  const failing = (error) => new Groups(async () => { throw error; }).metadata(GROUP);
  const refusal = async (code) => {
    const error = await failing(Object.assign(new Error('forbidden'), { data: code })).catch((e) => e);
    assert.ok(error instanceof Refused);
    return error.refusal;
  };
  assert.match((await refusal(403)).error, /not in the group/);
  assert.match((await refusal(404)).error, /no such group/);
  assert.deepEqual([(await refusal(429)).code, (await refusal(429)).retryable], [429, false]);
  assert.match((await refusal(429)).error, /does not tell who is in the group: too many/);
  assert.equal((await refusal(503)).retryable, true);
  const closed = Object.assign(new Error('Connection Closed'), { output: { statusCode: 428 } });
  assert.equal(await failing(closed).catch((e) => e), closed);
});

test('a new key takes the place of both that we may write with', async () => {
  assert.ok(somebodyLeft({ content: [{ tag: 'remove' }] }));
  assert.ok(!somebodyLeft({ content: [{ tag: 'subject' }] }) && !somebodyLeft({}));
  const written = [];
  const keys = { set: async (data) => written.push(data), transaction: async (work, lock) => written.push(lock) && work() };
  const socket = {
    authState: { creds: { me: { id: '15550009999:1@s.whatsapp.net', lid: '1999:1@lid' } }, keys },
    signalRepository: { jidToSignalProtocolAddress: (jid) => (jid.endsWith('@lid') ? '1999_1.1' : '15550009999.1') },
  };
  await renewKey(socket, GROUP);
  assert.deepEqual(written, [GROUP, {
    'sender-key': { [`${GROUP}::1999_1::1`]: null, [`${GROUP}::15550009999::1`]: null },
    'sender-key-memory': { [GROUP]: null },
  }]);
});

test('what groups are called is told, as far as it is known, and within bounds', async () => {
  const node = (tag, attrs, content) => ({ tag, attrs, content });
  const group = (id, subject) => node('group', { id, subject });
  const groups = [group('120363041234567890', 'Saturday football'), group('120363055555555555@g.us', 'Roof repairs')];
  const answer = node('iq', {}, [node('groups', {}, groups)]);
  const told = subjectsOf(await askSubjects({ query: async () => answer }));
  assert.deepEqual(told, golden.find(({ type }) => type === 'groups'));
  assert.equal(subjectsOf([{ id: GROUP, announce: true }]), null, 'a change of something else');
  assert.deepEqual(await askSubjects({ query: async () => undefined }), []);
  const many = subjectsOf(Array.from({ length: 1_500 }, (_, n) => ({ id: `${n}@g.us`, subject: '\u0000'.repeat(30_000) })));
  assert.ok(many.groups.length === 1_000 && JSON.stringify(many).length < 1 << 20);
});

test('when somebody writes in a group that is not known it is asked what it is called, once and not too often', async () => {
  const events = [];
  let asked = 0;
  const subjects = new Subjects((event) => events.push(event));
  const socket = {
    query: async () => {
      asked += 1;
      return { content: [{ tag: 'groups', content: [{ tag: 'group', attrs: { id: GROUP, subject: 'Saturday football' } }] }] };
    },
  };
  const heard = (chat, now) => subjects.heard(chat, socket, () => true, now);
  await heard('15550001001@s.whatsapp.net', 0);
  assert.equal(asked, 0);
  await Promise.all([heard(GROUP, 0), heard('2@g.us', 0)]);
  assert.deepEqual([asked, events], [1, [{ type: 'groups', groups: [{ id: GROUP, subject: 'Saturday football' }] }]]);
  await heard(GROUP, 60_000);
  await heard('2@g.us', 1_000);
  assert.equal(asked, 1, 'it is known, and it is too soon');
  await heard('2@g.us', 60_000);
  await heard('2@g.us', 120_000);
  assert.equal(asked, 2, 'in vain, and not again');
});
