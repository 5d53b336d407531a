// Servers of others behind an agent: called through the hub as if they were here.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { before } from 'node:test';

import { pause, program, run, scenario, slow, until } from './lib/env.mjs';
import { health, listServices, reflection, unary } from './lib/grpc.mjs';
import { Lab, LabServer, descriptors, grpc, makeDescriptors, observe, outcome } from './lib/lab.mjs';
import { makeCert } from './lib/tls.mjs';
import { handshake, join, serve } from './lib/link.mjs';

// What a caller of the hub adds to its calls.
async function caller(env, name) {
  const token = await env.token();
  return (fields = {}) => {
    const result = new grpc.Metadata();
    result.set('name', name);
    if (token) result.set('proxy-authorization', `Bearer ${token}`);
    for (const [key, values] of Object.entries(fields)) for (const value of values) result.add(key, value);
    return result;
  };
}

const limits = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': -1 };

function stubOf(env, t, Service = Lab, options = {}) {
  const ca = readFileSync(path.join(env.data, 'tls', 'ca.pem'));
  const stub = new Service(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(ca), { ...limits, ...options });
  t.after(() => stub.close());
  return stub;
}

async function start(t, options) {
  const lab = await LabServer.start(options);
  t.after(() => lab.kill());
  return lab;
}

function say(stub, saying, fields, options = {}) {
  return new Promise((resolve, reject) => {
    stub.Say(saying, fields, options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

const settings = (...sections) => `[agent]\ninterval = 60\n${sections.join('\n')}\n`;
const section = (name, fields) => `[expose ${name}]\n${Object.entries(fields).map(([key, value]) => `${key} = ${value}\n`).join('')}`;

// Waits until the hub knows exactly these services of the node.
function services(env, name, wanted) {
  return until(
    async () => {
      const node = await env.node(name);
      const names = (node.services ?? []).map((service) => service.name);
      return JSON.stringify(names) === JSON.stringify(wanted) && node.services;
    },
    undefined,
    `${name} has the services ${wanted}`,
  );
}

before(() => makeDescriptors());

// --- one suite, two ways ---

scenario('every call comes to the same through the hub as directly', async (env, t) => {
  const lab = await start(t, { reflection: 'v1', health: true });
  await env.agent('far', { settings: settings(section('lab', { address: lab.address })) });
  await services(env, 'far', ['lab.v1.Lab']);
  const there = new Lab(lab.address, grpc.credentials.createInsecure(), limits);
  t.after(() => there.close());
  const through = stubOf(env, t);
  const make = await caller(env, 'far');
  const direct = (fields) => {
    const result = make(fields);
    result.remove('proxy-authorization');
    return result;
  };
  const expected = await observe(there, direct, lab);
  const found = await observe(through, make, lab);
  assert.deepEqual(Object.keys(found), Object.keys(expected));
  for (const name of Object.keys(expected)) assert.deepEqual(found[name], expected[name], name);
  assert.equal(expected.unary.code, 0);
  assert.equal(expected['status 5'].trailers['grpc-status-details-bin'].length, 1);
  assert.equal(expected.deadline.code, 4);
  assert.equal(expected.deadline.intime, true);
  assert.equal(expected.cancelled.code, 1);
  assert.equal(expected.cancelled.seen, true);

  // A caller's own authorization is the back end's.
  const mine = make({ authorization: ['Basic abc'] });
  const { seen } = await say(through, { text: 'a' }, mine);
  assert.deepEqual(JSON.parse(seen).authorization, ['Basic abc']);
  assert.equal(JSON.parse(seen)['proxy-authorization'], undefined);

});

scenario('a thousand calls at once share a few connections to a server that takes 100 each', async (env, t) => {
  const lab = await start(t, { streams: 100 });
  await env.agent('far', { settings: settings(section('lab', { address: lab.address, services: 'lab.v1.Lab' })) });
  const stub = stubOf(env, t);
  const make = await caller(env, 'far');
  await services(env, 'far', ['lab.v1.Lab']);

  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => say(stub, { text: `${i}` }, make())));
  assert.deepEqual(answers.map(({ text }) => Number(text)), Array.from({ length: 1000 }, (_, i) => i));

  // And all of them open at the same time.
  const stubs = Array.from({ length: 20 }, () => stubOf(env, t, Lab, { 'grpc.use_local_subchannel_pool': 1 }));
  const talks = Array.from({ length: 1000 }, (_, i) => stubs[i % stubs.length].Talk(make()));
  const firsts = talks.map((talk, i) => new Promise((resolve, reject) => {
    talk.on('error', reject);
    talk.on('data', ({ text }) => resolve(Number(text)));
    talk.write({ text: `${i}` });
  }));
  assert.deepEqual(await Promise.all(firsts), Array.from({ length: 1000 }, (_, i) => i));
  const ends = talks.map((talk) => new Promise((resolve) => talk.on('status', ({ code }) => resolve(code))));
  for (const talk of talks) talk.end();
  assert.ok((await Promise.all(ends)).every((code) => code === 0));
});

// --- ways to a back end ---

// An agent that exposes this as [expose lab], and a stub of it through the hub.
async function exposed(env, t, fields, more = '') {
  const agent = await env.agent('far', { settings: settings(section('lab', fields), more) });
  const make = await caller(env, 'far');
  return { agent, stub: stubOf(env, t), make };
}

async function fails(promise, code, pattern) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.details, pattern);
    return true;
  });
}

