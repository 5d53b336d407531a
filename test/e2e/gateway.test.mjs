// Agents of other languages, on one gRPC stream: the examples at work, and hostile ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { patience, pause, scenario, until } from './lib/env.mjs';
import { Greeter, dial, joinToken, prepare, rawAgent, startExample, unread } from './lib/gateway.mjs';
import { grpc, health, listServices, metadata, reflection, unary } from './lib/grpc.mjs';

const callers = async (env, name) => ({ name, authorization: `Bearer ${await env.token()}` });

// Rows of `roost query --raw --json`, by time.
async function rows(env, node, metric) {
  const { stdout } = await env.cli('query', node, metric, '--raw', '--since', '10m', '--json', { ok: 'any' });
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const replies = (stream) =>
  new Promise((resolve, reject) => {
    const texts = [];
    stream.on('data', ({ text }) => texts.push(text));
    stream.on('error', reject);
    stream.on('end', () => resolve(texts));
  });

// All four kinds, by a client that knows nothing of Roost but two metadata keys.
async function callEverything(env, name) {
  const fields = await callers(env, name);
  const stub = dial(env, Greeter);
  try {
    assert.deepEqual(await unary(stub, 'Greet', { name: 'Ada' }, fields), { text: 'Hello, Ada!' });
    assert.deepEqual(await replies(stub.Repeat({ name: 'Bo', times: 3, intervalMs: 20 }, metadata(fields))), [1, 2, 3].map((i) => `Hello, Bo! (${i})`));
    const all = await new Promise((resolve, reject) => {
      const stream = stub.GreetAll(metadata(fields), (error, reply) => (error ? reject(error) : resolve(reply)));
      for (const one of ['Ada', 'Bo', 'Cy']) stream.write({ name: one });
      stream.end();
    });
    assert.equal(all.text, 'Hello, Ada and Bo and Cy!');
    const chat = stub.Chat(metadata(fields));
    const heard = replies(chat);
    for (const one of ['x', 'y']) chat.write({ name: one });
    await until(async () => chat.readableFlowing);
    chat.end();
    assert.deepEqual(await heard, ['Hello, x!', 'Hello, y!']);

    // Larger than a window, both ways.
    const big = 'b'.repeat(1_000_000);
    assert.equal((await unary(stub, 'Greet', { name: big }, fields)).text, `Hello, ${big}!`);

    await assert.rejects(unary(stub, 'Greet', {}, fields), { code: grpc.status.INVALID_ARGUMENT, details: 'who is to be greeted?' });
    const late = replies(stub.Repeat({ name: 'Bo', times: 9, intervalMs: 5000 }, metadata(fields), { deadline: Date.now() + 300 }));
    await assert.rejects(late, { code: grpc.status.DEADLINE_EXCEEDED });
    await assert.rejects(unary(dial(env, health.Health), 'Check', { service: 'none.Such' }, fields), { code: grpc.status.NOT_FOUND });
    assert.equal((await unary(dial(env, health.Health), 'Check', { service: 'example.Greeter' }, fields)).status, 'SERVING');
  } finally {
    stub.close();
  }
}

for (const language of ['python', 'node']) {
  scenario(`an agent in ${language} joins, is charted and called, and loses nothing`, async (env) => {
    await prepare(env.file('gen'));
    const args = ['--token', await joinToken(env, 'pie')];
    let agent = startExample(env, language, 'pie', args);
    await agent.line(/connected as pie/);
    const node = await env.state('pie', 'ONLINE');
    assert.deepEqual([node.kind, node.transport, node.version], ['SERVICE', 'grpc', '1.0']);
    assert.match((await env.cli('node', 'pie')).stdout, /example\.Greeter/);
    await callEverything(env, 'pie');

    // By reflection: no .proto at hand.
    assert.match((await env.cli('call', 'pie', 'example.Greeter/Greet', '{"name":"Eve"}')).stdout, /Hello, Eve!/);
    const listed = await listServices(dial(env, reflection.v1.ServerReflection), await callers(env, 'pie'));
    assert.ok(listed.includes('example.Greeter'), `${listed}`);
    const stub = dial(env, Greeter);
    const fields = await callers(env, 'pie');
    const call = stub.Repeat({ name: 'Bo', times: 9, intervalMs: 60_000 }, metadata(fields));
    call.on('error', () => {});
    await new Promise((resolve) => call.once('data', resolve));
    call.cancel();
    await agent.line(/call \/example.Greeter\/Repeat was cancelled/, 1000);

    // The hub dies: calls end at once, samples of that time arrive afterwards, once.
    const lost = replies(stub.Repeat({ name: 'Bo', times: 9, intervalMs: 60_000 }, metadata(fields)));
    await until(() => rows(env, 'pie', 'load1').then((all) => all.length >= 3));
    const [died] = await Promise.all([Date.now(), assert.rejects(lost, { code: grpc.status.UNAVAILABLE }), env.hub.kill()]);
    env.drop(env.hub);
    await pause(1500);
    await env.startHub();
    const back = Date.now();
    await until(() => agent.stdout.match(/connected as pie/g).length === 2, patience * 2);
    const all = await until(async () => {
      const found = await rows(env, 'pie', 'load1,mem.used');
      return Date.parse(found.at(-1)?.time) > back + 500 && found;
    }, patience * 2);
    const times = all.map((row) => Date.parse(row.time));
    for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] > 100 && times[i] - times[i - 1] < 700, `${all[i - 1].time} is followed by ${all[i].time}`);
    assert.ok(times.filter((time) => time > died && time < back).length >= 4, 'samples of the outage are there');
    assert.ok(all.every((row) => row['mem.used'] > 1e6 && row.load1 >= 0));
    await env.cli('chart', 'pie', 'load1', '--since', '5m', '-o', 'load.png');
    assert.equal(readFileSync(env.file('load.png')).subarray(1, 4).toString(), 'PNG');

    // The agent dies, and comes back with the credential that it kept.
    await env.kill(agent);
    await env.state('pie', 'OFFLINE');
    await assert.rejects(unary(stub, 'Greet', { name: 'Ada' }, fields), { code: grpc.status.UNAVAILABLE });
    agent = startExample(env, language, 'pie');
    await agent.line(/connected as pie/);
    assert.equal((await unary(stub, 'Greet', { name: 'Ada' }, fields)).text, 'Hello, Ada!');

    // A planned restart of it: no call fails, those in between wait.
    const failed = [];
    let answered = 0;
    let goesOn = true;
    const load = (async () => {
      for (; goesOn; await pause(20))
        await unary(stub, 'Greet', { name: 'Ada' }, fields).then(() => answered++, (error) => failed.push(error.message));
    })();
    await until(() => answered > 5);
    await agent.stop();
    env.drop(agent);
    agent = startExample(env, language, 'pie');
    await agent.line(/connected as pie/);
    const before = answered;
    await until(() => answered > before + 5);
    goesOn = false;
    await load;
    assert.deepEqual(failed, []);
    stub.close();

    // A planned end: everything is durable.
    await agent.stop();
    env.drop(agent);
    await env.state('pie', 'OFFLINE');
  });
}


