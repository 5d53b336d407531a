// Clocks that jump: neither the hub's wall clock nor an agent's may move, lose or double a
// sample. libfaketime steps the wall clock of one program; CLOCK_BOOTTIME goes on.
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';

import { buildDir, patience, program, run, scenario, slow, until } from './lib/env.mjs';

const library = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find(existsSync);
const skip = !library ? 'libfaketime is not there' : /asan|tsan/.test(buildDir) ? 'a sanitizer must be loaded first, so is libfaketime' : undefined;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A wall clock for one program, to be stepped while it runs.
class Clock {
  constructor(env, name) {
    this.file = env.file(name);
    this.step('+0');
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_RESET: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  // "+3600" is an hour ahead; "@1970-01-01 00:00:10" starts there.
  step(offset) {
    writeFileSync(this.file, `${offset}\n`);
  }
}

async function startFleet(env, options = {}) {
  const report = env.file('report');
  const fleet = env.start(program('test/fleet'), [
    '--hub', await env.link('', '--reusable'), '--agents', '3', '--interval', '1', '--seconds', '86400', '--report', report,
    '--grace', String(60 * slow), '--backoff-max', '2', '--json',
  ], options);
  await until(() => (statSync(report, { throwIfNoEntry: false })?.size ?? 0) > 0, patience, 'the fleet takes samples');
  return fleet;
}

async function compare(env, fleet) {
  fleet.child.kill('SIGTERM');
  assert.equal(await fleet.ended, 0, fleet.stdout + fleet.stderr);
  env.drop(fleet);
  await env.hub.stop();
  env.drop(env.hub);
  const { stdout } = await run(program('test/fleet_check'), ['--data', env.data, '--report', env.file('report')], { ok: 'any' });
  assert.match(stdout, / 0 faults\n$/, stdout);
}

const config = '[store]\nacknowledge = 1s\n';

scenario("the hub's clock goes an hour ahead and back, an hour back and ahead", { skip, hub: false }, async (env) => {
  const clock = new Clock(env, 'clock');
  env.options = { config, hubEnv: clock.env };
  await env.open();
  const fleet = await startFleet(env);
  await pause(2000);
  clock.step('+3600');
  await env.hub.line(/the system's clock was set by \+3600\.\d s; samples go on by the old/, patience);
  for (const offset of ['-3600', '+0']) {
    clock.step(offset);
    await pause(2000);
  }
  await compare(env, fleet);
});

scenario('a hub that is started again while its clock is wrong goes on with the time it had', { skip, hub: false }, async (env) => {
  const clock = new Clock(env, 'clock');
  env.options = { config, hubEnv: clock.env };
  await env.open();
  const fleet = await startFleet(env);
  await pause(3000);
  clock.step('+3600');
  await env.restartHub('SIGKILL');
  await pause(4000);
  clock.step('+0');
  await pause(2000);
  await compare(env, fleet);
});

scenario("an agent's clock jumps, and another thinks that it is 1970", { skip, hub: false }, async (env) => {
  env.options = { config };
  await env.open();
  const clock = new Clock(env, 'clock');
  const fleet = await startFleet(env, { env: clock.env });
  for (const offset of ['+3600', '-3600', '@1970-01-01 00:00:10', '+0']) {
    clock.step(offset);
    await pause(2500);
  }
  await compare(env, fleet);
});

scenario('an agent that boots in 1970 while the hub is away', { skip, hub: false }, async (env) => {
  env.options = { config };
  await env.open();
  const clock = new Clock(env, 'clock');
  clock.step('@1970-01-01 00:00:10');
  const fleet = await startFleet(env, { env: clock.env });
  await env.kill(env.hub);
  await pause(4000);
  await env.startHub();
  await compare(env, fleet);
});
