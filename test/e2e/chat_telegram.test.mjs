// Telegram as it can be: groups with topics that move, people who block, another poller, an API
// that fails in every way. What the bot does then, and that it breaks no limit.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

import { patience, until } from './lib/env.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const say = tongue('en');
const russian = tongue('ru');

async function owner(env, telegram, fields = {}) {
  const anna = new Talk(telegram.person({ first_name: 'Anna', ...fields }));
  await anna.start(await env.claimCode(), tongue(fields.language_code ?? 'en').pattern('You are %s here now.'));
  return anna;
}

talking('groups: privacy, topics, a move to a supergroup', async ({ env, telegram }) => {
  const anna = await owner(env, telegram);
  const group = telegram.group('Home', { members: [anna.person] });
  const forum = telegram.group('Lab', { forum: true, members: [anna.person] });
  const topic = forum.topic('hosts');

  const [home, lab] = [anna.in(group), anna.in(forum)];
  await home.say(`/help@${telegram.me.username}`, say.pattern('What can be said here'));
  assert.doesNotMatch(home.read.words, /\/newkey/, 'what is for private chats is not offered here');
  await lab.say('/settings', say.pattern('Settings'), { topic });
  assert.equal(lab.read.topic, topic, 'the answer is in the topic');

  // A question, and its answer as a reply: anything else is not seen in a group.
  const code = await home.say('/start AAAA-BBBB', say.pattern('A code is for a private chat: others read it here.'));
  assert.ok(code);

  const moved = telegram.migrate(group);
  const there = anna.in(moved);
  await there.say('/settings', say.pattern('Settings'));
});

talking('a person who blocks the bot, and comes back', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await owner(env, telegram);
  const before = anna.chat.fromBot.length;
  telegram.faults.add('slow', { method: 'sendMessage', ms: 100 });
  anna.person.say('/help');
  anna.person.block();
  await telegram.until(() => telegram.updates.waiting.length === 0);
  anna.person.unblock();
  await anna.say('/settings', say.pattern('Settings'));
  assert.ok(anna.chat.fromBot.length > before);
  assert.deepEqual(telegram.rejected.filter(({ code }) => code !== 403), []);
  assert.deepEqual(telegram.violations, []);
});

talking('another program that polls with the token is told of, and when it is gone all goes on', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await owner(env, telegram);
  const rival = async () => (await fetch(`${telegram.url}/bot${telegram.token}/getUpdates?timeout=1`)).status;
  const polls = Array.from({ length: 3 }, async () => rival());
  await env.hub.line(/telegram: .*(another|other|second)/i);
  await Promise.all(polls);
  await anna.say('/settings', say.pattern('Settings'), { ms: patience * 4 });
});

talking('the API fails in every way, and nothing is lost or done twice', { tolerant: true }, async ({ env, telegram }) => {
  const anna = await owner(env, telegram, { language_code: 'ru' });
  await env.cli('login', env.url, '--code', /\/start (\S+)/.exec((await anna.say('/pair', /\/start \S+/)).words)[1]);
  const faults = [['drop', {}], ['500', {}], ['502', {}], ['slow', { ms: 400 }], ['429', { seconds: 1 }], ['500', { after: true }], ['lost', {}]];
  for (const [i, [kind, options]] of faults.entries()) {
    telegram.faults.add(kind, { method: /^send/, ...options });
    await anna.say(`/newkey fault-${i}`, new RegExp(`fault-${i}`), { ms: patience * 2 });
    telegram.faults.add(kind, { method: 'getUpdates', ...options, ...(kind === 'slow' && { ms: 200 }) });
  }
  await anna.say('/settings', russian.pattern('Settings'), { ms: patience * 4 });
  const { tokens } = await env.json('token', 'list');
  const made = tokens.map(({ name }) => name).filter((name) => /^fault-/.test(name)).sort();
  assert.deepEqual(made, faults.map((_, i) => `fault-${i}`), 'each link was made once');
  assert.deepEqual(telegram.violations, []);

  // Nobody reaches the API for a while: what was said meanwhile is answered afterwards.
  telegram.outage(true);
  anna.person.say('/newkey meanwhile');
  await until(() => /telegram: /.test(env.hub.stderr.split('works').pop()), patience, 'the trouble is told of');
  telegram.outage(false);
  await anna.hear(/meanwhile/, 0, patience * 4);
  assert.deepEqual(telegram.rejected.filter(({ code, isInjected }) => !isInjected && code < 500), []);
});

talking('a token that does not count is said to be so', { tolerant: true, hubEnv: { BOT_TOKEN: '1234567890:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } }, async ({ env, telegram }) => {
  await env.hub.line(/telegram: .*(token|Unauthorized)/i);
  assert.ok(telegram.rejected.every(({ code }) => code === 401));
});

const wrong = '1234567890:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

talking('a token that is mended in the settings counts after a reload', { tolerant: true, hubEnv: { BOT_TOKEN: '' } }, async ({ env, telegram }) => {
  const settings = (token) => {
    writeFileSync(env.file('roost.conf'), `[hub]\naddress = 127.0.0.1:${env.port}\n${token ? `[telegram]\ntoken = ${token}\n` : ''}`);
    env.hub.child.kill('SIGHUP');
  };
  settings(wrong);
  await env.hub.line(/\[telegram\] token has changed\n[^]*the settings were read anew\n[^]*telegram: the token does not count any more/);
  settings('nonsense');
  await env.hub.line(/\[telegram\] token: is not what @BotFather gives: .*the bot goes on as it was/);
  settings(telegram.token);
  await env.hub.line(/telegram: @\w+ works/);
  const anna = await owner(env, telegram);
  await env.cli('login', env.url, '--code', /\/start (\S+)/.exec((await anna.say('/pair', /\/start \S+/)).words)[1]);
  const bot = async () => JSON.parse((await env.cli('doctor', '--json', { ok: 'any' })).stdout).steps.find(({ step }) => step === 'telegram');
  assert.match((await bot()).result, new RegExp(`^@${telegram.me.username} works since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d`));
  assert.match((await env.cli('channel')).stdout, new RegExp(`telegram  @${telegram.me.username} works since`));
  settings('nonsense');
  await until(async () => /^@\w+ \[telegram\] token: is not what/.test((await bot()).result));
  settings(wrong);
  await until(async () => /does not work since .*the token does not count any more/.test((await bot()).result));
  assert.match((await bot()).remedy, /set \[telegram\] token, then: systemctl reload roostd/);
  assert.match((await env.cli('channel')).stdout, /remedy +set \[telegram\] token/);
  settings(telegram.token);
  settings('');
  await env.hub.line(/telegram: there is no bot any more/);
  assert.equal(await bot(), undefined);
  const said = telegram.revision;
  anna.person.say('/settings');
  settings(telegram.token);
  await anna.hear(say.pattern('Settings'), said, patience * 2);
  assert.ok(!env.hub.stderr.includes(telegram.token.split(':')[1]) && !env.hub.stderr.includes(wrong.split(':')[1]));
});
