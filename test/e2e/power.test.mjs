// The end of a host, and the start of its neighbours: against a logind of the test's own
// that looks at each call, and against commands of the test's own where there is none.
// Agents run where no real command can be reached, so that this machine stays up.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Bus } from './lib/dbus.mjs';
import { Env, patience, until } from './lib/env.mjs';
import { Cable, whyNoNetns } from './lib/netns.mjs';

const skip = process.getuid() === 0 ? false : 'needs root: a mount namespace without the commands of this machine';
const INHIBIT = 'org.freedesktop.login1';
let env;

before(async () => {
  if (!skip) env = await Env.start();
});
after(() => env?.finish());

// A logind that does what the real one says it does, and notes what it was asked.
class Logind {
  static async start(name) {
    const logind = new Logind();
    logind.bus = await Bus.start(env.file(`${name}.bus`));
    logind.bus.serve(INHIBIT, (call) => logind.answer(call));
    return logind;
  }

  can = 'yes';
  inhibitors = [];
  planned = ['', 0n];
  skips = false; // knows the flag that skips inhibitors

  answer({ path: at, interface: of, member, signature, args }) {
    assert.equal(at, '/org/freedesktop/login1');
    const wanted = { ListInhibitors: '', CanReboot: '', CanPowerOff: '', SetWallMessage: 'sb', ScheduleShutdown: 'st', CancelScheduledShutdown: '', Reboot: 'b', PowerOff: 'b', RebootWithFlags: 't', PowerOffWithFlags: 't', Get: 'ss' };
    assert.equal(of, member === 'Get' ? 'org.freedesktop.DBus.Properties' : 'org.freedesktop.login1.Manager');
    assert.equal(signature, wanted[member], member);
    switch (member) {
      case 'ListInhibitors': return ['a(ssssuu)', this.inhibitors];
      case 'Get':
        assert.deepEqual(args, ['org.freedesktop.login1.Manager', 'ScheduledShutdown']);
        return ['v', ['(st)', this.planned]];
      case 'CanReboot': case 'CanPowerOff': return ['s', this.can];
      case 'ScheduleShutdown':
        this.planned = args;
        return [''];
      case 'CancelScheduledShutdown': {
        const was = this.planned[0] !== '';
        this.planned = ['', 0n];
        return ['b', was];
      }
      case 'RebootWithFlags': case 'PowerOffWithFlags':
        if (!this.skips) throw { name: 'org.freedesktop.DBus.Error.InvalidArgs', message: 'Invalid flags parameter' };
        return [''];
      default: return [''];
    }
  }

  // The names of what was asked since, and forgets them.
  take() {
    return this.bus.calls.splice(0).map(({ member, args }) => [member, ...(member === 'Get' ? [] : args)]);
  }
}

// A folder with the commands of a test in the place of all that this machine has: each
// notes its words and ends with its status.
function commands(name, statuses) {
  const folder = env.file(`${name}-bin`);
  const log = env.file(`${name}.log`);
  mkdirSync(folder);
  copyFileSync('/bin/sh', path.join(folder, 'sh'));
  for (const [command, status] of Object.entries(statuses)) {
    writeFileSync(path.join(folder, command), `#!/bin/sh\necho "\${0##*/} $*" >> ${log}\nexit ${status}\n`);
    chmodSync(path.join(folder, command), 0o755);
  }
  const mounts = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'].map((place) => `/bin/mount --bind ${folder} ${place}`);
  // The first hides mount itself: all of them are made by one that was started before.
  const script = `mount --make-rprivate / && mkdir -p ${folder}-tools && cp $(command -v mount) ${folder}-tools/ && ${mounts.map((mount) => mount.replace('/bin/mount', `${folder}-tools/mount`)).join(' && ')} && exec "$0" "$@"`;
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  return { wrapper: ['unshare', '-m', 'sh', '-c', script], lines };
}

async function agent(name, policy, { statuses = {}, bus } = {}) {
  const { wrapper, lines } = commands(name, statuses);
  const address = bus ? bus.address : `unix:path=${env.file('nobody')}`;
  const made = await env.agent(name, { wrapper, env: { DBUS_SYSTEM_BUS_ADDRESS: address } });
  writeFileSync(path.join(made.state, 'policy.conf'), policy, { mode: 0o600 });
  return { ...made, lines };
}

