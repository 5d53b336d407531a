// Agents of other languages, on one gRPC stream: the examples at work, and hostile ones.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

import { Env, patience, pause, scenario, until } from './lib/env.mjs';
import { Greeter, dial, joinToken, prepare, rawAgent, startExample } from './lib/gateway.mjs';
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

    // The agent dies, and comes back with the credential that it kept.
    await env.kill(agent);
    await env.state('pie', 'OFFLINE');
    await assert.rejects(unary(stub, 'Greet', { name: 'Ada' }, fields), { code: grpc.status.UNAVAILABLE });
    agent = startExample(env, language, 'pie');
    await agent.line(/connected as pie/);
    assert.equal((await unary(stub, 'Greet', { name: 'Ada' }, fields)).text, 'Hello, Ada!');
    stub.close();

    // A planned end: everything is durable.
    await agent.stop();
    env.drop(agent);
    await env.state('pie', 'OFFLINE');
  });
}

