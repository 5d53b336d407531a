// Groups: a name that lists nodes, and which of them answers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import protobuf from 'protobufjs';

import { pause, protoDir, scenario, until } from './lib/env.mjs';
import { client, grpc, health, listServices, metadata, reflection, roost, unary } from './lib/grpc.mjs';
import { handshake, join, serve } from './lib/link.mjs';

const { status } = grpc;
const HealthReply = protobuf.parse('syntax="proto3"; message R { int32 status = 1; }').root.lookupType('R');
const LinkProto = protobuf.parse(readFileSync(path.join(protoDir, 'roost/v1/link.proto'), 'utf8'), { keepCase: true }).root;
const Services = LinkProto.lookupType('roost.v1.ServicesResponse');
const frame = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);

// A member that answers calls of demo.Echo as `answer(stream, n)` says, the n-th from 1.
async function member(env, name, { answer, serving = true, services } = {}) {
  const { socket } = await handshake(env, await join(env, name), { keep: true });
  const session = serve(socket);
  const it = { name, calls: 0, watches: new Set(), session, socket };
  const end = (stream, code = 0) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(code) }));
    stream.end(code ? Buffer.alloc(0) : frame(Buffer.from(name)));
  };
  it.say = (isServing) => {
    serving = isServing;
    for (const stream of it.watches) stream.write(frame(Buffer.from(HealthReply.encode({ status: serving ? 1 : 2 }).finish())));
  };
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/grpc.health.v1.Health/Watch') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      it.watches.add(stream);
      stream.on('close', () => it.watches.delete(stream));
      it.say(serving);
    } else if (headers[':path'].startsWith('/demo.')) {
      it.calls++;
      if (answer) answer(stream, it.calls, end, session);
      else end(stream);
    } else if (services && headers[':path'] === '/roost.v1.Link/Services') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(frame(Buffer.from(Services.encode({ back_ends: [{ name: 'x', state: 2, services }] }).finish())));
    } else if (headers[':path'].endsWith('/Describe')) {
      end(stream, status.UNIMPLEMENTED);
    }
  });
  await env.state(name, 'ONLINE');
  it.close = () => session.destroy();
  return it;
}

function caller(env, token) {
  const stub = new grpc.Client(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(readFileSync(path.join(env.data, 'tls', 'ca.pem'))));
  return (name, method = '/demo.Echo/Say', request = Buffer.from('hello')) =>
    new Promise((resolve) => {
      stub.makeUnaryRequest(method, (m) => m, (m) => m, request, metadata({ authorization: `Bearer ${token}`, name }), (error, reply) =>
        resolve(error ? { code: error.code, details: error.details } : { code: 0, from: reply.toString() }),
      );
    });
}

const times = (count, fn) => Promise.all(Array.from({ length: count }, fn));

scenario('names of groups and of nodes are kept apart, and groups survive a restart', async (env) => {
  await env.agent('pi');
  const fail = async (...args) => (await env.cli('group', ...args, { ok: 'any' })).stderr;
  assert.match(await fail('new', 'pi', 'x'), /there is a node "pi" already/);
  assert.match(await fail('new', 'Bad Name', 'x'), /a name is 1 to 63/);
  assert.match(await fail('new', 'web', 'not a name'), /no name, no glob and no @tag/);
  assert.match(await fail('show', 'web'), /no group "web"/);
  await env.cli('group', 'new', 'web', 'p*,nas', '@home');
  assert.match(await fail('new', 'web', 'x'), /there is a group "web" already/);
  assert.match((await env.cli('node', 'rename', 'pi', 'web', { ok: 'any' })).stderr, /there is a group "web" already/);
  assert.match((await env.cli('token', 'new', 'web', { ok: 'any' })).stderr, /there is a group "web"/);

  const { groups } = await env.json('group');
  assert.deepEqual(groups.map((group) => [group.name, group.members, group.nodes.map((node) => node.node)]), [['web', ['p*', 'nas', '@home'], ['pi']]]);
  await env.restartHub();
  await env.state('pi', 'ONLINE');
  assert.deepEqual((await env.json('group', 'show', 'web')).members, ['p*', 'nas', '@home']);
  assert.match((await env.cli('token', 'new', 'web', { ok: 'any' })).stderr, /there is a group "web"/);
  assert.equal((await env.cli('group', '--names')).stdout, 'web\n');

  // An agent that may choose its name passes the group's over.
  const state = env.file('agent-web');
  const link = (await env.cli('token', 'new', '--reusable')).stdout.trim();
  const { program, run } = await import('./lib/env.mjs');
  await run(program('roost-agent'), ['join', link, '--name', 'web', '--state', state]);
  assert.deepEqual((await env.json('nodes')).nodes.map((node) => node.name), ['pi', 'web-2']);

  await env.cli('group', 'remove', 'web');
  await env.cli('node', 'rename', 'pi', 'web');
});

