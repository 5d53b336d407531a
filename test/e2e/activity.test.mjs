// What happens at the hub and what is called through it: the older hub's own services, as
// its clients know them, and ours.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

import { program, run, scenario, slow, until } from './lib/env.mjs';
import { client, grpc, health, internal, metadata, roost, unary } from './lib/grpc.mjs';

const goTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})? \+0000 UTC m=\+\d+\.\d{9}$/;
const goDuration = /^(\d+h)?(\d+m)?\d+(\.\d{1,9})?(s|ms|µs|ns)$/;

const check = (env, fields, name) =>
  unary(client(env, health.Health), 'Check', { service: '' }, name ? { ...fields, name } : fields);

const newCaller = async (env, name, node, role) => {
  const { stdout } = await env.cli('token', 'new', '--caller', name, '--node', node, '--role', role);
  return `Bearer ${stdout.trim().split(/\s/).at(-1)}`;
};

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
  const authorization = await newCaller(env, 'ann', 'p*', 'viewer');
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

const traffic = async (env, ...args) => (await env.json('traffic', ...args)).sums;
const number = (text) => Number(text);

scenario('a link that takes the place of another is not told as going', async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const relay = await env.relay();
  const feed = await open(client(env, internal.Hub), 'StreamActivityFeed', {}, { authorization });
  await env.agent('pi', { link: await env.linkVia(`127.0.0.1:${relay.port}`, 'pi') });
  const since = async () => (await unary(client(env, internal.Hub), 'ListClients', {}, { authorization })).clients[0].connectionTime;
  const before = await since();

  relay.breakNear();
  await env.hub.line(/node\.registered pi: dialled in again/);
  assert.notEqual(await since(), before);
  const agent = env.agents.get('pi');
  await env.stopAgent(agent);
  await until(() => told(feed).length >= 2);
  assert.deepEqual(messages(feed), ['registered client with name: pi', 'unregistered client with name: pi']);
});

scenario('without a credential only nodes that came without one are listed, on the plain listener', { config: '[hubws]\nanonymous = yes\n' }, async (env) => {
  await env.agent('pi');
  const plain = (Service) => new Service(`127.0.0.1:${env.plainPort}`, grpc.credentials.createInsecure());
  assert.deepEqual(await unary(plain(internal.Hub), 'ListClients', {}), { count: '0', clients: [] });
  const feed = await open(plain(internal.Hub), 'StreamActivityFeed', {}, {});
  await check(env, { authorization: `Bearer ${await env.token()}` }, 'pi');
  await env.stopAgent(env.agents.get('pi'));
  await env.state('pi', 'OFFLINE');
  assert.deepEqual(feed.events, []);
  feed.stream.cancel();
  const typed = plain(internal.Activity).Connect({});
  await assert.rejects(new Promise((resolve, reject) => typed.on('error', reject)), { code: grpc.status.UNAUTHENTICATED });
  await assert.rejects(unary(client(env, internal.Hub), 'ListClients', {}), { code: grpc.status.UNAUTHENTICATED });
});