// A node by the name, and its credential.
async function joined(env, name) {
  const agent = rawAgent(env, await joinToken(env, name));
  agent.hello();
  const { credential } = await agent.wait('welcome');
  agent.close();
  await env.state(name, 'OFFLINE');
  return credential;
}

const metric = { name: 'load1', unit: '1', scale: 2 };
const numbered = { metrics: [metric], epoch: '7', nowMs: 1000 };
const part = (id, bytes, left = 0) => ({ replyMessage: { id, data: Buffer.alloc(bytes), left } });
const flood = (id) => Array.from({ length: 40 }, () => part(id, 32768));
const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED, INTERNAL, UNAVAILABLE, ALREADY_EXISTS } = grpc.status;

// What is said after hello and welcome, and how the stream ends of it. A function gets the
// id of a call that is under way.
const hostile = [
  [[{ rows: { seq: 1, rows: [{ values: [1] }] } }], INVALID_ARGUMENT, /rows come before their catalogue/],
  [[{ catalogue: numbered }, { rows: { seq: 1, rows: [{ timeMs: 900, values: [1, 2] }] } }], INVALID_ARGUMENT, /more or fewer values/],
  [[{ catalogue: numbered }, { rows: { seq: 1, rows: [{ timeMs: 900, values: [Infinity] }] } }], INVALID_ARGUMENT, /too large/],
  [[{ catalogue: numbered }, { rows: { seq: 1, rows: [{ values: [1] }] } }], INVALID_ARGUMENT, /rows have a time if/],
  [[{ catalogue: numbered }, { rows: { rows: [{ timeMs: 900, values: [1] }] } }], INVALID_ARGUMENT, /rows have a number if/],
  [[{ catalogue: numbered }, { rows: { seq: 1, rows: [{ timeMs: 900_000, values: [1] }] } }], INVALID_ARGUMENT, /of the future/],
  [[{ catalogue: { metrics: [metric, metric] } }], INVALID_ARGUMENT, /two metrics have the same name/],
  [[{ catalogue: { metrics: Array.from({ length: 4097 }, (_, i) => ({ name: `m${i}` })) } }], INVALID_ARGUMENT, /more than 4,096/],
  [[{ hello: { services: ['roost.v1.Nodes'] } }], INVALID_ARGUMENT, /service that the hub answers/],
  [[{ hello: { services: ['a b'] } }], INVALID_ARGUMENT, /name of a service is none/],
  [[{ hello: { services: Array.from({ length: 65 }, (_, i) => `a.S${i}`) } }], INVALID_ARGUMENT, /more than 64 services/],
  [[{ hello: { descriptors: Buffer.from('garbage') } }], INVALID_ARGUMENT, /no FileDescriptorSet/],
  [[{ replyHead: { id: 99 } }], INVALID_ARGUMENT, /no call of that id/],
  [[{ replyEnd: { id: '9223372036854775807' } }], INVALID_ARGUMENT, /no call of that id/],
  [(id) => [part(id, 32769)], RESOURCE_EXHAUSTED, /over 32 KiB/],
  [flood, RESOURCE_EXHAUSTED, /larger than its credit/],
  [(id) => [part(id, 0, 9)], INVALID_ARGUMENT, /do not fit together/],
  [(id) => [part(id, 5, 10), part(id, 5, 9)], INVALID_ARGUMENT, /do not fit together/],
  [(id) => [{ replyHead: { id } }, { replyHead: { id } }], INVALID_ARGUMENT, /reply_head came twice/],
  [(id) => [{ replyHead: { id, metadata: [{ name: 'x', value: Buffer.alloc(100_000, 'x') }] } }], RESOURCE_EXHAUSTED, /too large/],
  [(id) => [{ replyHead: { id, metadata: [{ name: 'x', value: Buffer.from('\r\n') }] } }], RESOURCE_EXHAUSTED, /what no field may hold/],
  [(id) => [{ replyEnd: { id, message: 'm'.repeat(100_000) } }], RESOURCE_EXHAUSTED, /too large/],
  [(id) => [{ credit: { id, bytes: 1 << 30 } }], INVALID_ARGUMENT, /over 16 MiB/],
];

