// Who is there and who is not: deaths, silence, cut networks, and coming back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { describe } from 'node:test';

import { freePort, program, run, scenario, slow, until } from './lib/env.mjs';
import { Cable, whyNoNetns } from './lib/netns.mjs';

const OFFLINE_MS = 30_000; // what is promised, however slow the machine

// How often each kind of event of a node was told.
async function tally(env, node) {
  const { events } = await env.json('activity', '--node', node);
  const counts = {};
  for (const { kind } of events) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

// The state in the list, for which the node itself is not asked.
const listed = async (env) => (await env.json('nodes')).nodes[0].state;

const ago = (node) => Date.now() - Date.parse(node.lastSeen);

scenario('kill -9 of the hub: the fleet is back within 5 s and all state is whole', async (env) => {
  for (const name of ['one', 'two', 'three']) await env.agent(name);
  await env.cli('node', 'title', 'one', 'The first');
  await env.cli('node', 'tag', 'two', 'rack');
  const before = { tokens: (await env.json('token', 'list')).tokens.map((t) => t.id).sort(), link: await env.link('four') };

  await env.restartHub('SIGKILL');
  const started = Date.now();
  await until(async () => {
    const { nodes } = await env.json('nodes');
    return nodes.length === 3 && nodes.every((node) => node.state === 'ONLINE');
  });
  assert.ok(Date.now() - started < 5000 * slow, `${Date.now() - started} ms`);

  assert.equal((await env.node('one')).title, 'The first');
  assert.deepEqual((await env.node('two')).tags, ['rack']);
  const { tokens } = await env.json('token', 'list');
  for (const id of before.tokens) assert.ok(tokens.some((token) => token.id === id), id);
  await env.agent('four', { link: before.link });
  await run(program('roostd'), ['check', '--data', env.data]);
  assert.deepEqual(await tally(env, 'one'), { 'node.joined': 1, 'token.created': 1, 'node.registered': 2 });
});

scenario('kill -9 of an agent: OFFLINE at once, and each event is told once', async (env) => {
  const agent = await env.agent('pi');
  await env.stopAgent(agent, 'SIGKILL');
  const node = await env.state('pi', 'OFFLINE', 2000 * slow);
  assert.ok(ago(node) < 5000 * slow, node.lastSeen);
  await env.startAgent(agent);
  await env.stopAgent(agent, 'SIGTERM');
  await env.state('pi', 'OFFLINE', 2000 * slow);
  const counts = await tally(env, 'pi');
  assert.equal(counts['node.registered'], 2);
  assert.equal(counts['node.unregistered'], 2);
});

scenario('a hub that stops says so: the agent knows at once, and comes back to the next', async (env) => {
  const agent = await env.agent('pi');
  await env.hub.stop();
  await agent.proc.line(/the hub leaves this link; dialling again/, 2000 * slow);
  env.drop(env.hub);
  await env.startHub();
  await env.state('pi', 'ONLINE', 5000 * slow);
});

// A server that takes connections and ends them: answers when they came.
async function countAttempts(count) {
  const times = [];
  const server = net.createServer((socket) => {
    times.push(Date.now());
    socket.on('error', () => {}).destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, times, done: () => until(() => times.length >= count, 30_000 * slow), close: () => server.close() };
}

scenario('attempts to connect come at growing, jittered distances up to the cap', async (env) => {
  const agent = await env.agent('pi', { settings: '[agent]\nbackoff_max = 2\n' });
  await env.stopAgent(agent);
  const away = await countAttempts(5);
  const state = env.file('agent-pi', 'identity');
  writeFileSync(state, readFileSync(state, 'utf8').replace(`:${env.port}\n`, `:${away.port}\n`));
  await env.startAgent(agent, false);
  await away.done();
  away.close();
  const gaps = away.times.slice(1).map((time, i) => time - away.times[i]);
  const steps = [500, 1000, 2000, 2000]; // half of each is chance
  steps.forEach((step, i) => {
    assert.ok(gaps[i] >= step / 2 - 20, `gap ${i}: ${gaps[i]} ms`);
    assert.ok(gaps[i] <= step + 400 * slow, `gap ${i}: ${gaps[i]} ms`);
  });
});

scenario('the addresses of a link are tried in order', async (env) => {
  const away = await countAttempts(1);
  const closed = await freePort();
  const link = await env.linkVia(`127.0.0.1:${closed},127.0.0.1:${away.port},127.0.0.1:${env.port}`, 'pi');
  await env.agent('pi', { link });
  assert.ok(away.times.length >= 1, 'the second address was tried before the third');
  away.close();
});

describe('silence', { concurrency: true }, () => {
  scenario('a stopped agent is OFFLINE within 30 s, and comes back by itself', async (env) => {
    const agent = await env.agent('pi');
    const stopped = Date.now();
    agent.proc.child.kill('SIGSTOP');
    const node = await env.state('pi', 'OFFLINE', OFFLINE_MS);
    assert.ok(Math.abs(Date.parse(node.lastSeen) - stopped) < 8000, `${node.lastSeen}, stopped ${new Date(stopped).toISOString()}`);
    agent.proc.child.kill('SIGCONT');
    await env.state('pi', 'ONLINE');
    const counts = await tally(env, 'pi');
    assert.equal(counts['node.registered'], 2);
    assert.equal(counts['node.unregistered'], 1);
  });

  scenario('an agent leaves a hub that is silent for 25 s', async (env) => {
    const agent = await env.agent('pi');
    env.hub.child.kill('SIGSTOP');
    await agent.proc.line(/the link was lost: /, OFFLINE_MS).finally(() => env.hub.child.kill('SIGCONT'));
    await until(() => agent.proc.stderr.match(/linked as pi/g).length === 2);
    await env.state('pi', 'ONLINE');
  });

  const skip = whyNoNetns();

  scenario('a network cut without a FIN: OFFLINE within 30 s with the time it was last seen', { skip, hub: false }, async (env) => {
    const cable = new Cable();
    try {
      env.options = { wrapper: cable.at('near'), hubArgs: ['--listen', `${cable.address.near}:8443`] };
      await env.open();
      const link = await env.linkVia(`${cable.address.near}:8443`, 'pi');
      const agent = await env.agent('pi', { link, wrapper: cable.at('far') });
      const cut = Date.now();
      cable.cut();
      const node = await env.state('pi', 'OFFLINE', OFFLINE_MS);
      assert.ok(Math.abs(Date.parse(node.lastSeen) - cut) < 8000, `${node.lastSeen}, cut ${new Date(cut).toISOString()}`);
      cable.mend();
      await env.state('pi', 'ONLINE', 60_000);
      const counts = await tally(env, 'pi');
      assert.equal(counts['node.registered'], 2);
      assert.equal(counts['node.unregistered'], 1);
      await env.stopAgent(agent);
      await env.finish();
    } finally {
      cable.remove();
    }
  });

  scenario('power-cycling an agent gets it back in at once, over its half-open old link', { skip, hub: false }, async (env) => {
    const cable = new Cable();
    try {
      env.options = { wrapper: cable.at('near'), hubArgs: ['--listen', `${cable.address.near}:8443`] };
      await env.open();
      const link = await env.linkVia(`${cable.address.near}:8443`, 'pi');
      const agent = await env.agent('pi', { link, wrapper: cable.at('far') });
      const before = await env.node('pi');
      cable.cut();
      await env.stopAgent(agent, 'SIGKILL');
      cable.powerCycle();
      assert.equal(await listed(env), 'ONLINE', 'the hub has not noticed');
      agent.options = { wrapper: cable.at('far') };
      await env.startAgent(agent, false);
      await until(async () => BigInt((await env.node('pi')).generation) > BigInt(before.generation), 5000 * slow);
      assert.equal((await env.node('pi')).state, 'ONLINE');
      await until(async () => 'cpu' in (await env.json('status', 'pi')), 5000 * slow);
      const counts = await tally(env, 'pi');
      assert.equal(counts['node.registered'], 2);
      assert.ok((counts['node.unregistered'] ?? 0) <= 1, 'at most one, where a late segment met the new kernel');
      await env.stopAgent(agent);
      await env.finish();
    } finally {
      cable.remove();
    }
  });
});
