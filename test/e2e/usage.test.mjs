// Who and what uses a host: against du, ps and what the kernel says, with trees that are
// made to be counted wrongly.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Env, buildDir, slow, until } from './lib/env.mjs';
import { client, grpc, metadata, roost, unary } from './lib/grpc.mjs';

const isRoot = process.getuid() === 0;
// Root that may not read what it has no right to, as anybody else.
const wrapper = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
let env;
let pi;

before(async () => {
  env = await Env.start();
  writeFileSync(env.file('gpus'), '50 1000 2000 40 30000\n70 1500 2000 50 40000\n');
  pi = await env.agent('pi', {
    wrapper,
    settings: `[agent]\ninterval = 1\n[gpu]\nnvml = ${path.join(buildDir, 'src/agent/fake_nvml.so')}\n`,
    env: { FAKE_NVML: env.file('gpus'), FAKE_NVML_PROCESSES: env.file('gpu-processes') },
  });
});
after(() => env?.finish());

// What du says of a folder: { name: bytes }, '' being all of it.
function du(folder) {
  const args = ['-x', '-a', '--apparent-size', '-B1', '-d1', '-0', folder];
  const [file, ...rest] = [...wrapper, 'du', ...args];
  let text;
  try {
    text = execFileSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    text = error.stdout; // it could not read everything
  }
  return Object.fromEntries(text.split('\0').filter(Boolean).map((line) => line.split('\t')).map(([bytes, name]) => [path.relative(folder, name), Number(bytes)]));
}

// Later versions of du count no folders themselves.
const countsFolders = () => {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(execFileSync('du', ['--version'], { encoding: 'utf8' }));
  return Number(major) < 9 || (Number(major) === 9 && Number(minor) < 2);
};

test('a folder is counted as du counts it', { skip: countsFolders() ? false : 'this du counts no folders' }, async () => {
  const folder = env.file('tree');
  mkdirSync(path.join(folder, 'deep/er/and/deeper'), { recursive: true });
  mkdirSync(path.join(folder, 'locked'));
  mkdirSync(path.join(folder, 'empty'));
  writeFileSync(path.join(folder, 'plain'), 'x'.repeat(12345));
  writeFileSync(path.join(folder, 'deep/er/shared'), 'y'.repeat(700_000));
  linkSync(path.join(folder, 'deep/er/shared'), path.join(folder, 'deep/er/and/again'));
  linkSync(path.join(folder, 'deep/er/shared'), path.join(folder, 'deep/er/and/deeper/third'));
  writeFileSync(path.join(folder, 'sparse'), '');
  truncateSync(path.join(folder, 'sparse'), 50 << 20);
  symlinkSync('/usr', path.join(folder, 'deep/usr'));
  symlinkSync('..', path.join(folder, 'deep/up'));
  writeFileSync(path.join(folder, 'locked/secret'), 'z'.repeat(999));
  writeFileSync(Buffer.concat([Buffer.from(path.join(folder, 'bad-')), Buffer.from([0xff, 0x0a])]), 'w');
  chmodSync(path.join(folder, 'locked'), 0);

  const wanted = du(folder);
  const usage = await env.json('usage', 'pi', '--storage', folder);
  assert.equal(Number(usage.bytes), wanted['']);
  assert.equal(usage.path, folder);
  assert.equal(Number(usage.unreadable), 1);
  for (const { name, bytes, isFolder } of usage.entries) {
    if (name.startsWith('bad-')) assert.equal(name, 'bad-\ufffd\n');
    else assert.equal(Number(bytes), wanted[name], name);
    assert.equal(isFolder, ['deep', 'empty', 'locked'].includes(name), name);
  }
  assert.deepEqual(usage.entries.map(({ name }) => name).slice(0, 3), ['sparse', 'deep', 'plain']);
  assert.equal(Number(usage.files), 6);
  assert.equal(Number(usage.folders), 7);

  const two = await env.json('usage', 'pi', '--storage', folder, '-n', '2');
  assert.equal(two.entries.length, 2);
  const kept = two.entries.reduce((sum, { bytes }) => sum + Number(bytes), 0);
  const all = usage.entries.reduce((sum, { bytes }) => sum + Number(bytes), 0);
  assert.equal(kept + Number(two.otherBytes), all);

  const { stdout, stderr } = await env.cli('usage', 'pi', '--storage', folder);
  assert.match(stdout, /50(\.0)? MiB +99 % +sparse\n/);
  assert.match(stderr, /1 folders could not be read/);
  chmodSync(path.join(folder, 'locked'), 0o700);
});

test('other file systems below are left out, and circles are not walked', { skip: isRoot ? false : 'needs root: mounts' }, async () => {
  const folder = env.file('mounts');
  mkdirSync(path.join(folder, 'below/round'), { recursive: true });
  mkdirSync(path.join(folder, 'other'));
  writeFileSync(path.join(folder, 'below/file'), 'x'.repeat(5000));
  execFileSync('mount', ['-t', 'tmpfs', 'none', path.join(folder, 'other')]);
  execFileSync('mount', ['--bind', folder, path.join(folder, 'below/round')]);
  try {
    writeFileSync(path.join(folder, 'other/file'), 'y'.repeat(70_000));
    const usage = await env.json('usage', 'pi', '--storage', folder);
    assert.equal(usage.skippedMounts, 2);
    assert.equal(Number(usage.files), 1);
    assert.ok(Number(usage.bytes) < 5000 + 3 * 65536);
    assert.match((await env.cli('usage', 'pi', '--storage', folder)).stderr, /2 other file systems/);
  } finally {
    execFileSync('umount', [path.join(folder, 'below/round')]);
    execFileSync('umount', [path.join(folder, 'other')]);
  }
});