scenario('calls go to the least busy member, and members come and go', async (env) => {
  const held = [];
  const [a, b, c] = await Promise.all([
    member(env, 'a'),
    member(env, 'b', { answer: (stream, n, end) => held.push(() => end(stream)) }),
    member(env, 'c'),
  ]);
  await env.cli('group', 'new', 'all', '@demo');
  const call = caller(env, await env.token());
  assert.match((await call('all')).details, /has no members/);
  await env.cli('node', 'tag', 'a', 'demo');
  assert.deepEqual(await call('all'), { code: 0, from: 'a' });
  await env.cli('node', 'tag', 'b,c', 'demo');

  const slow = times(3, () => call('all')); // one of them hangs at b
  await until(() => b.calls === 1);
  for (let i = 0; i < 40; i++) assert.equal((await call('all')).code, 0);
  assert.equal(b.calls, 1, 'the busy one gets no more');
  assert.ok(Math.abs(a.calls - c.calls) <= 4, `${a.calls} and ${c.calls} take turns`);
  held.splice(0).forEach((end) => end());
  assert.ok((await slow).every((answer) => answer.code === 0));

  a.socket.destroy();
  await env.state('a', 'OFFLINE');
  const before = c.calls;
  const more = times(10, () => call('all'));
  await until(() => held.length + c.calls - before === 10);
  held.splice(0).forEach((end) => end());
  assert.ok((await more).every((answer) => answer.code === 0));
  const shown = await env.json('group', 'show', 'all');
  assert.deepEqual(shown.nodes.map((node) => [node.node, Boolean(node.online)]).sort(), [['a', false], ['b', true], ['c', true]]);
  b.close();
  c.close();
});

scenario('a member that fails is left out and comes back', async (env) => {
  let broken = true;
  const good = await member(env, 'good');
  const bad = await member(env, 'bad', { answer: (stream, n, end) => end(stream, broken ? status.UNAVAILABLE : 0) });
  await env.cli('group', 'new', 'pair', 'good,bad');
  const call = caller(env, await env.token());
  const answers = [];
  for (let i = 0; i < 60; i++) answers.push((await call('pair')).code);
  assert.equal(answers.filter((code) => code === status.UNAVAILABLE).length, 5);
  assert.equal(bad.calls, 5);
  assert.ok((await env.json('group', 'show', 'pair')).nodes.find((node) => node.node === 'bad').outUntil);
  broken = false;
  await until(async () => (await call('pair')).from === 'bad', 15_000);
  good.close();
  bad.close();
});

scenario('who says NOT_SERVING gets no calls until it says otherwise', async (env) => {
  const sick = await member(env, 'sick', { serving: false });
  const well = await member(env, 'well');
  await env.cli('group', 'new', 'pair', 'sick,well');
  const call = caller(env, await env.token());
  await times(4, () => call('pair'));
  await until(() => sick.watches.size === 1 && well.watches.size === 1);
  await until(async () => {
    const before = sick.calls;
    await times(6, () => call('pair'));
    return sick.calls === before;
  });
  sick.say(true);
  await until(async () => (await call('pair')).from === 'sick');
  sick.say(false);
  well.say(false);
  await until(async () => (await call('pair')).code === status.UNAVAILABLE);
  assert.match((await call('pair')).details, /SERVING/);
  sick.close();
  well.close();
});

