// Tunnels: TCP and gRPC through hub and node, with real programs at both ends.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Env, freePort, pause, program, Proc, run, slow, until } from './lib/env.mjs';
import { connect, exchange, startEchoServer, startForward, startServer } from './lib/tcp.mjs';

const policy = (agent, ...args) => run(program('roost-agent'), [...args, '--state', agent.state]);

// The policy is looked at once a second at most.
const settled = () => pause(1100);

describe('tunnels', { timeout: 120_000 * slow }, () => {
  let env;
  let nas;
  let echo;

  before(async () => {
    env = await Env.start();
    nas = await env.agent('nas');
    await policy(nas, 'allow', 'tcp', '127.0.0.1:*');
    await policy(nas, 'allow', 'tcp', 'no-such-host.invalid:*');
    echo = await startEchoServer();
    await until(async () => (await env.cli('connect', 'nas', `127.0.0.1:${echo.port}`, { ok: 'any', input: 'x' })).stdout === 'x');
  });

  after(async () => {
    await echo.stop();
    await env.finish();
  });

  test('what goes in at one end comes out at the other, and back', async () => {
    const text = randomBytes(3_000_000).toString('base64');
    const { stdout } = await env.cli('connect', 'nas', `127.0.0.1:${echo.port}`, { input: text });
    assert.equal(stdout, text);
  });

  test('either side ends alone, and the other goes on', async () => {
    const late = await startServer((socket) => {
      let got = 0;
      socket.on('data', (chunk) => (got += chunk.length));
      socket.on('end', () => setTimeout(() => socket.end(`got ${got}`), 50));
    });
    const early = await startServer((socket) => {
      socket.end('bye');
      socket.on('data', (chunk) => (early.got = (early.got ?? '') + chunk));
      socket.on('end', () => (early.ended = true));
    });
    const { port, ports, proc } = await startForward(env, ['nas', `0:127.0.0.1:${late.port}`, `0:127.0.0.1:${early.port}`], 2);
    assert.equal((await exchange(port, Buffer.alloc(500_000))).toString(), 'got 500000');
    const { stdout } = await env.cli('connect', 'nas', `127.0.0.1:${late.port}`, { input: 'abc' });
    assert.equal(stdout, 'got 3');

    const socket = await connect(ports[1]);
    await socket.ended;
    assert.equal(socket.said.toString(), 'bye');
    socket.write('still here');
    await until(() => early.got === 'still here');
    socket.end();
    await until(() => early.ended);
    assert.equal(await socket.over, undefined);
    await env.kill(proc, 'SIGINT');
    assert.match(proc.stderr, /2 connections, 0 failed/);
    await Promise.all([late.stop(), early.stop()]);
  });

  test('a reset at one end is a reset at the other', async () => {
    const server = await startServer((socket) => {
      socket.on('data', (chunk) => (String(chunk) === 'kill' ? socket.resetAndDestroy() : (server.heard = true)));
      socket.on('error', (error) => (server.fault = error.code));
    });
    const { port, proc } = await startForward(env, ['nas', `0:127.0.0.1:${server.port}`]);
    const one = await connect(port);
    one.write('kill');
    assert.equal(await one.over, 'ECONNRESET');
    const two = await connect(port);
    two.write('x');
    await until(() => server.heard);
    two.resetAndDestroy();
    await until(() => server.fault === 'ECONNRESET');
    await env.kill(proc, 'SIGTERM');
    await server.stop();
  });

  test('a target that refuses, hangs or resolves nowhere is told as what it is', async () => {
    const hung = new Proc('python3', ['-c', `
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
kept = []
while True:
    c = socket.socket(); c.settimeout(0.3)
    try: c.connect(s.getsockname()); kept.append(c)
    except socket.timeout: break
print("hangs at", s.getsockname()[1], flush=True)
sys.stdin.read()`]);
    const hangs = (await hung.line(/hangs at (\d+)/))[1];
    const late = env.cli('connect', 'nas', `127.0.0.1:${hangs}`, { ok: [7] });
    const closed = await freePort();
    const refused = await env.cli('connect', 'nas', `127.0.0.1:${closed}`, { ok: [1] });
    assert.equal(refused.stderr, `roost: nas 127.0.0.1:${closed}: 127.0.0.1:${closed}: connection refused by 127.0.0.1:${closed}\n`);
    const nowhere = await env.cli('connect', 'nas', 'no-such-host.invalid:80', { ok: [1] });
    assert.match(nowhere.stderr, /cannot resolve no-such-host.invalid/);
    await env.cli('connect', 'nobody', '127.0.0.1:80', { ok: [4] });
    await env.cli('connect', 'nas', 'no port', { ok: [2] });
    assert.match((await late).stderr, /timed out after 10 s/);
    await hung.kill();
  });

  test('200 tunnels at once, each with its own bytes', async () => {
    const { port, proc } = await startForward(env, ['nas', `0:127.0.0.1:${echo.port}`]);
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const bytes = randomBytes(20_000 + i);
        assert.deepEqual(await exchange(port, bytes), bytes);
      }),
    );
    await until(() => echo.sockets.size === 0);
    await env.kill(proc, 'SIGINT');
    assert.match(proc.stderr, /200 connections, 0 failed/);
  });

  test('one that nobody reads holds no memory and delays nobody', async () => {
    const source = await startServer((socket) => {
      const more = () => { while (socket.writable && socket.write(Buffer.alloc(65536))); };
      socket.on('drain', more);
      more();
    });
    const rss = (proc) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proc.pid}/status`, 'utf8'))[1]);
    const { ports, proc } = await startForward(env, ['nas', `0:127.0.0.1:${source.port}`, `0:127.0.0.1:${echo.port}`], 2);
    const before_ = [rss(env.hub), rss(nas.proc), rss(proc)];
    const socket = await connect(ports[0]);
    socket.pause();
    await pause(500);
    const begin = Date.now();
    assert.equal((await exchange(ports[1], Buffer.from('hello'))).toString(), 'hello');
    assert.ok(Date.now() - begin < 1000 * slow);
    const grown = [rss(env.hub), rss(nas.proc), rss(proc)].map((now, i) => now - before_[i]);
    if (slow === 1) assert.ok(grown.every((kib) => kib < 4096), `grown by ${grown} KiB`);
    socket.destroy();
    await env.kill(proc, 'SIGINT');
    await source.stop();
  });

  test('forward tells what it does', async () => {
    const { port: taken, stop } = await startEchoServer();
    const { ports, proc } = await startForward(env, ['nas', `${taken}`, '--json']);
    assert.notEqual(ports[0], taken, 'another port when the same one is taken');
    assert.deepEqual(await exchange(ports[0], Buffer.from('abc')), Buffer.from('abc'));
    await until(() => proc.stdout.split('\n').length >= 4);
    const events = proc.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ event }) => event), ['listening', 'opened', 'closed']);
    assert.deepEqual([events[2].sent, events[2].received, events[2].status], [3, 3, 'OK']);
    await env.kill(proc, 'SIGTERM');
    const refused = await env.cli('forward', 'nas', `${taken}:127.0.0.1:22`, { ok: [1] });
    assert.match(refused.stderr, /address already in use/i);
    await env.cli('forward', 'nobody', '22', { ok: [4] });
    await env.cli('forward', 'nas', 'x:y:z', { ok: [2] });
    await stop();
  });

  test('hub and node may go and come back under roost forward', async () => {
    const { port, proc } = await startForward(env, ['nas', `0:127.0.0.1:${echo.port}`]);
    const open = await connect(port);
    open.write('x');
    await until(() => open.said.length === 1);
    await env.restartHub('SIGKILL');
    await open.over; // nobody can carry it on
    const waits = exchange(port, Buffer.from('across a restart of the hub'));
    assert.equal((await waits).toString(), 'across a restart of the hub');

    await env.stopAgent(nas, 'SIGKILL');
    await env.state('nas', 'OFFLINE');
    const patient = exchange(port, Buffer.from('across a restart of the node'));
    await pause(300);
    const away = await env.cli('connect', 'nas', '127.0.0.1:22', { ok: [6] });
    assert.match(away.stderr, /roost: nas 127.0.0.1:22: node "nas" is offline/);
    await env.startAgent(nas);
    assert.equal((await patient).toString(), 'across a restart of the node');
    await env.kill(proc, 'SIGINT');
    assert.match(proc.stderr, /3 connections, 0 failed/);
  });

  test('what the policy does not allow is denied, however it is spelt', async () => {
    const agent = await env.agent('locked');
    const connects = (to, ok) => env.cli('connect', 'locked', `${to}:${echo.port}`, { ok: [ok], input: 'x' });
    const spellings = ['127.0.0.1', 'localhost', '0x7f000001', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '[::]', '[::ffff:7f00:1]'];
    const denied = await connects('127.0.0.1', 5);
    assert.equal(
      denied.stderr,
      `roost: locked 127.0.0.1:${echo.port}: the policy of this host does not allow tcp 127.0.0.1:${echo.port}\n` +
        `try: roost-agent allow tcp 127.0.0.1:${echo.port} (on locked)\n`,
    );
    for (const to of spellings) await connects(to, 5);
    await policy(agent, 'allow', 'tcp', `127.0.0.1:${echo.port}`);
    await settled();
    for (const to of ['127.0.0.1', 'localhost', '0x7f000001', '0.0.0.0', '[::ffff:127.0.0.1]'])
      assert.equal((await connects(to, 0)).stdout, 'x', to);
    await connects('[::1]', 5);
    await policy(agent, 'allow', 'tcp', '*:*');
    await policy(agent, 'deny', 'tcp', `127.0.0.0/8:${echo.port}`);
    await settled();
    for (const to of spellings) assert.match((await connects(to, 5)).stderr, /denies tcp .*: line \d of .*policy.conf, deny tcp 127/);
    writeFileSync(path.join(agent.state, 'policy.conf'), 'allow everything\n');
    await settled();
    await connects('127.0.0.1', 5);
    await until(() => /line 1: verbs are look.*nothing but looking/s.test(agent.proc.stderr));
    const shown = await run(program('roost-agent'), ['policy', '--state', agent.state], { ok: [1] });
    assert.match(shown.stderr, /line 1: verbs are/);
    await env.stopAgent(agent);
  });

  test('a viewer opens no tunnel, and nobody without a credential', async () => {
    const token = (await env.cli('token', 'new', '--caller', 'eve', '--role', 'viewer')).stdout.trim();
    const viewer = await env.cli('connect', 'nas', '127.0.0.1:22', { ok: [5], env: { ROOST_TOKEN: token } });
    assert.match(viewer.stderr, /needs the role operator/);
  });

  test('every program that knows HTTP proxies gets through as well', async () => {
    const token = await env.token();
    const web = await startServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello'));
    });
    const curl = (...args) =>
      run('curl', ['-sS', '-k', '--proxy-insecure', '-w', ' %{http_connect}', '-p', ...args, `http://127.0.0.1:${web.port}/`], { ok: 'any' });
    const via = ['-x', env.plainUrl];
    assert.equal((await curl(...via, '--proxy-header', 'name: nas', '--proxy-header', `proxy-authorization: Bearer ${token}`)).stdout, 'hello 200');
    assert.equal((await curl(...via, '-U', `nas:${token}`)).stdout, 'hello 200');
    assert.equal((await curl('-x', env.url, '-U', `nas:${token}`)).stdout, 'hello 200');
    assert.equal((await curl(...via, '--proxy-header', 'name: nas')).stdout, ' 407');
    assert.equal((await curl(...via, '-U', `nobody:${token}`)).stdout, ' 404');
    assert.equal((await curl(...via, '-U', `nas:${token.replace(/^./, 'x')}`)).stdout, ' 407');
    const denied = await run('curl', ['-sS', '-p', ...via, '-U', `nas:${token}`, 'http://192.0.2.1:80/'], { ok: 'any' });
    assert.match(denied.stderr, /403/);
    await web.stop();

    const session = http2.connect(env.plainUrl);
    const ask = (authority, fields) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'CONNECT', ':authority': authority, ...fields }, { endStream: false });
        let head;
        let said = '';
        stream.setEncoding('utf8').on('data', (text) => (said += text)).on('error', reject);
        stream.on('response', (fields_) => (head = fields_)).on('end', () => resolve({ head, said }));
        stream.end('over HTTP/2');
      });
    const credential = { 'proxy-authorization': `Bearer ${token}` };
    assert.deepEqual((await ask(`127.0.0.1:${echo.port}`, { name: 'nas', ...credential })).said, 'over HTTP/2');
    const refused = (await ask('192.0.2.1:80', { name: 'nas', ...credential })).head;
    assert.equal(refused[':status'], 403);
    assert.equal(refused['grpc-status'], '7');
    assert.equal(refused['roost-remedy'], 'roost-agent allow tcp 192.0.2.1:80');
    assert.equal((await ask('127.0.0.1:80', credential)).head[':status'], 400);
    assert.equal((await ask('127.0.0.1', { name: 'nas', ...credential })).head[':status'], 400);
    assert.equal((await ask('127.0.0.1:80', { name: 'nas' })).head[':status'], 407);
    session.close();
  });
});
