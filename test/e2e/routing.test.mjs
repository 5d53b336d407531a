// The gate: how a call finds its node, who may, and what everybody else hears.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';

import { scenario, until } from './lib/env.mjs';
import { client, grpc, health, listServices, metadata, reflection, roost, unary } from './lib/grpc.mjs';
import { handshake, join, serve, startBackend } from './lib/link.mjs';

const { status } = grpc;

// A client that sends empty messages to whatever path; plain: to the listener without TLS.
function rawClient(env, { plain = false } = {}) {
  const ca = readFileSync(path.join(env.data, 'tls', 'ca.pem'));
  const stub = plain
    ? new grpc.Client(`127.0.0.1:${env.plainPort}`, grpc.credentials.createInsecure())
    : new grpc.Client(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(ca));
  const call = (method, fields = {}, options = {}) =>
    new Promise((resolve) => {
      const keys = fields instanceof grpc.Metadata ? fields : metadata(fields);
      stub.makeUnaryRequest(method, (m) => m, (m) => m, Buffer.alloc(0), keys, options, (error) =>
        resolve(error ? { code: error.code, details: error.details } : { code: 0, details: '' }),
      );
    });
  return { call, close: () => stub.close() };
}

async function callerToken(env, name, node, role) {
  return (await env.cli('token', 'new', '--caller', name, '--node', node, '--role', role)).stdout.trim();
}

scenario('clients of the older hub hear its codes and its texts', async (env) => {
  const backend = await startBackend(env, 'srv');
  await startBackend(env, 'gone').then((other) => other.close());
  const authorization = `Bearer ${await env.token()}`;
  const raw = rawClient(env);
  const check = async (method, fields, code, details) =>
    assert.deepEqual(await raw.call(method, fields instanceof grpc.Metadata ? fields : { authorization, ...fields }), { code, details }, `${method} ${JSON.stringify(fields)}`);

  await check('/internal.Nobody/Knows', {}, status.UNIMPLEMENTED, 'Unknown method');
  await check('/internal.Nobody/Knows', { name: 'srv' }, status.UNIMPLEMENTED, 'Unknown method');
  await check('/external.Fluentd/Start', {}, status.FAILED_PRECONDITION, 'name not found in metadata');
  const absent = [status.FAILED_PRECONDITION, 'get failed because client Name was not found'];
  await check('/external.Fluentd/Start', { name: 'nobody' }, ...absent);
  await check('/external.Fluentd/Start', { name: '' }, ...absent);
  await env.state('gone', 'OFFLINE');
  await check('/external.Fluentd/Start', { name: 'gone' }, ...absent);
  await check('/external.Fluentd/Start', { name: 'srv' }, status.OK, '');
  assert.equal(backend.seen.at(-1).name, 'srv');

  const twice = metadata({ authorization });
  twice.add('name', 'srv');
  twice.add('name', 'nobody');
  await check('/external.Fluentd/Start', twice, status.OK, '');
  const reversed = metadata({ authorization });
  reversed.add('name', 'nobody');
  reversed.add('name', 'srv');
  await check('/external.Fluentd/Start', reversed, ...absent);

  const visitor = await callerToken(env, 'visitor', 'other', 'operator');
  assert.deepEqual(await raw.call('/external.Fluentd/Start', { authorization: `Bearer ${visitor}`, name: 'srv' }), { code: absent[0], details: absent[1] });
  raw.close();
  backend.close();
});

scenario('a link that is lost in a call of the older hub is "closing"', async (env) => {
  const { socket } = await handshake(env, await join(env, 'srv'), { keep: true });
  const session = serve(socket);
  session.on('error', () => {});
  const calls = [];
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (!headers[':path'].startsWith('/roost.v1.')) calls.push(headers[':path']);
  });
  await env.state('srv', 'ONLINE');
  const authorization = `Bearer ${await env.token()}`;
  const raw = rawClient(env);
  const older = raw.call('/external.Fluentd/Start', { authorization, name: 'srv' });
  const ours = raw.call('/demo.Echo/Say', { authorization, name: 'srv' });
  await until(() => calls.length === 2);
  const begun = Date.now();
  socket.destroy();
  assert.deepEqual(await older, { code: status.UNAVAILABLE, details: 'transport is closing' });
  assert.deepEqual(await ours, { code: status.UNAVAILABLE, details: 'the connection was lost' });
  assert.equal((await raw.call('/demo.Echo/Say', { authorization, name: 'srv' })).code, status.UNAVAILABLE);
  assert.ok(Date.now() - begun < 1000, 'a broken link fails at once');
  raw.close();
});