// Writes agent.conf and makes the agent read it.
async function change(agent, text) {
  const before = agent.proc.stderr.length;
  writeFileSync(path.join(agent.state, 'agent.conf'), text);
  agent.proc.child.kill('SIGHUP');
  await until(() => /the settings were read anew|the settings in use stay/.test(agent.proc.stderr.slice(before)));
  return agent.proc.stderr.slice(before);
}

scenario('a back end by TLS is trusted by its CA or by a pin, and by nothing else', async (env, t) => {
  const { cert, key } = await makeCert(env.folder, 'lab');
  const other = await makeCert(env.folder, 'other');
  const creds = grpc.ServerCredentials.createSsl(null, [{ private_key: readFileSync(key), cert_chain: readFileSync(cert) }]);
  const lab = await start(t, { creds });
  const pinOf = async (file) => {
    const { stdout } = await run('sh', ['-c', `openssl x509 -in ${file} -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\\n'`]);
    return stdout;
  };
  const base = { address: lab.address, services: 'lab.v1.Lab' };
  const { agent, stub, make } = await exposed(env, t, { ...base, tls: 'yes', ca: cert });
  await services(env, 'far', ['lab.v1.Lab']);
  assert.equal((await say(stub, { text: 'by CA' }, make())).text, 'by CA');

  await change(agent, settings(section('lab', { ...base, tls: 'yes', pin: await pinOf(cert) })));
  assert.equal((await say(stub, { text: 'by pin' }, make())).text, 'by pin');
  await services(env, 'far', ['lab.v1.Lab']);

  await change(agent, settings(section('lab', { ...base, tls: 'yes', pin: await pinOf(other.cert) })));
  await fails(say(stub, {}, make()), 14, /back end "lab" \(127\.0\.0\.1:\d+\): TLS: it shows another key than the pinned one: pin /);
  await services(env, 'far', []);

  await change(agent, settings(section('lab', { ...base, tls: 'yes', ca: other.cert })));
  await fails(say(stub, {}, make()), 14, /TLS: self-signed certificate/);
  await change(agent, settings(section('lab', { ...base, tls: 'yes', ca: '/none/ca.pem' })));
  await fails(say(stub, {}, make()), 14, /\/none\/ca\.pem: No such file/);
  await change(agent, settings(section('lab', base)));
  await fails(say(stub, {}, make()), 14, /not in HTTP\/2|connection/);
});

scenario('a back end behind a socket of the file system, described by a file', async (env, t) => {
  const socket = env.file('lab.sock');
  await start(t, { socket });
  writeFileSync(env.file('lab.pb'), descriptors());
  const { stub, make } = await exposed(env, t, { address: `unix:${socket}`, descriptors: env.file('lab.pb') });
  const [service] = await services(env, 'far', ['lab.v1.Lab']);
  assert.equal(service.backEnd, 'lab');
  assert.equal((await say(stub, { text: 'hi' }, make())).text, 'hi');

  // The agent answers reflection for it, beside its own services.
  const ask = stubOf(env, t, reflection.v1.ServerReflection);
  const fields = Object.fromEntries(Object.entries(make().getMap()));
  const listed = await listServices(ask, fields);
  assert.ok(listed.includes('lab.v1.Lab') && listed.includes('roost.v1.Host'), listed.join());
  const { stdout } = await env.cli('call', 'far', 'lab.v1.Lab/Say', '{"text":"by reflection"}');
  assert.equal(JSON.parse(stdout).text, 'by reflection');
  assert.match((await env.cli('node', 'far')).stdout, /serves +lab\.v1\.Lab \(back end lab\)/);
});

