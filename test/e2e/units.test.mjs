// Units, their logs, and the older Fluentd, against a systemd of its own: the agent runs
// inside the machine, the hub outside. A sanitized agent is not installed; it stays outside
// and reaches into the machine by its bus and its files.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { buildDir, Env, patience, program, scenario, until } from './lib/env.mjs';
import { client, external, grpc, metadata, roost, unary } from './lib/grpc.mjs';
import { startKitchen } from './lib/kitchen.mjs';
import { Machine, whyNoMachine } from './lib/nspawn.mjs';
import { startRelay } from './lib/relay_process.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const { status } = grpc;
const inside = !/asan|tsan/.test(buildDir);
const skip = whyNoMachine({ installs: false }) ?? false;
const POLICY = 'allow look\nallow units\ndeny units sealed*\nallow logs\ndeny logs hush*\n';
let machine;
let env;
let units;
let authorization;
let relay;

const sh = (line) => `/bin/sh -c '${line}'`;
const files = {
  'good.service': '[Unit]\nDescription=A good one\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\nAlias=fine.service\n',
  'broken.service': `[Service]\nType=oneshot\nExecStart=${sh('echo cannot find my hat; exit 3')}\n`,
  'falls.service': `[Service]\nExecStart=${sh('echo oh dear; exit 4')}\n`,
  'slow.service': '[Service]\nType=oneshot\nExecStart=/bin/sleep 60\nTimeoutStopSec=1\n',
  'reloads.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=${sh('systemd-notify --ready; exec sleep infinity')}\nExecReload=${sh('echo took it')}\n`,
  'badreload.service': `[Service]\nExecStart=/bin/sleep infinity\nExecReload=${sh('echo cannot take it; exit 5')}\n`,
  'needs.service': '[Unit]\nRequires=broken.service\nAfter=broken.service\n[Service]\nExecStart=/bin/sleep infinity\n',
  'talks.service': `[Service]\nExecStart=${sh('mkfifo /run/talk; exec <>/run/talk; while read line; do echo "$line"; done')}\n`,
  'hush.service': `[Service]\nType=oneshot\nExecStart=${sh('echo psst')}\n`,
  'sealed.service': '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nAlias=unsealed.service\n',
  'tick.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  'tick.timer': '[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n',
  'soon.timer': '[Timer]\nOnActiveSec=1h\nUnit=tick.service\n',
  'ear.socket': '[Socket]\nListenStream=/run/ear.sock\nAccept=yes\n',
  'ear@.service': '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n',
  'fluentd.service': `[Service]\nExecStartPre=${sh('test ! -e /run/fluentd-breaks')}\nExecStart=/bin/sleep infinity\n`,
  'roost-agent.service': '[Service]\nType=notify\nExecStart=/usr/sbin/roost-agent run --state /var/lib/agent\nRestart=always\nRestartSec=100ms\n[Install]\nWantedBy=multi-user.target\n',
};

function prepare(root) {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, 'etc/systemd/system', name), text);
  mkdirSync(path.join(root, 'etc/systemd/journald.conf.d'), { recursive: true });
  writeFileSync(path.join(root, 'etc/systemd/journald.conf.d/all.conf'), '[Journal]\nRateLimitIntervalSec=0\n');
  if (inside) {
    copyFileSync(program('roost-agent'), path.join(root, 'usr/sbin/roost-agent'));
    chmodSync(path.join(root, 'usr/sbin/roost-agent'), 0o755);
  }
}

async function startInside() {
  relay = await startRelay(env.port, 0);
  const link = await env.linkVia(`127.0.0.1:${relay.port}`, 'mars');
  machine.sh('roost-agent join - --state /var/lib/agent', { input: `${link}\n` });
  machine.sh('cat > /var/lib/agent/policy.conf', { input: POLICY });
  machine.sh('systemctl start roost-agent');
  await env.state('mars', 'ONLINE');
}

