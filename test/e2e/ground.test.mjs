// The main road: a hub, an agent that dials in, people and programs that look.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { scenario, run, until } from './lib/env.mjs';
import { client, grpc, health, listServices, reflection, roost, unary } from './lib/grpc.mjs';

scenario('a joined agent is listed and its figures agree with independent tools', async (env) => {
  await env.agent('pi');
  const { nodes } = await env.json('nodes');
  assert.equal(nodes.length, 1);
  assert.equal(nodes[0].name, 'pi');
  assert.equal(nodes[0].state, 'ONLINE');

  const status = await env.values('pi');
  const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;
  assert.equal(status['mem.total'], total);
  assert.equal(status['cpu.count'], Number(execFileSync('nproc', ['--all']).toString()));
  assert.ok(Math.abs(status.uptime - os.uptime()) < 30, `uptime ${status.uptime}`);
  assert.ok(Math.abs(status.load1 - os.loadavg()[0]) < 1, `load1 ${status.load1}`);
  const used = execFileSync('df', ['--output=used', '-B1', '/']).toString().trim().split('\n')[1];
  assert.ok(Math.abs(status['disk.used:/'] - Number(used)) < 200e6, `disk.used ${status['disk.used:/']}`);
});

scenario('grpc-js lists services, calls the hub, and calls the agent through it', async (env) => {
  await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;

  for (const version of ['v1', 'v1alpha']) {
    const services = await listServices(client(env, reflection[version].ServerReflection), { authorization });
    assert.ok(services.includes('roost.v1.Nodes'), services.join());
  }
  const nodes = await unary(client(env, roost.Nodes), 'list', {}, { authorization });
  assert.deepEqual(nodes.nodes.map((node) => [node.name, node.state]), [['pi', 'ONLINE']]);

  const host = await unary(client(env, roost.Host), 'describe', {}, { authorization, name: 'pi' });
  assert.equal(host.hostname, os.hostname());
  const here = await listServices(client(env, reflection.v1.ServerReflection), { authorization, name: 'pi' });
  assert.ok(here.includes('roost.v1.Host') && !here.includes('roost.v1.Nodes'), here.join());

  const well = await unary(client(env, health.Health), 'check', { service: 'roost.v1.Nodes' });
  assert.equal(well.status, 'SERVING');
});

scenario('status codes say what is wrong', async (env) => {
  await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;
  const nodes = client(env, roost.Nodes);
  const code = async (promise) => (await promise.then(() => ({ code: 0 }), (error) => error)).code;

  assert.equal(await code(unary(nodes, 'list', {})), grpc.status.UNAUTHENTICATED);
  assert.equal(await code(unary(nodes, 'get', { node: 'nobody' }, { authorization })), grpc.status.NOT_FOUND);
  const host = client(env, roost.Host);
  assert.equal(await code(unary(host, 'describe', {}, { authorization, name: 'nobody' })), grpc.status.NOT_FOUND);
  assert.equal(await code(unary(host, 'describe', {}, { authorization })), grpc.status.UNIMPLEMENTED);
  await env.stopAgent(env.agents.get('pi'));
  await env.state('pi', 'OFFLINE');
  const gone = await unary(host, 'describe', {}, { authorization, name: 'pi' }).catch((error) => error);
  assert.equal(gone.code, grpc.status.UNAVAILABLE);
  assert.match(gone.details, /last seen \d{4}-/);
});