scenario('calls are seen as they end, and counted by node, caller and method', async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const ann = await newCaller(env, 'ann', 'p*', 'viewer');
  await env.agent('pi');
  await env.agent('db');
  const activity = client(env, roost.Activity);
  const all = await open(activity, 'watch', { calls: true, method: '/grpc.health.*' }, { authorization });
  const hers = await open(activity, 'watch', { calls: true, method: '/grpc.health.*' }, { authorization: ann });
  const filtered = await open(activity, 'watch', { calls: true, method: '/grpc.health.*', node: 'db' }, { authorization });
  const byAnn = await open(activity, 'watch', { calls: true, method: '*', actor: 'ann' }, { authorization });

  const unknown = unary(client(env, health.Health), 'Check', { service: 'no.Such' }, { authorization, name: 'pi' });
  await assert.rejects(unknown, { code: grpc.status.NOT_FOUND });
  for (const name of ['pi', 'pi', 'db']) await check(env, { authorization }, name);
  await check(env, { authorization: ann }, 'pi');
  await assert.rejects(check(env, { authorization: ann }, 'db'), { code: grpc.status.NOT_FOUND });

  await until(() => all.events.length >= 5 && hers.events.length >= 4 && filtered.events.length >= 1 && byAnn.events.length >= 1);
  const brief = (feed) => feed.events.map(({ kind, node, actor, call }) => [kind, node, actor, call.status]);
  const admin = all.events[0].actor;
  assert.deepEqual(brief(all), [
    ['call', 'pi', admin, 5],
    ['call', 'pi', admin, 0],
    ['call', 'pi', admin, 0],
    ['call', 'db', admin, 0],
    ['call', 'pi', 'ann', 0],
  ]);
  assert.deepEqual(brief(hers), brief(all).filter(([, node]) => node === 'pi'));
  assert.deepEqual(brief(filtered), [['call', 'db', admin, 0]]);
  assert.deepEqual(brief(byAnn), [['call', 'pi', 'ann', 0]]);
  const { call, id, time } = all.events[1];
  assert.equal(id, '0');
  assert.ok(Math.abs(number(time.seconds) - Date.now() / 1000) < 60);
  assert.equal(call.method, '/grpc.health.v1.Health/Check');
  assert.ok(number(call.durationUs) > 0 && number(call.durationUs) < 10e6, call.durationUs);
  assert.equal(call.requestBytes, '7'); // five bytes of frame, and an empty string
  assert.equal(call.replyBytes, '7');

  const method = ['--method', '/grpc.health.*'];
  const rows = (await traffic(env, ...method)).map((sum) => [sum.node, sum.caller, sum.method, number(sum.calls), number(sum.errors)]);
  assert.deepEqual(rows, [
    ['pi', admin, call.method, 3, 1],
    ['db', admin, call.method, 1, 0],
    ['pi', 'ann', call.method, 1, 0],
  ]);
  const sums = async (...args) => (await traffic(env, ...method, ...args)).map((sum) => [sum.node + sum.caller + sum.method, number(sum.calls)]);
  assert.deepEqual(await sums('--by', 'node'), [['pi', 4], ['db', 1]]);
  assert.deepEqual(await sums('--by', 'caller'), [[admin, 4], ['ann', 1]]);
  assert.deepEqual(await sums('--by', 'method', 'p*'), [[call.method, 4]]);
  assert.deepEqual(await sums('--by', 'node', '--caller', 'ann'), [['pi', 1]]);
  assert.deepEqual(await sums('--by', 'node', '--until', '1h'), []);
  const none = await env.cli('traffic', '--until', '1h');
  assert.deepEqual([none.stdout, none.stderr], ['', 'nothing was called in that time\n']);
  const [sum] = await traffic(env, ...method, '--by', 'node', 'db');
  assert.equal(sum.requestBytes, '7');
  assert.equal(sum.replyBytes, '7');
  assert.ok(number(sum.p50Us) <= number(sum.p99Us) && number(sum.p99Us) <= number(sum.longestUs) && number(sum.longestUs) <= number(sum.durationUs));

  // She sees what others call of her node, and no other node.
  const ofAnn = (request) => unary(activity, 'traffic', { by: ['TRAFFIC_BY_NODE'], ...request }, { authorization: ann });
  assert.deepEqual((await ofAnn({ method: '/grpc.health.*' })).sums.map(({ node, calls }) => [node, calls]), [['pi', '4']]);
  await assert.rejects(ofAnn({ select: 'db' }), { code: grpc.status.NOT_FOUND });
  await assert.rejects(ofAnn({ stepS: 90 }), { code: grpc.status.INVALID_ARGUMENT });

  // What was counted survives a restart, and follows the node to another name.
  await env.restartHub();
  await env.state('pi', 'ONLINE');
  assert.deepEqual(await sums('--by', 'node'), [['pi', 4], ['db', 1]]);
  await env.cli('node', 'rename', 'pi', 'nas');
  assert.deepEqual(await sums('--by', 'node'), [['nas', 4], ['db', 1]]);
  const { stdout } = await env.cli('traffic', ...method, '--by', 'node,method');
  assert.match(stdout, /NODE +METHOD +CALLS +ERRORS +MEAN +P50 +P99 +MAX +REQUEST +REPLY\nnas +\/grpc\.health\.v1\.Health\/Check +4 +1 +[\d.]+ ms/);
  for (const [args, why] of [[['--by', 'day'], /--by: "day" is not node/], [['--step', '90'], /whole minutes/], [['-n', '0'], /no number from 1/]])
    assert.match((await env.cli('traffic', ...args, { ok: [2] })).stderr, why);
});

