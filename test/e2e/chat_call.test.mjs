// What the conversation shows beside figures: folders, what refreshes itself, another language,
// and calls of methods that nobody here has heard of.
import { mkdirSync, writeFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import path from 'node:path';

import { pause } from './lib/env.mjs';
import { LabServer, makeDescriptors } from './lib/lab.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

async function claimed({ env, telegram }) {
  await env.claim();
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.cli('pair')).stdout.trim(), /here now/i);
  return anna;
}

const labels = (message) => message.labels.flat();
const has = (label) => (message) => labels(message).some((one) => (label instanceof RegExp ? label.test(one) : one === label));

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