scenario('what breaks the rules ends the stream, with a status and a text', async (env) => {
  const credential = await joined(env, 'raw');
  const fields = await callers(env, 'raw');
  for (const [says, code, text] of hostile) {
    const agent = rawAgent(env, credential);
    agent.hello(['example.Greeter']);
    await agent.wait('welcome');
    let messages = says;
    let call;
    if (typeof says === 'function') {
      call = unread(env, Greeter.service.Repeat, { name: 'Ada' }, fields);
      messages = says((await agent.wait('callStart')).id);
    }
    for (const message of messages) agent.say(message);
    const status = await agent.ended;
    assert.equal(status.code, code, `${JSON.stringify(messages).slice(0, 200)}: ${status.details}`);
    assert.match(status.details, text);
    if (call) assert.equal(await call.status(), UNAVAILABLE);
    agent.close();
  }
  // Answers to calls that are over break nothing.
  const agent = rawAgent(env, credential);
  agent.hello(['example.Greeter']);
  await agent.wait('welcome');
  const stub = dial(env, Greeter);
  await assert.rejects(unary(stub, 'Greet', { name: 'Ada' }, fields, { deadline: Date.now() + 200 }), { code: grpc.status.DEADLINE_EXCEEDED });
  const start = await agent.wait('callStart');
  assert.ok(start.timeoutMs > 0 && start.timeoutMs <= 200, `${start.timeoutMs}`);
  assert.equal(await agent.wait('callCancel'), start.id);
  for (const message of [part(start.id, 10), { replyEnd: { id: start.id } }, { credit: { id: start.id, bytes: 5 } }, { ping: 42 }]) agent.say(message);
  assert.equal(await agent.wait('pong'), '42');
  stub.close();
  agent.close();

  const strangers = [
    [undefined, { hello: {} }, UNAUTHENTICATED, /a credential is needed/],
    ['ab', { hello: {} }, UNAUTHENTICATED, /./],
    [await env.token(), { hello: {} }, UNAUTHENTICATED, /./],
    [credential, { hello: {} }, INVALID_ARGUMENT, /at most 64 characters/, { version: 'v'.repeat(65) }],
    [credential, { ping: 1 }, INVALID_ARGUMENT, /first message is hello/],
    [credential, { hello: { services: ['?'] } }, INVALID_ARGUMENT, /name of a service/],
  ];
  for (const [token, message, code, text, more] of strangers) {
    const stranger = rawAgent(env, token, more);
    stranger.say(message);
    const status = await stranger.ended;
    assert.equal(status.code, code, status.details);
    assert.match(status.details, text);
    stranger.close();
  }
  const garbage = dial(env, grpc.Client).makeBidiStreamRequest('/roost.v1.Gateway/Connect', (bytes) => bytes, (bytes) => bytes, metadata({ authorization: `Bearer ${credential}` }));
  garbage.write(Buffer.from('0aff', 'hex'));
  assert.equal((await new Promise((resolve) => garbage.on('error', resolve))).code, INTERNAL);
});