// A planned act that the policy may not know yet: it is looked at each second.
const roost = (...words) => env.cli(...words, { ok: 'any' });

function step(name, body) {
  test(name, { skip, timeout: 60_000 }, body);
}

step('a reboot is planned with logind, shown and taken back', async () => {
  const logind = await Logind.start('planned');
  await agent('planned', 'allow power\n', { bus: logind.bus });
  await until(async () => (await roost('reboot', 'planned', '--cancel')).code === 0);
  logind.take();

  const before = Date.now();
  const { stdout } = await env.cli('reboot', 'planned', '--in', '5m', '-m', 'new \u001b[31mkernel', '--yes');
  assert.match(stdout, /^planned: reboots at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/);
  const calls = logind.take();
  assert.deepEqual(calls.map(([name]) => name), ['ListInhibitors', 'Get', 'CanReboot', 'SetWallMessage', 'ScheduleShutdown']);
  assert.deepEqual(calls[3], ['SetWallMessage', 'new  [31mkernel', true]);
  const [, kind, at] = calls[4];
  assert.equal(kind, 'reboot');
  assert.ok(Math.abs(Number(at / 1000n) - before - 300_000) < 20_000, `${at}`);

  const [status] = await env.json('reboot', 'planned', '--status');
  assert.equal(status.reply.planned, 'reboot');
  assert.equal(status.reply.by, 'logind');
  assert.equal(Date.parse(status.reply.at), Number(at / 1000n));
  assert.match((await env.cli('shutdown', 'planned', '--cancel')).stdout, /nothing is planned/);
  assert.deepEqual(logind.take().at(-1), ['CancelScheduledShutdown']);
  assert.equal((await env.json('reboot', 'planned', '--status'))[0].reply.planned, '');
  await logind.bus.stop();
});

step('what is to happen at once is answered first', async () => {
  const logind = await Logind.start('once');
  await agent('once', 'allow power\n', { bus: logind.bus });
  await until(async () => (await roost('reboot', 'once', '--cancel')).code === 0);
  for (const [verb, member] of [['reboot', 'Reboot'], ['shutdown', 'PowerOff']]) {
    logind.take();
    await env.cli(verb, 'once', '--yes');
    assert.deepEqual(logind.bus.calls.filter((call) => call.member === member), [], 'it was done before the answer');
    const done = await until(() => logind.bus.calls.find((call) => call.member === member));
    assert.deepEqual(done.args, [false]);
    assert.equal(logind.bus.calls.filter((call) => call.member === member).length, 1);
  }
  // Within the second it can be taken back.
  logind.take();
  await env.cli('reboot', 'once', '--yes');
  await env.cli('reboot', 'once', '--cancel');
  await env.cli('reboot', 'once', '--status');
  await new Promise((resolve) => setTimeout(resolve, 1300));
  assert.ok(!logind.take().some(([name]) => name === 'Reboot'));
  await logind.bus.stop();
});

step('who holds it up is named, and honoured unless forced', async () => {
  const logind = await Logind.start('held');
  await agent('held', 'allow power\n', { bus: logind.bus });
  await until(async () => (await roost('reboot', 'held', '--cancel')).code === 0);
  logind.inhibitors = [
    ['shutdown:idle', 'apt', 'upgrading packages', 'block', 0, 4711],
    ['sleep', 'player', 'music', 'block', 1000, 4712],
    ['shutdown', 'editor', 'unsaved work', 'delay', 1000, 4713],
  ];
  const held = await roost('reboot', 'held', '--yes');
  assert.equal(held.code, 1, held.stderr);
  assert.match(held.stderr, /held up by apt: upgrading packages \(root\)/);
  assert.doesNotMatch(held.stderr, /music|unsaved/);
  assert.match((await env.cli('reboot', 'held', '--status')).stdout, /held up by apt/);

  for (const skips of [false, true]) {
    logind.skips = skips;
    logind.take();
    await env.cli('reboot', 'held', '--force', '--yes');
    await until(() => logind.bus.calls.some(({ member }) => member === (skips ? 'RebootWithFlags' : 'Reboot')));
    const acts = logind.take().filter(([name]) => name.startsWith('Reboot'));
    assert.deepEqual(acts, skips ? [['RebootWithFlags', 16n]] : [['RebootWithFlags', 16n], ['Reboot', false]]);
  }
  logind.inhibitors = [];
  for (const [can, code] of [['challenge', 5], ['no', 5], ['na', 1]]) {
    logind.can = can;
    const refused = await roost('reboot', 'held', '--yes');
    assert.equal(refused.code, code, `${can}: ${refused.stderr}`);
  }
  await logind.bus.stop();
});

