// telegram - the carrier between the hub and the Bot API: what comes is taken once, what goes
// arrives once, whatever happens between the two
import assert from 'node:assert/strict';

import { freePort, patience, pause, until } from './lib/env.mjs';
import { Talk, talking } from './lib/talk.mjs';

async function claimed({ env, telegram }, options = {}) {
  const anna = new Talk(telegram.person({ first_name: 'Anna', ...options }));
  await anna.start(await env.claimCode(), /welcome|here now/i);
  return anna;
}

// How often the bot answered something like this.
const count = (chat, pattern) => chat.fromBot.filter((message) => pattern.test(message.words)).length;

const helps = (talk) => count(talk.chat, /What can be said here/);

talking('what is said is answered, and each update is taken once', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  const said = anna.person.say('/help');
  await anna.hear(/What can be said here/);
  telegram.replay(said.update);
  await telegram.until(() => telegram.updates.waiting.length === 0, patience, 'the copy was taken');
  await anna.say('/settings');
  assert.equal(helps(anna), 1);
  const polls = telegram.calls.filter(({ method }) => method === 'getUpdates');
  assert.ok(polls.every(({ parameters }) => Number(parameters.timeout) === 50), 'long polls');
  const scopes = telegram.calls.filter(({ method }) => method === 'setMyCommands');
  await telegram.until(() => telegram.calls.filter(({ method }) => method === 'setMyCommands').length >= 4);
  assert.ok(scopes.every(({ code }) => code === undefined));
});

talking('the common menus are set once, not at each start', async ({ env, telegram }) => {
  const menus = () => telegram.calls.filter(({ method }) => method === 'setMyCommands').length;
  await telegram.until(() => menus() >= 4, patience, 'four menus');
  await claimed({ env, telegram });
  const before = menus();
  await env.restartHub();
  const anna = new Talk([...telegram.people.values()][0]);
  await anna.say('/help', /What can be said here/);
  assert.ok(menus() - before <= 1, 'a person may get his own');
});

talking('an outage of the Bot API loses and doubles nothing', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  telegram.outage(true);
  for (let i = 0; i < 3; i++) anna.person.say('/help');
  await env.hub.line(/telegram: .*(connect|reset|empty|closed|Recv|reply|failed)/i);
  await pause(1500);
  telegram.outage(false);
  await telegram.until(() => helps(anna) === 3, patience, 'three answers');
  await anna.say('/settings');
  assert.equal(helps(anna), 3);
  assert.ok(!env.hub.stderr.includes(telegram.token.split(':')[1]), 'the token is in no log');
  assert.deepEqual(telegram.violations, []);
});

talking('storms of 429 are obeyed, and what waited arrives in order', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  const boris = new Talk(telegram.person({ first_name: 'Boris' }));
  boris.person.start();
  await boris.hear(/./);
  telegram.faults.add('429', { method: 'sendMessage', when: ({ chat_id: id }) => Number(id) === anna.person.id, seconds: 3 });
  anna.person.say('/help');
  anna.person.say('/settings');
  await telegram.until(() => telegram.faults.happened.length === 1, patience, 'the storm');
  const since = Date.now();
  await boris.say('/start');
  assert.ok(Date.now() - since < 2500, 'another chat does not wait');
  await telegram.until(() => helps(anna) === 1, patience, 'the answer after the storm');
  assert.ok(Date.now() - since > 2000);
  assert.deepEqual(telegram.violations, []);
});

talking('a group hears commands only, and follows when it becomes a supergroup', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  const group = telegram.group('Ops', { members: [anna.person] });
  const there = anna.in(group);
  await there.hear(/./); // the greeting
  await there.say('/help', /What can be said here/);
  await there.say('/help@roost_test_bot', /What can be said here/);
  const before = group.fromBot.length;
  anna.person.say(group, 'good morning');
  anna.person.say(group, '/help@other_bot');
  await anna.say('/settings');
  assert.equal(group.fromBot.length, before);
  const moved = telegram.migrate(group);
  await anna.in(moved).say('/help', /What can be said here/);
  assert.deepEqual(telegram.violations, []);
});

talking('a topic is answered where it was said', async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  const forum = telegram.group('Forum', { forum: true, members: [anna.person] });
  const topic = forum.topic('nas');
  const there = anna.in(forum);
  await there.hear(/./);
  const answer = await there.say('/help', (message) => message.topic === topic, { topic });
  assert.equal(answer.replyTo, there.said);
});

talking('a webhook that is set does not stop a hub that polls', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await claimed({ env, telegram });
  const url = encodeURIComponent('http://127.0.0.1:9/hook');
  await fetch(`${telegram.url}/bot${telegram.token}/setWebhook?url=${url}`);
  await until(() => telegram.webhook.url === '', patience * 2, 'the webhook is removed');
  await anna.say('/help', /What can be said here/, { ms: patience * 2 });
});

// A hub in webhook mode on its plain listener.
async function hooked(env) {
  env.plainPort = await freePort();
  env.hook = `http://127.0.0.1:${env.plainPort}/telegram`;
  env.options.config = `[telegram]\nmode = webhook\nwebhook_url = ${env.hook}\n`;
  await env.startHub();
}

const post = (env, telegram, body, secret) =>
  fetch(env.hook, { method: 'POST', body, headers: { 'X-Telegram-Bot-Api-Secret-Token': secret } }).then(({ status }) => status);

talking('a webhook takes updates once, and only from who knows the secret', { hub: false }, async ({ env, telegram }) => {
  await hooked(env);
  await telegram.until(() => telegram.webhook.url === env.hook, patience, 'the webhook is set');
  const anna = await claimed({ env, telegram });
  const said = anna.person.say('/help');
  await anna.hear(/What can be said here/);
  const { secret } = telegram.webhook;
  const body = JSON.stringify(said.update);
  assert.equal(await post(env, telegram, body, `${secret}x`), 401);
  assert.equal(await post(env, telegram, body, ''), 401);
  assert.equal(await post(env, telegram, '{', secret), 400);
  assert.equal(await post(env, telegram, body, secret), 200);
  telegram.replay(said.update);
  await telegram.until(() => telegram.updates.waiting.length === 0);
  await anna.say('/settings');
  assert.equal(helps(anna), 1);
  assert.equal(telegram.calls.filter(({ method }) => method === 'getUpdates').length, 0);
});

talking('a webhook is delivered again when the hub was killed', { hub: false }, async ({ env, telegram }) => {
  await hooked(env);
  const anna = await claimed({ env, telegram });
  await env.kill(env.hub);
  anna.person.say('/help');
  await telegram.until(() => telegram.webhook.retries > 0, patience, 'a retry');
  await env.startHub();
  await telegram.until(() => helps(anna) === 1, patience * 2, 'the answer');
});