scenario('metadata, trailers and details pass both ways, of any bytes', async (env) => {
  const agent = rawAgent(env, await joinToken(env, 'raw'));
  agent.hello(['example.Greeter']);
  await agent.wait('welcome');
  const stub = dial(env, Greeter);
  const sent = metadata(await callers(env, 'raw'));
  sent.set('x-text', 'plain');
  sent.set('x-any-bin', Buffer.from([0, 1, 255]));
  const call = stub.Chat(sent);
  const head = new Promise((resolve) => call.on('metadata', resolve));
  const end = new Promise((resolve) => call.on('error', resolve));
  const start = await agent.wait('callStart');
  assert.equal(start.method, '/example.Greeter/Chat');
  const got = new Map(start.metadata.map(({ name, value }) => [name, value]));
  assert.equal(got.get('x-text').toString(), 'plain');
  assert.deepEqual([...got.get('x-any-bin')], [0, 1, 255]);
  assert.ok(![...got.keys()].some((name) => /^(authorization|proxy-|grpc-|:|content-type|roost-)/.test(name)), `${[...got.keys()]}`);
  assert.ok(start.user.length > 0);
  const { id } = start;
  const field = (name, ...bytes) => ({ name, value: Buffer.from(bytes) });
  agent.say({ replyHead: { id, metadata: [field('x-head-bin', 0, 200), { name: 'x-head', value: Buffer.from('h') }] } });
  const headers = await head;
  assert.deepEqual([...headers.get('x-head-bin')[0]], [0, 200]);
  assert.deepEqual(headers.get('x-head'), ['h']);
  agent.say({ replyEnd: { id, status: 9, message: 'täglich', trailers: [field('x-tail-bin', 7)], details: Buffer.from([8, 9]) } });
  const status = await end;
  assert.deepEqual([status.code, status.details], [9, 'täglich']);
  assert.deepEqual([...status.metadata.get('x-tail-bin')[0]], [7]);
  assert.deepEqual([...status.metadata.get('grpc-status-details-bin')[0]], [8, 9]);
  await assert.rejects(env.cli('call', 'raw', 'other.Service/Method', '{}'));
  stub.close();
  agent.close();
});

