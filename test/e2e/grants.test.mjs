// What roost-agent policy apply grants, on a Debian of its own with its systemd, its logind
// and its polkit: the service as it is installed, which is a user without rights, may do
// what the policy says once it was applied, and nothing of it before or afterwards.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { buildDir, Env, run, top, until } from './lib/env.mjs';
import { client, grpc, roost, unary } from './lib/grpc.mjs';
import { Machine, whyNoMachine } from './lib/nspawn.mjs';

const { status } = grpc;
const skip = whyNoMachine() ?? false;
const rule = '/etc/polkit-1/rules.d/50-roost-agent.rules';
const dropIn = '/etc/systemd/system/roost-agent.service.d/50-policy.conf';
let machine;
let env;
let authorization;
const stubs = {};

async function install(root) {
  await run('make', ['-s', 'install', `DESTDIR=${root}`, 'PREFIX=/usr'], { cwd: top, env: { BUILD_DIR: buildDir }, ms: 120_000 });
  for (const name of ['demo-1', 'demo-2', 'other'])
    writeFileSync(path.join(root, 'etc/systemd/system', `${name}.service`), '[Service]\nExecStart=/bin/sleep infinity\n');
  writeFileSync(path.join(root, 'etc/systemd/system/falls.service'), "[Unit]\nDescription=A hat stand\n[Service]\nExecStart=/bin/sh -c 'test -e /run/hat || exit 3; exec sleep infinity'\n");
}

before(async () => {
  if (skip) return;
  machine = await Machine.boot(install, { network: true });
  env = await Env.start({ config: '[alerts]\nunit_for = 1s\n' });
  machine.sh('roost-agent join -', { input: `${await env.link('mars')}\n` });
  machine.sh('roost-agent install && systemctl start demo-1 demo-2 other falls');
  await env.state('mars', 'ONLINE');
  authorization = `Bearer ${await env.token()}`;
  for (const name of ['Alerts', 'Host', 'Power', 'Probe', 'Processes', 'Units']) stubs[name] = client(env, roost[name]);
});

after(async () => {
  for (const stub of Object.values(stubs)) stub.close();
  if (machine?.leader) machine.sh('systemctl stop roost-agent', { ok: 'any' });
  await env?.finish();
  machine?.nspawn.kill('SIGKILL');
  await machine?.ended;
  await machine?.remove();
});

function step(name, body, timeout = 60_000) {
  test(name, { skip, timeout }, async () => {
    assert.ok(stubs.Units, 'there is no agent');
    try {
      await body();
    } catch (error) {
      process.stderr.write(machine.sh('journalctl -q --no-pager -u roost-agent -u polkit -n 40', { ok: 'any' }).stdout);
      throw error;
    }
  });
}

const call = (name, method, request) => unary(stubs[name], method, request, { 'roost-node': 'mars', authorization });
const pidOf = (unit) => machine.property(unit, 'MainPID');

// It is never done, and soon refused for this reason.
async function denied(ask, text) {
  await until(async () => {
    const error = await ask().then((reply) => assert.fail(`it was done: ${JSON.stringify(reply)}`), (failure) => failure);
    if (error.code !== status.PERMISSION_DENIED) throw error;
    if (!text.test(error.details)) throw new Error(error.details);
    return true;
  }, 10_000, String(text));
}

const unapplied = /roost-agent policy apply/;
const restart = (name) => call('Units', 'Restart', { name });

// Changes the policy as a person does; the agent sees it within a second.
const policy = (...lines) => machine.sh(lines.map((line) => `roost-agent ${line}`).join(' && '));

async function apply() {
  const { generation } = await env.node('mars');
  const pid = pidOf('roost-agent');
  const { stdout } = machine.sh('roost-agent policy apply');
  assert.notEqual(pidOf('roost-agent'), pid);
  await until(async () => {
    const node = await env.node('mars');
    return node.state === 'ONLINE' && node.generation !== generation;
  }, 20_000, 'the agent is back');
  return stdout;
}

step('an agent without rights cannot do what its policy allows', async () => {
  assert.notEqual(machine.sh(`stat -c %u /proc/${pidOf('roost-agent')}`).stdout.trim(), '0');
  const before = pidOf('demo-1');
  await denied(() => restart('demo-1'), /policy of this host|roost-agent allow units demo-1/);
  policy("allow units 'demo*'", 'allow power reboot', 'allow signal', 'allow probe', 'allow logs');
  await denied(() => restart('demo-1'), unapplied);
  await denied(() => call('Power', 'Reboot', {}), unapplied);
  await denied(() => call('Processes', 'Signal', { pid: Number(before), signal: 'TERM' }), /belongs to root: the agent runs as roost-agent/);
  assert.equal(pidOf('demo-1'), before);
});

