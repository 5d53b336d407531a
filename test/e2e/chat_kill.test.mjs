// The hub is killed in the middle of what people asked for, at 50 random points: no command is
// lost, none is done twice, and the buttons of the old life answer politely.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe } from 'node:test';

import { patience, pause, slow } from './lib/env.mjs';
import { startCounter } from './lib/signals.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const say = tongue('en');
const points = 50;
const lanes = 5; // hubs side by side
const spanMs = 250; // in which a hub dies after something was asked

// One lane: a hub, an agent, a person, and a part of the points.
async function lane(env, telegram, count) {
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await env.claim();
  await anna.start((await env.cli('pair')).stdout.trim(), say.pattern('You are %s here now.'));
  await env.agent('larch', { policy: 'allow signal\n', settings: '[agent]\nbackoff_max = 1\n' });
  const counter = await startCounter(env, 'counter');
  const tally = { done: 0, unclear: 0, refused: 0, links: 0, late: 0 };
  for (let point = 0; point < count; point++) {
    const acts = point % 2 === 0;
    const delay = randomInt(spanMs);
    if (acts) await signal(env, anna, counter, tally, delay);
    else await newKey(env, anna, point, tally, delay);
  }
  assert.ok(counter.count() >= tally.done && counter.count() <= tally.done + tally.unclear, `${counter.count()} signals came: ${JSON.stringify(tally)}`);
  return tally;
}

async function dieAndComeBack(env, delay) {
  await pause(delay);
  const died = Date.now();
  await env.restartHub('SIGKILL');
  return died;
}

// A signal that was confirmed: it comes once, or it is told that nobody knows.
async function signal(env, anna, counter, tally, delay) {
  await env.state('larch', 'ONLINE');
  const before = counter.count();
  const screen = await anna.say(`/kill larch ${counter.pid} HUP`, say.pattern('⚠️ Signal a process of %s?', 'larch'));
  const red = screen.button(say('yes, signal it')).callback_data;
  const since = anna.telegram.revision;
  anna.person.pressData(screen, red);
  const died = await dieAndComeBack(env, delay);
  const isOutcome = (message) => message.id === screen.id && !message.button(red) && !/⏳|\.\.\.$/.test(message.words);
  const old = say.pattern('The buttons of that message no longer count.');
  const outcome = await anna.hear((message) => isOutcome(message) || old.test(message.words), since, patience);
  await settle(anna);
  const came = counter.count() - before;
  if (old.test(outcome.words)) {
    // The hub died before it had kept that it showed the button: it says so, and asks anew.
    assert.equal(came, 0, `a button that does not count does nothing, after ${delay} ms`);
    tally.refused++;
    return;
  }
  if ((outcome.editedAt ?? outcome.at) > died) tally.late++;
  assert.ok(came <= 1, `the signal came ${came} times after ${delay} ms`);
  if (/✅/.test(outcome.words)) {
    assert.equal(came, 1, `told as done after ${delay} ms:\n${outcome.draw()}`);
    tally.done++;
  } else {
    assert.match(outcome.words, /not known|❓|not reached|offline|cannot be reached|⛔/, `neither done nor unclear: ${outcome.draw()}`);
    tally.unclear++;
  }
  const late = await anna.person.pressData(outcome, red);
  assert.ok(late.text, 'a button of the old life says that it does not count');
  assert.equal(counter.count() - before, came, 'and does nothing');
}

// A link: exactly one with that name, and its line was shown.
async function newKey(env, anna, point, tally, delay) {
  const name = `host-${point}`;
  const since = anna.telegram.revision;
  anna.person.say(anna.chat, `/newkey ${name}`);
  const died = await dieAndComeBack(env, delay);
  const shown = await anna.hear(new RegExp(`roost-agent join|${name}|not known`), since, patience);
  await settle(anna);
  const tokens = await env.json('token', 'list');
  const list = Array.isArray(tokens) ? tokens : tokens.tokens;
  assert.equal(list.filter((token) => token.name === name).length, 1, `${name} once, after ${delay} ms: ${JSON.stringify(list)}`);
  tally.links++;
  if (shown.at > died) tally.late++;
}

// Everything was taken and nothing is under way.
async function settle(anna) {
  const { telegram } = anna;
  await telegram.until(() => telegram.updates.waiting.length === 0, patience, 'all updates are confirmed');
}

// What a bot that has just come back cannot know: what its chats had a moment ago, and which
// presses it had answered.
const forgiven = /retry after|message is not modified|query is too old/;

describe('a hub that is killed', { concurrency: lanes }, () => {
  for (let i = 0; i < lanes; i++)
    talking(`${points / lanes} times in the middle of something, hub ${i + 1}`, { timeout: 240_000 * slow, tolerant: true }, async ({ env, telegram, t }) => {
      const tally = await lane(env, telegram, points / lanes);
      t.diagnostic(`done ${tally.done}, unclear ${tally.unclear}, refused ${tally.refused}, links ${tally.links}; told after the hub came back: ${tally.late}`);
      assert.deepEqual(telegram.rejected.filter(({ reason }) => !forgiven.test(reason)), []);
    });
});