scenario('a call that nobody takes leaves the stream to the others', async (env) => {
  const agent = rawAgent(env, await joinToken(env, 'raw'));
  const starts = [];
  const parts = new Map();
  const halves = new Set();
  agent.stream.on('said', (message) => {
    if (message.kind === 'callStart') starts.push(message.callStart);
    if (message.kind === 'callHalfClose') halves.add(message.callHalfClose);
    if (message.kind === 'callMessage') {
      const { id, data } = message.callMessage;
      parts.set(id, (parts.get(id) ?? 0) + data.length);
    }
  });
  agent.hello(['example.Greeter']);
  await agent.wait('welcome');
  const fields = await callers(env, 'raw');
  const stub = dial(env, Greeter);
  // Forwards: 1 MiB for an agent that gives no credit.
  const stuck = stub.GreetAll(metadata(fields), () => {});
  for (let i = 0; i < 64; i++) stuck.write({ name: 'x'.repeat(16_000) });
  stuck.end();
  await until(() => starts.length === 1 && parts.get(starts[0].id) > 30_000);
  await pause(200);
  const [{ id: stuckId }] = starts;
  assert.ok(parts.get(stuckId) <= 65536, `${parts.get(stuckId)} bytes came without credit`);
  // Backwards: a client that does not read.
  const unread = stub.Repeat({ name: 'x' }, metadata(fields));
  unread.pause();
  await until(() => starts.length === 2);
  const { id: unreadId } = starts[1];
  let credit = 65536;
  let sent = 0;
  agent.stream.on('said', (message) => message.kind === 'credit' && message.credit.id === unreadId && (credit += message.credit.bytes));
  // Field 1 of GreetReply, 16,000 bytes long.
  const reply = Buffer.concat([Buffer.from([0x0a, 0x80, 0x7d]), Buffer.alloc(16_000, 'y')]);
  const push = () => {
    for (; credit >= reply.length + 5 && sent < 64; sent++, credit -= reply.length + 5) agent.say({ replyMessage: { id: unreadId, data: reply } });
  };
  const pushing = setInterval(push, 5);
  await until(() => sent > 5);
  // Beside them a call takes no longer than one.
  for (let i = 0; i < 20; i++) {
    const began = Date.now();
    const answer = unary(stub, 'Greet', { name: 'z' }, fields);
    await until(() => starts.length === 3 + i);
    agent.say({ replyMessage: { id: starts.at(-1).id, data: Buffer.concat([Buffer.from([0x0a, 2]), Buffer.from('ok')]) } });
    agent.say({ replyEnd: { id: starts.at(-1).id } });
    assert.equal((await answer).text, 'ok');
    assert.ok(Date.now() - began < 1000);
  }
  // And then they go on, to the last byte.
  let heard = 0;
  unread.on('data', () => heard++);
  unread.on('error', () => {});
  unread.resume();
  await until(() => sent === 64 && heard === 64, patience);
  clearInterval(pushing);
  agent.say({ credit: { id: stuckId, bytes: 2 << 20 } });
  await until(() => halves.has(stuckId));
  assert.equal(parts.get(stuckId), 64 * 16_003);
  stub.close();
  agent.close();
});

