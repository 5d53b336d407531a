// Acts: what is recorded of them, and what waits for a second person's word.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

import { run, program, scenario, until } from './lib/env.mjs';
import { client, grpc, roost } from './lib/grpc.mjs';
import { actingNode, Person } from './lib/people.mjs';

const { OK, PERMISSION_DENIED, DEADLINE_EXCEEDED, UNAVAILABLE } = grpc.status;
const config = (wait) => `[approvals]\ntags = prod\nwait = ${wait}\n`;
const reboot = '/roost.v1.Power/Reboot';
const request = Buffer.from('0805120568656c6c6f', 'hex'); // delaySeconds 5, message "hello"

// The acts in the record, the newest first.
const acts = async (env, ...args) => (await env.json('activity', '--kind', 'act.', ...args)).events ?? [];
const waiting = async (person) => (await person.json('approve')).approvals ?? [];

// A node "box" that is tagged prod, and people who may operate it.
async function place(env, answer) {
  const box = await actingNode(env, 'box', answer);
  await env.cli('node', 'tag', 'box', 'prod');
  const bob = await Person.invite(env, 'bob', '--role', 'operator', '--node', '@prod');
  const eve = await Person.invite(env, 'eve', '--role', 'operator', '--node', 'box');
  const val = await Person.invite(env, 'val', '--role', 'viewer', '--node', '*');
  const stub = client(env, roost.Nodes);
  const ask = async (who = bob) => {
    const call = who.call(stub, 'box', reboot, request);
    const [id] = (await call.head).get('roost-approval');
    return { ...call, id };
  };
  return { box, bob, eve, val, stub, ask };
}

scenario('a harmful act on a tagged node waits for a second person', { config: config('15m') }, async (env) => {
  const { box, bob, eve, val, stub, ask } = await place(env);

  const held = await ask();
  assert.deepEqual((await waiting(eve)).map(({ id, node, method, askedBy, consentTag }) => ({ id, node, method, askedBy, consentTag })), [
    { id: held.id, node: 'box', method: reboot, askedBy: 'bob', consentTag: 'prod' },
  ]);
  assert.deepEqual(JSON.parse((await waiting(eve))[0].requestJson), { delayS: 5, message: 'hello' });
  assert.deepEqual(await waiting(val), []);
  assert.match((await bob.cli('approve', held.id, '--yes', { ok: [5] })).stderr, /second person/);
  assert.equal((await val.cli('approve', held.id, '--yes', { ok: 'any' })).code, 4);
  assert.equal(box.calls.length, 0);
  await eve.cli('approve', held.id.slice(0, 6), '--yes');
  assert.equal((await held.ended).code, OK);
  assert.equal(box.calls.length, 1);
  assert.equal((await eve.cli('approve', held.id, '--yes', { ok: 'any' })).code, 4);

  const [act] = await acts(env);
  assert.equal(act.kind, 'act.ended');
  assert.equal(act.node, 'box');
  assert.equal(act.actor, 'bob');
  assert.equal(act.act.method, reboot);
  assert.deepEqual(JSON.parse(act.act.arguments), { delayS: 5, message: 'hello' });
  assert.ok(Number(act.act.durationUs) > 0);

  // A program's word is nobody's; an administrator's is.
  const rejected = await ask();
  const robot = (await env.cli('token', 'new', 'robot', '--caller', '--role', 'owner', '--node', '*')).stdout.trim();
  assert.match((await env.cli('approve', rejected.id, '--yes', { ok: [5], env: { ROOST_TOKEN: robot } })).stderr, /second person/);
  await env.cli('approve', rejected.id, '--reject', '--reason', 'not today');
  const refusal = await rejected.ended;
  assert.equal(refusal.code, PERMISSION_DENIED);
  assert.match(refusal.details, /rejected it: not today/);

  // Who asked leaves; somebody's right is withdrawn.
  const left = await ask();
  left.cancel();
  await until(async () => (await waiting(eve)).length === 0);
  const withdrawn = await ask();
  await env.cli('grant', 'remove', 'bob', '@prod');
  await eve.cli('approve', withdrawn.id, '--yes', { ok: 'any' });
  assert.notEqual((await withdrawn.ended).code, OK);

  // What does no harm waits for nobody; nor does a node without the tag, which its owner
  // cannot take off.
  await env.cli('grant', 'new', 'bob', 'box', 'owner');
  assert.match((await bob.cli('node', 'tag', 'box', '-prod', { ok: [5] })).stderr, /administrator/);
  assert.equal((await bob.call(stub, 'box', '/roost.v1.Power/Cancel').ended).code, OK);
  await env.cli('node', 'tag', 'box', '-prod');
  assert.equal((await bob.call(stub, 'box', reboot, request).ended).code, OK);
  assert.equal(box.calls.length, 3);
  box.close();
});