async function startOutside() {
  const root = `/proc/${machine.leader}/root`;
  const agent = await env.agent('mars', {
    settings: `[agent]\nroot = ${root}\n`,
    env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${root}/run/dbus/system_bus_socket` },
  });
  writeFileSync(path.join(agent.state, 'policy.conf'), POLICY);
  await env.stopAgent(agent);
  await env.startAgent(agent);
}

before(async () => {
  if (skip) return;
  machine = await Machine.boot(prepare, { network: true });
  env = await Env.start();
  await (inside ? startInside() : startOutside());
  authorization = `Bearer ${await env.token()}`;
  units = client(env, roost.Units);
});

after(async () => {
  units?.close();
  if (inside && machine) machine.sh('systemctl stop roost-agent', { ok: 'any' });
  await env?.finish();
  relay?.stop();
  // Nobody needs it any more: off by the plug, which is quick on a busy host.
  machine?.nspawn.kill('SIGKILL');
  await machine?.ended;
  await machine?.remove();
});

function step(name, body, reason) {
  test(name, { skip: skip || reason || false, timeout: 60_000 }, async () => {
    assert.ok(units, 'there is no agent');
    try {
      await body();
    } catch (error) {
      if (inside) process.stderr.write(machine.sh('journalctl -q --no-pager -u roost-agent -n 30', { ok: 'any' }).stdout);
      else env.printLogs();
      throw error;
    }
  });
}

const call = (method, request, options = {}) => unary(units, method, request, { 'roost-node': 'mars', authorization }, options);
const systemctl = (words) => machine.sh(`systemctl ${words}`, { ok: 'any' }).stdout.trim();
const refused = (promise, code, text) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.details);
    assert.match(error.details, text);
    return true;
  });

// Lines of a log as they come; stops a call that goes on.
function logs(request, options = {}) {
  const stream = units.Logs(request, metadata({ 'roost-node': 'mars', authorization, ...options.metadata }));
  const lines = [];
  stream.on('data', (line) => lines.push(line));
  const ended = new Promise((resolve) => {
    stream.on('error', (error) => resolve(error));
    stream.on('end', () => resolve({ code: 0 }));
  });
  return { stream, lines, ended };
}

async function pastLogs(request) {
  const { lines, ended } = logs(request);
  const { code, details } = await ended;
  assert.equal(code, 0, details);
  return lines;
}

step('List tells what systemctl does', async () => {
  const ours = (await call('List', {})).units;
  const theirs = systemctl('list-units --all --plain --no-legend --type=service,timer,socket')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, load, active]) => !(load === 'not-found' && active === 'inactive'));
  assert.deepEqual(ours.map(({ name }) => name), theirs.map(([name]) => name).sort());
  for (const [name, load, active, sub] of theirs) {
    const unit = ours.find((other) => other.name === name);
    assert.deepEqual([unit.loadState, unit.activeState, unit.subState], [load, active, sub], name);
  }
  const timers = (await call('List', { types: ['timer'] })).units;
  assert.ok(timers.length && timers.every(({ name }) => name.endsWith('.timer')));
  const failed = (await call('List', { activeState: 'failed' })).units;
  assert.ok(failed.every(({ activeState }) => activeState === 'failed'));
  const idle = new Map((await call('List', { activeState: 'inactive', all: true })).units.map((unit) => [unit.name, unit]));
  assert.ok(theirs.every(([name, , active]) => active === 'inactive' || !idle.has(name)));
  assert.equal(idle.get('tick.timer').loadState, 'not-loaded');
  assert.deepEqual((await call('List', { filter: 'tick.t*', all: true })).units.map(({ name, fileState, loadState }) => [name, fileState, loadState]), [['tick.timer', 'disabled', 'not-loaded']]);
  assert.ok((await call('List', { filter: 'message bus' })).units.some(({ name }) => name === 'dbus.service'));
  await refused(call('List', { types: ['mount'] }), status.INVALID_ARGUMENT, /service, timer or socket/);
});

step('Get tells what systemctl show does', async () => {
  for (const name of ['dbus.service', 'dbus.socket', 'systemd-journald.service', 'getty@.service'].slice(0, 3)) {
    const unit = await call('Get', { name });
    const shown = Object.fromEntries(systemctl(`show ${name}`).split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
    assert.deepEqual(
      [unit.name, unit.description, unit.loadState, unit.activeState, unit.subState, unit.fileState, unit.file, unit.result],
      [shown.Id, shown.Description, shown.LoadState, shown.ActiveState, shown.SubState, shown.UnitFileState, shown.FragmentPath, shown.Result],
    );
    assert.equal(unit.mainPid, Number(shown.MainPID ?? 0), name);
    assert.equal(unit.restarts, Number(shown.NRestarts ?? 0), name);
    assert.equal(unit.tasks, /^\d+$/.test(shown.TasksCurrent) ? shown.TasksCurrent : unit.tasks);
    assert.equal(unit.canReload, shown.CanReload === 'yes');
    const since = Date.parse(systemctl(`show ${name} --timestamp=unix -P ActiveEnterTimestamp`).replace('@', '')) || Number(systemctl(`show ${name} --timestamp=unix -P ActiveEnterTimestamp`).replace('@', '')) * 1000;
    assert.equal(Number(unit.since.seconds), Math.floor(since / 1000), name);
  }
  assert.deepEqual((await call('Get', { name: 'dbus.socket' })).listens, ['/run/dbus/system_bus_socket (Stream)']);
  await refused(call('Get', { name: 'nothing' }), status.NOT_FOUND, /there is no unit nothing\.service/);
  const { stdout } = await env.cli('unit', 'show', 'mars', 'dbus');
  assert.match(stdout, /^unit +dbus\.service$/m);
  assert.match(stdout, /^main PID +\d+$/m);
});

step('a unit is started, found running, restarted and stopped', async () => {
  const started = await call('Start', { name: 'good' });
  assert.deepEqual([started.jobResult, started.unit.activeState, started.unit.name, started.reason], ['done', 'active', 'good.service', '']);
  assert.equal(String(started.unit.mainPid), systemctl('show -P MainPID good'));
  assert.equal((await call('Start', { name: 'good.service' })).jobResult, 'unchanged');
  const again = await call('Restart', { name: 'good' });
  assert.equal(again.jobResult, 'done');
  assert.notEqual(again.unit.mainPid, started.unit.mainPid);
  const stopped = await call('Stop', { name: 'good' });
  assert.deepEqual([stopped.jobResult, stopped.unit.activeState], ['done', 'inactive']);
  assert.equal((await call('Stop', { name: 'good' })).jobResult, 'unchanged');

  assert.equal((await env.cli('unit', 'start', 'mars', 'good')).stdout, 'mars: good.service: started (active)\n');
  assert.equal((await env.cli('unit', 'start', 'mars', 'good')).stdout, 'mars: good.service: it was already started (active)\n');
  const unasked = await env.cli('unit', 'stop', 'mars', 'good', { ok: [2] });
  assert.match(unasked.stderr, /--yes/);
  assert.equal(systemctl('is-active good'), 'active');
  const [{ node, result }] = await env.json('unit', 'stop', 'mars', 'good', '--yes');
  assert.deepEqual([node, result.jobResult, result.unit.activeState], ['mars', 'done', 'inactive']);
});

step('a restart whose result is lost with the link is done once, and told', async () => {
  await call('Start', { name: 'good' });
  const before = systemctl('show -P MainPID good');
  const starts = () => machine.journal('good').filter(({ message }) => /^Started good\.service/.test(message)).length;
  const count = starts();
  await relay.tell('muteNear');
  const asked = env.cli('unit', 'restart', 'mars', 'good', '--yes', { ok: 'any' });
  await until(() => starts() > count);
  await relay.tell('breakAll');
  const told = await asked;
  assert.deepEqual([told.code, told.stdout], [0, 'mars: good.service: restarted (active)\n'], told.stderr);
  assert.equal(starts(), count + 1);
  assert.notEqual(systemctl('show -P MainPID good'), before);
}, inside ? undefined : 'the agent of a sanitized build has no relay');

step('a unit that fails to start brings the reason and its last lines', async () => {
  const broken = await call('Start', { name: 'broken' });
  assert.deepEqual([broken.jobResult, broken.unit.activeState, broken.unit.result, broken.unit.exitCode], ['failed', 'failed', 'exit-code', 3]);
  assert.equal(broken.reason, 'the start of broken.service failed: a process of it ended with an error (exit code 3)');
  assert.ok(broken.log.some(({ message, identifier }) => message === 'cannot find my hat' && identifier === 'sh'));
  assert.ok(broken.log.some(({ message }) => /^Failed to start broken\.service/.test(message)));

  const falls = await call('Start', { name: 'falls' });
  assert.deepEqual([falls.jobResult, falls.unit.activeState, falls.unit.exitCode], ['done', 'failed', 4]);
  assert.match(falls.reason, /^falls\.service failed right after its start/);
  assert.ok(falls.log.some(({ message }) => message === 'oh dear'));

  const needs = await call('Start', { name: 'needs' });
  assert.equal(needs.jobResult, 'dependency');
  assert.match(needs.reason, /since a unit that it needs did/);

  const told = await env.cli('unit', 'start', 'mars', 'broken', { ok: [1] });
  assert.match(told.stderr, /^ {2}\S+ \S+ sh\[\d+\]: cannot find my hat$/m);
  assert.match(told.stderr, /^roost: mars: the start of broken\.service failed: .*exit code 3/m);
  assert.match(told.stderr, /^try: roost logs mars broken\.service$/m);
  assert.ok((await call('List', { activeState: 'failed' })).units.some(({ name, fileState }) => name === 'broken.service' && fileState === 'static'));
});

step('a slow start is told as running by the deadline, and goes on', async () => {
  const begun = Date.now();
  const slow = await call('Start', { name: 'slow' }, { deadline: begun + 5000 });
  assert.ok(Date.now() - begun < 5000);
  assert.deepEqual([slow.jobResult, slow.unit.activeState, slow.unit.subState], ['running', 'activating', 'start']);
  const late = await env.cli('unit', 'start', 'mars', 'slow', '--timeout', '5s', { ok: [7] });
  assert.match(late.stderr, /slow\.service: its job goes on; it is activating/);
  assert.equal(systemctl('is-active slow'), 'activating');
  assert.equal((await call('Stop', { name: 'slow' })).jobResult, 'done');
});

step('a reload is for units that can, and are there', async () => {
  await call('Start', { name: 'good' });
  await refused(call('Reload', { name: 'good' }), status.FAILED_PRECONDITION, /good\.service cannot be reloaded.*ExecReload/);
  await refused(call('Reload', { name: 'reloads' }), status.FAILED_PRECONDITION, /reloads\.service is not active/);
  await call('Start', { name: 'reloads' });
  assert.equal((await call('Reload', { name: 'reloads' })).jobResult, 'done');
  assert.ok((await pastLogs({ unit: 'reloads' })).some(({ message }) => message === 'took it'));
  await call('Start', { name: 'badreload' });
  const bad = await call('Reload', { name: 'badreload' });
  assert.equal(bad.jobResult, 'failed');
  assert.match(bad.reason, /the reload of badreload\.service failed/);
  assert.ok(bad.log.some(({ message }) => message === 'cannot take it'));
});

step('units are enabled and disabled, and told what changed', async () => {
  const enabled = await call('Enable', { name: 'tick.timer', now: true });
  assert.deepEqual([enabled.jobResult, enabled.unit.fileState, enabled.unit.activeState], ['done', 'enabled', 'active']);
  assert.deepEqual(enabled.changes, ['/etc/systemd/system/timers.target.wants/tick.timer -> /etc/systemd/system/tick.timer']);
  assert.equal(systemctl('is-enabled tick.timer'), 'enabled');
  assert.equal((await call('Enable', { name: 'tick.timer' })).jobResult, 'unchanged');
  const disabled = await call('Disable', { name: 'tick.timer', now: true });
  assert.deepEqual([disabled.jobResult, disabled.unit.fileState, disabled.unit.activeState, disabled.changes.length], ['done', 'disabled', 'inactive', 1]);
  await refused(call('Enable', { name: 'tick.service' }), status.FAILED_PRECONDITION, /no \[Install\] section/);
  await refused(call('Enable', { name: 'nothing' }), status.NOT_FOUND, /nothing\.service/);
  await refused(call('Start', { name: 'apt-daily.timer' }), status.FAILED_PRECONDITION, /masked/);
  assert.match((await env.cli('unit', 'enable', 'mars', 'tick.timer')).stdout, /^mars: tick\.timer: enabled \(inactive\)\n {2}\/etc.*tick\.timer\n$/);
  await env.cli('unit', 'disable', 'mars', 'tick.timer', '--yes');
});

step('timers say when they elapse, sockets where they listen', async () => {
  const { unit } = await call('Start', { name: 'tick.timer' });
  const hour = (Math.floor(Date.now() / 3600e3) + 1) * 3600;
  assert.ok([hour, hour + 3600].includes(Number(unit.next.seconds)), JSON.stringify(unit.next));
  assert.equal(unit.triggers, 'tick.service');
  const soon = (await call('Start', { name: 'soon.timer' })).unit;
  assert.ok(Math.abs(Number(soon.next.seconds) * 1000 - Date.now() - 3600e3) < 90e3, JSON.stringify(soon.next));
  const ear = (await call('Start', { name: 'ear.socket' })).unit;
  assert.deepEqual([ear.subState, ear.listens], ['listening', ['/run/ear.sock (Stream)']]);
  for (const name of ['tick.timer', 'soon.timer', 'ear.socket']) assert.equal((await call('Stop', { name })).jobResult, 'done');
});

step('logs are read by unit, number, text, priority, time and cursor', async () => {
  await call('Start', { name: 'talks' });
  machine.sh('for i in 1 2 3 4 5; do echo "word $i" > /run/talk; done; echo grün > /run/talk');
  const word = await until(async () => {
    const lines = await pastLogs({ unit: 'talks' });
    return lines.at(-1)?.message === 'grün' && lines;
  });
  assert.deepEqual(word.slice(-6).map(({ message }) => message), ['word 1', 'word 2', 'word 3', 'word 4', 'word 5', 'grün']);
  assert.ok(word.every(({ unit }) => unit === 'talks.service'));
  assert.deepEqual((await pastLogs({ unit: 'talks', lines: 2 })).map(({ message }) => message), ['word 5', 'grün']);
  assert.deepEqual((await pastLogs({ unit: 'talks', lines: 2, grep: 'word' })).map(({ message }) => message), ['word 4', 'word 5']);
  const third = word.find(({ message }) => message === 'word 3');
  assert.deepEqual((await pastLogs({ unit: 'talks', afterCursor: third.cursor })).map(({ message }) => message), ['word 4', 'word 5', 'grün']);
  assert.deepEqual((await pastLogs({ unit: 'talks', since: { seconds: String(Math.floor(Date.now() / 1000) + 60) } })), []);
  assert.deepEqual((await pastLogs({ unit: 'talks', until: { seconds: '1000' } })), []);
  const severe = await pastLogs({ unit: 'broken', priority: 4 });
  assert.ok(severe.length && severe.every(({ priority }) => priority <= 4));
  const theirs = machine.sh('journalctl -q --no-pager -o cat -u broken').stdout.trim().split('\n');
  assert.deepEqual((await pastLogs({ unit: 'broken' })).map(({ message }) => message), theirs);
  assert.match((await env.cli('logs', 'mars', 'talks', '-n', '1')).stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d sh\[\d+\]: grün\n$/);
  const [line] = (await env.cli('unit', 'logs', 'mars', 'talks', '-n', '1', '--json')).stdout.trim().split('\n').map(JSON.parse);
  assert.equal(line.message, 'grün');
  for (const [request, text] of [[{ unit: '../x' }, /no name/], [{ lines: 10001 }, /10000/], [{ priority: 8 }, /priorities/], [{ afterCursor: 'rubbish' }, /cursor/]]) {
    const { code, details } = await logs(request).ended;
    assert.equal(code, status.INVALID_ARGUMENT, details);
    assert.match(details, text);
  }
});

step('logs are followed while lines arrive', async () => {
  const following = logs({ unit: 'talks', lines: 1, follow: true });
  await until(() => following.lines.length === 1);
  for (let i = 0; i < 3; i++) {
    machine.sh(`echo live ${i} > /run/talk`);
    await until(() => following.lines.at(-1)?.message === `live ${i}`);
  }
  assert.equal(following.lines.length, 4);
  following.stream.cancel();
  assert.equal((await following.ended).code, status.CANCELLED);

  const shown = env.start(program('roost'), ['logs', 'mars', 'talks', '-f', '-n', '1'], { env: { XDG_CONFIG_HOME: env.file('config') } });
  await until(() => /live 2/.test(shown.stdout));
  machine.sh('echo and more > /run/talk');
  await until(() => /: and more$/m.test(shown.stdout));
  await shown.kill('SIGINT');
  env.drop(shown);
});

step('the policy and the role decide', async () => {
  await refused(call('Start', { name: 'sealed' }), status.PERMISSION_DENIED, /policy of this host denies units sealed\.service/);
  systemctl('enable sealed');
  await refused(call('Start', { name: 'unsealed' }), status.PERMISSION_DENIED, /units sealed\.service, which is another name/);
  systemctl('disable sealed');
  assert.equal(systemctl('is-active sealed'), 'inactive');
  await call('Start', { name: 'hush' });
  const { code, details } = await logs({ unit: 'hush' }).ended;
  assert.equal(code, status.PERMISSION_DENIED);
  assert.match(details, /logs hush\.service/);
  const whole = await pastLogs({ lines: 1000 });
  assert.ok(whole.some(({ unit }) => unit === 'talks.service'));
  assert.ok(!whole.some(({ unit, message }) => unit === 'hush.service' || message === 'psst'));

  const token = (await env.cli('token', 'new', '--caller', 'guest', '--node', 'mars', '--role', 'viewer')).stdout.trim();
  const guest = { 'roost-node': 'mars', authorization: `Bearer ${token}` };
  assert.equal((await unary(units, 'Get', { name: 'dbus' }, guest)).name, 'dbus.service');
  await refused(unary(units, 'Start', { name: 'good' }, guest), status.PERMISSION_DENIED, /operator/);
  assert.equal((await logs({ unit: 'talks' }, { metadata: guest }).ended).code, status.PERMISSION_DENIED);
});

step('names that are none, and what is of other verbs, never reach systemd', async () => {
  for (const name of ['', '../../etc/passwd', 'a b', 'x\ny', '*', '@.service', `${'x'.repeat(300)}`, 'ä'])
    for (const method of ['Get', 'Start', 'Enable']) await refused(call(method, { name }), status.INVALID_ARGUMENT, /no name of a unit/);
  for (const name of ['reboot.target', 'init.scope', '-.mount', 'systemd-reboot', 'systemd-poweroff.service', 'ear@.service'])
    await refused(call('Start', { name }), status.INVALID_ARGUMENT, /only services|verb power|template/);
});

step('the agent knows its own unit, and touches it only by force', async () => {
  assert.ok((await call('Get', { name: 'roost-agent' })).isOwn);
  assert.deepEqual((await call('List', {})).units.filter(({ isOwn }) => isOwn).map(({ name }) => name), ['roost-agent.service']);
  await refused(call('Restart', { name: 'roost-agent' }), status.FAILED_PRECONDITION, /runs this agent/);
  const { generation } = await env.node('mars');
  const pid = systemctl('show -P MainPID roost-agent');
  assert.equal((await call('Restart', { name: 'roost-agent', force: true })).jobResult, 'running');
  await until(async () => {
    const node = await env.node('mars');
    return node.state === 'ONLINE' && node.generation !== generation;
  });
  assert.notEqual(systemctl('show -P MainPID roost-agent'), pid);
}, inside ? undefined : 'a sanitized build is not installed');

step('the older client starts, stops and restarts its Fluentd', async () => {
  const fluentd = client(env, external.Fluentd);
  const ask = async (method) => (await unary(fluentd, method, {}, { name: 'mars', authorization })).status;
  const active = () => systemctl('is-active fluentd');
  assert.equal(await ask('Stop'), 'STOP_NOCHANGE');
  assert.equal(await ask('Start'), 'START_SUCCESS');
  assert.equal(active(), 'active');
  assert.equal(await ask('Start'), 'START_NOCHANGE');
  assert.equal(await ask('Restart'), 'RESTART_SUCCESS');
  assert.equal(await ask('Stop'), 'STOP_SUCCESS');
  assert.equal(active(), 'inactive');
  machine.sh('touch /run/fluentd-breaks');
  assert.equal(await ask('Start'), 'START_FAILED');
  machine.sh('rm /run/fluentd-breaks');
  assert.equal(await ask('Restart'), 'RESTART_SUCCESS');
  machine.sh('touch /run/fluentd-breaks');
  assert.equal(await ask('Restart'), 'RESTART_FAILED_STOPPED');
  assert.equal(active(), 'failed');
  // It comes back by itself behind a restart that failed.
  machine.sh('rm /run/fluentd-breaks && systemctl start fluentd && mkdir -p /run/systemd/system/fluentd.service.d');
  machine.sh('cat > /run/systemd/system/fluentd.service.d/back.conf && systemctl daemon-reload && touch /run/fluentd-breaks', {
    input: "[Service]\nRestart=on-failure\nRestartSec=20ms\nExecStopPost=/bin/sh -c 'test \"$EXIT_STATUS\" = TERM || rm -f /run/fluentd-breaks'\n",
  });
  assert.equal(await ask('Restart'), 'RESTART_FAILED_STARTED');
  assert.equal(active(), 'active');
  assert.equal((await env.cli('fluentd', 'stop', 'mars')).stdout, '{"status":2}\n');
  fluentd.close();
});

step('a bus that dies fails nothing but what was under way', async () => {
  const under = call('Start', { name: 'slow' }).then(() => 'ended', (error) => error.code);
  await until(() => systemctl('is-active slow') === 'activating');
  machine.sh('kill -9 $(systemctl show -P MainPID dbus)');
  assert.equal(await under, status.UNAVAILABLE);
  await until(async () => (await call('Get', { name: 'dbus' }).catch(() => ({}))).activeState === 'active');
  assert.equal((await call('Stop', { name: 'slow' })).jobResult, 'done');
});

step('a reader that is too slow is told how many lines it misses', async () => {
  const count = 30_000;
  const following = logs({ unit: 'flood', lines: 1, follow: true });
  await new Promise((resolve) => following.stream.once('metadata', resolve));
  following.stream.pause();
  // Each line is long: the windows on the way hold few of them.
  machine.sh(`systemd-run -q --wait --unit=flood sh -c 'i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "$i ${'x'.repeat(2000)}"; done'; journalctl --sync`);
  following.stream.resume();
  const isLine = ({ message }) => /^\d+ x+$/.test(message);
  await until(() => following.lines.some(({ message }) => message.startsWith(`${count} `)), 2 * patience);
  const dropped = following.lines.reduce((sum, line) => sum + Number(line.dropped), 0);
  const others = following.lines.filter((line) => !isLine(line)).length;
  assert.ok(dropped > 5000, `${dropped} dropped`);
  assert.ok(following.lines.length + dropped >= count, `${following.lines.length} came, ${dropped} dropped`);
  assert.ok(following.lines.length + dropped <= count + others + 10);
  const numbers = following.lines.filter(isLine).map(({ message }) => parseInt(message, 10));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  following.stream.cancel();
});

// An agent of another user inside the machine, and calls to it.
async function userAgent(name, user, service) {
  machine.sh(`install -d -o ${user} -g ${user} -m 700 /srv/${name} && cp /usr/sbin/roost-agent /srv/${name}/`);
  machine.sh(`setpriv --reuid=${user} --regid=${user} --clear-groups roost-agent join - --state /srv/${name}`, { input: `${await env.link(name)}\n` });
  machine.sh(`systemd-run -q --unit=agent-${name} -p User=${user} ${service} /usr/sbin/roost-agent run --state /srv/${name}`);
  await env.state(name, 'ONLINE');
  return (method, request) => unary(units, method, request, { 'roost-node': name, authorization });
}

step("a user's agent has the units of that user", async () => {
  machine.sh('useradd -m -u 1000 ada && systemctl start user@1000');
  machine.sh('install -d -o ada -g ada /home/ada/.config/systemd/user && cat > /home/ada/.config/systemd/user/mine.service', { input: files['good.service'] });
  const ask = await userAgent('ada', 'ada', '-E XDG_RUNTIME_DIR=/run/user/1000');
  assert.deepEqual((await ask('List', { all: true })).units.map(({ name }) => name), ['mine.service']);
  const started = await ask('Start', { name: 'mine' });
  assert.deepEqual([started.jobResult, started.unit.file], ['done', '/home/ada/.config/systemd/user/mine.service']);
  const enabled = await ask('Enable', { name: 'mine' });
  assert.ok(enabled.changes[0].startsWith('/home/ada/.config/systemd/user/'), JSON.stringify(enabled));
  assert.equal((await ask('Stop', { name: 'mine' })).jobResult, 'done');
  machine.sh('systemctl stop agent-ada');
}, inside ? undefined : 'a sanitized build is not installed');

step('who may not is told what to do', async () => {
  const ask = await userAgent('daemon', 'daemon', '');
  machine.sh('printf "allow look\\nallow units\\nallow logs\\n" > /srv/daemon/policy.conf && chown daemon /srv/daemon/policy.conf');
  await until(async () => {
    const { details } = await ask('Start', { name: 'tick' }).catch((error) => error);
    if (!details?.includes('roost-agent policy apply')) throw new Error(details);
    return true;
  });
  await refused(ask('Stop', { name: 'good' }), status.PERMISSION_DENIED, /systemd does not let the agent do this .*roost-agent policy apply/);
  assert.equal((await ask('Get', { name: 'good' })).name, 'good.service');
  const { code, details } = await logs({ unit: 'talks' }, { metadata: { 'roost-node': 'daemon' } }).ended;
  assert.equal(code, status.PERMISSION_DENIED);
  assert.match(details, /systemd-journal/);
  machine.sh('systemctl stop agent-daemon && systemd-run -q --unit=agent-group -p User=daemon -p SupplementaryGroups=systemd-journal /usr/sbin/roost-agent run --state /srv/daemon');
  await until(async () => {
    const read = logs({ unit: 'talks' }, { metadata: { 'roost-node': 'daemon' } });
    return (await read.ended).code === 0 && read.lines.length > 0;
  });
  machine.sh('systemctl stop agent-group');
}, inside ? undefined : 'a sanitized build is not installed');

step('the host restarts when it is asked to, and its agent comes back by itself', async () => {
  machine.sh('cat >> /var/lib/agent/policy.conf', { input: 'allow power reboot\n' });
  machine.sh('systemctl enable roost-agent');
  const { generation } = await env.json('node', 'mars');
  await until(async () => (await env.cli('reboot', 'mars', '--yes', '-m', 'for a test', { ok: 'any' })).code === 0, patience, 'the policy allows it');
  await machine.ended;
  assert.equal(machine.nspawn.exitCode, 133); // "again, please", to whatever keeps the machine
  await machine.start();
  await until(async () => (await env.json('node', 'mars')).generation !== generation, 60_000, 'another link');
  await env.state('mars', 'ONLINE');
  await refused(unary(client(env, roost.Power), 'Shutdown', {}, { 'roost-node': 'mars', authorization }), status.PERMISSION_DENIED, /allow power shutdown/);
}, inside ? undefined : 'a sanitized build is not installed');

const noSystemd = existsSync('/run/systemd/system') ? 'this host is run by systemd' : false;

scenario('hosts without systemd, or without its library, say so', { skip: noSystemd }, async (hub) => {
  const policy = 'allow look\nallow units\nallow logs\n';
  for (const [name, settings, text] of [
    ['bare', undefined, /not run by systemd/],
    ['poor', '[units]\nlibsystemd = /nonexistent.so\n', /no systemd: \/nonexistent\.so is not there/],
  ]) {
    const agent = await hub.agent(name, { settings });
    writeFileSync(path.join(agent.state, 'policy.conf'), policy);
    await hub.stopAgent(agent);
    await hub.startAgent(agent);
    const stub = client(hub, roost.Units);
    const fields = { 'roost-node': name, authorization: `Bearer ${await hub.token()}` };
    for (const [method, request] of [['List', {}], ['Get', { name: 'a' }], ['Start', { name: 'a' }]]) await refused(unary(stub, method, request, fields), status.UNIMPLEMENTED, text);
    stub.close();
  }
});

scenario('a server that is exposed keeps external.Fluentd', async (hub) => {
  const kitchen = await startKitchen(hub);
  await hub.agent('cook', { settings: `[expose stove]\naddress = ${kitchen.address}\n` });
  const stub = client(hub, external.Fluentd);
  const fields = { name: 'cook', authorization: `Bearer ${await hub.token()}` };
  await until(async () => (await unary(stub, 'Start', {}, fields).catch(() => ({}))).status === 'START_SUCCESS');
  assert.equal((await unary(stub, 'Restart', {}, fields)).status, 'RESTART_SUCCESS');
  stub.close();
});

talking('services are listed, shown, started, stopped and refused', { skip, claim: true }, async ({ env, telegram }) => {
  const root = `/proc/${machine.leader}/root`;
  await env.agent('mars', {
    settings: `[agent]\nroot = ${root}\n`,
    policy: 'allow look\nallow units\ndeny units sealed*\nallow logs\n',
    env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${root}/run/dbus/system_bus_socket` },
  });
  await env.cli('unit', 'stop', 'mars', 'good', '--yes'); // whatever was before
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.json('pair')).code, /welcome/i);

  // Started at once; stopped behind a second screen, in the same message.
  const shown = await anna.say('/service mars good', /good\.service · mars/);
  assert.match(shown.words, /A good one/);
  await anna.press(/start/, /It was started/);
  const asked = await anna.press(/stop/, /until it is started again/);
  assert.equal((await anna.press(/yes/, /It was stopped/)).id, asked.id);

  // One that fails says why, with its last lines, and stands first in the list.
  const failed = await anna.say('/service mars broken start', /It failed/);
  assert.match(failed.words, /cannot find my hat/);
  await anna.say('/services mars', /failed/);
  await anna.press(/🔴 broken/, /broken\.service · mars/);
  await anna.say('/failed mars', (message) => message.draw().includes('broken'));

  // What the policy denies.
  await anna.say('/service mars sealed start', /refused/);
  assert.match(anna.read.words, /denies units sealed/);

  // The same in Russian.
  const boris = new Talk(telegram.person({ first_name: 'Борис', language_code: 'ru' }));
  const { login } = await env.json('user', 'invite', 'boris', '--role', 'viewer', '--node', 'mars');
  await boris.start(/--code (\S+)/.exec(login)[1]);
  const ru = tongue('ru');
  const seen = await boris.say('/service mars good', new RegExp(ru('inactive')));
  assert.ok(!/запустить/.test(seen.draw()), 'who may only look has no button that acts');
});
