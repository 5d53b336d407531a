// Processes of a node: looked at beside ps, paused, resumed and ended, and what is refused.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Env, patience, program, run, slow, until } from './lib/env.mjs';
import { client, grpc, roost, unary } from './lib/grpc.mjs';
import { answer, onTerminal } from './lib/terminal.mjs';

const status = grpc.status;
const policy = (agent, ...args) => run(program('roost-agent'), [...args, '--state', agent.state]);

let env, pi, ada;
const children = [];

// A program of the test's own; all that it starts ends with the test.
function child(file, args = [], options = {}) {
  const proc = spawn(file, args, { stdio: 'ignore', detached: true, ...options });
  proc.ended = new Promise((resolve) => proc.once('exit', (code, signal) => resolve(signal ?? code)));
  children.push(proc);
  return proc;
}

const sleeper = () => child('sleep', ['1000']);

// What the kernel says: the state letter and the start of a process.
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], ticks: Number(fields[11]) + Number(fields[12]), parent: Number(fields[1]), start: fields[19], name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')) };
}

const state = (pid, wanted) => until(() => stat(pid).state === wanted, undefined, `${pid} is ${wanted}`);
const isAlive = (pid) => existsSync(`/proc/${pid}`) && stat(pid).state !== 'Z';

const processes = (method, request, fields = {}) =>
  unary(ada, method, request, { name: 'pi', ...fields });

async function refused(promise, code, text) {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (e) => e,
  );
  assert.equal(error.code, code, error.details);
  assert.match(error.details, text);
}

// A client that calls the node with a credential.
async function calling(token) {
  const stub = client(env, roost.Processes);
  return (method, request, fields = {}) =>
    unary(stub, method, request, { name: 'pi', 'proxy-authorization': `Bearer ${token}`, ...fields });
}

before(async () => {
  env = await Env.start();
  pi = await env.agent('pi');
  await policy(pi, 'allow', 'signal', '*');
  const token = await env.token();
  const stub = client(env, roost.Processes);
  ada = new Proxy(stub, {
    get: (target, name) => (request, metadata, ...rest) => {
      metadata.set('proxy-authorization', metadata.get('proxy-authorization')[0] ?? `Bearer ${token}`);
      return target[name](request, metadata, ...rest);
    },
  });
});

after(async () => {
  for (const { pid } of children) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // all of them have ended
    }
  }
  await env?.finish();
});

