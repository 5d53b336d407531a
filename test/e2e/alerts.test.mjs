// Alerts by the API: rules, incidents, who may see and change what, and a hub that dies.
import assert from 'node:assert/strict';

import { scenario, until } from './lib/env.mjs';
import { client, grpc, metadata, roost, unary } from './lib/grpc.mjs';
import { Person } from './lib/people.mjs';

const { INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, ALREADY_EXISTS } = grpc.status;

// Calls of roost.v1.Alerts in somebody's name.
function alertsOf(env, token) {
  const stub = client(env, roost.Alerts);
  const fields = { authorization: `Bearer ${token}` };
  const call = (method, request = {}) => unary(stub, method, request, fields);
  call.watch = (request = {}) => stub.Watch(request, metadata(fields));
  return call;
}

async function refused(promise, code, text) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (e) => e,
  );
  assert.equal(error.code, code, error.details);
  assert.match(error.details, text);
}

const open = async (alerts, rule) => (await alerts('List', { rule })).incidents;

scenario('a rule fires on what an agent measures, and is judged on after a kill', async (env) => {
  const alerts = alertsOf(env, await env.token());
  await env.agent('nas');
  const events = [];
  const watch = alerts.watch();
  watch.on('data', (event) => events.push(event));
  watch.on('error', () => {});
  await until(() => events.some(({ initialDone }) => initialDone));

  const rule = await alerts('PutRule', { rule: { name: 'busy', select: 'nas', condition: 'mem > 0 for 2s', severity: 'CRITICAL' } });
  assert.equal(rule.changedBy.length > 0, true);
  const incident = await until(async () => events.map((event) => event.incident).find((one) => one?.rule === 'busy'));
  assert.equal(incident.node, 'nas');
  assert.equal(incident.series, 'mem');
  assert.equal(incident.state, 'FIRING');
  assert.equal(incident.severity, 'CRITICAL');
  assert.match(incident.text, /^mem is [\d.]+ %, more than 0.0 % for 2 s$/);
  const full = await until(async () => {
    const one = await alerts('Get', { id: incident.id });
    return one.processes.length > 0 && one;
  });
  assert.ok(full.processes[0].name.length > 0);
  assert.deepEqual((await alerts('ListRules', { select: 'nas' })).rules.filter(({ name }) => name === 'busy').map(({ series, firing }) => [series, firing]), [[1, 1]]);

  // It is what it was after the hub was killed, and nobody hears of it again.
  await env.restartHub('SIGKILL');
  await env.state('nas', 'ONLINE');
  const [again] = await until(async () => {
    const list = await open(alerts, 'busy').catch(() => []);
    return list.length > 0 && list;
  });
  assert.equal(again.id, incident.id);
  assert.equal((await alerts('Acknowledge', { id: again.id })).acknowledgedBy.length > 0, true);
  assert.equal((await alerts('Acknowledge', { id: again.id, undo: true })).acknowledgedBy, '');

  const tested = await alerts('TestRule', { rule: { name: 'trial', select: 'nas', condition: 'mem > 0' }, lastMs: '600000' });
  assert.equal(tested.reading, 'mem is more than 0.0 %');
  assert.equal(tested.incidents[0].node, 'nas');
  await alerts('PutRule', { rule: { ...rule, condition: 'mem > 100' } });
  await until(async () => (await open(alerts, 'busy')).length === 0);
  const [over] = (await alerts('List', { rule: 'busy', all: true })).incidents;
  assert.equal(over.state, 'RESOLVED');
  assert.deepEqual(over.timeline.map(({ text }) => text).filter((text) => /fired|changed/.test(text)), ['fired', 'the rule was changed']);
  watch.cancel();
});