for (const version of ['v1', 'v1alpha']) {
  scenario(`services are found by reflection ${version}`, async (env, t) => {
    const lab = await start(t, { reflection: version });
    await exposed(env, t, { address: lab.address });
    await services(env, 'far', ['lab.v1.Lab']);
    const { stdout } = await env.cli('call', 'far', 'lab.v1.Lab/Say', '{"text":"x","at":"2020-01-02T03:04:05Z"}');
    assert.equal(JSON.parse(stdout).text, 'x');
  });
}

scenario('a single back end that tells nothing gets every call', async (env, t) => {
  const lab = await start(t);
  const { agent, stub, make } = await exposed(env, t, { address: lab.address });
  await services(env, 'far', ['*']);
  assert.equal((await say(stub, { text: 'a' }, make())).text, 'a');

  // With another beside it nobody knows what is whose.
  const other = await start(t, { reflection: 'v1' });
  const log = await change(agent, settings(section('lab', { address: lab.address }), section('other', { address: other.address })));
  assert.match(log, /back end lab has changed: it is dialled again/);
  await services(env, 'far', ['lab.v1.Lab']);
  await agent.proc.line(/back end lab \(.*\) does not tell its services/);
  const calls = other.calls;
  await say(stub, { text: 'b' }, make());
  assert.equal(other.calls, calls + 1);

  // The agent's own services stay its own.
  const check = stubOf(env, t, health.Health);
  assert.equal((await unary(check, 'Check', { service: 'roost.v1.Host' }, make().getMap())).status, 'SERVING');
  await fails(new Promise((resolve, reject) => {
    stub.makeUnaryRequest('/nobody.v1.Has/This', (x) => x, (x) => x, Buffer.alloc(0), make(), (error, reply) => (error ? reject(error) : resolve(reply)));
  }), 12, /unknown service nobody\.v1\.Has/);
});

// --- what comes and goes ---

scenario('services come and go with the health of their back end', async (env, t) => {
  const lab = await start(t, { reflection: 'v1', health: true });
  const { stub, make } = await exposed(env, t, { address: lab.address });
  const check = stubOf(env, t, health.Health);
  const asked = async (service) => (await unary(check, 'Check', { service }, make().getMap())).status;
  await services(env, 'far', ['lab.v1.Lab']);
  assert.equal(await asked('lab.v1.Lab'), 'SERVING');
  await assert.rejects(asked('lab.v1.None'), { code: 5 });

  const states = [];
  const watch = check.Watch({ service: 'lab.v1.Lab' }, make());
  watch.on('error', () => {});
  watch.on('data', ({ status }) => states.push(status));
  await until(() => states.length === 1);
  lab.setHealth('NOT_SERVING');
  await services(env, 'far', []);
  assert.equal(await asked('lab.v1.Lab'), 'NOT_SERVING');
  lab.setHealth('SERVING');
  await services(env, 'far', ['lab.v1.Lab']);
  await until(() => states.length === 3);
  assert.deepEqual(states, ['SERVING', 'NOT_SERVING', 'SERVING']);
  watch.cancel();
});

scenario('a back end that dies and returns: calls fail at once, then go on', async (env, t) => {
  const lab = await start(t, { reflection: 'v1' });
  const { agent, stub, make } = await exposed(env, t, { address: lab.address });
  await services(env, 'far', ['lab.v1.Lab']);
  const hanging = new Promise((resolve) => stub.Wait({}, make(), resolve));
  await until(() => lab.waits === 1);
  lab.kill();
  const error = await hanging;
  assert.ok([1, 13, 14].includes(error.code), error.message);
  await services(env, 'far', []);
  const began = Date.now();
  await fails(say(stub, {}, make()), 14, /back end "lab" \(127\.0\.0\.1:\d+\): connection refused/);
  assert.ok(Date.now() - began < 1000);
  await agent.proc.line(/back end lab .*connection refused/);

  // A call is reason enough to try again.
  await lab.again();
  await until(() => say(stub, {}, make()).then(() => true));
  await services(env, 'far', ['lab.v1.Lab']);

  // A polite restart: the call under way finishes, new ones wait for the new server.
  const talk = stub.Talk(make());
  const said = [];
  talk.on('error', () => {});
  talk.on('data', ({ text }) => said.push(text));
  talk.write({ text: 'before' });
  await until(() => said.length === 1);
  const over = new Promise((resolve) => talk.on('status', ({ code }) => resolve(code)));
  const stopped = lab.stop();
  talk.write({ text: 'meanwhile' });
  await until(() => said.length === 2);
  talk.end();
  assert.equal(await over, 0);
  await stopped;
  await lab.again();
  await until(() => say(stub, { text: 'after' }, make()).then(() => true));
});