test('a count that nobody waits for ends', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-usage-'));
  try {
    execFileSync('bash', ['-c', `cd ${folder} && for i in $(seq 200); do echo $i/{1..300}; done | xargs mkdir -p`]);
    const stub = client(env, roost.Usage);
    const fields = { authorization: `Bearer ${await env.token()}`, name: 'pi' };
    const threads = () => readdirSync(`/proc/${pi.proc.pid}/task`).map((id) => readFileSync(`/proc/${pi.proc.pid}/task/${id}/comm`, 'utf8').trim());
    // Stopped, the agent cannot be done before the call is cancelled.
    const begin = () => {
      const call = stub.Storage({ path: folder }, metadata(fields));
      call.on('data', () => {}).on('error', () => {});
      return call;
    };
    const calls = [begin(), begin(), begin(), begin()];
    await until(() => threads().filter((name) => name === 'storage').length > 0);
    for (const call of calls) call.cancel();
    await until(() => !threads().includes('storage'), 1000 * slow, 'the counts have ended');

    // Whoever stays gets progress, and the whole.
    const messages = [];
    await new Promise((resolve, reject) => {
      const call = stub.Storage({ path: folder }, metadata(fields));
      call.on('data', (message) => messages.push(message)).on('error', reject).on('end', resolve);
    });
    assert.equal(messages.at(-1).done, true);
    assert.equal(Number(messages.at(-1).folders), 200 * 300 + 200 + 1);
    for (const message of messages.slice(0, -1)) assert.ok(!message.done && Number(message.folders) <= 60_201);
    stub.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('users have what ps says', { skip: isRoot ? false : 'needs root: processes of another user' }, async () => {
  const uid = 60_000 + (process.pid % 5000); // another run at the same time has another
  const started = ['exec sleep 60', 'exec sleep 60', 'while :; do :; done'].map((script) => spawn('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', script], { stdio: 'ignore' }));
  const ps = () => {
    const lines = execFileSync('ps', ['-U', `${uid}`, '-o', 'rss=,nlwp='], { encoding: 'utf8' }).trim().split('\n').map((line) => line.trim().split(/ +/).map(Number));
    return { processes: lines.length, rss: lines.reduce((sum, [rss]) => sum + rss * 1024, 0), threads: lines.reduce((sum, [, threads]) => sum + threads, 0) };
  };
  try {
    // Each is what it will be: its memory grows no more.
    const names = () => execFileSync('ps', ['-U', `${uid}`, '-o', 'comm='], { encoding: 'utf8' }).trim().split('\n').sort();
    await until(() => names().join() === 'sh,sleep,sleep');
    const stub = client(env, roost.Usage);
    const fields = { authorization: `Bearer ${await env.token()}`, name: 'pi' };
    const { users } = await unary(stub, 'Users', { lookMs: 1000 }, fields);
    const mine = users.find((user) => user.uid === uid);
    const wanted = ps();
    assert.equal(mine.user, `${uid}`);
    assert.equal(mine.processes, wanted.processes);
    assert.equal(mine.threads, wanted.threads);
    assert.ok(Math.abs(Number(mine.rssBytes) - wanted.rss) < wanted.rss * 0.1 + 65536, `${mine.rssBytes} ${wanted.rss}`);
    // One process that never rests: at most one processor, and more than none.
    assert.ok(mine.cpuPercent > 1 && mine.cpuPercent <= 100 / os.cpus().length + 5, `${mine.cpuPercent}`);
    const root = users.find((user) => user.user === 'root');
    assert.ok(root.processes > 1 && root.cpuS > 0);
    for (let i = 1; i < users.length; i++) assert.ok(users[i - 1].cpuPercent >= users[i].cpuPercent);

    const one = await unary(stub, 'Users', { user: `${uid}` }, fields);
    assert.deepEqual(one.users.map((user) => user.uid), [uid]);
    await assert.rejects(unary(stub, 'Users', { lookMs: 60_000 }, fields), { code: grpc.status.INVALID_ARGUMENT });
    stub.close();
    assert.match((await env.cli('usage', 'pi')).stdout, new RegExp(`^USER +CPU +MEMORY[^]*^${uid} +[\\d.]+ % +[\\d.]+ [KM]iB +3 +3 `, 'm'));
  } finally {
    for (const child of started) child.kill('SIGKILL');
  }
});

test('quotas are what the kernel keeps', async (t) => {
  const image = env.file('quota.img');
  const mount = env.file('quota');
  mkdirSync(mount);
  const none = await env.cli('usage', 'pi', '--quota');
  assert.ok(/no file system there has quotas/.test(none.stderr) || /USED/.test(none.stdout));
  const unknown = await env.cli('usage', 'pi', '--quota', '-u', 'nobody-of-that-name', { ok: 'any' });
  assert.equal(unknown.code, 4);
  try {
    execFileSync('truncate', ['-s', '32M', image]);
    execFileSync('mkfs.ext4', ['-q', '-O', 'quota', image], { stdio: 'pipe' });
    execFileSync('mount', ['-o', 'loop', image, mount], { stdio: 'pipe' });
  } catch (error) {
    t.diagnostic(`no file system with quotas here: ${String(error.stderr || error.message).trim().split('\n')[0]}`);
    return;
  }
  try {
    writeFileSync(path.join(mount, 'file'), 'x'.repeat(3 << 20));
    execFileSync('sync', ['-f', mount]);
    const [{ reply }] = await env.json('usage', 'pi', '--quota');
    const quota = reply.quotas.find((each) => each.mount === mount);
    assert.ok(Number(quota.usedBytes) >= 3 << 20);
    assert.equal(Number(quota.hardBytes), 0);
  } finally {
    execFileSync('umount', [mount]);
  }
});

test('processes on graphics processors are named', async () => {
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    writeFileSync(env.file('gpu-processes'), `0 ${sleeper.pid} 123456789 40\n1 ${process.pid} 1000 -1\n1 ${sleeper.pid} 2000 7\n`);
    const [{ reply }] = await env.json('usage', 'pi', '--gpu');
    const rows = reply.processes.map(({ gpu, pid, name, memoryBytes, gpuPercent }) => [gpu, pid, name, Number(memoryBytes), gpuPercent]);
    const me = readFileSync(`/proc/${process.pid}/comm`, 'utf8').trim();
    assert.deepEqual(rows, [
      ['gpu0', sleeper.pid, 'sleep', 123456789, 40],
      ['gpu1', sleeper.pid, 'sleep', 2000, 7],
      ['gpu1', process.pid, me, 1000, undefined],
    ]);
    assert.equal(reply.processes[0].user, os.userInfo().username);
    assert.match((await env.cli('usage', 'pi', '--gpu')).stdout, /gpu0 +\d+ +sleep +\S+ +118 MiB +40 %/);
  } finally {
    sleeper.kill('SIGKILL');
  }
});