scenario('what nobody decides lapses, and a caller has only so many that wait', { config: config('1s') }, async (env) => {
  const { box, ask, bob, stub } = await place(env);

  const held = await ask();
  const end = await held.ended;
  assert.equal(end.code, DEADLINE_EXCEEDED);
  assert.match(end.details, /in time/);
  writeFileSync(env.file('roost.conf'), config('15m'));
  env.hub.child.kill('SIGHUP');
  await env.hub.line(/settings were read anew/);
  const many = [];
  for (let i = 0; i < 10; i++) many.push(await ask());
  assert.equal((await bob.call(stub, 'box', reboot, request).ended).code, grpc.status.RESOURCE_EXHAUSTED);
  for (const call of many) call.cancel();
  assert.equal(box.calls.length, 0);
  const kinds = (await env.json('activity', '--kind', 'approval.')).events.map((event) => event.kind);
  assert.ok(kinds.includes('approval.lapsed') && kinds.includes('approval.asked'));
  box.close();
});

scenario('a hub that ends or is killed has begun nothing of what waits', { config: config('15m') }, async (env) => {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    const { box, ask, eve } = signal === 'SIGTERM' ? await place(env) : await again(env);
    const held = await ask();
    box.close();
    await env.restartHub(signal);
    assert.equal((await held.ended).code, UNAVAILABLE, signal);
    assert.equal(box.calls.length, 0);
    assert.deepEqual(await waiting(eve), []);
    env.people = { box, eve };
  }
  assert.deepEqual(await acts(env), []);
});

// The same node and people at the hub that was started again.
async function again(env) {
  await env.cli('node', 'remove', 'box', '--yes');
  for (const name of ['bob', 'eve', 'val']) await env.cli('user', 'remove', name);
  return place(env);
}

scenario('an act is in the record before it is sent, and unclear when the hub is killed', async (env) => {
  const statuses = { 'roost.v1.Power': undefined };
  const box = await actingNode(env, 'box', (call) => statuses[call.method]);
  const bob = await Person.invite(env, 'bob', '--role', 'operator', '--node', 'box');
  const val = await Person.invite(env, 'val', '--role', 'viewer', '--node', 'box');
  let stub = client(env, roost.Nodes);

  statuses['/roost.v1.Power/Shutdown'] = { status: PERMISSION_DENIED, message: 'policy.conf does not allow power' };
  assert.equal((await bob.call(stub, 'box', '/roost.v1.Power/Shutdown').ended).code, PERMISSION_DENIED);
  assert.equal((await val.call(stub, 'box', reboot).ended).code, PERMISSION_DENIED);
  let [role, policy] = await acts(env);
  assert.deepEqual([role.kind, role.actor, policy.kind, policy.actor], ['act.refused', 'val', 'act.refused', 'bob']);
  assert.match(policy.text, /policy.conf does not allow power/);

  // Not whole, too long, or nonsense: none of it arrives.
  assert.equal(box.calls.length, 1);
  assert.notEqual((await bob.call(stub, 'box', reboot, Buffer.alloc(62 * 1024)).ended).code, OK);
  assert.equal(box.calls.length, 1);

  const running = bob.call(stub, 'box', reboot, request);
  await until(() => box.calls.length === 2);
  assert.equal((await acts(env)).length, 2);
  box.close();
  await env.restartHub('SIGKILL');
  assert.equal((await running.ended).code, UNAVAILABLE);
  const [unclear, ...others] = await acts(env, '--node', 'box', '--actor', 'bob');
  assert.equal(unclear.kind, 'act.unclear');
  assert.equal(unclear.act.unclear, true);
  assert.match(unclear.text, /not known/);
  assert.equal(others.length, 1);
  await env.restartHub();
  assert.equal((await acts(env, '--since', '1h', '--actor', 'bob')).length, 2);
  assert.equal((await acts(env, '--until', '1h')).length, 0);
  assert.equal((await val.json('activity', '--kind', 'act.unclear')).events.length, 1);
  assert.equal((await run(program('roostd'), ['check', '--data', env.data], { ok: 'any' })).code, 0);
});

