#!/usr/bin/env node
// A complete agent for a Roost hub: joins, pushes samples of this host, answers calls.
//
// The protocol is roost.v1.Gateway/Connect, one gRPC stream; see docs/protocol.md. What to
// change for an agent of your own is in metrics, sample() and methods.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const [WINDOW, PART_MAX, PART_COST] = [65536, 32768, 5]; // of a call: docs/protocol.md, "Calls"
const KEPT_MAX = 10000; // samples that are kept until the hub has them

// Name, unit, decimal places: `scale`.
const metrics = [
  { name: 'load1', unit: '1', scale: 2 },
  { name: 'load5', unit: '1', scale: 2 },
  { name: 'load15', unit: '1', scale: 2 },
  { name: 'mem.used', unit: 'By' },
  { name: 'mem.total', unit: 'By' },
];
const available = () => 1024 * Number(/MemAvailable: +(\d+)/.exec(readFileSync('/proc/meminfo', 'latin1'))[1]);
const sample = () => [...os.loadavg(), os.totalmem() - available(), os.totalmem()];

// A method takes the requests as they come, and yields its replies.
async function* greet(requests) {
  for await (const { name } of requests) {
    if (!name) throw Object.assign(new Error('who is to be greeted?'), { code: grpc.status.INVALID_ARGUMENT });
    yield { text: `Hello, ${name}!` };
  }
}
async function* repeat(requests, call) {
  const { value } = await requests.next();
  for (let i = 0; i < value.times; i++) {
    if (i > 0) await sleep(value.intervalMs || 1000, undefined, { signal: call.cancelled.signal });
    yield { text: `Hello, ${value.name}! (${i + 1})` };
  }
}
async function* greetAll(requests) {
  const names = [];
  for await (const { name } of requests) names.push(name);
  yield { text: `Hello, ${names.join(' and ')}!` };
}
const methods = { Greet: greet, Repeat: repeat, GreetAll: greetAll, Chat: greet };

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ca: { type: 'string' }, // certificate of the hub's authority (tls/ca.pem); else the system's
    token: { type: 'string', default: '' }, // to join with, the first time: roost token new
    state: { type: 'string', default: 'agent.json' }, // where the credential is kept
    name: { type: 'string', default: os.hostname().toLowerCase() }, // that it would like
    interval: { type: 'string', default: '5' }, // seconds between samples
    protos: { type: 'string', default: path.join(here, '../../proto') }, // of Roost
    service: { type: 'string', default: path.join(here, '../greeter.proto') },
  },
});

const load = (file, includeDirs) => protoLoader.loadSync(file, { includeDirs, defaults: true, oneofs: true, longs: String });
const { Gateway } = grpc.loadPackageDefinition(load('roost/v1/gateway.proto', [args.protos, '/usr/include'])).roost.v1;
const greeter = load(path.basename(args.service), [path.dirname(args.service)])['example.Greeter'];
const served = new Map(Object.entries(greeter).map(([name, method]) => [method.path, { ...method, handle: methods[name] }]));

// The files that describe the service, as a packed FileDescriptorSet.
function descriptors() {
  const length = (n) => (n < 128 ? [n] : [(n % 128) + 128, ...length(Math.floor(n / 128))]);
  const files = load(path.basename(args.service), [path.dirname(args.service)])['example.GreetRequest'].fileDescriptorProtos;
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...length(file.length)]), file]));
}

// A call that the hub leads here.
class Call {
  constructor(start, send) {
    Object.assign(this, start, { send, part: [], inbox: [], credit: WINDOW, cancelled: new AbortController(), wake: () => {} });
  }

  take({ data, left }) {
    this.part.push(data);
    if (left > 0) return this.giveBack(data.length);
    this.inbox.push({ message: Buffer.concat(this.part.splice(0)), length: data.length });
    this.wake();
  }

  giveBack(length) {
    this.send({ credit: { id: this.id, bytes: length + PART_COST } });
  }

  async until(test) {
    while (!this.cancelled.signal.aborted && !test()) await new Promise((resolve) => (this.wake = resolve));
    if (this.cancelled.signal.aborted) throw new Error('nobody waits any more');
  }

  async *requests(decode) {
    for (;;) {
      await this.until(() => this.inbox.length > 0 || this.ended);
      if (this.inbox.length === 0) return;
      const { message, length } = this.inbox.shift();
      this.giveBack(length); // only now: a hub that is faster than we are waits
      yield decode(message);
    }
  }

  async reply(message) {
    for (let at = 0, first = true; first || at < message.length; first = false) {
      const data = message.subarray(at, (at += PART_MAX));
      await this.until(() => this.credit >= data.length + PART_COST);
      this.credit -= data.length + PART_COST;
      this.send({ replyMessage: { id: this.id, data, left: Math.max(0, message.length - at) } });
    }
  }