describe('looking', () => {
  test('a list says what ps says at the same time', async () => {
    const mine = child('sh', ['-c', 'sleep 1000 & exec sleep 1000']);
    await until(() => stat(mine.pid).name === 'sleep');
    const ps = async () => {
      const { stdout } = await run('ps', ['-eo', 'pid,ppid,euid,nlwp,nice,euser:32,lstart,comm']);
      const rows = stdout.trim().split('\n').slice(1);
      return new Map(
        rows.map((row) => {
          const [pid, parent, uid, threads, nice, user, ...rest] = row.trim().split(/\s+/);
          const started = Date.parse(rest.slice(1, 5).join(' '));
          return [Number(pid), { parent: Number(parent), uid: Number(uid), threads: Number(threads), nice: nice === '-' ? 0 : Number(nice), user, started, name: rest.slice(5).join(' ') }];
        }),
      );
    };
    const earlier = await ps();
    const { processes: list, hostTotal } = await processes('list', { kernelThreads: true, limit: 10000 });
    const later = await ps();

    // What was the same before and after was so in between.
    let compared = 0;
    const byPid = new Map(list.map((row) => [row.pid, row]));
    for (const [pid, one] of earlier) {
      const other = later.get(pid);
      if (!other || one.parent !== other.parent || one.threads !== other.threads || one.name !== other.name) continue;
      const row = byPid.get(pid);
      assert.ok(row, `${pid} (${one.name}) is listed`);
      assert.equal(row.parentPid, one.parent, one.name);
      assert.equal(row.uid, one.uid, one.name);
      assert.equal(row.user, one.user, one.name);
      assert.equal(row.threads, one.threads, one.name);
      assert.equal(row.nice, one.nice, one.name);
      if (!row.isKernelThread && /^[\w.:/ -]+$/.test(one.name)) assert.ok(row.name.startsWith(one.name.slice(0, 15).replace(/ <defunct>$/, '')), `${row.name}, ${one.name}`);
      assert.ok(Math.abs(Number(row.started.seconds) * 1000 - one.started) <= 2000, `${one.name} started ${row.started.seconds}`);
      compared++;
    }
    assert.ok(compared >= 5 && compared <= hostTotal, `${compared} of ${hostTotal}`);

    const row = byPid.get(mine.pid);
    assert.equal(row.startTicks, stat(mine.pid).start);
    assert.equal(row.commandLine, 'sleep 1000');
    assert.equal(row.safeKill, true);
    assert.equal(row.state, 'S');
  });

  test('filters, orders, pages and trees', async () => {
    const [a, b] = [`7${process.pid}1`, `7${process.pid}2`];
    const parent = child('sh', ['-c', `sleep ${a} & sleep ${b} & wait`]);
    const children = () => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    await until(() => children().length === 2 && children().every((pid) => stat(pid).name === 'sleep'));
    const names = async (request) => (await processes('list', request)).processes;
    const lines = async (filter) => (await names({ filter })).map((row) => row.commandLine).sort();
    assert.deepEqual(await lines(`sleep ${a.slice(0, -1)}?`), [`sleep ${a}`, `sleep ${b}`]);
    assert.deepEqual(await lines(`P ${b}  `), []);
    assert.deepEqual(await lines(`EP ${b}`), [`sh -c sleep ${a} & sleep ${b} & wait`, `sleep ${b}`]);

    const everything = (await processes('list', { limit: 10000 })).processes;
    for (const [sort, key] of [['PROCESS_SORT_PID', (p) => p.pid], ['PROCESS_SORT_MEMORY', (p) => -p.rssBytes], ['PROCESS_SORT_STARTED', (p) => Number(p.startTicks)], ['PROCESS_SORT_TIME', (p) => -Math.round((p.userS + p.systemS) * 100)]]) {
      const sorted = (await names({ sort, limit: 10000 })).map(key);
      for (let i = 1; i < sorted.length; i++) assert.ok(sorted[i - 1] <= sorted[i], sort);
    }

    const paged = [];
    for (let page = ''; ; ) {
      const reply = await processes('list', { limit: 7, page });
      paged.push(...reply.processes.map((row) => row.pid));
      page = reply.nextPage;
      if (!page) break;
      assert.equal(reply.processes.length, 7);
    }
    assert.equal(new Set(paged).size, paged.length);
    for (const { pid } of everything) if (isAlive(pid)) assert.ok(paged.includes(pid), `${pid}`);

    const tree = await names({ tree: true, limit: 10000 });
    const at = tree.findIndex((row) => row.pid === parent.pid);
    assert.deepEqual(tree.slice(at, at + 3).map((row) => [row.depth - tree[at].depth, row.name]), [[0, 'sh'], [1, 'sleep'], [1, 'sleep']]);

    const mine = await names({ user: 'root', limit: 10000 });
    assert.ok(mine.length > 0 && mine.every((row) => row.uid === 0));
    await refused(processes('list', { user: 'no-such-user' }), status.NOT_FOUND, /no-such-user/);
    await refused(processes('list', { limit: 10001 }), status.INVALID_ARGUMENT, /limit/);
  });

  test('one process in full, with its share of CPU', async () => {
    const busy = child('sh', ['-c', 'while :; do :; done'], { cwd: '/' });
    const ticks = () => stat(busy.pid).ticks;
    await until(() => ticks() > 5);
    const began = ticks();
    const row = await processes('get', { pid: busy.pid });
    const used = ticks() - began; // in hundredths of a second, of which it saw a quarter of a second
    assert.ok(row.cpuPercent >= 0 && row.cpuPercent / 4 <= used + 1, `${row.cpuPercent} %, ${used} ticks`);
    assert.equal(row.workingFolder, '/');
    assert.match(row.executable, /sh$/);
    assert.equal(row.openFiles, readdirSync(`/proc/${busy.pid}/fd`).length);
    assert.ok(Number(row.pssBytes) > 0 && Number(row.pssBytes) <= Number(row.rssBytes) * 1.5);
    assert.equal(row.swapBytes, '0');
    assert.ok(row.cgroup.startsWith('/'));
    const { processes: top, groups } = await processes('top', { count: 3, lookMs: 500 });
    assert.ok(top.some(({ pid }) => pid === busy.pid));
    assert.ok(groups.length === 3 && groups[0].cpuPercent >= groups[1].cpuPercent);
    busy.kill('SIGKILL');
    await busy.ended;
    await refused(processes('get', { pid: busy.pid }), status.NOT_FOUND, /no process/);
    await refused(processes('get', { pid: process.pid, startTicks: '1' }), status.NOT_FOUND, /another one/);
  });

  test('equal names are merged, with their number', async () => {
    const file = env.file(`merged${process.pid}`);
    copyFileSync('/bin/sleep', file);
    chmodSync(file, 0o755);
    for (let i = 0; i < 3; i++) child(file, ['1000']);
    await until(async () => {
      const { groups } = await processes('top', { sort: 'PROCESS_SORT_MEMORY', count: 100 });
      return groups.some((group) => group.name === `merged${process.pid} (3)` && group.count === 3);
    });
  });

  test('hostile names are text', async () => {
    const name = 'a) R 1 (\n\x1b';
    const file = path.join(env.folder, name);
    copyFileSync('/bin/sleep', file);
    chmodSync(file, 0o755);
    const proc = child(file, ['1000']);
    await until(async () => {
      const { processes: list } = await processes('list', { filter: 'a) R 1', limit: 10000 });
      return list.some((row) => row.pid === proc.pid && row.state === 'S' && row.parentPid === process.pid && row.name === 'a) R 1 (  ');
    });
  });

  test('roost ps and roost top print it', async () => {
    const proc = sleeper();
    const list = await env.json('ps', 'pi', '--filter', 'sleep');
    const row = list.find(({ pid }) => pid === proc.pid);
    assert.equal(row.name, 'sleep');
    assert.equal(row.node, 'pi');
    const { stdout } = await env.cli('ps', 'pi', '--sort', 'memory', '-n', '3', '--tree');
    assert.equal(stdout.trim().split('\n').length, 4);
    assert.match(stdout, /PID +USER +S +CPU % +MEMORY/);
    assert.match((await env.cli('top', 'pi', '-n', '4')).stdout, /CPU %/);
    assert.equal((await env.json('top', 'pi', '--groups', '-n', '4')).groups.length, 4);
    assert.match((await env.cli('ps', 'pi', '--sort', 'size', { ok: [2] })).stderr, /none of pid/);

    const live = onTerminal(program('roost'), ['top', 'pi', '--every', '250ms'], { env: { XDG_CONFIG_HOME: env.file('config'), TERM: 'xterm' } });
    await live.line(/by CPU, \d+ processes/);
    live.child.stdin.write('m');
    await live.line(/by memory/);
    live.child.stdin.write('q');
    assert.equal(await live.ended, 0);
  });
});

