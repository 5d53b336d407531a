// What happens at the hub and what is called through it: the older hub's own services, as
// its clients know them, and ours.
import assert from 'node:assert/strict';

import { scenario, until } from './lib/env.mjs';
import { client, grpc, health, internal, metadata, unary } from './lib/grpc.mjs';

const goTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})? \+0000 UTC m=\+\d+\.\d{9}$/;
const goDuration = /^(\d+h)?(\d+m)?\d+(\.\d{1,9})?(s|ms|µs|ns)$/;

const check = (env, fields, name) =>
  unary(client(env, health.Health), 'Check', { service: '' }, name ? { ...fields, name } : fields);

// A server stream that has begun: what it said, and its end.
async function open(stub, method, request, fields) {
  const stream = stub[method](request, metadata(fields));
  const feed = { stream, events: [], status: undefined };
  stream.on('data', (event) => feed.events.push(event));
  stream.on('error', () => {});
  stream.on('status', (status) => (feed.status = status));
  await new Promise((resolve, reject) => stream.once('metadata', resolve).once('error', reject));
  return feed;
}

// Without the calls that this file's own look at nodes makes.
const told = (feed) => feed.events.filter(({ message }) => !message.includes('roost.v1.Host/Describe'));
const messages = (feed) => told(feed).map((event) => event.message);

scenario('internal.Hub lists who is connected, and streams what happens in the older words', async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const hub = client(env, internal.Hub);
  assert.deepEqual(await unary(hub, 'ListClients', {}, { authorization }), { count: '0', clients: [] });

  const feed = await open(hub, 'StreamActivityFeed', {}, { authorization });
  const typed = await open(client(env, internal.Activity), 'Connect', {}, { authorization });
  const pi = await env.agent('pi');
  await env.agent('db');
  const { count, clients } = await unary(hub, 'ListClients', {}, { authorization });
  assert.equal(count, '2');
  assert.deepEqual(clients.map(({ name }) => name), ['db', 'pi']);
  for (const { connectionTime, uptime } of clients) {
    assert.match(connectionTime, goTime);
    assert.match(uptime, goDuration);
    const age = Date.now() - Date.parse(connectionTime.replace(/ \+0000 UTC.*/, 'Z').replace(' ', 'T'));
    assert.ok(age >= 0 && age < 60_000, connectionTime);
  }

  await check(env, { authorization }, 'pi');
  await env.stopAgent(pi);
  const wanted = [
    'registered client with name: pi',
    'registered client with name: db',
    'proxying gRPC request (/grpc.health.v1.Health/Check) to: pi',
    'unregistered client with name: pi',
  ];
  await until(() => told(feed).length >= 4 && told(typed).length >= 4);
  assert.deepEqual(messages(feed), wanted);
  assert.ok(feed.events.every(({ type, name, method, time }) => type === 'UNKNOWN' && !name && !method && !time));
  assert.deepEqual(messages(typed), wanted);
  assert.deepEqual(told(typed).map(({ type, name, method, dropped }) => [type, name, method, dropped]), [
    ['CLIENT_REGISTERED', 'pi', '', '0'],
    ['CLIENT_REGISTERED', 'db', '', '0'],
    ['REQUEST_PROXIED', 'pi', '/grpc.health.v1.Health/Check', '0'],
    ['CLIENT_UNREGISTERED', 'pi', '', '0'],
  ]);

  // The older clients wait for a normal end.
  await env.hub.kill('SIGTERM');
  env.drop(env.hub);
  await until(() => feed.status && typed.status);
  assert.equal(feed.status.code, grpc.status.OK, feed.status.details);
  assert.equal(typed.status.code, grpc.status.OK, typed.status.details);
});

scenario('a reconnect is told as going and coming, and a caller hears of his nodes alone', async (env) => {
  const admin = `Bearer ${await env.token()}`;
  await env.agent('pi');
  await env.agent('db');
  const { stdout } = await env.cli('token', 'new', '--caller', 'ann', '--node', 'p*', '--role', 'viewer');
  const authorization = `Bearer ${stdout.trim().split(/\s/).at(-1)}`;
  const hub = client(env, internal.Hub);
  const { clients } = await unary(hub, 'ListClients', {}, { authorization });
  assert.deepEqual(clients.map(({ name }) => name), ['pi']);
  await assert.rejects(unary(hub, 'ListClients', {}, {}), { code: grpc.status.UNAUTHENTICATED });

  const feed = await open(hub, 'StreamActivityFeed', {}, { authorization });
  for (const name of ['db', 'pi']) {
    await check(env, { authorization: admin }, name);
    const agent = env.agents.get(name);
    await env.stopAgent(agent, 'SIGKILL');
    await env.state(name, 'OFFLINE');
    await env.startAgent(agent);
  }
  await until(() => told(feed).length >= 3);
  assert.deepEqual(messages(feed), [
    'proxying gRPC request (/grpc.health.v1.Health/Check) to: pi',
    'unregistered client with name: pi',
    'registered client with name: pi',
  ]);
});