scenario('an act that the host wants signed waits for somebody with the key', async (env) => {
  const line = (await env.cli('key', 'new', 'root')).stdout.trim();
  const agent = await env.agent('pi');
  const victim = env.start('sleep', ['1000']);
  writeFileSync(`${agent.state}/policy.conf`, `allow signal\nrequire signature signal\n${line}\n`, { mode: 0o600 });
  await agent.proc.line(/allows look,signal,signal.signed/);
  const bob = await Person.invite(env, 'bob', '--role', 'operator', '--node', 'pi');

  const killing = bob.cli('kill', 'pi', String(victim.pid), '--yes', '--wait', { ok: [0] });
  const item = await until(async () => (await waiting(env))[0]);
  assert.equal(item.needsSignature, true);
  assert.equal(item.askedBy, 'bob');
  assert.ok(victim.running);
  assert.match((await bob.cli('approve', item.id, '--yes', { ok: 'any' })).stderr, /no operator key/);
  await env.cli('approve', item.id, '--yes');
  assert.match((await killing).stderr, new RegExp(`waiting for roost approve ${item.id}`));
  await victim.ended;
  env.drop(victim);
  const [act] = await acts(env);
  assert.deepEqual([act.kind, act.actor, act.act.method], ['act.ended', 'bob', '/roost.v1.Processes/Signal']);
});

scenario('a real process is ended when a second person agrees, and by nothing less', { config: config('15m') }, async (env) => {
  await env.agent('pi', { policy: 'allow signal sleep\n' });
  await env.cli('node', 'tag', 'pi', 'prod');
  const bob = await Person.invite(env, 'bob', '--role', 'operator', '--node', 'pi');
  const eve = await Person.invite(env, 'eve', '--role', 'operator', '--node', 'pi');
  const val = await Person.invite(env, 'val', '--role', 'viewer', '--node', '*');
  const robot = (await env.cli('token', 'new', 'robot', '--caller', '--role', 'owner', '--node', '*')).stdout.trim();
  const start = (file, ...args) => env.start(file, args);
  const held = async (proc) => {
    const killing = bob.cli('kill', 'pi', String(proc.pid), '--yes', '--wait', { ok: 'any' });
    const item = await until(async () => (await waiting(eve))[0]);
    assert.deepEqual([item.askedBy, item.consentTag, JSON.parse(item.requestJson).pid], ['bob', 'prod', proc.pid]);
    return { killing, item };
  };

  const [victim, spared] = [start('sleep', '1000'), start('sleep', '1001')];
  const { killing, item } = await held(victim);
  assert.match((await bob.cli('approve', item.id, '--yes', { ok: [5] })).stderr, /second person/);
  assert.match((await env.cli('approve', item.id, '--yes', { ok: [5], env: { ROOST_TOKEN: robot } })).stderr, /second person/);
  assert.equal((await val.cli('approve', item.id, '--yes', { ok: 'any' })).code, 4);
  assert.ok(victim.running);
  await eve.cli('approve', item.id, '--yes');
  assert.equal((await killing).code, 0);
  await victim.ended;
  env.drop(victim);
  const [act] = await acts(env, '--node', 'pi');
  assert.deepEqual([act.kind, act.actor, act.act.method, JSON.parse(act.act.arguments).pid], ['act.ended', 'bob', '/roost.v1.Processes/Signal', victim.pid]);
  const agreed = (await env.json('activity', '--kind', 'approval.')).events.find(({ actor }) => actor === 'eve');
  assert.equal(agreed.kind, 'approval.given');

  // Her no is no; and her yes does not overrule the owner of the host.
  const second = await held(spared);
  await eve.cli('approve', second.item.id, '--reject', '--reason', 'it is needed');
  const refusal = await second.killing;
  assert.equal(refusal.code, 5);
  assert.match(refusal.stderr, /eve rejected it: it is needed/);
  const denied = start('tail', '-f', '/dev/null');
  await until(() => readFileSync(`/proc/${denied.pid}/comm`, 'utf8') === 'tail\n');
  const third = await held(denied);
  await eve.cli('approve', third.item.id, '--yes');
  assert.match((await third.killing).stderr, /the policy of this host does not allow signal tail/);
  assert.ok(spared.running && denied.running);
  for (const proc of [spared, denied]) {
    await proc.kill();
    env.drop(proc);
  }
});