step('the policy decides what may be done, and by whom it is taken back', async () => {
  const logind = await Logind.start('policy');
  const { state } = await agent('policy', 'allow power reboot\n', { bus: logind.bus });
  await until(async () => (await roost('reboot', 'policy', '--cancel')).code === 0);
  logind.take();
  const refused = await roost('shutdown', 'policy', '--yes');
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /roost-agent allow power shutdown/);
  const wake = await roost('wake', '--mac', '52:54:00:12:34:56', '--via', 'policy', '--yes');
  assert.equal(wake.code, 5);
  assert.match(wake.stderr, /roost-agent allow power wake/);
  assert.deepEqual(logind.take(), [], 'logind was asked all the same');

  logind.planned = ['poweroff', BigInt(Date.now() + 60_000) * 1000n];
  assert.equal((await roost('reboot', 'policy', '--cancel')).code, 5, 'what may not be planned may not be taken back');
  assert.equal(logind.planned[0], 'poweroff');
  assert.match((await env.cli('reboot', 'policy', '--status')).stdout, /shuts down at/);

  writeFileSync(path.join(state, 'policy.conf'), 'deny look host\nallow power\n');
  await until(async () => (await roost('reboot', 'policy', '--status')).code === 5);
  // Nobody is asked who is not named, and nothing is done without a yes.
  assert.equal((await roost('reboot', '', '--yes')).code, 2);
  assert.equal((await roost('reboot', 'policy')).code, 2);
  assert.equal((await roost('reboot', 'policy', '--in', '8d', '--yes')).code, 2);
  assert.equal((await roost('reboot', 'policy', '--in', '5m', '--cancel')).code, 2);
  await logind.bus.stop();
});

step('without logind the commands of the system are used, in their order', async () => {
  const pi = await agent('bare', 'allow power\n', { statuses: { systemctl: 1, shutdown: 0, reboot: 0, wall: 0 } });
  await until(async () => (await roost('reboot', 'bare', '--cancel')).code === 0);
  const [done] = await env.json('reboot', 'bare', '-m', 'soon; $(reboot)', '--yes');
  assert.equal(done.reply.by, 'command');
  await until(() => pi.lines().length >= 3);
  assert.deepEqual(pi.lines(), ['wall -- soon; $(reboot)', 'systemctl reboot', 'shutdown -r now']);

  // Later: the agent keeps the time itself.
  await env.cli('shutdown', 'bare', '--in', '1h', '--yes');
  assert.match((await env.cli('shutdown', 'bare', '--status')).stdout, /shuts down at/);
  await env.cli('shutdown', 'bare', '--cancel');
  assert.match((await env.cli('shutdown', 'bare', '--status')).stdout, /nothing is planned/);
  assert.equal(pi.lines().length, 3);
});

step('a host that has nothing to end it with says so', async () => {
  await agent('poor', 'allow power\n');
  await until(async () => (await roost('reboot', 'poor', '--cancel')).code === 0);
  const refused = await roost('reboot', 'poor', '--yes');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /neither logind nor a command/);
});

// A relay beside the hub, which is not where this test is.
const relayScript = `
  import { Relay } from '${new URL('./lib/relay.mjs', import.meta.url)}';
  const relay = await Relay.start({ port: Number(process.argv[1]) });
  process.on('SIGUSR2', () => { relay.muteNear(); console.log('muted'); });
  process.on('SIGHUP', () => relay.breakAll());
  process.on('SIGTERM', () => process.exit(0));
  console.log('on ' + relay.port);
`;