scenario('people see and change what is theirs', async (env) => {
  const admin = alertsOf(env, await env.token());
  await env.agent('nas');
  await env.agent('pi');
  const people = {};
  for (const [name, role, node] of [['val', 'viewer', 'nas'], ['otto', 'operator', 'nas'], ['olga', 'owner', 'nas'], ['eve', 'viewer', 'pi']])
    people[name] = alertsOf(env, (await Person.invite(env, name, '--role', role, '--node', node)).token);
  const { val, otto, olga, eve } = people;

  // A rule for everybody takes an owner of all its nodes, one's own a look at them.
  await refused(val('PutRule', { rule: { name: 'a', select: 'nas', condition: 'mem > 0' } }), PERMISSION_DENIED, /owns all its nodes/);
  await refused(olga('PutRule', { rule: { name: 'a', condition: 'mem > 0' } }), PERMISSION_DENIED, /owns all its nodes/);
  await olga('PutRule', { rule: { name: 'shared', select: 'nas', condition: 'mem > 0' } });
  await val('PutRule', { rule: { name: 'own', select: 'n*', condition: 'mem > 0', owner: 'val' } });
  await refused(val('PutRule', { rule: { name: 'b', condition: 'mem > 0', owner: 'eve' } }), PERMISSION_DENIED, /somebody else/);
  await refused(val('PutRule', { rule: { name: 'b', condition: 'probe(tcp 127.0.0.1:22)', select: 'nas', owner: 'val' } }), PERMISSION_DENIED, /probe/);
  await refused(val('PutRule', { rule: { name: 'b', condition: 'mem >', owner: 'val' } }), INVALID_ARGUMENT, /at 6: a number is missing/);
  await refused(val('PutRule', { rule: { name: 'disk', condition: 'disk:* > 99', owner: 'val' } }), PERMISSION_DENIED, /built in/);
  await refused(eve('PutRule', { rule: { name: 'own', condition: 'mem > 0', owner: 'eve' } }), ALREADY_EXISTS, /already/);
  await refused(admin('PutRule', { rule: { name: 'uplink', condition: 'mem > 0' } }), INVALID_ARGUMENT, /taken/);

  // val's own rule looks at nas alone, and nobody else hears of it.
  await until(async () => (await open(val, 'own')).length > 0 && (await open(val, 'shared')).length > 0);
  assert.deepEqual((await open(admin, 'own')).map(({ node }) => node), ['nas']);
  assert.deepEqual(await open(otto, 'own'), []);
  assert.deepEqual((await eve('List')).incidents, []);
  assert.equal((await eve('ListRules')).rules.some(({ name }) => name === 'own'), false);
  const [own] = await open(val, 'own');
  const [shared] = await open(val, 'shared');
  await refused(eve('Get', { id: shared.id }), NOT_FOUND, /no incident/);
  await refused(otto('Get', { id: own.id }), NOT_FOUND, /no incident/);
  await refused(val('Acknowledge', { id: shared.id }), PERMISSION_DENIED, /operates/);
  assert.equal((await val('Acknowledge', { id: own.id })).acknowledgedBy, 'val');
  assert.equal((await otto('Acknowledge', { id: shared.id })).acknowledgedBy, 'otto');

  // Silences and channels.
  await refused(val('PutSilence', { select: 'nas', lastsS: 60 }), PERMISSION_DENIED, /operates/);
  await refused(otto('PutSilence', { lastsS: 60 }), PERMISSION_DENIED, /operates/);
  const silence = await otto('PutSilence', { select: 'nas', lastsS: 60, reason: 'work' });
  assert.equal(silence.createdBy, 'otto');
  assert.deepEqual((await val('ListSilences')).silences.map(({ id }) => id), [silence.id]);
  assert.deepEqual((await eve('ListSilences')).silences, []);
  await refused(val('RemoveSilence', { id: silence.id }), PERMISSION_DENIED, /operates/);
  await otto('RemoveSilence', { id: silence.id });
  await refused(val('PutSilence', { incident: shared.id, lastsS: 60 }), PERMISSION_DENIED, /operates/);
  await val('PutSilence', { incident: own.id, lastsS: 60 });
  assert.notEqual((await val('Get', { id: own.id })).silencedUntil, null);
  await refused(olga('ListChannels'), PERMISSION_DENIED, /./);
  assert.ok((await admin('ListChannels')).channels.some(({ name }) => name === 'people'));

  await refused(otto('RemoveRule', { name: 'shared' }), PERMISSION_DENIED, /owns/);
  await olga('RemoveRule', { name: 'shared' });
  await val('RemoveRule', { name: 'own' });
  await until(async () => (await admin('List')).incidents.filter(({ rule }) => ['own', 'shared'].includes(rule)).length === 0);
});