scenario('roost activity --calls shows calls beside what happens', async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  await env.agent('pi');
  const watch = (...args) => env.start(program('roost'), ['activity', ...args], { env: { XDG_CONFIG_HOME: env.file('config'), NO_COLOR: '1' } });
  const both = watch('--calls');
  const calls = watch('--method', '/grpc.health.*', '--json');
  await both.line(/node\.registered/);
  await until(async () => {
    await check(env, { authorization }, 'pi');
    return /Health\/Check/.test(both.stdout) && calls.stdout.includes('\n');
  });
  assert.match(both.stdout, /call +pi +\/grpc\.health\.v1\.Health\/Check  OK  [\d.]+ ms  7 B\/7 B \(/);
  const event = JSON.parse(calls.stdout.split('\n')[0]);
  assert.deepEqual([event.kind, event.node, event.call.method, event.call.status], ['call', 'pi', '/grpc.health.v1.Health/Check', 0]);
  for (const proc of [both, calls]) await env.kill(proc, 'SIGINT');
});

// One who does not read delays nobody, and takes little memory.
scenario('a stalled watcher beside a flood of calls is told what it missed', { config: '[limits]\nstreams = 200\n' }, async (env) => {
  const total = slow > 1 ? 5_000 : 50_000;
  const authorization = `Bearer ${await env.token()}`;
  await env.agent('pi');
  const method = '/grpc.health.v1.Health/Check';
  const typed = await open(client(env, internal.Activity), 'Connect', {}, { authorization });
  const feed = await open(client(env, internal.Hub), 'StreamActivityFeed', {}, { authorization });
  const watch = await open(client(env, roost.Activity), 'watch', { calls: true, method }, { authorization });
  const stalled = [typed, feed, watch];
  for (const { stream } of stalled) stream.pause();

  writeFileSync(env.file('body'), Buffer.alloc(5));
  const flood = (calls) =>
    run('h2load', ['-n', calls, '-c', '2', '-m', '100', '-d', env.file('body'), '-H', `authorization: ${authorization}`,
      '-H', 'name: pi', '-H', 'content-type: application/grpc', '-H', 'te: trailers', `${env.plainUrl}${method}`], { ms: 60_000 * slow });
  const memory = () => number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${env.hub.pid}/status`, 'utf8'))[1]) / 1024;
  await flood(`${total / 10}`);
  const before = memory();
  const { stdout } = await flood(`${total}`);
  assert.match(stdout, new RegExp(`${total} succeeded, 0 failed`));
  const grown = memory() - before;
  assert.ok(grown < (slow > 1 ? 400 : 8), `${grown} MiB`); // sanitizers keep what was freed
  const calls = total + total / 10;
  const [sum] = await traffic(env, '--by', 'node', '--method', method);
  assert.deepEqual([sum.node, number(sum.calls), number(sum.errors)], ['pi', calls, 0]);
  assert.equal(number(sum.requestBytes), 5 * calls);

  for (const { stream } of stalled) stream.resume();
  const seen = () => watch.events.reduce((count, { kind, dropped }) => count + (kind === 'dropped' ? number(dropped) : 1), 0);
  await until(() => seen() >= calls);
  assert.equal(seen(), calls);
  const dropped = watch.events.filter(({ kind }) => kind === 'dropped');
  assert.ok(dropped.length >= 1, 'some were left out');
  assert.match(dropped[0].text, /^\d+ calls were left out/);

  // The feeds go on with the next call, and the typed one says how many are missing.
  const known = async () => {
    await check(env, { authorization }, 'pi');
    const last = typed.events.length + typed.events.reduce((count, event) => count + number(event.dropped), 0);
    return last > calls && feed.events.length > 0 && last;
  };
  const extra = (await until(known)) - calls;
  assert.ok(extra < 100, `${extra}`);
  assert.ok(typed.events.some((event) => number(event.dropped) > 0));
  assert.ok(messages(feed).every((text) => text === `proxying gRPC request (${method}) to: pi`));
});