scenario('a reload adds, changes and takes away back ends', async (env, t) => {
  const first = await start(t);
  const second = await start(t);
  const base = (lab) => ({ address: lab.address, services: 'lab.v1.Lab' });
  const { agent, stub, make } = await exposed(env, t, base(first));
  await services(env, 'far', ['lab.v1.Lab']);
  await say(stub, {}, make());
  assert.equal(first.calls, 1);

  // What stays as it is keeps its connection and its calls.
  const talk = stub.Talk(make());
  const ended = new Promise((resolve) => talk.on('status', ({ code }) => resolve(code)));
  talk.on('error', () => {});
  const heard = new Promise((resolve) => talk.once('data', resolve));
  talk.write({ text: 'a' });
  await heard;
  await change(agent, settings(section('lab', base(first)), section('zoo', { address: second.address, services: 'zoo.v1.Zoo' })));
  await services(env, 'far', ['lab.v1.Lab', 'zoo.v1.Zoo']);
  talk.end();

  await change(agent, settings(section('lab', base(second))));
  await until(() => say(stub, {}, make()).then(() => second.calls > 0));
  await services(env, 'far', ['lab.v1.Lab']);
  await change(agent, settings());
  await services(env, 'far', []);
  await fails(say(stub, {}, make()), 12, /unknown service lab\.v1\.Lab|lab/);
  assert.match(await change(agent, '[expose lab]\nservices = a.B\n'), /\[expose lab\]: address is needed.*; the settings in use stay/);
  await ended;
});

scenario('the command line writes back ends, and the policy can deny them', async (env, t) => {
  const lab = await start(t, { reflection: 'v1' });
  const link = await env.link('far');
  const state = env.file('agent-far');
  await run(program('roost-agent'), ['join', link, '--state', state, '--expose', lab.address]);
  const conf = path.join(state, 'agent.conf');
  assert.match(readFileSync(conf, 'utf8'), new RegExp(`^\\[expose main\\]\\naddress = ${lab.address}\\n$`));
  writeFileSync(conf, `# mine\n[agent]\ninterval = 60\n\n${readFileSync(conf, 'utf8')}`);
  const agent = { name: 'far', state, options: {} };
  await env.startAgent(agent);
  await services(env, 'far', ['lab.v1.Lab']);

  const exposeNow = (...args) => run(program('roost-agent'), ['expose', ...args, '--state', state], { ok: 'any' });
  assert.equal((await exposeNow('main', '127.0.0.1:1')).code, 0);
  assert.equal((await exposeNow('second', lab.address)).code, 0);
  assert.equal((await exposeNow('Bad Name', lab.address)).code, 2);
  assert.equal((await exposeNow('third', 'nowhere')).code, 2);
  assert.equal((await exposeNow('third')).code, 2);
  assert.equal(readFileSync(conf, 'utf8'), `# mine\n[agent]\ninterval = 60\n\n[expose main]\naddress = 127.0.0.1:1\n\n[expose second]\naddress = ${lab.address}\n`);
  agent.proc.child.kill('SIGHUP');
  await until(async () => (await env.node('far')).services?.some(({ backEnd }) => backEnd === 'second'));

  const make = await caller(env, 'far');
  const stub = stubOf(env, t);
  assert.equal((await say(stub, { text: 'a' }, make())).text, 'a');
  writeFileSync(path.join(state, 'policy.conf'), 'deny grpc lab.*\n');
  await until(() => say(stub, {}, make()).then(() => false, (error) => error.code === 7 && /policy/.test(error.details)));
});

// --- somebody else's HTTP/2 server ---

