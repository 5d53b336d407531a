// What a host's owner allows: every verb, role and policy against a model of its own, and hubs
// that were captured.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto, { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';

import { Env, pause, program, run, scenario, slow, until } from './lib/env.mjs';
import { client, roost, unary } from './lib/grpc.mjs';

const { status } = grpc;
const looked = 1100; // a policy is looked at once a second

function setPolicy(agent, text) {
  writeFileSync(path.join(agent.state, 'policy.conf'), text, { mode: 0o600 });
}

// A power that does nothing: nobody answers where logind is, and a plan of a day ends with
// the agent.
const harmless = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus' };

// --- policy x role x verb ---

describe('policy, role and verb', () => {
  let env;
  const tokens = {};
  const nodes = [];
  const children = [];
  const servers = [];
  const ports = [];

  // What each policy allows, written down by hand beside it: methods by the names below.
  const policies = [
    { text: '', allows: 'list usage units.list' },
    { text: 'allow signal\n', allows: 'list usage units.list sleep python' },
    { text: 'allow signal sleep\n', allows: 'list usage units.list sleep' },
    { text: 'deny signal python*\nallow signal *\n', allows: 'list usage units.list sleep' },
    { text: 'allow signal s?ee*\ndeny signal\n', allows: 'list usage units.list' },
    { text: 'allow units roost-test-a*\nallow logs\n', allows: 'list usage units.list unit-a logs-a' },
    { text: 'allow units\ndeny units *-b.service\nallow logs roost-test-b.service\n', allows: 'list usage units.list unit-a' },
    { text: 'allow power\ndeny power reboot\n', allows: 'list usage units.list wake' },
    { text: 'allow power wake\nallow probe 127.0.0.1:PORT1\n', allows: 'list usage units.list wake probe-1' },
    { text: 'allow probe *\ndeny probe 127.0.0.0/8:PORT2\nallow tcp 127.0.0.1:PORT1\n', allows: 'list usage units.list probe-1 tcp-1' },
    { text: 'allow tcp *:*\nallow signal\ndeny look processes\n', allows: 'usage units.list sleep python tcp-1 tcp-2' },
    { text: 'deny look\nallow units roost-test-?.service\n', allows: 'unit-a unit-b' },
    { text: 'allow signal\nallow everything\n', allows: 'list usage units.list' },
    {
      text: `allow signal\nallow power\nallow units\nallow tcp *:*\nallow logs\nrequire signature signal\nrequire signature power\nrequire signature tcp\noperator ada ed25519:${'A'.repeat(43)}=\n`,
      allows: 'list usage units.list unit-a unit-b logs-a',
      signs: 'sleep python wake reboot',
    },
  ];

  // The role that each needs is written down by hand as well.
  const methods = [
    { name: 'list', role: 'viewer', service: 'Processes', method: 'List', request: () => ({ limit: 1 }) },
    { name: 'usage', role: 'viewer', service: 'Usage', method: 'FreePort', request: () => ({}) },
    { name: 'units.list', role: 'viewer', service: 'Units', method: 'List', request: () => ({}) },
    { name: 'sleep', role: 'operator', service: 'Processes', method: 'Signal', request: () => ({ pid: children[0].pid, signal: 'CONT' }) },
    { name: 'python', role: 'operator', service: 'Processes', method: 'Signal', request: () => ({ pid: children[1].pid, signal: 'CONT' }) },
    { name: 'unit-a', role: 'operator', service: 'Units', method: 'Restart', request: () => ({ name: 'roost-test-a.service' }) },
    { name: 'unit-b', role: 'operator', service: 'Units', method: 'Restart', request: () => ({ name: 'roost-test-b.service' }) },
    { name: 'logs-a', role: 'operator', service: 'Units', method: 'Logs', stream: true, request: () => ({ unit: 'roost-test-a.service', lines: 1 }) },
    { name: 'wake', role: 'operator', service: 'Power', method: 'Wake', request: () => ({ mac: '02:00:00:00:00:01', interface: 'lo' }) },
    { name: 'reboot', role: 'operator', service: 'Power', method: 'Reboot', request: () => ({ delayS: 86_400 }) },
    { name: 'probe-1', role: 'operator', service: 'Probe', method: 'Tcp', request: () => ({ host: '127.0.0.1', port: ports[0] }) },
    { name: 'probe-2', role: 'operator', service: 'Probe', method: 'Tcp', request: () => ({ host: '127.0.0.1', port: ports[1] }) },
    { name: 'tcp-1', role: 'operator', tunnel: () => ports[0] },
    { name: 'tcp-2', role: 'operator', tunnel: () => ports[1] },
  ];

  const roles = ['stranger', 'viewer', 'operator', 'owner', 'admin'];
  const rank = { stranger: -1, viewer: 1, operator: 2, owner: 3, admin: 3 };

  // The model: first who asks, then what the owner of the host says.
  function expected(policy, role, method) {
    if (role === 'stranger') return 'unknown';
    if (rank[role] < rank[method.role]) return 'role';
    if (policy.signs?.split(' ').includes(method.name)) return 'unsigned';
    return policy.allows.split(' ').includes(method.name) ? 'done' : 'policy';
  }

  function classify(code, text) {
    if (code === status.PERMISSION_DENIED) return /policy of this host/.test(text) ? 'policy' : 'role';
    if (code === status.UNAUTHENTICATED) return /signed with an operator's key/.test(text) ? 'unsigned' : `${code} ${text}`;
    if (code === status.NOT_FOUND && /no node|unknown/i.test(text)) return 'unknown';
    if (code === status.UNAVAILABLE && !/systemd|bus/i.test(text)) return `${code} ${text}`;
    return 'done';
  }

  function streamed(stub, method, request, fields) {
    return new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
      const stream = stub[method](request, metadata);
      stream.on('data', () => {});
      stream.on('error', reject);
      stream.on('end', resolve);
    });
  }

  // Opens a tunnel and closes it again: { code, details }.
  function connect(session, fields, port) {
    return new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'CONNECT', ':authority': `127.0.0.1:${port}`, ...fields });
      stream.on('error', reject);
      stream.on('response', (head) => {
        resolve({ code: head[':status'] === 200 ? 0 : Number(head['grpc-status'] ?? -1), details: head['grpc-message'] ?? '' });
        stream.close();
      });
    });
  }

  before(async () => {
    env = await Env.start();
    for (let i = 0; i < 2; i++) {
      const server = net.createServer((socket) => socket.on('error', () => {}).end());
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      ports.push(server.address().port);
    }
    children.push(spawn('sleep', ['10000']), spawn('python3', ['-c', 'import signal\nwhile True: signal.pause()']));
    await until(() => readFileSync(`/proc/${children[1].pid}/comm`, 'utf8').startsWith('python'));
    const links = await Promise.all(policies.slice(0, policies.length / 2).map((_, i) => env.link(`n${i}`)));
    nodes.push(...(await Promise.all(links.map((link, i) => env.agent(`n${i}`, { link, settings: '[agent]\ninterval = 60\n', env: harmless })))));
    for (const role of roles) {
      const node = role === 'stranger' ? 'elsewhere' : '*';
      const as = role === 'admin' ? ['--role', 'admin'] : ['--role', role === 'stranger' ? 'owner' : role, '--node', node];
      tokens[role] = (await env.cli('token', 'new', '--caller', role, ...as)).stdout.trim();
    }
  });

  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const server of servers) server.close();
    await env.finish();
  });

  test('each of them comes to what the model says', { timeout: 60_000 * slow }, async (t) => {
    const session = http2.connect(env.url, { rejectUnauthorized: false });
    const stubs = Object.fromEntries(['Processes', 'Usage', 'Units', 'Power', 'Probe'].map((name) => [name, client(env, roost[name])]));
    const wrong = [];
    let cases = 0;

    async function one(node, policy, role, method) {
      const fields = { name: node.name, 'proxy-authorization': `Bearer ${tokens[role]}` };
      const wanted = expected(policy, role, method);
      let answer;
      try {
        if (method.tunnel) answer = await connect(session, fields, method.tunnel());
        else if (method.stream) await streamed(stubs[method.service], method.method, method.request(), fields);
        else await unary(stubs[method.service], method.method, method.request(), fields, { deadline: Date.now() + 10_000 * slow });
        answer ??= { code: 0, details: '' };
      } catch (error) {
        answer = error;
      }
      const came = classify(answer.code, decodeURIComponent(answer.details ?? ''));
      cases++;
      if (came !== wanted) wrong.push(`${JSON.stringify(policy.text)} ${role} ${method.name}: ${wanted} was expected, ${came} came (${answer.code} ${answer.details})`);
    }

    for (let round = 0; round < 2; round++) {
      const now = policies.filter((_, i) => i % 2 === round);
      now.forEach((policy, i) => setPolicy(nodes[i], policy.text.replace('PORT1', ports[0]).replace('PORT2', ports[1])));
      await pause(looked);
      await Promise.all(now.map(async (policy, i) => {
        for (const role of roles) for (const method of methods) await one(nodes[i], policy, role, method);
      }));
    }
    session.close();
    for (const stub of Object.values(stubs)) stub.close();
    assert.deepEqual(wrong, []);
    assert.ok(cases >= 200);
    t.diagnostic(`${cases} cases`);
  });

  test('roost-agent policy says the same, and why', async () => {
    const agent = nodes[0];
    const check = (...args) => run(program('roost-agent'), ['policy', 'check', ...args, '--state', agent.state], { ok: [0, 1] });
    setPolicy(agent, `allow signal nginx*\ndeny signal nginx-x\nallow probe 127.0.0.1:${ports[0]}\nallow power\nrequire signature power\noperator ada ed25519:${'A'.repeat(43)}=\n`);
    for (const [args, code, text] of [
      [['signal', 'nginx'], 0, /^yes: line 1: allow signal nginx\*/],
      [['signal', 'nginx-x'], 1, /^no: line 2: deny signal nginx-x/],
      [['signal', 'bash'], 1, /^no: /],
      [['look'], 0, /^yes: by default: allow look/],
      [['probe', `127.0.0.1:${ports[0]}`], 0, /^yes: line 3/],
      [['probe', `localhost:${ports[1]}`], 1, /^no/],
      [['power', 'reboot'], 0, /^signed: line 4: allow power; line 5: require signature power/],
      [['tcp', '127.0.0.1:22'], 1, /^no: no line allows it/],
    ]) {
      const said = await check(...args);
      assert.equal(said.code, code, `${args}: ${said.stdout}${said.stderr}`);
      assert.match(said.stdout, text);
    }
    const { stdout } = await run(program('roost-agent'), ['policy', '--json', '--state', agent.state]);
    const shown = JSON.parse(stdout);
    assert.deepEqual(shown.keys, [{ line: 6, name: 'ada', key: `ed25519:${'A'.repeat(43)}=` }]);
    assert.deepEqual(shown.verbs.find(({ verb }) => verb === 'power'), { verb: 'power', allowed: true, signed: true, why: 'line 4: allow power; line 5: require signature power' });
    assert.equal((await run(program('roost-agent'), ['policy', 'check', 'fly', '--state', agent.state], { ok: [2] })).code, 2);
  });
});