step('policy apply grants exactly that, and the figures stay', async () => {
  const names = async () => Object.keys((await env.json('status', 'mars'))).sort();
  const figures = await until(async () => ((await names()).includes('cpu') ? names() : false), 20_000, 'figures');
  const told = await apply();
  assert.match(told, /wrote .*50-policy\.conf\n[^]*AmbientCapabilities=CAP_KILL CAP_NET_RAW[^]*wrote .*50-roost-agent\.rules/);
  for (const name of ['demo-1', 'demo-2']) {
    const pid = pidOf(name);
    assert.equal((await restart(name)).jobResult, 'done');
    assert.notEqual(pidOf(name), pid);
  }
  await call('Processes', 'Signal', { pid: Number(pidOf('demo-1')), signal: 'TERM' });
  await until(() => machine.property('demo-1', 'ActiveState') === 'inactive', 10_000, 'demo-1 was ended');
  assert.match((await env.cli('logs', 'mars', 'demo-1', '-n', '5')).stdout, /demo-1\.service/);
  assert.match((await env.cli('probe', 'ping', 'mars', '127.0.0.1', '--count', '1')).stdout, /0 % lost|ms/);
  await until(async () => assert.deepEqual(await names(), figures) ?? true, 20_000, 'the same figures');
  const processes = (await call('Processes', 'List', { kernelThreads: true })).processes.length;
  assert.ok(processes >= Number(machine.sh('ls -d /proc/[0-9]* | wc -l').stdout) - 5, `${processes} processes`);
});

step('polkit itself refuses the rest, whatever the agent thinks that it may', async () => {
  const pid = pidOf('other');
  await denied(() => restart('other'), /policy of this host|roost-agent allow units other/);
  policy('allow units', 'allow power shutdown');
  await denied(() => restart('other'), unapplied);
  await denied(() => call('Units', 'Stop', { name: 'other' }), unapplied);
  await denied(() => call('Units', 'Enable', { name: 'other' }), unapplied);
  await denied(() => call('Power', 'Shutdown', {}), unapplied);
  assert.equal(pidOf('other'), pid);
  // Nobody else got these rights.
  const nobody = machine.sh('systemctl --no-ask-password restart demo-2', { user: 65534, ok: 'any' });
  assert.notEqual(nobody.code, 0);
});

step('what is taken from the policy is taken from polkit and from the unit', async () => {
  machine.sh('printf "allow look\\n" > /var/lib/roost-agent/policy.conf');
  assert.match(await apply(), /removed .*50-policy\.conf\n[^]*removed .*50-roost-agent\.rules/);
  assert.equal(machine.sh(`ls ${rule} ${dropIn}`, { ok: 'any' }).stdout, '');
  policy("allow units 'demo*'", 'allow power reboot');
  await denied(() => restart('demo-2'), unapplied);
  await denied(() => call('Power', 'Reboot', {}), unapplied);
});

step('nothing that the service needs is refused to it', () => {
  const lines = machine.journal('roost-agent').map(({ message }) => message);
  assert.ok(lines.length > 0);
  assert.deepEqual(lines.filter((line) => /permission denied/i.test(line) && !/refused|denied for/.test(line)), []);
});

// The hub looks at units once a minute; the first time may have been meanwhile.
const minutes = 150_000;

step('a unit that has failed is an incident until it is started again', async () => {
  assert.equal(machine.property('falls', 'ActiveState'), 'failed');
  const incidents = async () => (await unary(stubs.Alerts, 'List', { all: true }, { authorization })).incidents;
  const incident = await until(async () => (await incidents()).find(({ text }) => text.includes('falls')), minutes, 'an incident');
  assert.deepEqual([incident.node, incident.state], ['mars', 'FIRING']);
  assert.match(incident.text, /^(found at join: )?unit falls\.service has failed: exit code 3$/);
  machine.sh('touch /run/hat && systemctl start falls');
  await until(async () => (await incidents()).find(({ id }) => id === incident.id).state === 'RESOLVED', minutes, 'it is over');
}, 2 * minutes);

step('the host restarts by the right that it was granted', async () => {
  await apply();
  await call('Power', 'Reboot', {});
  await machine.ended;
  assert.equal(machine.nspawn.exitCode, 133);
  machine.leader = 0;
});
