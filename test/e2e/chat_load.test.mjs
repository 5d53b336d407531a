// Many at once: 500 people press buttons while 200 alerts go off. No limit of the Bot API is
// broken, what is critical goes first; and how fast a press is answered when it is quiet.
import assert from 'node:assert/strict';

import { patience, pause, slow } from './lib/env.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const say = tongue('en');
const people = 500;
const alerts = 200;
const critical = 20;
const channelsMost = 190; // a hub has 200 at most
const criticalMs = 2000 * slow;
const allMs = 60_000 * slow; // 700 messages at 30 a second are 24 s

const share = (values, part) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)];
const spread = (values) => `median ${Math.round(share(values, 0.5))}, 99 of 100 ${Math.round(share(values, 0.99))} ms`;

async function caller(env) {
  const token = await env.token();
  return async (method, body) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${env.plainUrl}/${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    assert.equal(response.status, 200, `${method} ${JSON.stringify(body)}: ${text}`);
    return JSON.parse(text);
  };
}

// A message of the bot as it has stood in the chat for long.
function oldMessage(telegram, person) {
  const chat = person.private();
  chat.isStarted = true;
  return chat.add(telegram.me, { text: 'your hosts', keyboard: [[{ text: 'list', callback_data: 'list' }]] });
}

const config = '[telegram]\nstrangers = own\n';

talking(`${people} people and ${alerts} alerts at once`, { config, timeout: 180_000 * slow }, async ({ env, telegram, t }) => {
  await env.claim();
  await env.agent('larch');
  await env.values('larch');
  await pause(4000); // what is true when a host joins is told otherwise
  const call = await caller(env);
  const watchers = Array.from({ length: channelsMost }, (_, i) => telegram.person({ first_name: `Watcher ${i}` }));
  for (const person of watchers) person.private().isStarted = true;
  const channels = watchers.map((person, i) => ({ name: `c${i}`, chat: { platform: 'telegram', chat: String(person.id) }, severity: 'INFO' }));
  for (const channel of channels) await call('roost.v1.Alerts/PutChannel', { channel, is_new: true });
  const crowd = Array.from({ length: people }, (_, i) => telegram.person({ first_name: `Person ${i}` }));
  const messages = crowd.map((person) => oldMessage(telegram, person));

  // All at once.
  const rules = Array.from({ length: alerts }, (_, i) => ({ name: `r${i}`, select: 'larch', condition: 'uptime > 1', severity: i < critical ? 'CRITICAL' : 'WARNING', channels: [`c${i % channelsMost}`] }));
  const answered = crowd.map((person, i) => person.pressData(messages[i], 'list'));
  await Promise.all(rules.map((rule) => call('roost.v1.Alerts/PutRule', { rule })));

  const answers = await Promise.all(answered);
  await telegram.until(() => watchers.reduce((sum, person) => sum + person.private().fromBot.length, 0) >= alerts, allMs, 'every alert came');
  await telegram.until(() => messages.every((message) => message.edits.length || message.chat.fromBot.length > 1), allMs, 'everybody sees his nodes');

  const { incidents } = await call('roost.v1.Alerts/List', { limit: 1000, all: true });
  const started = new Map(incidents.map((incident) => [incident.rule, Date.parse(incident.started)]));
  const waits = watchers.map((person, i) => person.private().fromBot[0].at - started.get(`r${i}`));
  t.diagnostic(`answers: ${spread(answers.map(({ ms }) => ms))}`);
  t.diagnostic(`critical: ${spread(waits.slice(0, critical))}; others: ${spread(waits.slice(critical))}`);
  assert.ok(Math.max(...waits.slice(0, critical)) <= criticalMs, `critical alerts leave within ${criticalMs} ms: ${waits.slice(0, critical)}`);
  assert.deepEqual(telegram.violations, []);
});

talking('a press when it is quiet', async ({ env, telegram, t }) => {
  await env.claim();
  await env.agent('larch');
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.cli('pair')).stdout.trim(), say.pattern('You are %s here now.'));
  const home = await anna.say('/nodes', /larch/);
  const answers = [];
  const views = [];
  for (let i = 0; i < 6; i++) {
    const label = i % 2 ? say.label('Nodes') : /larch/;
    const begun = performance.now();
    const edits = home.edits.length;
    const answer = await anna.person.press(home, label);
    await telegram.until(() => home.edits.length > edits, patience, `${label} shows something`);
    views.push(performance.now() - begun);
    answers.push(answer.ms);
    await pause(1100); // as often as a chat may be told something
  }
  t.diagnostic(`answer: ${spread(answers)}; view: ${spread(views)}`);
  assert.ok(share(answers, 0.5) <= 50 * slow * 2, `answers: ${answers}`);
});