scenario('curl gets the same as JSON on HTTP/1.1 and HTTP/2', async (env) => {
  await env.agent('pi');
  const token = await env.token();
  const ca = path.join(env.data, 'tls', 'ca.pem');
  const curl = async (...args) =>
    (await run('curl', ['-sS', '--cacert', ca, '-w', '\n%{http_code} %{http_version}', ...args])).stdout.split('\n');
  const json = ['-H', 'content-type: application/json', '-H', `authorization: Bearer ${token}`, '-d', '{}'];

  for (const [flag, version] of [['--http1.1', '1.1'], ['--http2', '2']]) {
    const [body, status] = await curl(flag, ...json, `${env.url}/roost.v1.Nodes/List`);
    assert.equal(status, `200 ${version}`);
    assert.equal(JSON.parse(body).nodes[0].name, 'pi');
    const [host] = await curl(flag, ...json, '-H', 'name: pi', `${env.url}/roost.v1.Host/Describe`);
    assert.equal(JSON.parse(host).hostname, os.hostname());

    const refused = async (...args) => (await curl(flag, ...args)).at(-1).split(' ')[0];
    assert.equal(await refused('-H', `authorization: Bearer ${token}`, `${env.url}/roost.v1.Nodes/List`), '405');
    assert.equal(await refused(...json, '-H', 'origin: https://evil.example', `${env.url}/roost.v1.Nodes/List`), '403');
    assert.equal(await refused(...json, '-H', 'sec-fetch-site: cross-site', `${env.url}/roost.v1.Nodes/List`), '403');
    assert.equal(await refused('-H', 'content-type: application/json', '-d', '{}', `${env.url}/roost.v1.Nodes/List`), '401');
    assert.equal(await refused('-H', 'content-type: text/plain', '-d', '{}', `${env.url}/roost.v1.Nodes/List`), '415');
  }
});

scenario('no credential of the hub arrives at the agent, others pass untouched', async (env) => {
  const { startBackend } = await import('./lib/link.mjs');
  const backend = await startBackend(env, 'tap');
  const token = await env.token();
  const host = client(env, roost.Host);

  await unary(host, 'describe', {}, { authorization: `Bearer ${token}`, name: 'tap', cookie: 'a=b', 'roost-user': 'mallory' });
  const first = backend.seen.at(-1);
  assert.ok(!('authorization' in first) && !('proxy-authorization' in first) && !('cookie' in first), JSON.stringify(first));
  assert.notEqual(first['roost-user'], 'mallory');
  await unary(host, 'describe', {}, { 'proxy-authorization': `Bearer ${token}`, authorization: 'Bearer of-the-back-end', name: 'tap' });
  assert.equal(backend.seen.at(-1).authorization, 'Bearer of-the-back-end');
  assert.ok(!JSON.stringify(backend.seen).includes(token));
  const link = await unary(client(env, roost.Link), 'trust', { pins: ['A'.repeat(43)] }, { authorization: `Bearer ${token}`, name: 'tap' }).catch((error) => error);
  assert.equal(link.code, grpc.status.PERMISSION_DENIED);
  backend.close();
});

scenario('the bytes after the 101 are plain HTTP/2', async (env) => {
  const { rawLink } = await import('./lib/link.mjs');
  const { head, rest } = await rawLink(env, 'raw');
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.match(head.toLowerCase(), /upgrade: ptth/);
  assert.match(head.toLowerCase(), /alpn: h2/);
  assert.equal(rest.subarray(0, 24).toString(), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
});

scenario('kill -9 of hub and agent: everything is back, and told once', async (env) => {
  const agent = await env.agent('pi');
  await env.restartHub('SIGKILL');
  await env.state('pi', 'ONLINE', 10_000);
  await env.stopAgent(agent, 'SIGKILL');
  const node = await env.state('pi', 'OFFLINE', 30_000);
  assert.ok(Date.now() - Date.parse(node.lastSeen) < 60_000, node.lastSeen);
  await env.startAgent(agent);

  const { events } = await env.json('activity');
  const count = (kind) => events.filter((event) => event.kind === kind && event.node === 'pi').length;
  assert.equal(count('node.registered'), 3);
  assert.equal(count('node.unregistered'), 1);
});

scenario('a second link of the same instance takes over at once', async (env) => {
  const agent = await env.agent('pi');
  const before = await env.node('pi');
  agent.proc.child.kill('SIGSTOP');
  const second = env.start(agent.proc.command.split(' ')[0], ['run', '--state', agent.state], { name: 'second' });
  const after = await until(async () => {
    const node = await env.node('pi');
    return BigInt(node.generation) > BigInt(before.generation) && node;
  });
  assert.equal(after.state, 'ONLINE');
  agent.proc.child.kill('SIGCONT');
  await second.stop();
});