scenario('other calls hear what is missing and what helps', async (env) => {
  const backend = await startBackend(env, 'srv');
  await startBackend(env, 'gone').then((other) => other.close());
  await env.state('gone', 'OFFLINE');
  const raw = rawClient(env);
  const as = async (name, node, role) => {
    const authorization = `Bearer ${await callerToken(env, name, node, role)}`;
    return (method, fields = {}) => raw.call(method, { authorization, ...fields });
  };
  const admin = (method, fields) => env.token().then((token) => raw.call(method, { authorization: `Bearer ${token}`, ...fields }));
  const viewer = await as('viewer', 's*', 'viewer');
  const operator = await as('operator', 'srv', 'operator');

  const table = [
    [admin, '/demo.Echo/Say', {}, status.UNIMPLEMENTED, /say which/],
    [admin, '/roost.v1.Nodes/NoSuch', {}, status.UNIMPLEMENTED, /no method/],
    [admin, '/demo.Echo/Say', { name: 'nobody' }, status.NOT_FOUND, /"nobody"/],
    [admin, '/demo.Echo/Say', { name: '' }, status.NOT_FOUND, /empty/],
    [admin, '/demo.Echo/Say', { name: 'gone' }, status.UNAVAILABLE, /last seen \d{4}-/],
    [admin, '/demo.Echo/Say', { name: 'srv' }, status.OK, /^$/],
    [admin, '/demo.Echo/Say', { 'roost-node': 'srv' }, status.OK, /^$/],
    [admin, '/roost.v1.Link/Trust', { name: 'srv' }, status.PERMISSION_DENIED, /only the hub/],
    [viewer, '/demo.Echo/Say', { name: 'srv' }, status.PERMISSION_DENIED, /needs the role operator; viewer is viewer/],
    [viewer, '/roost.v1.Host/Describe', { name: 'srv' }, status.OK, /^$/],
    [viewer, '/grpc.health.v1.Health/Check', { name: 'srv' }, status.OK, /^$/],
    [viewer, '/roost.v1.Processes/Signal', { name: 'srv' }, status.PERMISSION_DENIED, /operator/],
    [viewer, '/roost.v1.Host/Describe', { name: 'gone' }, status.NOT_FOUND, /"gone"/],
    [viewer, '/roost.v1.Tokens/List', {}, status.PERMISSION_DENIED, /administrator/],
    [operator, '/demo.Echo/Say', { name: 'srv' }, status.OK, /^$/],
    [operator, '/demo.Echo/Say', { name: 'gone' }, status.NOT_FOUND, /"gone"/],
    [(method, fields) => raw.call(method, fields), '/demo.Echo/Say', { name: 'srv' }, status.UNAUTHENTICATED, /credential/],
    [(method, fields) => raw.call(method, fields), '/grpc.health.v1.Health/Check', {}, status.OK, /^$/],
  ];
  for (const [who, method, fields, code, details] of table) {
    const answer = await who(method, fields);
    assert.equal(answer.code, code, `${method} ${JSON.stringify(fields)}: ${JSON.stringify(answer)}`);
    assert.match(answer.details, details);
  }
  raw.close();
  backend.close();
});

scenario('reflection and health with a name are the node\'s', async (env) => {
  await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;
  for (const version of ['v1', 'v1alpha']) {
    const stub = client(env, reflection[version].ServerReflection);
    assert.ok((await listServices(stub, { authorization })).includes('roost.v1.Nodes'));
    const there = await listServices(stub, { authorization, name: 'pi' });
    assert.ok(there.includes('roost.v1.Host') && !there.includes('roost.v1.Nodes'), there.join());
  }
  const stub = client(env, health.Health);
  const check = (service, fields) => unary(stub, 'check', { service }, fields).then((reply) => reply.status, (error) => error.code);
  assert.equal(await check('roost.v1.Nodes', {}), 'SERVING');
  assert.equal(await check('roost.v1.Host', { authorization, name: 'pi' }), 'SERVING');
  assert.equal(await check('roost.v1.Nodes', { authorization, name: 'pi' }), status.NOT_FOUND);
});

scenario('without a credential, only where the settings allow it, and only on the plain listener', { config: '[hubws]\nanonymous = yes\n' }, async (env) => {
  const backend = await startBackend(env, 'srv');
  const plain = rawClient(env, { plain: true });
  const tls = rawClient(env);
  const absent = { code: status.FAILED_PRECONDITION, details: 'get failed because client Name was not found' };

  assert.deepEqual(await plain.call('/external.Fluentd/Start', { name: 'srv' }), absent); // it showed a token
  assert.deepEqual(await plain.call('/external.Fluentd/Start'), { code: status.FAILED_PRECONDITION, details: 'name not found in metadata' });
  const unknown = { code: status.UNIMPLEMENTED, details: 'Unknown method' }; // as the older hub tells anybody
  assert.deepEqual(await plain.call('/demo.Echo/Say', { name: 'srv' }), unknown);
  assert.deepEqual(await plain.call('/internal.Nobody/Knows'), unknown);
  assert.equal((await plain.call('/internal.Hub/ListClients')).code, status.OK);
  assert.equal((await plain.call('/roost.v1.Nodes/List')).code, status.UNAUTHENTICATED);
  assert.equal((await tls.call('/external.Fluentd/Start', { name: 'srv' })).code, status.UNAUTHENTICATED);
  assert.equal((await tls.call('/internal.Hub/ListClients')).code, status.UNAUTHENTICATED);
  plain.close();
  tls.close();
  backend.close();
});