test('a free port is one that nobody listens on', async () => {
  const port = Number((await env.cli('usage', 'pi', '--free-port')).stdout);
  assert.ok(port > 0 && port < 65536);
  const server = net.createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  try {
    const taken = await env.cli('usage', 'pi', '--free-port', '--between', `${port}-${port}`, { ok: 'any' });
    assert.equal(taken.code, 4);
    assert.match(taken.stderr, /no port from \d+ to \d+ is free/);
    for (const range of ['0-5', '9-5', '5-65536', 'x', '5-6-7']) assert.equal((await env.cli('usage', 'pi', '--free-port', '--between', range, { ok: 'any' })).code, 2, range);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  const again = await env.cli('usage', 'pi', '--free-port', '--between', `${port}-${port}`, { ok: 'any' });
  assert.ok(again.code === 0 ? Number(again.stdout) === port : again.code === 4);
});

test('homes and folders of others are for operators, and the policy has the last word', async () => {
  const token = (await env.cli('token', 'new', '--caller', 'bob', '--role', 'viewer', '--node', 'pi')).stdout.trim();
  const bob = { env: { ROOST_TOKEN: token }, ok: 'any' };
  const link = env.file('link');
  symlinkSync('/etc', link);
  for (const words of [['--storage', '/etc'], ['--storage', link], ['--home', '-u', 'daemon']]) {
    const refused = await env.cli('usage', 'pi', ...words, bob);
    assert.equal(refused.code, 5, `${words}: ${refused.stderr}`);
    assert.match(refused.stderr, /operator/);
  }
  assert.equal((await env.cli('usage', 'pi', bob)).code, 0);
  for (const [words, code, pattern] of [
    [['--storage', '/no/such/folder'], 4, /no such folder/],
    [['--storage', '/etc/passwd'], 1, /is no folder|no folder/],
    [['--storage', 'etc'], 1, /from \/ on/],
    [['--home', '-u', 'nobody-of-that-name'], 4, /no user/],
    [['--storage', '/etc', '--gpu'], 2, /one of/],
  ]) {
    const failed = await env.cli('usage', 'pi', ...words, { ok: 'any' });
    assert.match(failed.stderr, pattern);
    assert.ok([code, 2].includes(failed.code), `${words}: ${failed.code} ${failed.stderr}`);
  }
  writeFileSync(path.join(pi.state, 'policy.conf'), 'deny look usage\n', { mode: 0o600 });
  await until(async () => (await env.cli('usage', 'pi', { ok: 'any' })).code === 5);
  for (const words of [['--storage', '/etc'], ['--quota'], ['--gpu'], ['--free-port']]) {
    const refused = await env.cli('usage', 'pi', ...words, { ok: 'any' });
    assert.equal(refused.code, 5, `${words}: ${refused.stderr}`);
  }
});
