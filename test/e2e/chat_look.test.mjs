// What the conversation shows of real hosts: the tour by buttons, charts, lists and
// plots.
import assert from 'node:assert/strict';

import { until } from './lib/env.mjs';
import { Talk, chartOf, talking } from './lib/talk.mjs';

async function claimed({ env, telegram }) {
  await env.claim();
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.cli('pair')).stdout.trim(), /here now/i);
  return anna;
}

// Until a rate is known there must have been two samples.
const measured = (env, ...names) =>
  until(async () => (await Promise.all(names.map((name) => env.json('status', name)))).every((status) => /"cpu"/.test(JSON.stringify(status))), undefined, `values of ${names}`);

const labels = (message) => message.labels.flat();
const has = (label) => (message) => labels(message).some((one) => (label instanceof RegExp ? label.test(one) : one === label));

talking('the tour by buttons edits one message until a picture comes', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  await env.agent('nas', { policy: 'allow signal\nallow look commands\n' });
  await measured(env, 'nas');
  const list = await anna.say('/nodes', /nas — CPU/);
  const number = list.id;
  const status = await anna.press('nas', /CPU: [█░]{10} [\d.]+ %/);
  assert.match(status.words, /RAM: [█░]{10} [\d.]+ %, [\d.]+ [KMGT]iB \/ [\d.]+ [KMGT]iB/);
  assert.match(status.words, /Uptime: .*\nCPU/s);
  assert.equal(status.id, number);
  const top = await anna.press('Processes', /PID +Name/);
  assert.equal(top.id, number);
  await anna.press('RAM', has('• RAM'));
  await anna.press('‹ Back', /CPU: /);
  await anna.press('Metrics', /Choose a group/);
  await anna.press(/^Memory/, /mem\.total +[\d.]+ GiB/);
  await anna.press('‹ Back', /CPU: /);
  await anna.press('Usage', /Users of nas/);
  await anna.press('Disks', /Disks of nas/);
  await anna.press('‹ Back', /CPU: /);
  await anna.press('Activity', /Activity of nas/);
  const back = await anna.press('‹ Back', /CPU: /);
  assert.equal(back.id, number, 'all of it in one message');
  chartOf(await anna.press('Charts', /CPU, memory/), { width: 1200, height: 600 });
  const cpu = await anna.press('CPU', /nas: CPU, 1 h\ncpu: min [\d.]+ %, mean [\d.]+ %, max [\d.]+ %/);
  chartOf(cpu, { width: 1200, height: 600 });
  const picture = cpu.id;
  const days = await anna.press('7 d', /nas: CPU, 7 d/);
  assert.equal(days.id, picture, 'the picture is edited in place');
  chartOf(days);
  await anna.press('‹ Back', /CPU: /);
  await anna.press('‹ Nodes', /Nodes: 1, online: 1/);

  await anna.say('/chart nas cpu 7d', (message) => message.photo);
  const file = await anna.press('As a file', (message) => message.document);
  assert.equal(file.document.name, 'nas.png');

  const one = await anna.say(`/process nas ${process.pid}`, /State: /);
  assert.match(one.words, new RegExp(`\\(${process.pid}\\) of nas\n[^]*CPU time: .*\nRAM: `));
  await anna.press(/Kill/, /Signal a process of nas\?/);
  await anna.press(/back/i, (message) => message.id === one.id && !/Signal a process/.test(message.words));
});

talking('plots are read or refused, of one host or several', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  await Promise.all([env.agent('nas'), env.agent('pi')]);
  await measured(env, 'nas', 'pi');
  const both = await anna.say('/plot nas,pi cpu 10m', /nas,pi: CPU, 10 min/);
  assert.match(both.words, /nas cpu: .*\npi cpu: /s);
  chartOf(await anna.say('/plot * ram 10m 8 gib --light', /\*: Memory, 10 min/), { width: 1200, height: 600 });
  await anna.say('/plot nas cpu,foo 10m', /Left out, since there is no such metric: foo/);
  await anna.say('/plot nas cpu 30d', (message) => message.document);
  for (const [line, why] of [
    ['zoo 1d', /There is no metric "zoo"/], ['cpu', /How far back\?/], ['cpu;net 1d', /different units/],
  ]) {
    const refused = await anna.say(`/plot nas ${line}`, why);
    assert.match(refused.words, /For example: \/plot nas cpu,ram 24h/);
  }
});
