// What the hub costs: memory for each idle link, links accepted per second of CPU, and the
// latency of a unary call to the hub itself and to a node through its link.
// LINKS: how many idle links (2000). CALLS: how many calls in each row (20000).
import http2 from 'node:http2';
import tls from 'node:tls';
import { readFileSync, writeFileSync } from 'node:fs';

import { Env, run, until } from '../e2e/lib/env.mjs';
import { cpuSeconds, memory, table } from './lib/measure.mjs';

const links = Number(process.env.LINKS ?? 2000);
const calls = Number(process.env.CALLS ?? 20000);

// A fleet of agents that dial, and then are idle HTTP/2 servers which know no method.
class Fleet {
  constructor(env, token) {
    this.env = env;
    this.token = token;
    this.sockets = [];
    this.server = http2.createServer();
    this.server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
    });
    this.server.on('sessionError', () => {});
  }

  request(name, credential, intent) {
    return [
      'GET /link HTTP/1.1', `Host: 127.0.0.1:${this.env.port}`, 'Connection: upgrade', 'Upgrade: ptth', 'ALPN: h2',
      `Authorization: Bearer ${credential}`, `roost-name: ${name}`, `roost-instance: ${Buffer.from(name.padEnd(16)).toString('hex')}`,
      'roost-version: 0.1.0', 'roost-status: ok', 'roost-capabilities: look', ...(intent ? [`roost-intent: ${intent}`] : []), '', '',
    ].join('\r\n');
  }

  // Answers { head, socket }, the socket paused behind the head.
  ask(name, credential, intent) {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: '127.0.0.1', port: this.env.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
      let text = Buffer.alloc(0);
      const onData = (chunk) => {
        text = Buffer.concat([text, chunk]);
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', onData);
        socket.pause();
        if (text.length > end + 4) socket.unshift(text.subarray(end + 4));
        resolve({ head: text.subarray(0, end).toString(), socket });
      };
      socket.on('error', reject);
      socket.on('data', onData);
      socket.on('secureConnect', () => socket.write(this.request(name, credential, intent)));
    });
  }

  async join(name) {
    const { head, socket } = await this.ask(name, this.token, 'join');
    socket.destroy();
    const credential = /^roost-credential: (\S+)/im.exec(head);
    if (!credential) throw new Error(`not let in: ${head}`);
    return credential[1];
  }

  async link(name, credential) {
    const { head, socket } = await this.ask(name, credential);
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no link: ${head}`);
    socket.on('error', () => {});
    this.sockets.push(socket);
    this.server.emit('connection', socket);
    socket.resume();
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
  }
}

// In batches: as many at a time as a fleet that comes back would.
async function inBatches(items, size, act) {
  const results = [];
  for (let i = 0; i < items.length; i += size) results.push(...(await Promise.all(items.slice(i, i + size).map(act))));
  return results;
}

async function measureLinks(env) {
  const fleet = new Fleet(env, tokenOf(await env.link('', '--reusable')));
  const names = Array.from({ length: links }, (_, i) => `idle${i}`);
  const credentials = await inBatches(names, 50, (name) => fleet.join(name));

  const before = { memory: memory(env.hub.pid), cpu: cpuSeconds(env.hub.pid), at: Date.now() };
  await inBatches(names.map((name, i) => [name, credentials[i]]), 50, ([name, credential]) => fleet.link(name, credential));
  await until(async () => (await online(env)) >= links, 60_000);
  const cpu = cpuSeconds(env.hub.pid) - before.cpu;
  const after = memory(env.hub.pid);
  table([
    {
      links,
      'KiB/link private': ((after.private - before.memory.private) / links).toFixed(1),
      'KiB/link PSS': ((after.pss - before.memory.pss) / links).toFixed(1),
      'hub RSS MiB': (after.rss / 1024).toFixed(1),
      'links/s of hub CPU': (links / cpu).toFixed(0),
      'links/s wall (Node client)': (links / ((Date.now() - before.at) / 1000)).toFixed(0),
    },
  ]);
  fleet.close();
}

function tokenOf(link) {
  return /^roost:\/\/[^/]+\/([^#]+)/.exec(link)[1];
}

async function online(env) {
  const { nodes } = await env.json('nodes').then((value) => (Array.isArray(value) ? { nodes: value } : value));
  return nodes.filter(({ state }) => state === 'ONLINE').length;
}

// h2load against one unary method; time for request: min max mean sd.
async function load(env, name, { clients, streams, node }) {
  writeFileSync(env.file('empty'), Buffer.alloc(5));
  const { stdout } = await run('h2load', [
    '-n', String(calls), '-c', String(clients), '-m', String(streams), '-d', env.file('empty'),
    '-H', 'content-type: application/grpc', '-H', 'te: trailers', '-H', `authorization: Bearer ${await env.token()}`,
    ...(node ? ['-H', `name: ${node}`] : []), `${env.url}/grpc.health.v1.Health/Check`,
  ], { ms: 300_000 });
  const [, min, max, mean] = /time for request:\s+(\S+)\s+(\S+)\s+(\S+)/.exec(stdout);
  const [, rate] = /([\d.]+) req\/s/.exec(stdout);
  const [, good] = /(\d+) 2xx/.exec(stdout);
  return { call: name, 'calls x streams': `${clients} x ${streams}`, 'calls/s': rate, mean, min, max, ok: good };
}

const env = await Env.start({ config: '[limits]\nper_client = 100000\nunauthenticated = 100000\n' });
try {
  await env.agent('pi');
  const rows = [];
  for (const [clients, streams] of [[1, 1], [4, 16]]) {
    rows.push(await load(env, 'hub itself', { clients, streams }));
    rows.push(await load(env, 'node through its link', { clients, streams, node: 'pi' }));
  }
  table(rows);
  console.log();
  await measureLinks(env);
  const [, limit] = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${env.hub.pid}/limits`, 'utf8'));
  console.log(`open files allowed: ${limit}`);
} finally {
  await env.finish();
}
