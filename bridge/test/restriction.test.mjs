import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Restriction } from '../lib/restriction.mjs';
import { golden } from './helpers.mjs';

const UNTIL = 1790000600000;
const [known, unknown, ended] = golden.filter(({ type }) => type === 'restriction');

test('a restriction is told once, with its end, and its end is told', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: UNTIL - 5000 });
  const told = [];
  const restriction = new Restriction((event) => told.push(event));
  const state = { isActive: true, timeEnforcementEnds: new Date(UNTIL) };
  restriction.update({ isActive: false });
  restriction.update(state);
  restriction.update(state);
  assert.deepEqual(told, [known]);
  t.mock.timers.tick(5000);
  assert.deepEqual(told, [known, ended]);
  restriction.update({ isActive: true });
  restriction.update({ isActive: true });
  restriction.update({ isActive: false });
  assert.deepEqual(told, [known, ended, unknown, ended]);
});

test('what cannot be asked is not known', async () => {
  const restriction = new Restriction(() => {});
  const fetchAccountReachoutTimelock = async () => {
    throw new Error('no answer');
  };
  assert.equal(await restriction.ask({ fetchAccountReachoutTimelock }), undefined);
  assert.equal(await restriction.ask({ fetchAccountReachoutTimelock: async () => restriction.update({ isActive: true, timeEnforcementEnds: new Date(4e12) }) }), 4e12);
});