scenario('any HTTP/2 server that speaks the upgrade is a node', async (env, t) => {
  const { socket } = await handshake(env, await join(env, 'foreign'), { keep: true });
  const session = serve(socket);
  session.on('error', () => {});
  const say = (stream, status, message = '') => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': `${status}`, 'grpc-message': message }, { endStream: true });
  };
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] !== '/lab.v1.Lab/Say') {
      say(stream, 12);
      return;
    }
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', kind: 'head' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'sum-bin': 'AQI' }));
      stream.end(Buffer.concat(chunks)); // an Answer begins with the fields of a Saying
    });
  });
  t.after(() => session.destroy());
  await env.state('foreign', 'ONLINE');
  const stub = stubOf(env, t);
  const make = await caller(env, 'foreign');
  let told;
  const call = stub.Say({ text: 'from afar' }, make(), (error, reply) => told(error, reply));
  const { code, head, trailers, messages } = await outcome(call, { unary: (then) => (told = then) });
  assert.equal(code, 0);
  assert.equal(messages[0].text, 'from afar');
  assert.deepEqual(head.kind, ['head']);
  assert.deepEqual(trailers['sum-bin'], ['hex:0102']);
  await fails(new Promise((resolve, reject) => stub.Wait({}, make(), (error) => reject(error))), 12, /^$/);
  assert.deepEqual((await env.node('foreign')).services ?? [], []);
});

// --- between ---

scenario('services vanish with the node and come back with it', async (env, t) => {
  const lab = await start(t, { reflection: 'v1' });
  const { agent } = await exposed(env, t, { address: lab.address });
  await services(env, 'far', ['lab.v1.Lab']);
  await env.stopAgent(agent);
  await env.state('far', 'OFFLINE');
  assert.deepEqual((await env.node('far')).services ?? [], []);
  await env.startAgent(agent);
  await services(env, 'far', ['lab.v1.Lab']);
  await env.restartHub();
  await services(env, 'far', ['lab.v1.Lab']);
});

// Resident memory of a process, in KiB.
const resident = (proc) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proc.pid}/status`, 'utf8'))[1]);

scenario('a back end that does not read holds its callers, and memory stays as it was', async (env, t) => {
  const server = http2.createServer({ settings: { initialWindowSize: 65535 } });
  server.on('sessionError', () => {});
  const streams = [];
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (!headers[':path'].endsWith('/Collect')) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
      return;
    }
    streams.push(stream); // and nobody reads it
  });
  const sessions = new Set();
  server.on('session', (session) => sessions.add(session));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const lab = await start(t);
  const { agent, stub, make } = await exposed(env, t, { address: `127.0.0.1:${server.address().port}`, services: 'lab.v1.Lab' }, section('other', { address: lab.address, services: 'other.v1.Other' }));
  await services(env, 'far', ['lab.v1.Lab', 'other.v1.Other']);
  const host = stubOf(env, t, health.Health);
  const check = async () => {
    const began = Date.now();
    await unary(host, 'Check', { service: 'roost.v1.Host' }, make().getMap());
    return Date.now() - began;
  };
  await check();
  const payload = Buffer.alloc(1 << 20);
  const push = () => {
    const call = stub.Collect(make(), () => {});
    call.on('error', () => {});
    for (let i = 0; i < 8; i++) call.write({ payload });
    return call;
  };
  const calls = [push()];
  await until(() => streams.length === 1);
  await pause(300);
  const before = [resident(env.hub), resident(agent.proc)];
  for (let i = 0; i < 15; i++) calls.push(push());
  await until(() => streams.length === 16);
  await pause(500);
  const grown = [resident(env.hub) - before[0], resident(agent.proc) - before[1]];
  // A sanitizer keeps what was freed.
  for (const kib of grown) assert.ok(slow > 1 || kib < 16 * 256 + 2048, `hub and agent grew by ${grown} KiB`);
  assert.ok((await check()) < 500, 'others are not held up');

  // Those who are read after all lose nothing.
  let bytes = 0;
  const ended = new Promise((resolve) => {
    streams[0].on('data', (chunk) => (bytes += chunk.length));
    streams[0].on('end', resolve);
  });
  calls[0].end();
  await ended;
  assert.equal(bytes, 8 * (5 + 4 + (1 << 20)));
  for (const call of calls) call.cancel();
  await until(() => streams.slice(1).every((stream) => stream.closed));
});