test('the packet that wakes is seen on the wire', { skip: whyNoNetns() ?? false, timeout: 60_000 }, async () => {
  const cable = new Cable();
  const wired = await Env.start({ wrapper: cable.at('near') });
  let ear;
  try {
    const script = `const s = require('node:dgram').createSocket('udp4');
      s.on('message', (m, from) => console.log(JSON.stringify({ hex: m.toString('hex'), from: from.address })));
      s.bind(9, () => console.log('ready'));`;
    ear = wired.start(process.execPath, ['-e', script], { wrapper: cable.at('far') });
    await ear.line(/ready/);
    const { state } = await wired.agent('near');
    writeFileSync(path.join(state, 'policy.conf'), 'allow power wake\n', { mode: 0o600 });
    const sent = await until(async () => {
      const result = await wired.cli('wake', '--mac', '52:54:00:AB-cd:ef', '--via', 'near', '--password', '01:02:03:04:05:06', '--yes', { ok: 'any' });
      return result.code === 0 && result;
    });
    assert.equal(sent.stdout, 'near: sent into cable 10.77.0.255:9\n');
    const [, text] = await ear.line(/(\{.*\})/);
    const { hex, from } = JSON.parse(text);
    assert.equal(hex, 'f'.repeat(12) + '525400abcdef'.repeat(16) + '010203040506');
    assert.equal(from, cable.address.near);
    const bad = await wired.cli('wake', '--mac', '52:54:00:ab:cd', '--via', 'near', '--yes', { ok: 'any' });
    assert.equal(bad.code, 2, bad.stderr);
    // One that sleeps is woken by whoever is beside it, also when the hub was started anew.
    const sleeper = await wired.agent('sleeper');
    const [network] = (await wired.node('sleeper')).networks;
    assert.match(network, /^(..:){5}.. 10\.77\.0\.0\/24$/);
    await wired.stopAgent(sleeper);
    await wired.state('sleeper', 'OFFLINE');
    await wired.restartHub();
    await wired.state('near', 'ONLINE');
    assert.deepEqual((await wired.node('sleeper')).networks, [network]);
    ear.stdout = '';
    assert.match((await wired.cli('wake', 'sleeper', '--yes')).stdout, /^near: sent into cable/);
    const [, woken] = await ear.line(/(\{.*\})/);
    assert.equal(JSON.parse(woken).hex, 'f'.repeat(12) + network.slice(0, 17).replaceAll(':', '').repeat(16));

    // What is lost with the link is not sent again, and its sender hears that it was sent.
    const relay = wired.start(process.execPath, ['--input-type=module', '-e', relayScript, String(wired.port)], { wrapper: cable.at('near') });
    const [, port] = await relay.line(/on (\d+)/);
    const far = await wired.agent('relayed', { link: await wired.linkVia(`127.0.0.1:${port}`, 'relayed'), settings: '[agent]\nbackoff_max = 1\n', policy: 'allow power wake\n' });
    ear.stdout = '';
    process.kill(relay.pid, 'SIGUSR2');
    await relay.line(/muted/);
    const asked = wired.cli('wake', '--mac', '52:54:00:00:00:01', '--via', 'relayed', '--yes', { ok: 'any' });
    await ear.line(/525400000001/);
    process.kill(relay.pid, 'SIGHUP');
    const told = await asked;
    assert.deepEqual([told.code, told.stdout], [0, 'relayed: sent into cable 10.77.0.255:9\n'], told.stderr);
    assert.equal(ear.stdout.match(/\{/g).length, 1);
    await wired.stopAgent(far);

    const nowhere = await wired.cli('wake', '--mac', '52:54:00:ab:cd:ef', '--via', 'near', '--interface', 'nothing', '--yes', { ok: 'any' });
    assert.match(nowhere.stderr, /nothing is not up/);
  } finally {
    if (ear) await wired.kill(ear);
    await wired.finish();
    cable.remove();
  }
});
