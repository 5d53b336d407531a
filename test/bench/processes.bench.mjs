// What it costs to list processes, and to show those that use most each second, beside ps
// and top on the same host. COUNT: how many processes there are at least (280); SECONDS:
// how long Top is asked each second (30); TIMES: how often each is run once (50).
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

import { Env, program } from '../e2e/lib/env.mjs';
import { client, roost, unary } from '../e2e/lib/grpc.mjs';
import { cpuSeconds, memory, sleep, table } from './lib/measure.mjs';

const wanted = Number(process.env.COUNT ?? 280);
const seconds = Number(process.env.SECONDS ?? 30);
const times = Number(process.env.TIMES ?? 50);

const running = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;

// CPU seconds of a command, as the shell's `times` has them.
function cpuOnce(command) {
  const [, line] = execFileSync('bash', ['-c', `${command} > /dev/null; times`], { encoding: 'utf8' }).trim().split('\n');
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + m * 60 + Number(s), 0);
}

const cpuOf = (command) => cpuOnce(`i=0; while [ $i -lt ${times} ]; do ${command}; i=$((i + 1)); done`) / times;

// CPU seconds of a second of top, once it runs.
async function topSecond(count) {
  const top = spawn('top', ['-b', '-d', '1'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await sleep(1500);
  const before = cpuSeconds(top.pid);
  await sleep(1000 * count);
  const used = cpuSeconds(top.pid) - before;
  top.kill();
  return used / count;
}

const env = await Env.start();
const agent = await env.agent('pi', { settings: '[agent]\ninterval = 60\n' });
const more = Math.max(0, wanted - running());
const forked = env.start(program('test/forked'), [String(more)]);
try {
  await forked.line(/ready/, 60_000);
  const stub = client(env, roost.Processes);
  const fields = { name: 'pi', 'proxy-authorization': `Bearer ${await env.token()}` };
  const pid = agent.proc.pid;
  const rows = [];
  const add = (name, seconds, more = {}) => {
    const count = running();
    rows.push({ name, processes: count, ms: 1000 * seconds, 'us per process': ((1e6 * seconds) / count).toFixed(2), ...more });
  };
  const once = async (request) => {
    const before = cpuSeconds(pid);
    await unary(stub, 'list', request, fields);
    return cpuSeconds(pid) - before;
  };
  // Nobody has asked for a while: all is read. Then again and again, as a screen does.
  const ask = async (name, request) => {
    await unary(stub, 'list', request, fields);
    let used = 0;
    for (let i = 0; i < times; i++) used += await once(request);
    add(`${name}, asked again`, used / times, { 'private KiB': memory(pid).private });
    used = 0;
    for (let i = 0; i < 3; i++) {
      await sleep(7000);
      used += await once(request);
    }
    add(`${name}, asked first`, used / 3);
  };
  await ask('List, names alone', { kernelThreads: true, limit: 1 });
  await ask('List', { kernelThreads: true, limit: 10000 });
  for (const command of ['ps -e', 'ps -eo pid,ppid,user,stat,rss,time,lstart,args', 'top -bn1']) add(command, cpuOf(command));
  const peer = rows.at(-1).ms;
  for (const row of rows) {
    row['of top'] = (row.ms / peer).toFixed(2);
    row.ms = row.ms.toFixed(2);
  }
  table(rows);

  // As `roost top` asks. Both are measured a few seconds at a time, in turn: what a second
  // costs differs from minute to minute on a machine that others use, too.
  const round = 10;
  const second = () => Promise.all([sleep(1000), unary(stub, 'top', { count: 5, lookMs: 1000 }, fields)]);
  let ours = 0;
  let theirs = 0;
  for (let done = 0; done < seconds; done += round) {
    for (let i = 0; i < 3; i++) await second(); // once it runs, too
    const before = cpuSeconds(pid);
    for (let i = 0; i < round; i++) await second();
    ours += (cpuSeconds(pid) - before) / round;
    theirs += await topSecond(round);
  }
  const rounds = Math.ceil(seconds / round);
  const perMinute = (sum) => ((60 * sum) / rounds).toFixed(3);
  console.log(`\nTop of 5 each second: ${perMinute(ours)} s of CPU per 60 s, ${memory(pid).private} KiB private; top -d 1: ${perMinute(theirs)} s; ratio ${(ours / theirs).toFixed(2)}`);
  await sleep(7000);
  console.log(`nobody asks any more: ${memory(pid).private} KiB private`);
  stub.close();
} finally {
  await forked.kill('SIGKILL');
  env.drop(forked);
  await env.finish();
}