scenario('only members that serve the service are asked', async (env) => {
  const has = await member(env, 'has', { services: ['demo.Echo', 'demo.Both'] });
  const other = await member(env, 'other', { services: ['demo.Both'] });
  await until(async () => (await env.node('other')).services && (await env.node('has')).services);
  await env.cli('group', 'new', 'pair', 'has,other');
  const call = caller(env, await env.token());
  for (let i = 0; i < 6; i++) assert.deepEqual(await call('pair'), { code: 0, from: 'has' });
  await times(6, () => call('pair', '/demo.Both/Say'));
  assert.ok(other.calls >= 1);
  has.close();
  await env.state('has', 'OFFLINE');
  const none = await call('pair');
  assert.equal(none.code, status.UNIMPLEMENTED);
  assert.match(none.details, /no member of the group "pair" that is online serves/);
  other.close();
});

scenario('a call that never arrived goes to another member, once', async (env) => {
  const full = await member(env, 'full', { answer: (stream) => stream.close(7) }); // REFUSED_STREAM
  const free = await member(env, 'free');
  await env.cli('group', 'new', 'pair', 'f*');
  const call = caller(env, await env.token());
  for (let i = 0; i < 10; i++) assert.deepEqual(await call('pair'), { code: 0, from: 'free' });
  assert.ok(full.calls >= 1);
  free.close();
  await env.state('free', 'OFFLINE');
  const alone = await call('pair');
  assert.equal(alone.code, status.UNAVAILABLE);
  full.close();
});

scenario('the caller needs a role on the member', async (env) => {
  const mine = await member(env, 'mine');
  const other = await member(env, 'other');
  await env.cli('group', 'new', 'both', 'mine,other');
  const token = async (...args) => (await env.cli('token', 'new', '--caller', ...args)).stdout.trim();
  const partly = await token('partly', '--node', 'mine', '--role', 'operator');
  const call = caller(env, partly);
  for (let i = 0; i < 6; i++) assert.deepEqual(await call('both'), { code: 0, from: 'mine' });
  assert.equal(other.calls, 0);
  const viewer = await caller(env, await token('viewer', '--node', '*', '--role', 'viewer'))('both');
  assert.equal(viewer.code, status.PERMISSION_DENIED);
  assert.match(viewer.details, /operator/);
  const stranger = await caller(env, await token('stranger', '--node', 'x', '--role', 'owner'))('both');
  assert.deepEqual([stranger.code, stranger.details], [status.NOT_FOUND, 'no node "both"']);

  const groups = client(env, roost.Groups);
  const shown = await unary(groups, 'get', { name: 'both' }, { authorization: `Bearer ${partly}` });
  assert.deepEqual(shown.nodes.map((node) => node.node), ['mine']);
  const denied = await unary(groups, 'remove', { name: 'both' }, { authorization: `Bearer ${partly}` }).catch((error) => error);
  assert.equal(denied.code, status.PERMISSION_DENIED);
  mine.close();
  other.close();
});

scenario('health and reflection by the name of a group are those of a member', async (env) => {
  const agent = await env.agent('pi');
  await env.cli('group', 'new', 'pis', 'pi*');
  const fields = { authorization: `Bearer ${await env.token()}`, name: 'pis' };
  for (const version of ['v1', 'v1alpha'])
    assert.ok((await listServices(client(env, reflection[version].ServerReflection), fields)).includes('roost.v1.Host'));
  assert.equal((await unary(client(env, health.Health), 'check', { service: 'roost.v1.Host' }, fields)).status, 'SERVING');
  const host = client(env, roost.Host);
  let running = true;
  const worker = async () => {
    while (running) await unary(host, 'describe', {}, fields);
  };
  const workers = times(4, worker);
  await pause(200);
  await env.stopAgent(agent);
  await env.startAgent(agent); // the only member: calls wait for it
  running = false;
  await workers;
});