const lastPid = '/proc/sys/kernel/ns_last_pid';

// May we say which number the next process gets?
function isSettable(file) {
  try {
    writeFileSync(file, readFileSync(file, 'utf8'));
    return true;
  } catch {
    return false;
  }
}

// A sleep of that number, which is free: tried until nobody else was quicker.
async function take(pid) {
  const parent = spawn('python3', ['-c', taking, String(pid), lastPid], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  children.push(parent);
  let said = '';
  parent.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  await until(() => said.endsWith('\n'));
  return { pid: Number(said) };
}

const taking = `
import os, signal, sys
wanted = int(sys.argv[1])
for _ in range(2000):
    with open(sys.argv[2], "w") as last:
        last.write(str(wanted - 1))
    child = os.fork()
    if child == 0:
        if os.getpid() == wanted:
            os.execvp("sleep", ["sleep", "1000"])
        os._exit(0)
    if child == wanted:
        break
    os.waitpid(child, 0)
print(child, flush=True)
os.waitpid(child, 0)
`;

describe('acting', () => {
  test('a tree of processes is paused, resumed, ended and killed', async () => {
    const parent = child('sh', ['-c', 'trap : TERM; sleep 3001 & sleep 3002 & while :; do wait; done']);
    const below = await until(() => {
      const pids = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim().split(' ').map(Number);
      return pids.length === 2 && pids.every((pid) => stat(pid).name === 'sleep') && pids;
    });
    const paused = await env.cli('pause', 'pi', String(parent.pid), '--tree', '--yes');
    assert.equal(paused.stdout, `pi: sh (${parent.pid}): paused\n`);
    for (const pid of [parent.pid, ...below]) await state(pid, 'T');
    await env.cli('resume', 'pi', String(parent.pid), '--tree', '--yes');
    for (const pid of [parent.pid, ...below]) await state(pid, 'S');

    const [result] = await env.json('kill', 'pi', String(below[0]), '--yes');
    assert.equal(result.outcome, 'done');
    assert.deepEqual(result.reply.processes.map(({ pid }) => pid), [below[0]]);
    await until(() => !isAlive(below[0]));
    assert.ok(isAlive(below[1]) && isAlive(parent.pid));

    await env.cli('kill', 'pi', String(parent.pid), '-s', 'SIGKILL', '--tree', '--yes');
    assert.equal(await parent.ended, 'SIGKILL');
    await until(() => !isAlive(below[1]));
  });

  test('a name is taken for one process, and asked about when it is several', async () => {
    const file = env.file(`twins${process.pid}`);
    copyFileSync('/bin/sleep', file);
    chmodSync(file, 0o755);
    const [one, other] = [child(file, ['1000']), child(file, ['1000'])];
    await until(() => stat(other.pid).name === `twins${process.pid}`);
    const several = await env.cli('kill', 'pi', `twins${process.pid}`, '--yes', { ok: [2] });
    assert.match(several.stderr, /"twins\d+" is 2 processes: give a PID, or --all/);
    assert.match(several.stderr, new RegExp(`twins\\d+ \\(${one.pid}\\) of root`));
    const asked = onTerminal(program('roost'), ['kill', 'pi', `twins${process.pid}`], { env: { XDG_CONFIG_HOME: env.file('config') } });
    await answer(asked, /which PID, or all\?/, String(one.pid));
    await answer(asked, new RegExp(`kill twins\\d+ \\(${one.pid}\\) on pi\\? \\[y/N\\]`), 'y');
    assert.equal(await asked.ended, 0);
    assert.equal(await one.ended, 'SIGTERM');
    assert.ok(isAlive(other.pid));
    await env.cli('kill', 'pi', `twins${process.pid}`, '-s', '1', '--yes');
    assert.equal(await other.ended, 'SIGHUP');
    assert.match((await env.cli('kill', 'pi', `twins${process.pid}`, '--yes', { ok: [4] })).stderr, /no process "twins\d+"/);
    assert.match((await env.cli('kill', 'pi', String(process.pid), { ok: [2] })).stderr, /nobody is there to confirm/);
    assert.match((await env.cli('kill', 'pi', String(process.pid), '-s', 'FOO', '--yes', { ok: [2] })).stderr, /"FOO" is none/);
  });

  test('a number that has gone to another process is refused', async (t) => {
    const first = sleeper();
    await until(() => stat(first.pid).name === 'sleep');
    const startTicks = stat(first.pid).start;
    first.kill('SIGKILL');
    await first.ended;
    await until(() => !existsSync(`/proc/${first.pid}`));
    await until(() => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100 > Number(startTicks) + 2, patience, 'another start');
    const second = isSettable(lastPid) ? await take(first.pid) : sleeper();
    if (isSettable(lastPid)) assert.equal(second.pid, first.pid, 'the number is the same');
    else t.diagnostic(`${lastPid} is not for us: another number, whose start is wrong as well`);
    await until(() => stat(second.pid).name === 'sleep');
    assert.notEqual(stat(second.pid).start, startTicks);
    for (const signal of ['KILL', 'TERM', 'STOP', 'CONT']) await refused(processes('signal', { pid: second.pid, startTicks, signal }), status.FAILED_PRECONDITION, /is another one by now \(\w+\): it was not signalled/);
    for (const force of [false, true]) await refused(processes('signal', { pid: second.pid, startTicks, signal: 'KILL', force }), status.FAILED_PRECONDITION, /is another one by now/);
    assert.equal(stat(second.pid).state, 'S');
    await processes('signal', { pid: second.pid, startTicks: stat(second.pid).start, signal: 'KILL' });
    await until(() => !isAlive(second.pid));
  });

  test('the same operation is done once', async () => {
    const proc = sleeper();
    await until(() => stat(proc.pid).name === 'sleep');
    const request = { pid: proc.pid, signal: 'TERM', operationId: 'once-and-only' };
    const first = await processes('signal', request);
    await proc.ended;
    assert.deepEqual(await processes('signal', request), first);
    await refused(processes('signal', { ...request, operationId: 'another' }), status.NOT_FOUND, /no process/);
  });

  test('what ends the agent, its parents or a session is safe', async () => {
    const bus = env.file('dbus-daemon');
    copyFileSync('/bin/sleep', bus);
    chmodSync(bus, 0o755);
    const proc = child(bus, ['1000']);
    await until(() => stat(proc.pid).name === 'dbus-daemon');
    const signal = (pid, force = false) => processes('signal', { pid, signal: 'CONT', force });
    await refused(signal(pi.proc.pid), status.FAILED_PRECONDITION, /without force: it is the agent itself/);
    await refused(signal(process.pid), status.FAILED_PRECONDITION, /without force: the agent runs below it/);
    await refused(signal(proc.pid), status.FAILED_PRECONDITION, /without force: it is a message bus/);
    await refused(signal(1, true), status.FAILED_PRECONDITION, /process 1/);
    if (existsSync('/proc/2/stat') && stat(2).name === 'kthreadd') await refused(signal(2, true), status.FAILED_PRECONDITION, /thread of the kernel/);
    for (const pid of [pi.proc.pid, process.pid, proc.pid]) await signal(pid, true);
    assert.equal((await processes('get', { pid: proc.pid })).unsafeReason, 'it is a message bus');
    const text = (await env.cli('kill', 'pi', String(proc.pid), '--yes', { ok: [1] })).stderr;
    assert.match(text, /not signalled without force/);
    await env.cli('kill', 'pi', String(proc.pid), '--force', '--yes');
    assert.equal(await proc.ended, 'SIGTERM');
  });

  test('policy and roles are asked', async () => {
    const proc = sleeper();
    await until(() => stat(proc.pid).name === 'sleep');
    const look = async (call) => (await call('list', { filter: 'sleep', limit: 10000 })).processes.find(({ pid }) => pid === proc.pid);
    const viewer = await calling((await env.cli('token', 'new', '--caller', 'vera', '--role', 'viewer', '--node', 'pi')).stdout.trim());
    const operator = await calling((await env.cli('token', 'new', '--caller', 'otto', '--role', 'operator', '--node', 'pi')).stdout.trim());
    const other = await calling((await env.cli('token', 'new', '--caller', 'nina', '--role', 'owner', '--node', 'zz*')).stdout.trim());
    const request = { pid: proc.pid, signal: 'TERM' };
    assert.equal((await look(viewer)).commandLine, '');
    assert.equal((await look(operator)).commandLine, 'sleep 1000');
    const seen = await viewer('get', { pid: proc.pid });
    assert.deepEqual([seen.commandLine, seen.workingFolder], ['', '']);
    await refused(viewer('signal', request), status.PERMISSION_DENIED, /operator/);
    await refused(other('list', {}), status.NOT_FOUND, /pi/);
    await refused(other('signal', request), status.NOT_FOUND, /pi/);

    await policy(pi, 'deny', 'look', 'commands');
    await policy(pi, 'deny', 'signal', 'sleep');
    await until(async () => (await look(operator)).commandLine === '');
    await refused(operator('signal', request), status.PERMISSION_DENIED, /policy .* signal sleep/);
    const told = await env.cli('kill', 'pi', String(proc.pid), '--yes', { ok: [5] });
    assert.match(told.stderr, /^roost: pi: sleep \(\d+\): the policy of this host .*signal sleep/);
    await policy(pi, 'deny', 'look', 'processes');
    await until(() => look(viewer).then(() => false, (error) => error.code === status.PERMISSION_DENIED));
    assert.ok(isAlive(proc.pid));
    writeFileSync(path.join(pi.state, 'policy.conf'), 'allow signal *\n');
    await until(() => look(viewer));
  });

  test('an offline node, and a partly failed act, have exit statuses of their own', async () => {
    const link = await env.link('gone');
    await run(program('roost-agent'), ['join', link, '--state', env.file('gone')]);
    assert.match((await env.cli('ps', 'gone', { ok: [6] })).stderr, /never been online/);
    const file = env.file(`partly${process.pid}`);
    copyFileSync('/bin/sleep', file);
    chmodSync(file, 0o755);
    const proc = child(file, ['1000']);
    await until(() => stat(proc.pid).name === `partly${process.pid}`);
    const { stdout } = await env.cli('kill', 'pi,gone', `partly${process.pid}`, '--yes', { ok: [8] });
    assert.match(stdout, /^pi: partly\d+ \(\d+\): sent SIGTERM$/m);
    assert.equal(await proc.ended, 'SIGTERM');
    assert.match((await env.cli('kill', '', 'sleep', '--yes', { ok: [2] })).stderr, /name of a node is empty/);
    assert.match((await env.cli('kill', 'zz*', 'sleep', '--yes', { ok: [4] })).stderr, /no/);
  });

  test('an agent without rights says so', async (t) => {
    if (process.getuid() !== 0) return t.skip('only root can start an agent as somebody else');
    const state = env.file('agent-low');
    mkdirSync(state);
    chownSync(state, 65534, 65534);
    chmodSync(env.folder, 0o755);
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const low = await env.agent('low', { wrapper, settings: '' });
    await run(program('roost-agent'), ['allow', 'signal', '*', '--state', state], { wrapper });
    const proc = sleeper();
    await until(() => stat(proc.pid).name === 'sleep');
    const stderr = await until(async () => {
      const told = await env.cli('kill', 'low', String(proc.pid), '--yes', { ok: [5] });
      return !told.stderr.includes('policy') && told.stderr; // it is read once a second
    });
    assert.match(stderr, new RegExp(`process ${proc.pid} \\(sleep\\) belongs to root: the agent runs as nobody and may not signal it`));
    assert.ok(isAlive(proc.pid));
    const row = (await env.json('ps', 'low', '--filter', 'sleep')).find(({ pid }) => pid === proc.pid);
    assert.equal(row.user, 'root');
    const own = child('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'sleep', '1000']);
    await until(() => stat(own.pid).name === 'sleep');
    await env.cli('kill', 'low', String(own.pid), '--yes');
    assert.equal(await own.ended, 'SIGTERM');
    await env.stopAgent(low);
  });
});

// --- very many ---

const many = 10_000;

function whyNotMany() {
  const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : 'max');
  const numbers = Number(read('/proc/sys/kernel/pid_max'));
  if (numbers < 2 * many) return `this machine has ${numbers} numbers for processes`;
  const most = read('/sys/fs/cgroup/pids.max');
  if (most !== 'max' && Number(most) < 1.5 * many) return `pids.max is ${most}`;
  const [, own] = /^Max processes +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  if (own !== 'unlimited' && Number(own) < 1.5 * many) return `at most ${own} processes of this user`;
  const free = Number(/^MemAvailable: +(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
  if (free < 4 << 20) return `${free} KiB of memory are free`;
  return false;
}

const why = whyNotMany();

test(`${many} processes are listed in bounded time and memory`, { skip: why && `too few for ${many} processes: ${why}` }, async () => {
  const big = await Env.start();
  try {
    const agent = await big.agent('big', { settings: '[agent]\ninterval = 60\n' });
    const forked = big.start(program('test/forked'), [String(many)]);
    try {
      await forked.line(new RegExp(`${many} ready`), 60_000 * slow);
      const stub = client(big, roost.Processes);
      const fields = { name: 'big', 'proxy-authorization': `Bearer ${await big.token()}` };
      const { pid } = agent.proc;
      const cpu = () => readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
      const own = () => [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+: +(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
      const before = own();

      // Each costs what the kernel takes to tell of so many, and little more.
      const cost = async (method, request) => {
        const began = cpu();
        const reply = await unary(stub, method, request, fields);
        return [reply, ((cpu() - began) * 1000) / reply.hostTotal];
      };
      const [list, listed] = await cost('list', { filter: 'forked', limit: 10000 });
      assert.ok(list.processes.length === many && list.total >= many, `${list.processes.length} of ${list.total}`);
      assert.equal(new Set(list.processes.map((row) => row.pid)).size, many);
      const tops = [];
      for (let i = 0; i < 3; i++) {
        const [top, cost_us] = await cost('top', { count: 5, sort: 'PROCESS_SORT_MEMORY' });
        assert.ok(top.groups.length === 5 && top.hostTotal > many);
        tops.push(cost_us);
      }
      const us = Math.min(...tops);
      process.stdout.write(`# List ${listed.toFixed(1)}, Top ${us.toFixed(1)} us of CPU a process; ${before} KiB before, ${own()} KiB with it\n`);
      assert.ok(listed < 150 * slow && us < 100 * slow, `${listed} and ${us} us of CPU a process`);
      if (slow === 1) {
        // A sanitizer keeps what was freed.
        assert.ok(own() - before < 16 << 10, `${before} KiB before, ${own()} KiB now`);
        await until(() => own() - before < 2 << 10, patience, 'the memory is given back');
      }
      stub.close();
    } finally {
      await forked.kill();
      big.drop(forked);
    }
  } catch (error) {
    big.printLogs();
    throw error;
  } finally {
    await big.finish();
  }
});
