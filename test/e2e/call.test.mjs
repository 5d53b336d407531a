// roost call: any service by hand, directly and through a node, in every kind and form; and the
// verbs of the older client.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { program, run, scenario, top, until } from './lib/env.mjs';
import { bridge, descriptorSet, grpc, loaded, startKitchen } from './lib/kitchen.mjs';
import { makeCert } from './lib/tls.mjs';

const lines = (text) => text.trim().split('\n').map((line) => JSON.parse(line));
const caller = (env, ...before) => (...args) => {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  return env.cli('call', ...before, ...args, options);
};
const failed = (result, code, text) => {
  assert.equal(result.code, code, result.stdout + result.stderr);
  assert.match(result.stderr, text);
};

// What holds for a server wherever it is: call(METHOD, ...) makes `roost call` of it.
async function checkAll(env, kitchen, call, start) {
  const listed = (await call()).stdout;
  assert.match(listed, /^kitchen\.Kitchen\/Double +both ways +kitchen\.Number -> kitchen\.Number$/m);
  assert.match(listed, /^kitchen\.Kitchen\/Sum +client stream/m);
  assert.match(listed, /^external\.Fluentd\/Start +unary/m);
  assert.match((await call('Kitchen')).stdout, /^service kitchen\.Kitchen \{\n {2}rpc Echo\(everything\.All\)/);
  assert.match((await call('kitchen.Parcel', '--describe')).stdout, /^message kitchen\.Parcel \{\n {2}google\.protobuf\.Any content = 1;\n\}\n\nmessage google/);

  // The four kinds.
  assert.deepEqual(JSON.parse((await call('Kitchen/Echo', '{"fInt64": 5}')).stdout), { fInt64: '5' });
  assert.deepEqual(lines((await call('Kitchen/Sum', '-o', 'json', { input: '{"value": 1}{"value": 2}\n{"value": "40"}' })).stdout), [{ value: '43' }]);
  assert.deepEqual(lines((await call('Kitchen/Count', '{"value": 3}')).stdout), [{ value: '1' }, { value: '2' }, { value: '3' }]);
  const talk = start('Kitchen/Double');
  for (const value of [1, 2, 3]) {
    talk.child.stdin.write(`{"value": ${value}}\n`);
    await until(() => talk.stdout.split('\n').length > value, undefined, 'each reply comes before the next request');
  }
  talk.child.stdin.end();
  assert.equal(await talk.ended, 0);
  env.drop(talk);
  assert.deepEqual(lines(talk.stdout), [{ value: '2' }, { value: '4' }, { value: '6' }]);

  // A message of every field, from a sample, in each form.
  for (const form of ['json', 'yaml', 'xml']) {
    const sample = (await call('Kitchen/Echo', '--sample', '-o', form)).stdout;
    const file = env.file(`sample.${form}`);
    writeFileSync(file, sample);
    assert.equal((await call('Kitchen/Echo', '-f', file, '-o', form)).stdout, sample, form);
  }
  assert.match(readFileSync(env.file('sample.json'), 'utf8'), /"mStringInt32":\{.*"wTime":"2026/);
  writeFileSync(env.file('two.yaml'), 'value: 1\n---\nvalue: 2\n');
  assert.deepEqual(lines((await call('Kitchen/Sum', '-o', 'json', '-f', env.file('two.yaml'))).stdout), [{ value: '3' }]);
  assert.deepEqual(JSON.parse((await call('Kitchen/Wrap', '{"value": 9}')).stdout), {
    content: { '@type': 'type.googleapis.com/kitchen.Number', value: '9' },
  });

  // Metadata both ways.
  const told = await call('Kitchen/Echo', '-v', '-H', 'X-Key: v', '-H', 'raw-bin:AAH/', '-o', 'json');
  assert.equal(told.stdout, '{}\n');
  assert.match(told.stderr, /^< x-head: kitchen$/m);
  assert.match(told.stderr, /^< x-tail-bin: AP8=?$/m);
  const keys = kitchen.seen.metadata.at(-1);
  assert.equal(keys['x-key'], 'v');
  assert.deepEqual(keys['raw-bin'], Buffer.from([0, 1, 255]));

  // What goes wrong.
  failed(await call('Kitchen/Fail', '{"code": 9, "message": "not \\u001b[1m now"}', { ok: 'any' }), 73, /^roost: kitchen\.Kitchen\/Fail: FAILED_PRECONDITION: not .\[1m now$/m);
  const details = Buffer.concat([
    Buffer.from([8, 3]), // code
    detail('google.rpc.BadRequest', field(1, Buffer.concat([field(1, 'name'), field(2, 'too long')]))),
    detail('kitchen.Number', Buffer.from([8, 7])),
    detail('no.Such', Buffer.from([1, 2, 3])),
  ]).toString('base64');
  const refused = await call('Kitchen/Fail', JSON.stringify({ code: 3, message: 'bad', details }), { ok: 'any' });
  failed(refused, 67, /^roost: kitchen\.Kitchen\/Fail: INVALID_ARGUMENT: bad$/m);
  assert.deepEqual(
    refused.stderr.match(/^detail: .*$/gm).map((line) => JSON.parse(line.slice(8))),
    [
      { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: 'name', description: 'too long' }] },
      { '@type': 'type.googleapis.com/kitchen.Number', value: '7' },
      { '@type': 'type.googleapis.com/no.Such', value: 'AQID' },
    ],
  );
  failed(await call('Kitchen/Echo', '{"fInt33": 1}', { ok: 'any' }), 2, /request 1: fInt33: no such field in everything\.All/);
  failed(await call('Kitchen/Ecko', { ok: 'any' }), 4, /did you mean Echo\?/);
  failed(await call('Kitchne/Echo', { ok: 'any' }), 4, /did you mean kitchen\.Kitchen\?/);
  failed(await call('Kitchen/Echo', '{"fString": "' + 'x'.repeat(3000) + '"}', '--max-message', '2k', { ok: 'any' }), 72, /RESOURCE_EXHAUSTED/);
  failed(await call('Kitchen/Hang', '--deadline', '200ms', { ok: 'any' }), 68, /DEADLINE_EXCEEDED/);
  await until(() => kitchen.seen.cancelled > 0, undefined, 'the server knows of the deadline');

  // An interrupt, and a reader that has gone.
  const before = kitchen.seen.cancelled;
  const hanging = start('Kitchen/Hang', '{}');
  await until(() => kitchen.seen.metadata.length > 0 && kitchen.seen.deadlines.at(-1) === Infinity, undefined, 'the call is there');
  hanging.child.kill('SIGINT');
  assert.equal(await hanging.ended, 65, hanging.stderr);
  env.drop(hanging);
  assert.match(hanging.stderr, /^roost: kitchen\.Kitchen\/Hang: CANCELLED: interrupted$/m);
  await until(() => kitchen.seen.cancelled > before, undefined, 'the server knows of the interrupt');
  const endless = start('Kitchen/Count', '{}');
  await until(() => endless.stdout.length > 10_000);
  endless.child.stdout.destroy();
  await until(() => kitchen.seen.cancelled > before + 1, undefined, 'the server knows that nobody reads');
  await endless.ended;
  env.drop(endless);
}

// Fields of length-delimited kind, as protobuf has them.
function field(number, value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function detail(type, value) {
  return field(3, Buffer.concat([field(1, `type.googleapis.com/${type}`), field(2, value)]));
}

const starter = (env, ...before) => (...args) => env.start(program('roost'), ['call', ...before, ...args], { env: { XDG_CONFIG_HOME: env.file('config') } });

scenario('a server is called directly', { hub: false }, async (env) => {
  const kitchen = await startKitchen(env);
  const server = ['--server', kitchen.address];
  await checkAll(env, kitchen, caller(env, ...server), starter(env, ...server));

  const call = caller(env, ...server);
  await call('Kitchen/Echo', '-H', 'name: pi', '--auth-token', 'abc', '--auth-token-type', 'Basic');
  const keys = kitchen.seen.metadata.at(-1);
  assert.deepEqual([keys.name, keys.authorization], ['pi', 'Basic abc']);
  const protoset = descriptorSet(env, 'kitchen.proto');
  assert.deepEqual(JSON.parse((await call('kitchen.Kitchen/Wrap', '{"value": 1}', '--protoset', protoset)).stdout).content.value, '1');
  kitchen.close();
  failed(await call({ ok: 'any' }), 78, /connection refused/);

  const socket = env.file('kitchen.sock');
  const local = await startKitchen(env, { address: `unix:${socket}`, bare: true });
  const near = caller(env, '--server', `unix:${socket}`);
  failed(await near({ ok: 'any' }), 76, /no reflection/);
  assert.deepEqual(lines((await near('Kitchen/Count', '{"value": 1}', '--protoset', protoset)).stdout), [{ value: '1' }]);
  local.close();
});

scenario('a server asks for TLS and for a certificate', { hub: false }, async (env) => {
  const [server, client] = [await makeCert(env.folder, 'server'), await makeCert(env.folder, 'client')];
  const pair = { cert_chain: readFileSync(server.cert), private_key: readFileSync(server.key) };
  const kitchen = await startKitchen(env, { credentials: grpc.ServerCredentials.createSsl(readFileSync(client.cert), [pair], true) });
  const call = caller(env, '--server', kitchen.address);
  const own = ['--cert', client.cert, '--key', client.key];

  assert.deepEqual(lines((await call('--ca', server.cert, ...own, 'Kitchen/Count', '{"value": 1}')).stdout), [{ value: '1' }]);
  await call('--insecure', ...own, 'Kitchen/Count', '{"value": 1}');
  await call('--ca', server.cert, ...own, '--server-name', 'localhost', 'Kitchen/Count', '{"value": 1}');
  failed(await call('--ca', server.cert, ...own, '--server-name', 'other', 'Kitchen/Count', { ok: 'any' }), 78, /TLS/);
  failed(await call('--tls', ...own, 'Kitchen/Count', { ok: 'any' }), 78, /TLS/);
  failed(await call('--ca', server.cert, 'Kitchen/Count', { ok: 'any' }), 78, /UNAVAILABLE|TLS/);
  failed(await call('--ca', server.cert, '--cert', client.cert, '--key', server.key, 'Kitchen/Count', { ok: 'any' }), 2, /is not the key of/);
  failed(await call('--ca', client.key, 'Kitchen/Count', { ok: 'any' }), 2, /holds no certificates/);
  kitchen.close();
});

scenario('a node is called through the hub', async (env) => {
  const kitchen = await startKitchen(env);
  await env.agent('cook', { settings: `[expose kitchen]\naddress = ${kitchen.address}\n` });
  await until(async () => (await env.cli('call', 'cook')).stdout.includes('kitchen.Kitchen/Echo'));
  await checkAll(env, kitchen, caller(env, 'cook'), starter(env, 'cook'));
  assert.equal(kitchen.seen.metadata.at(-1).name, 'cook');
  for (const hub of [[], ['.'], ['-'], ['hub']]) assert.match((await env.cli('call', ...hub)).stdout, /^roost\.v1\.Nodes\/List /m);
  failed(await env.cli('call', 'cook', 'a/b', '{}', 'more', { ok: 'any' }), 2, /one argument too many/);
  kitchen.close();
});

// What protobuf's own library reads from and writes as JSON, ours does alike.
scenario('the JSON mapping is that of protobuf itself', { hub: false }, async (env) => {
  const kitchen = await startKitchen(env);
  const rows = [
    '{}',
    '{"fInt32":-2147483648,"fInt64":"-9223372036854775808","fUint32":4294967295,"fUint64":"18446744073709551615"}',
    '{"fInt32":"12","fInt64":9007199254740993,"fSint32":-1,"fSint64":"-2","fFixed32":1,"fFixed64":"2","fSfixed32":-3}',
    '{"f_int32":1,"fBool":true}',
    '{"fDouble":0.1,"fFloat":0.1,"rDouble":[1e300,-0.5,1e-7,123456789012]}',
    '{"fDouble":"NaN","fFloat":"-Infinity","rDouble":["Infinity"]}',
    '{"fDouble":"1.5","fFloat":3.4e38}',
    '{"fString":"a\\"\\\\\\n\\u0001/\\u00e4\\ud83d\\ude00"}',
    '{"fBytes":"AAEC/w==","rBytes":["","AA"]}',
    '{"fBytes":"_-8"}',
    '{"fColour":"RED","rColour":["BLUE",1,-5]}',
    '{"fColour":77}',
    '{"fInner":{"name":"x","below":[{},{"name":"y"}],"one":{}}}',
    '{"cInt64":"0"}', '{"cString":""}', '{"cInner":{}}', '{"cBool":false}', '{"cDouble":0}',
    '{"cTime":"1970-01-01T00:00:00Z"}',
    '{"mStringInt32":{"":0,"a b":1},"mInt32String":{"-1":"x"},"mBoolString":{"true":"t"},"mUint64Bool":{"18446744073709551615":true}}',
    '{"mSint32Colour":{"-1":"RED"},"mSint64Inner":{"-1":{"name":"z"}},"mStringTime":{"now":"2026-01-02T03:04:05.006Z"}}',
    '{"wTime":"2026-01-02T05:04:05.5+02:00"}', '{"wTime":"9999-12-31T23:59:59.999999999Z"}', '{"wTime":"0001-01-01T00:00:00Z"}',
    '{"wDuration":"-1.5s"}', '{"wDuration":"315576000000s"}', '{"wDuration":"0.000001s"}',
    '{"wDouble":0,"wFloat":"NaN","wInt64":"0","wUint64":"1","wInt32":0,"wUint32":0,"wBool":false,"wString":"","wBytes":""}',
    '{"wStruct":{"a":null,"b":1.5,"c":"x","d":true,"e":{"f":[]},"g":[1,[2],{}]}}',
    '{"wValue":null}', '{"wValue":[null,false,{"a":null}]}', '{"wList":[1,"a",null]}',
    '{"wMask":"fooBar.baz,qux"}', '{"wEmpty":{}}',
    '{"wAny":{"@type":"type.googleapis.com/everything.All.Inner","name":"x","below":[{}]}}',
    '{"wAny":{"value":"1.500s","@type":"type.googleapis.com/google.protobuf.Duration"}}',
    '{"wAny":{"@type":"type.googleapis.com/everything.All","wAny":{"@type":"type.googleapis.com/google.protobuf.Value","value":[1]}}}',
    '{"rTime":["1970-01-01T00:00:00Z"],"rValue":[null,1],"rWrapped":[0,1]}',
    '{"fInner":null,"rInt32":null}',
  ];
  const { stdout } = await env.cli('call', '--server', kitchen.address, 'Kitchen/EchoEach', { input: rows.join('\n') });
  const outs = stdout.trim().split('\n');
  assert.equal(outs.length, rows.length);
  const input = rows.map((json, i) => JSON.stringify({ json, bytes: kitchen.seen.echoed[i].toString('hex'), out: outs[i] })).join('\n');
  const checked = await run('/usr/bin/python3', [path.join(top, 'test/e2e/lib/json_mapping.py'), descriptorSet(env, 'kitchen.proto'), 'everything.All'], { input });
  assert.equal(checked.stdout, '');
  kitchen.close();
});

scenario('hostile descriptions of a server are refused', { hub: false }, async (env) => {
  const rows = [
    [[Buffer.alloc((1 << 20) + 1, 0x0a)], /damaged or too large|makes no sense/],
    [[Buffer.from([0xff, 0xff])], /damaged/],
    [[Buffer.concat([field(1, 'a.proto'), field(3, 'b.proto')])], /no service|does not describe|not there/],
    [[Buffer.concat([field(1, 'a.proto'), field(12, 'editions')])], /edition|editions/],
  ];
  for (const [files, text] of rows) {
    const kitchen = await startKitchen(env, { files });
    const result = await env.cli('call', '--server', kitchen.address, 'kitchen.Kitchen/Echo', { ok: 'any' });
    kitchen.close();
    assert.ok(result.code === 4 || result.code === 77, result.stderr);
    assert.match(result.stderr, text);
  }
});

scenario('the verbs of the older client ask older servers', { hub: false }, async (env) => {
  const clients = [];
  const hub = {
    ListClients: (call, done) => done(null, { count: clients.length, clients }),
    StreamActivityFeed: (call) => {
      call.write({ message: 'registered client with name: N' });
      call.write({ message: 'unregistered client with name: N' });
      call.end();
    },
  };
  const kitchen = await startKitchen(env, { services: [[loaded.internal.Hub.service, hub]] });
  const older = (...args) => env.cli(...args, '-s', kitchen.address).then(({ stdout }) => stdout);

  assert.equal(await older('hub', 'list-clients'), '{}\n');
  clients.push({ name: 'N', connectionTime: '2026-11-21 01:49:27.957169013 +0000 UTC m=+1.004636889', uptime: '1.009501536s' });
  const [{ name, connectionTime, uptime }] = clients;
  assert.equal(await older('hub', 'list-clients'), `{"count":1,"clients":[${JSON.stringify({ name, connectionTime, uptime })}]}\n`);
  assert.equal(await older('hub', 'list-clients', '-o', 'prettyjson'), `${JSON.stringify({ count: 1, clients: [{ name, connectionTime, uptime }] }, null, '\t')}\n`);
  assert.equal(await older('hub', 'list-clients', '-o', 'yaml'), `count: 1\nclients:\n  - name: "N"\n    connectiontime: "${connectionTime}"\n    uptime: "${uptime}"\n`);
  assert.equal(
    await older('hub', 'list-clients', '--response-format', 'xml'),
    `<HubListClientsResponse><Count>1</Count><Clients><Name>N</Name><ConnectionTime>${connectionTime}</ConnectionTime><Uptime>${uptime}</Uptime></Clients></HubListClientsResponse>\n`,
  );
  assert.deepEqual(lines(await older('hub', 'activity-feed')), [{ message: 'registered client with name: N' }, { message: 'unregistered client with name: N' }]);

  assert.equal(await older('fluentd', 'start', 'N'), '{"status":2}\n');
  assert.equal(await older('fluentd', 'stop', 'N', '-o', 'yaml'), 'status: 1\n');
  assert.equal(await older('fluentd', 'restart', 'N', '-o', 'xml'), '<FluentdRestartResponse><Status>1</Status></FluentdRestartResponse>\n');
  assert.equal(await older('fluentd', 'start', 'N', '-p'), '{}\n');
  writeFileSync(env.file('empty.xml'), '<FluentdStartRequest/>');
  assert.equal(await older('fluentd', 'start', 'N', '-f', env.file('empty.xml')), '{"status":2}\n');
  assert.equal((await env.cli('fluentd', 'start', 'N', '-f', '-', { input: '{}', env: { SERVER_ADDR: kitchen.address } })).stdout, '{"status":2}\n');
  failed(await env.cli('fluentd', 'stop', '-s', kitchen.address, { ok: 'any' }), 2, /arguments are missing: NODE/);
  kitchen.close();
});

scenario('the verbs of the older client ask the hub of the profile', async (env) => {
  const kitchen = await startKitchen(env);
  const node = await bridge(env, 'cook', kitchen.port);
  const listed = JSON.parse((await env.cli('hub', 'list-clients')).stdout);
  assert.deepEqual([listed.count, listed.clients[0].name], [1, 'cook']);
  assert.equal((await env.cli('fluentd', 'restart', 'cook')).stdout, '{"status":1}\n');
  failed(await env.cli('fluentd', 'start', 'nobody', { ok: 'any' }), 73, /external\.Fluentd\/Start: FAILED_PRECONDITION: get failed because client Name was not found/);

  const feed = env.start(program('roost'), ['hub', 'activity-feed'], { env: { XDG_CONFIG_HOME: env.file('config') } });
  await until(async () => {
    await env.cli('fluentd', 'stop', 'cook');
    return feed.stdout.includes('/external.Fluentd/Stop');
  });
  assert.deepEqual(Object.keys(lines(feed.stdout)[0]), ['message']);
  feed.child.kill('SIGINT');
  assert.equal(await feed.ended, 65);
  env.drop(feed);
  node.close();
  kitchen.close();
});