scenario('a name has one holder: who lives keeps it, who is silent loses it', { config: '[store]\nacknowledge = 1s\n' }, async (env) => {
  const credential = await joined(env, 'raw');
  const first = rawAgent(env, credential, { 'roost-instance': 'a' });
  first.stream.on('said', (message) => message.kind === 'ping' && first.say({ pong: message.ping }));
  first.hello();
  await first.wait('welcome');
  const rival = rawAgent(env, credential, { 'roost-instance': 'b' });
  rival.hello();
  const refused = await rival.ended;
  assert.equal(refused.code, ALREADY_EXISTS, refused.details);
  assert.deepEqual(refused.metadata.get('roost-error'), ['name-taken']);
  // The same instance takes over, and the older stream is told.
  const next = rawAgent(env, credential, { 'roost-instance': 'a' });
  next.hello();
  await next.wait('welcome');
  await first.wait('goodbye');
  first.stream.end();
  assert.equal((await first.ended).code, grpc.status.OK);
  // It says nothing any more: another may have the name.
  const heir = rawAgent(env, credential, { 'roost-instance': 'c' });
  heir.hello();
  assert.equal((await heir.wait('welcome')).node, 'raw');
  assert.equal((await next.ended).code, UNAVAILABLE);
  // Samples without numbers and without a clock are of now.
  heir.say({ catalogue: { metrics: [metric], intervalMs: 200 } });
  for (let i = 0; i < 3; i++) {
    heir.say({ rows: { rows: [{ values: [i + 0.25] }] } });
    await pause(150);
  }
  const all = await until(async () => {
    const found = await rows(env, 'raw', 'load1');
    return found.length === 3 && found;
  }, patience * 2);
  assert.deepEqual(all.map((row) => row.load1), [0.25, 1.25, 2.25]);
  assert.ok(Math.abs(Date.parse(all.at(-1).time) - Date.now()) < patience * 2);
  // Numbers that are passed over are told as lost, and known ones land once.
  heir.say({ catalogue: { metrics: [metric], epoch: '5', intervalMs: 200, nowMs: 50_000 } });
  heir.say({ rows: { seq: 1, rows: [{ timeMs: 49_000, values: [7] }, { timeMs: 49_200, values: [NaN] }] } });
  heir.say({ rows: { seq: 2, rows: [{ timeMs: 49_200, values: [8] }, { timeMs: 49_400, values: [9] }] } });
  heir.say({ rows: { seq: 6, rows: [{ timeMs: 50_000, values: [10] }] } });
  assert.deepEqual((await heir.wait('durable')).seq, '6');
  await until(async () => (await rows(env, 'raw', 'load1')).map((row) => row.load1).filter((value) => value >= 7).join() === '7,9,10');
  assert.match((await env.cli('activity')).stdout, /2 samples of raw are lost/);
  // The credential is taken away: so is the stream, and it is told why it does not come in.
  const { tokens } = await env.json('token', 'list');
  await env.cli('token', 'revoke', tokens.find((token) => token.kind === 'NODE' && token.name === 'raw').id);
  assert.equal((await heir.ended).code, UNAVAILABLE);
  const late = rawAgent(env, credential);
  late.hello();
  const over = await late.ended;
  assert.equal(over.code, UNAUTHENTICATED);
  assert.deepEqual(over.metadata.get('roost-error'), ['revoked-token']);
  late.close();
  heir.close();
});

scenario('a hub that goes away says so, and waits for calls', async (env) => {
  const agent = rawAgent(env, await joinToken(env, 'raw'));
  agent.hello(['example.Greeter']);
  await agent.wait('welcome');
  const stub = dial(env, Greeter);
  const answer = unary(stub, 'Greet', { name: 'z' }, await callers(env, 'raw'));
  const { id } = await agent.wait('callStart');
  const stopped = env.hub.stop();
  await agent.wait('goodbye');
  agent.say({ replyMessage: { id, data: Buffer.concat([Buffer.from([0x0a, 2]), Buffer.from('ok')]) } });
  agent.say({ replyEnd: { id } });
  assert.equal((await answer).text, 'ok');
  agent.stream.end();
  assert.equal((await agent.ended).code, grpc.status.OK);
  stub.close();
  await stopped;
  env.drop(env.hub);
});
