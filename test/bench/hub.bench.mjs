// What the hub costs: memory for each idle link, links accepted per second of CPU, and the
// latency of a unary call to the hub itself and to a node through its link.
// LINKS: how many idle links (2000). CALLS: how many calls in each row (20000).
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

import { Env, program, run, until } from '../e2e/lib/env.mjs';
import { cpuSeconds, memory, table } from './lib/measure.mjs';

const links = Number(process.env.LINKS ?? 2000);
const calls = Number(process.env.CALLS ?? 20000);

// build/test/links: agents that dial, and then are idle and know no method.
async function measureLinks(env) {
  const link = await env.link('', '--reusable');
  const empty = memory(env.hub.pid);
  const fleet = env.start(program('test/links'), ['--join', link, '--count', String(links)]);
  await fleet.line(/linked \d+/, 300_000);
  const full = memory(env.hub.pid);

  // All of them leave and come back at once, as after a restart of the hub.
  const cpu = cpuSeconds(env.hub.pid);
  const told = fleet.stdout.length;
  fleet.child.kill('SIGUSR1');
  const [, ms] = await until(() => /linked \d+ in (\d+) ms/.exec(fleet.stdout.slice(told)), 300_000);
  table([
    {
      links,
      'KiB/link private': ((full.private - empty.private) / links).toFixed(1),
      'KiB/link PSS': ((full.pss - empty.pss) / links).toFixed(1),
      'hub RSS MiB': (full.rss / 1024).toFixed(1),
      'links/s': ((links * 1000) / Number(ms)).toFixed(0),
      'links/s of hub CPU': (links / (cpuSeconds(env.hub.pid) - cpu)).toFixed(0),
    },
  ]);
  await fleet.stop();
  env.drop(fleet);
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

// h2load counts HTTP answers: what is measured must also be what gRPC calls a success.
async function checkAnswers(env) {
  for (const node of [{}, { name: 'pi' }]) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await env.token()}`, ...node };
    const answer = await fetch(`${env.plainUrl}/grpc.health.v1.Health/Check`, { method: 'POST', headers, body: '{}' });
    assert.deepEqual(await answer.json(), { status: 'SERVING' });
  }
}

const env = await Env.start({ config: '[limits]\nper_client = 100000\nunauthenticated = 100000\n' });
try {
  await env.agent('pi');
  await checkAnswers(env);
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
