// Clocks that jump: neither the hub's wall clock nor an agent's may move, lose or double a
// sample. libfaketime steps the wall clock of one program; CLOCK_BOOTTIME goes on.
import { existsSync, writeFileSync } from 'node:fs';

import { buildDir, patience, pause, scenario } from './lib/env.mjs';
import { Fleet } from './lib/fleet.mjs';

const library = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find(existsSync);
const skip = !library ? 'libfaketime is not there' : /asan|tsan/.test(buildDir) ? 'a sanitizer must be loaded first, so is libfaketime' : undefined;

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
  const fleet = new Fleet(env, await env.link('', '--reusable'), { count: 3, onDisk: false, ...options });
  fleet.start();
  await fleet.started();
  return fleet;
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
  await fleet.end();
  await fleet.compare();
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
  await fleet.end();
  await fleet.compare();
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
  await fleet.end();
  await fleet.compare();
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
  await fleet.end();
  await fleet.compare();
});