test('policy apply grants what the policy needs, and takes it back', async () => {
  const env = new Env({ hub: false });
  await env.open();
  const state = env.file('state');
  const root = env.file('root');
  mkdirSync(state);
  mkdirSync(root);
  writeFileSync(path.join(state, 'agent.conf'), `[agent]\nroot = ${root}\n`);
  const unit = path.join(root, 'etc/systemd/system/roost-agent.service.d/50-policy.conf');
  const rule = path.join(root, 'etc/polkit-1/rules.d/50-roost-agent.rules');
  const apply = async (text, ...flags) => {
    setPolicy({ state }, text);
    return (await run(program('roost-agent'), ['policy', 'apply', '--state', state, ...flags])).stdout;
  };

  assert.equal(await apply(''), 'nothing to change\n');
  assert.match(await apply('allow signal\n', '--dry-run'), /would write .*50-policy.conf\n(.*\n)* {2}\+ AmbientCapabilities=CAP_KILL\n/);
  assert.ok(!existsSync(unit));
  await apply('allow signal nginx\nallow logs\n');
  assert.match(readFileSync(unit, 'utf8'), /CapabilityBoundingSet=CAP_KILL\nAmbientCapabilities=CAP_KILL\n(.*\n)*SupplementaryGroups=systemd-journal\n/);
  assert.ok(!existsSync(rule));
  const text = 'allow units web-*\ndeny units web-x.service\nallow power reboot\nallow probe *\n';
  await apply(text);
  assert.match(readFileSync(unit, 'utf8'), /AmbientCapabilities=CAP_NET_RAW\n/);
  assert.doesNotMatch(readFileSync(unit, 'utf8'), /CAP_KILL|journal/);
  assert.equal(await apply(text), 'nothing to change\n');

  // The rule is asked as polkit asks it.
  const asked = (source, user, id, details = {}) => {
    let answer;
    const polkit = { Result: { YES: 'yes', NOT_HANDLED: 'no' }, addRule: (fn) => (answer = fn({ id, lookup: (key) => details[key] }, { user })) };
    new Function('polkit', source)(polkit);
    return answer;
  };
  const units = 'org.freedesktop.systemd1.manage-units';
  const power = (action) => `org.freedesktop.login1.${action}`;
  const source = readFileSync(rule, 'utf8');
  for (const [user, id, unitName, wanted] of [
    ['roost-agent', units, 'web-1.service', 'yes'],
    ['roost-agent', units, 'web-x.service', 'no'],
    ['roost-agent', units, 'web-xyservice', 'yes'],
    ['roost-agent', units, 'xweb-1.service', 'no'],
    ['roost-agent', units, undefined, 'no'],
    ['somebody', units, 'web-1.service', 'no'],
    ['roost-agent', 'org.freedesktop.systemd1.manage-unit-files', undefined, 'no'],
    ['roost-agent', power('reboot'), undefined, 'yes'],
    ['roost-agent', power('reboot-ignore-inhibit'), undefined, 'yes'],
    ['roost-agent', power('power-off'), undefined, 'no'],
    ['somebody', power('reboot'), undefined, 'no'],
  ]) assert.equal(asked(source, user, id, { unit: unitName }), wanted, `${user} ${id} ${unitName}`);
  await apply('allow units\nallow power shutdown\n');
  const wide = readFileSync(rule, 'utf8');
  assert.equal(asked(wide, 'roost-agent', 'org.freedesktop.systemd1.manage-unit-files'), 'yes');
  assert.equal(asked(wide, 'roost-agent', power('power-off')), 'yes');
  assert.equal(asked(wide, 'roost-agent', power('reboot')), 'no');

  writeFileSync(rule, '// of an admin\n');
  assert.match(await apply('allow units nginx*\n'), /keeps .*50-roost-agent.rules, which somebody else wrote/);
  assert.equal(readFileSync(rule, 'utf8'), '// of an admin\n');
  setPolicy({ state }, 'allow everything\n');
  const broken = await run(program('roost-agent'), ['policy', 'apply', '--state', state], { ok: [1] });
  assert.match(broken.stderr, /line 1: verbs are/);
  await env.finish();
});