  async run() {
    const method = served.get(this.method);
    const end = { id: this.id, status: 0, message: '' };
    try {
      if (!method) throw Object.assign(new Error(`no method ${this.method}`), { code: grpc.status.UNIMPLEMENTED });
      for await (const reply of method.handle(this.requests(method.requestDeserialize), this))
        await this.reply(method.responseSerialize(reply));
    } catch (error) {
      Object.assign(end, { status: Number.isInteger(error.code) ? error.code : grpc.status.INTERNAL, message: error.message });
    }
    if (this.cancelled.signal.aborted) console.log(`call ${this.method} was cancelled`);
    else this.send({ replyEnd: end });
  }
}

// What outlives a connection.
const epoch = (randomBytes(8).readBigUInt64BE() | 1n).toString();
const kept = []; // of { seq, row }: the oldest go first
const calls = new Map();
let seq = 0;
let credential = existsSync(args.state) ? JSON.parse(readFileSync(args.state, 'utf8')).credential : args.token;
let send = () => {};
let stream;
let live = false;
let leaving = false;
let heard = false; // the hub has our goodbye

const sendRows = (rows) => rows.length > 0 && send({ rows: { seq: rows[0].seq, rows: rows.map(({ row }) => row) } });

function forget(durable) {
  while (kept.length > 0 && durable?.epoch === epoch && kept[0].seq <= Number(durable.seq)) kept.shift();
}

// The catalogue, and everything behind what the hub has.
function sendKept(durable) {
  forget(durable);
  send({ catalogue: { metrics, epoch, intervalMs: args.interval * 1000, nowMs: Date.now() } });
  for (let i = 0; i < kept.length; i += 100) sendRows(kept.slice(i, i + 100));
  live = true;
}

function takeSample() {
  if (leaving) return;
  kept.push({ seq: ++seq, row: { timeMs: Date.now(), values: sample() } });
  if (kept.length > KEPT_MAX) kept.shift();
  if (live) sendRows(kept.slice(-1));
}

// Before anything else: a token to join with works once.
function save(given) {
  writeFileSync(`${args.state}.new`, JSON.stringify({ credential: given }), { mode: 0o600 });
  renameSync(`${args.state}.new`, args.state);
  credential = given;
}

// Ends our side when all is done that is under way, and nothing more can come.
async function finish() {
  const mine = stream;
  const busy = () => calls.size > 0 || (leaving && (!heard || kept.length > 0));
  for (const until = Date.now() + 10_000; Date.now() < until && busy(); ) await sleep(50);
  if (mine === stream) send = () => {};
  mine.end();
}

const take = {
  welcome(welcome) {
    if (welcome.credential) save(welcome.credential);
    console.log(`connected as ${welcome.node}`);
    sendKept(welcome.durable);
  },
  resume: sendKept,
  durable: forget,
  ping: (number) => send({ pong: number }),
  pong: () => (heard = leaving),
  goodbye: finish,
  callStart(start) {
    const call = new Call(start, send);
    calls.set(call.id, call);
    call.run().finally(() => calls.delete(call.id));
  },
  callMessage: (part) => calls.get(part.id)?.take(part),
  callHalfClose(id) {
    const call = calls.get(id);
    if (call) Object.assign(call, { ended: true }).wake();
  },
  callCancel: (id) => cancel(calls.get(id)),
  credit({ id, bytes }) {
    const call = calls.get(id);
    if (call) Object.assign(call, { credit: call.credit + bytes }).wake();
  },
};

function cancel(call) {
  call?.cancelled.abort();
  call?.wake();
}

// One connection, to its end; answers the status.
function connect() {
  const roots = args.ca && readFileSync(args.ca);
  const hub = new Gateway(positionals[0], grpc.credentials.createSsl(roots), { 'grpc.keepalive_time_ms': 20000, 'grpc.keepalive_timeout_ms': 10000 });
  const metadata = new grpc.Metadata();
  for (const [name, value] of [['authorization', `Bearer ${credential}`], ['name', args.name], ['version', '1.0'], ['status', 'ok']]) metadata.set(name, value);
  stream = hub.Connect(metadata);
  send = stream.write.bind(stream);
  send({ hello: { services: ['example.Greeter'], descriptors: descriptors() } });
  stream.on('data', (message) => take[message.kind]?.(message[message.kind]));
  stream.on('error', () => {}); // its status tells
  return new Promise((resolve) => stream.on('status', resolve)).finally(() => {
    live = false;
    send = () => {};
    calls.forEach(cancel);
    hub.close();
  });
}

function leave() {
  leaving = true;
  if (!live) process.exit(0);
  send({ goodbye: {} });
  send({ ping: 1 }); // calls may be on their way to us: none is behind the pong
  finish();
}

process.on('SIGTERM', leave).on('SIGINT', leave);
setInterval(takeSample, args.interval * 1000);
for (let pause = 500; !leaving; await sleep(leaving ? 0 : pause * (0.5 + Math.random() / 2))) {
  const began = Date.now();
  const { code, details } = await connect();
  if (code !== grpc.status.OK) console.error(`${grpc.status[code]}: ${details}`);
  if (code === grpc.status.UNAUTHENTICATED) process.exit(1); // no time will mend it
  pause = Date.now() - began > 10_000 ? 500 : Math.min(2 * pause, 60_000);
}
process.exit(0);
