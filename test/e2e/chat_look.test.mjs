// What the conversation shows of real hosts: the tour by buttons, charts, lists, plots, and
// calls of methods that nobody here has heard of.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { pause, until } from './lib/env.mjs';
import { LabServer, makeDescriptors } from './lib/lab.mjs';
import { Talk, chartOf, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

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

talking('folders are counted and walked, and what refreshes itself stops', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  await env.agent('nas');
  const folder = env.file('films');
  mkdirSync(path.join(folder, 'my own'), { recursive: true });
  writeFileSync(path.join(folder, 'my own', 'one.bin'), Buffer.alloc(300_000));
  writeFileSync(path.join(folder, 'two.bin'), Buffer.alloc(100_000));
  const shown = await anna.say(`/usage nas folders ${folder}`, /Name +Size/);
  assert.match(shown.words, /my own\/ +\d+\.\d KiB +7\d %\ntwo\.bin +97\.7 KiB +2\d %/);
  await anna.press('my own', /one\.bin +293\.0 KiB/);
  await anna.press('Up', /two\.bin/);
  await anna.say('/port nas 20000-30000', /A free port of nas: 2\d{4}/);
  await anna.say('/watch nas', /Refreshes itself for/);
  const stopped = await anna.press('Stop', has('Watch'));
  const { revision } = stopped;
  await pause(6000); // a step of a watch, and a bit
  assert.equal(stopped.revision, revision, 'it is not refreshed any more');
});

talking('a method of somebody else is called by a form and in one line', async ({ env, telegram, t }) => {
  await makeDescriptors();
  const lab = await LabServer.start({ reflection: 'v1' });
  t.after(() => lab.kill());
  const anna = await claimed({ env, telegram });
  await env.agent('far', { settings: `[agent]\ninterval = 60\n[expose lab]\naddress = ${lab.address}\n` });
  await telegram.until(() => env.node('far').then((node) => node.services?.length > 0));
  await anna.say('/call far', /Services of far/);
  await anna.press('lab.v1.Lab', /Say\(Saying\) → Answer\n.*Tell\(Saying\) → … Answer/s);
  await anna.press('Say', has('text: text'));
  await anna.press('text: text', /Write its value/);
  await anna.say('two "words" --here', /two \\"words\\" --here/);
  await anna.press('trailers_only: yes/no', /Write its value/);
  await anna.press('no', /two/);
  await anna.press('Call it', /"text": /);
  assert.match(anna.read.words, /two \\"words\\" --here/);
  await anna.say('/call far lab.v1.Lab/Say {"text": "in one line"}', /"text": "[^"]*in one line/);
  const stream = await anna.say('/call far lab.v1.Lab/Tell {"text": "x", "count": 3}', /Messages: 3/);
  assert.match(stream.words, /"index": 2/);
  await anna.say('/call far lab.v1.Lab/Say {"code": 5}', /lab\.v1\.Lab\/Say/);
  await anna.say('/call far lab.v1.Lab/Say {"zoo": 5}', /The request cannot be read: zoo/);
  await anna.say('/call far lab.v1.Zoo/Say {}', /no such service/);
  await anna.say('/call far roost.v1.Power/Reboot {}', /calls roost\.v1\.Power\/Reboot/);
});

talking('in Russian', async ({ env, telegram }) => {
  const ru = tongue('ru');
  const anna = await claimed({ env, telegram });
  const vera = new Talk(telegram.person({ first_name: 'Vera', language_code: 'ru' }));
  await vera.start((await env.cli('pair')).stdout.trim());
  await env.agent('nas');
  await vera.say('/nodes', ru.pattern('Nodes: %zu, online: %zu'));
  await vera.press('nas', ru.pattern('Updated %s'));
  await vera.press(ru('Processes'), ru.pattern('Processes of %s: %u'));
  await vera.say('/plot nas zoo 1d', ru.pattern('There is no metric "%s". Some are cpu, ram, net, disk, gpu, vram, temp.'));
  await anna.say('/nodes', /Nodes: 1/);
});
