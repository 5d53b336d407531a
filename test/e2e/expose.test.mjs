// Servers of others behind an agent: called through the hub as if they were here.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Env, run, scenario, slow, until } from './lib/env.mjs';
import { client, health, listServices, metadata, reflection, unary } from './lib/grpc.mjs';
import { Lab, LabServer, descriptors, grpc, makeDescriptors, observe, outcome, plain } from './lib/lab.mjs';
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