// --- captured hubs ---

const counter = 'import os, signal\nn = [0]\ndef f(*a):\n    n[0] += 1\ndef g(*a):\n    os.write(1, b"%d\\n" % n[0])\nsignal.signal(signal.SIGUSR1, f)\nsignal.signal(signal.SIGUSR2, g)\nos.write(1, b"0\\n")\nwhile True: signal.pause()\n';

function startCounter(t) {
  const proc = spawn('python3', ['-c', counter], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = [];
  proc.stdout.setEncoding('utf8').on('data', (text) => said.push(...text.trim().split('\n')));
  t.after(() => proc.kill('SIGKILL'));
  return {
    pid: proc.pid,
    ready: () => until(() => said.length > 0),
    count: async () => {
      const before = said.length;
      proc.kill('SIGUSR2');
      await until(() => said.length > before);
      return Number(said.at(-1));
    },
  };
}

scenario('a hub whose database grants everything cannot make an agent kill or reboot', async (env, t) => {
  const agent = await env.agent('pi', { settings: '[agent]\ninterval = 60\n', env: harmless });
  const token = (await env.cli('token', 'new', '--caller', 'eve', '--role', 'viewer', '--node', 'none')).stdout.trim();
  const victim = startCounter(t);
  await victim.ready();
  await env.hub.stop();
  env.drop(env.hub);
  await run('python3', ['-c', `import sqlite3, glob, sys
for path in glob.glob(sys.argv[1] + '/*.db') + glob.glob(sys.argv[1] + '/**/*.db', recursive=True):
    db = sqlite3.connect(path)
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if 'tokens' in names:
        db.execute("UPDATE tokens SET admin = 1, role = 3, nodes = '*'")
        db.execute("UPDATE users SET admin = 1")
        print(db.total_changes)
    db.commit()
`, env.data]);
  await env.startHub();
  await env.state('pi', 'ONLINE');
  const fields = { name: 'pi', 'proxy-authorization': `Bearer ${token}` };
  for (const [Service, method, request, remedy] of [
    [roost.Processes, 'Signal', { pid: victim.pid, signal: 'KILL', force: true }, /^roost-agent allow signal python/],
    [roost.Power, 'Reboot', { delayS: 86_400, force: true }, /^roost-agent allow power reboot$/],
    [roost.Power, 'Shutdown', { delayS: 86_400, force: true }, /^roost-agent allow power shutdown$/],
  ]) {
    const stub = client(env, Service);
    const error = await unary(stub, method, { ...request, operationId: randomBytes(8).toString('hex') }, fields).then(() => assert.fail(`${method} was done`), (e) => e);
    stub.close();
    assert.equal(error.code, status.PERMISSION_DENIED, error.details);
    assert.match(error.details, /the policy of this host does not allow .*: on the host, roost-agent allow /);
    assert.match(error.metadata.get('roost-remedy')[0], remedy);
  }
  assert.equal(await victim.count(), 0);
  assert.match(agent.proc.stderr, /refused eve: the policy of this host does not allow power reboot/);
});

// The key of an operator, and what it signs, by another program than ours.

function makeKey() {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  return { privateKey, line: `ed25519:${publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}` };
}

function field(number, bytes) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function sign(key, name, { instance, method, request, challenge }) {
  const digest = crypto.createHash('sha256').update(request).digest();
  const said = Buffer.concat([field(1, Buffer.from(instance)), field(2, Buffer.from(method)), field(3, digest), field(4, challenge)]);
  const signature = crypto.sign(null, said, key.privateKey);
  return Buffer.concat([field(1, Buffer.from(name)), field(2, challenge), field(3, signature)]);
}

scenario('a hub without the operator key cannot act, nor by saying again what was signed', async (env, t) => {
  const method = '/roost.v1.Processes/Signal';
  const key = makeKey();
  const policy = `allow signal\nrequire signature signal\noperator ada ${key.line}\n`;
  const agents = [await env.agent('pi', { settings: '[agent]\ninterval = 60\n' }), await env.agent('nas', { settings: '[agent]\ninterval = 60\n' })];
  for (const agent of agents) setPolicy(agent, policy);
  const victim = startCounter(t);
  await victim.ready();
  await pause(looked);
  const token = await env.token();
  const ca = readFileSync(path.join(env.data, 'tls', 'ca.pem'));
  const raw = new grpc.Client(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(ca));
  const acts = client(env, roost.Acts);
  t.after(() => { raw.close(); acts.close(); });

  // What a hub can do: send any bytes with any metadata to any of its nodes.
  const ask = (node, bytes, signature, as = method) =>
    new Promise((resolve) => {
      const metadata = new grpc.Metadata();
      metadata.set('name', node);
      metadata.set('proxy-authorization', `Bearer ${token}`);
      if (signature) metadata.set('operator-signature-bin', signature);
      raw.makeUnaryRequest(as, (b) => b, (b) => b, bytes, metadata, (error) => resolve({ code: error?.code ?? 0, details: error?.details, trailer: error?.metadata.get('roost-signature')[0] }));
    });
  const challenge = async (node, as = method) => {
    const reply = await unary(acts, 'Challenge', { method: as }, { name: node, 'proxy-authorization': `Bearer ${token}` });
    return { instance: reply.instanceId, challenge: reply.challenge, method: as, keys: reply.keys };
  };
  const type = protobuf.Root.fromJSON({ nested: { Signal: { fields: { pid: { type: 'uint32', id: 1 }, signal: { type: 'string', id: 3 }, operationId: { type: 'string', id: 5 } } } } }).lookupType('Signal');
  const pack = (extra = {}) => Buffer.from(type.encode({ pid: victim.pid, signal: 'USR1', ...extra }).finish());
  const bytes = pack();

  const none = await ask('pi', bytes);
  assert.equal(none.code, status.UNAUTHENTICATED);
  assert.match(none.details, /^signal has to be signed with an operator's key/);
  assert.equal(none.trailer, 'signal');

  const first = await challenge('pi');
  assert.deepEqual(first.keys, ['ada']);
  const signed = sign(key, 'ada', { ...first, request: bytes });
  assert.equal((await ask('pi', bytes, signed)).code, 0);
  assert.equal(await victim.count(), 1);

  const refused = async (why, code, promise) => {
    const answer = await promise;
    assert.equal(answer.code, code, `${why}: ${answer.code} ${answer.details}`);
    assert.equal(answer.trailer, 'signal', why);
    assert.equal(await victim.count(), 1, why);
  };
  const { UNAUTHENTICATED, PERMISSION_DENIED } = status;
  await refused('said again', UNAUTHENTICATED, ask('pi', bytes, signed));
  await refused('said again elsewhere', UNAUTHENTICATED, ask('nas', bytes, signed));
  const other = await challenge('nas');
  await refused('signed for another node', PERMISSION_DENIED, ask('nas', bytes, sign(key, 'ada', { ...other, instance: first.instance, request: bytes })));
  await refused('other bytes', PERMISSION_DENIED, ask('pi', pack({ signal: 'KILL' }), sign(key, 'ada', { ...(await challenge('pi')), request: bytes })));
  await refused('an empty field more', PERMISSION_DENIED, ask('pi', Buffer.concat([bytes, Buffer.from([0x20, 0])]), sign(key, 'ada', { ...(await challenge('pi')), request: bytes })));
  await refused('a challenge for another method', UNAUTHENTICATED, ask('pi', bytes, sign(key, 'ada', { ...(await challenge('pi', '/roost.v1.Power/Reboot')), method, request: bytes })));
  await refused('signed for another method', PERMISSION_DENIED, ask('pi', bytes, sign(key, 'ada', { ...(await challenge('pi')), method: '/roost.v1.Power/Reboot', request: bytes })));
  await refused('a challenge of its own', UNAUTHENTICATED, ask('pi', bytes, sign(key, 'ada', { instance: first.instance, method, challenge: randomBytes(32), request: bytes })));
  await refused('another key', PERMISSION_DENIED, ask('pi', bytes, sign(makeKey(), 'ada', { ...(await challenge('pi')), request: bytes })));
  await refused('a name that nobody has', PERMISSION_DENIED, ask('pi', bytes, sign(key, 'eve', { ...(await challenge('pi')), request: bytes })));
  await refused('no signature at all', UNAUTHENTICATED, ask('pi', bytes, Buffer.from('signed')));
  const fine = await challenge('pi');
  assert.equal((await ask('pi', bytes, sign(key, 'ada', { ...fine, request: bytes }))).code, 0);
  assert.equal(await victim.count(), 2);

  // An operation that was done is told to whoever signs for it anew, and not done again.
  const once = pack({ operationId: 'a-1' });
  for (let i = 0; i < 3; i++) assert.equal((await ask('pi', once, sign(key, 'ada', { ...(await challenge('pi')), request: once }))).code, 0);
  assert.equal(await victim.count(), 3);
});

scenario('the command line signs where a host asks for it, and sees when a node is another host', async (env, t) => {
  const pi = await env.agent('pi', { settings: '[agent]\ninterval = 60\n' });
  const victim = startCounter(t);
  await victim.ready();
  const kill = (ok) => env.cli('kill', 'pi', `${victim.pid}`, '--signal', 'USR1', '--yes', { ok: [ok] });

  setPolicy(pi, 'allow signal\nrequire signature signal\n');
  await pause(looked);
  assert.match((await kill(5)).stderr, /has to be signed with an operator's key: there is no operator key here \(roost key new makes one\)/);
  const line = (await env.cli('key', 'new', 'ada')).stdout.trim();
  assert.match(line, /^operator ada ed25519:[A-Za-z0-9+/]{43}=$/);
  assert.match((await kill(5)).stderr, /the policy of the host does not know this operator key/);
  setPolicy(pi, `allow signal\nrequire signature signal\n${line}\n`);
  await pause(looked);
  await kill(0);
  await kill(0);
  assert.equal(await victim.count(), 2);
  const known = path.join(env.file('config'), 'roost', 'operator-nodes');
  assert.match(readFileSync(known, 'utf8'), / pi [0-9a-f]{32}\n$/);
  writeFileSync(known, readFileSync(known, 'utf8').replace(/ pi [0-9a-f]{32}/, ` pi ${'0'.repeat(32)}`));
  assert.match((await kill(5)).stderr, /another host than when it was last signed for/);
  await env.cli('key', 'forget', 'pi');
  await kill(0);
  assert.equal(await victim.count(), 3);
});