scenario('no call fails while an agent is restarted', async (env) => {
  const agent = await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;
  const host = client(env, roost.Host);
  let running = true;
  let count = 0;
  const worker = async () => {
    while (running) {
      await unary(host, 'describe', {}, { authorization, name: 'pi' });
      count++;
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  for (let i = 0; i < 2; i++) {
    const before = count;
    await until(() => count > before + 50);
    await env.stopAgent(agent);
    await env.startAgent(agent, false);
  }
  const before = count;
  await until(() => count > before + 50);
  running = false;
  await Promise.all(workers);
});

scenario('what an agent refuses when it goes is asked of it again when it is back', async (env) => {
  const fields = await join(env, 'srv');
  const refused = [];
  const first = await handshake(env, fields, { keep: true });
  const session = serve(first.socket);
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'].startsWith('/roost.v1.')) return;
    refused.push(headers[':path']);
    session.goaway(0, stream.id - 2); // it never saw this one
  });
  await env.state('srv', 'ONLINE');
  const authorization = `Bearer ${await env.token()}`;
  const raw = rawClient(env);
  const answer = raw.call('/demo.Echo/Say', { authorization, name: 'srv' });
  await until(() => refused.length === 1);
  const late = raw.call('/demo.Echo/Say', { authorization, name: 'srv' });
  const hasty = raw.call('/demo.Echo/Say', { authorization, name: 'srv' }, { deadline: Date.now() + 200 });
  assert.equal((await hasty).code, status.DEADLINE_EXCEEDED);

  const second = await handshake(env, fields, { keep: true });
  const seen = [];
  const next = serve(second.socket);
  next.on('error', () => {});
  next.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'].startsWith('/roost.v1.')) return;
    let bytes = 0;
    stream.on('data', (chunk) => (bytes += chunk.length));
    stream.on('end', () => {
      seen.push(bytes);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
  });
  assert.deepEqual([await answer, await late], [{ code: 0, details: '' }, { code: 0, details: '' }]);
  assert.deepEqual(seen, [5, 5]);
  raw.close();
  session.destroy();
  next.destroy();
});

scenario('a hub that was restarted waits for the nodes that it had', async (env) => {
  const agent = await env.agent('pi');
  await env.agent('off').then((other) => env.stopAgent(other));
  await env.restartHub();
  const authorization = `Bearer ${await env.token()}`;
  const host = client(env, roost.Host);
  const reply = await unary(host, 'describe', {}, { authorization, name: 'pi' });
  assert.ok(reply.hostname);
  await env.stopAgent(agent, 'SIGKILL');
  await env.state('pi', 'OFFLINE');
  const begun = Date.now();
  const gone = await unary(host, 'describe', {}, { authorization, name: 'pi' }).catch((error) => error);
  assert.equal(gone.code, status.UNAVAILABLE);
  assert.ok(Date.now() - begun < 2000);
});

// The status of a CONNECT to the node over HTTP/2.
function connect(env, token, name) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(env.plainUrl);
    session.on('error', reject);
    const stream = session.request({ ':method': 'CONNECT', ':authority': '127.0.0.1:1', name, 'proxy-authorization': `Bearer ${token}` });
    stream.on('error', () => {});
    stream.on('response', (headers) => {
      resolve([headers[':status'], Number(headers['grpc-status'])]);
      stream.close();
      session.close();
    });
  });
}

scenario('a token reaches its nodes with its role, and no more, on every way', async (env) => {
  const backends = await Promise.all(['db1', 'db2', 'nas'].map((name) => startBackend(env, name)));
  const make = async (...args) => (await env.cli('token', 'new', '--caller', ...args)).stdout.trim();
  const viewer = await make('grafana', '--role', 'viewer', '--node', 'db*');
  const operator = await make('deploy', '--role', 'operator', '--node', 'db1', '--node', 'n?s', '--lifetime', '8h');
  const raw = rawClient(env);
  const nodes = client(env, roost.Nodes);
  const json = async (token, name) => (await fetchJson(env, token, name)).status;
  const list = async (token) => (await unary(nodes, 'list', {}, { authorization: `Bearer ${token}` })).nodes.map((node) => node.name);

  assert.deepEqual(await list(viewer), ['db1', 'db2']);
  assert.deepEqual(await list(operator), ['db1', 'nas']);
  const cases = [
    [viewer, 'db1', status.PERMISSION_DENIED, 403],
    [viewer, 'nas', status.NOT_FOUND, 404],
    [operator, 'nas', status.OK, undefined],
    [operator, 'db2', status.NOT_FOUND, 404],
  ];
  for (const [token, name, code, http] of cases) {
    assert.equal((await raw.call('/demo.Echo/Say', { authorization: `Bearer ${token}`, name })).code, code, name);
    if (http) assert.deepEqual(await connect(env, token, name), [http, code], name);
    const seen = name === 'db1' || code === status.OK;
    assert.equal(await json(token, name), seen ? 200 : 404, `JSON of ${name}`);
  }
  raw.close();
  backends.forEach((backend) => backend.close());
});

// Host/Describe by JSON, which a viewer may.
function fetchJson(env, token, name) {
  return fetch(`${env.plainUrl}/roost.v1.Host/Describe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, name },
    body: '{}',
  });
}
