// Nothing that was taken is lost or doubled: a fleet sends samples while programs are
// killed, cables cut, disks full and hubs away; afterwards the store holds each sample once,
// in every tier. Seconds in make test; at full length in make soak (SOAK_MINUTES).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe } from 'node:test';

import { pause, scenario, slow } from './lib/env.mjs';
import { Fleet } from './lib/fleet.mjs';
import { Cable, whyNoNetns } from './lib/netns.mjs';

const soak = process.env.SOAK_MINUTES !== undefined;
const minutes = Number(process.env.SOAK_MINUTES ?? 0.12);
const seconds = Math.round(minutes * 60);
const agents = soak ? 50 : 10;
const config = '[store]\nacknowledge = 1s\n'; // a fleet ends when all is acknowledged
const timeout = (seconds * 3 + 240) * 1000 * slow;

// A number of this run, printed so that a failure can be told from another.
let chance = Number(process.env.SOAK_SEED ?? Date.now() % 100000);
const first = chance;
function random(limit) {
  chance = (chance * 1103515245 + 12345) % 2147483648;
  return Math.floor((chance / 2147483648) * limit);
}

scenario('kill -9 of hub and fleet at any moment, and cut links', { timeout, config }, async (env) => {
  const fleet = new Fleet(env, await env.link('', '--reusable'), { count: agents });
  fleet.start();
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    await pause(500 + random(2500));
    switch (random(4)) {
      case 0:
        await env.restartHub('SIGKILL');
        break;
      case 1:
        await fleet.kill();
        fleet.start();
        break;
      case 2:
        await env.kill(env.hub);
        await pause(random(3000));
        await fleet.kill();
        await env.startHub();
        fleet.start();
        break;
      default:
        await fleet.cut();
    }
  }
  await fleet.end();
  await fleet.compare(`SOAK_SEED=${first}`);
});

scenario('the hub is away, and the fleet is killed meanwhile: its spools replay', { timeout, config }, async (env) => {
  const fleet = new Fleet(env, await env.link('', '--reusable'), { count: agents });
  fleet.start();
  await pause(3000);
  await env.kill(env.hub);
  await pause((seconds * 1000) / 2);
  await fleet.kill();
  fleet.start();
  await pause((seconds * 1000) / 2);
  await env.startHub();
  await fleet.end();
  await fleet.compare(`SOAK_SEED=${first}`);
});

// A namespace of time is a host that has just started, if its boot has another id.
function whyNoTimens() {
  try {
    execFileSync('unshare', ['--time', '--boottime', '100', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no namespaces of time here';
  }
}

scenario('the host restarts while the hub is away', { timeout, config, skip: whyNoTimens() }, async (env) => {
  const fleet = new Fleet(env, await env.link('', '--reusable'), { count: agents });
  fleet.bootId = 'a'.repeat(32);
  fleet.start();
  await pause(3000);
  await env.kill(env.hub);
  await pause((seconds * 1000) / 2);
  await fleet.kill();
  await pause(4000); // the host is down
  const uptime = parseFloat(readFileSync('/proc/uptime', 'utf8'));
  fleet.wrapper = ['unshare', '--time', '--boottime', String(2 - Math.floor(uptime))];
  fleet.bootId = 'b'.repeat(32);
  fleet.start();
  await pause((seconds * 1000) / 2);
  await env.startHub();
  await fleet.end();

  // fleet_check knows one boot: the times of the other as this host has them.
  const lines = readFileSync(fleet.report, 'utf8').trim().split('\n').map((line) => line.split(' '));
  const start = lines[0][4] - lines[0][3];
  writeFileSync(fleet.report, lines.map(([name, epoch, seq, , wall]) => `${[name, epoch, seq, wall - start, wall].join(' ')}\n`).join(''));
  await fleet.compare(`SOAK_SEED=${first}`);
});

scenario('a relay delays, stalls, repeats and breaks what passes', { timeout, config }, async (env) => {
  const relay = await env.relay();
  const link = await env.linkVia(`127.0.0.1:${relay.port}`, '', '--reusable');
  const fleet = new Fleet(env, link, { count: agents });
  fleet.start();
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    relay.delayMs = random(300);
    relay.stalled = random(5) === 0;
    relay.repeats = random(3) === 0 ? 20 + random(200) : 0;
    if (random(3) === 0) relay.breakAll();
    await pause(300 + random(1500));
  }
  Object.assign(relay, { delayMs: 0, repeats: 0, stalled: false });
  await fleet.end();
  await fleet.compare(`SOAK_SEED=${first}`);
});

function mountSmall(folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', folder], { stdio: 'pipe' });
}

function whyNoMount() {
  if (process.getuid() !== 0) return 'needs root: a small file system';
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], { stdio: 'pipe' });
    execFileSync('umount', ['/mnt']);
    return undefined;
  } catch (error) {
    return `no tmpfs can be mounted here: ${String(error.stderr).trim()}`;
  }
}

scenario('a full disk is said clearly, and is no loss once there is room again', { timeout, hub: false, skip: whyNoMount() }, async (env) => {
  mountSmall(env.data);
  try {
    env.options = { config };
    await env.open();
    const fleet = new Fleet(env, await env.link('', '--reusable'), { count: agents });
    fleet.start();
    await pause(3000);
    const filler = `${env.data}/filler`;
    try {
      writeFileSync(filler, Buffer.alloc(64 << 20));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
    await env.hub.line(/samples do not get durable: the disk is full/, 60_000 * slow);
    await pause(soak ? 60_000 : 3000);
    rmSync(filler);
    await env.hub.line(/samples get durable again/, 60_000 * slow);
    await fleet.end();
    await fleet.compare(`SOAK_SEED=${first}`);
  } finally {
    execFileSync('umount', ['-l', env.data]);
  }
});

describe('over a bad network', () => {
  const skip = whyNoNetns();

  scenario('cut, lossy and slow', { timeout, skip, hub: false }, async (env) => {
    const cable = new Cable();
    try {
      env.options = { config, wrapper: cable.at('near'), hubArgs: ['--listen', `${cable.address.near}:8443`] };
      await env.open();
      const link = await env.linkVia(`${cable.address.near}:8443`, '', '--reusable');
      const fleet = new Fleet(env, link, { count: agents, wrapper: cable.at('far') });
      fleet.start();
      const end = Date.now() + seconds * 1000;
      while (Date.now() < end) {
        const what = random(3);
        if (what === 0) cable.cut();
        else if (what === 1) cable.lose(5 + random(30));
        else cable.slow(64 + random(512));
        await pause(1000 + random(4000));
        if (what === 0) cable.mend();
        else if (what === 1) cable.lose(0);
        else cable.slow(0);
        await pause(random(1000));
      }
      await fleet.end();
      await fleet.compare(`SOAK_SEED=${first}`);
      await env.finish();
    } finally {
      cable.remove();
    }
  });
});
