// Two people with different grants in one group: neither sees nor presses what he may not, and
// a button counts only for whom, where and as long as it was meant.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { Person } from './lib/people.mjs';
import { startCounter } from './lib/signals.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const say = tongue('en');
const policy = 'allow signal\n';

// A user of the hub with these grants, and his private chat with the bot.
async function letIn(env, telegram, name, role, node) {
  const user = await Person.invite(env, name, '--role', role, '--node', node);
  const code = (await user.cli('pair')).stdout.trim();
  const talk = new Talk(telegram.person({ first_name: name }));
  await talk.start(code, say.pattern('You are %s here now.', name));
  return talk;
}

// Everything that can be read of a message.
const all = (message) => `${message.words} ${message.labels.flat().join(' ')}`;

talking('what one may not see or press, he does not see or press', async ({ env, telegram }) => {
  await env.claim();
  await Promise.all([env.agent('larch', { policy }), env.agent('aspen', { policy })]);
  const ada = await letIn(env, telegram, 'ada', 'operator', 'larch');
  const bob = await letIn(env, telegram, 'bob', 'viewer', 'aspen');
  const group = telegram.group('Home', { members: [ada.person, bob.person] });
  const [adas, bobs] = [ada.in(group), bob.in(group)];
  const counter = await startCounter(env, 'counter');

  // Each sees his own, in private and in the group.
  for (const [talk, sees, not] of [[ada, 'larch', 'aspen'], [bob, 'aspen', 'larch'], [adas, 'larch', 'aspen'], [bobs, 'aspen', 'larch']]) {
    const shown = await talk.say('/nodes', (message) => message.labels.flat().some((label) => label.includes(sees)));
    assert.doesNotMatch(all(shown), new RegExp(not));
    const refused = await talk.say(`/status ${not}`);
    assert.doesNotMatch(all(refused), /CPU|%/);
  }

  // What bob may not do on his own node, he is told so.
  const viewed = await bob.say(`/kill aspen ${counter.pid} HUP`);
  for (const label of viewed.labels.flat()) assert.doesNotMatch(label, /yes/);
  assert.equal(counter.count(), 0);

  // A red button of Ada's, in the group.
  const screen = await adas.say(`/kill larch ${counter.pid} HUP`, say.pattern('⚠️ Signal a process of %s?', 'larch'));
  const red = screen.button(say('yes, signal it')).callback_data;
  const inPrivate = await ada.say(`/kill larch ${counter.pid} HUP`, say.pattern('⚠️ Signal a process of %s?', 'larch'));
  const own = inPrivate.button(say('yes, signal it')).callback_data;

  const changed = (index, with_) => `${red.slice(0, index)}${with_}${red.slice(index + 1)}`;
  const refusals = [
    ["another's red button", bobs.person, screen, red],
    ["another's red button, in his own chat", bob.person, bob.chat.last, red],
    ['the red button of another chat', ada.person, screen, own],
    ['the same, the other way round', ada.person, inPrivate, red],
    ['one letter changed, first', ada.person, screen, changed(0, red[0] === 'A' ? 'B' : 'A')],
    ['one letter changed, last', ada.person, screen, changed(red.length - 1, red.at(-1) === 'A' ? 'B' : 'A')],
    ['a made-up token', ada.person, screen, randomBytes(16).toString('base64url').slice(0, red.length)],
    ['half a token', ada.person, screen, red.slice(0, red.length >> 1)],
    ['more than a token', ada.person, screen, `${red}A`],
    ['64 bytes of anything', ada.person, screen, 'ы'.repeat(32)],
    ['a command line', ada.person, screen, `kill larch ${counter.pid} HUP --confirmed`],
    ['a command line with a slash', ada.person, screen, `/reboot larch`],
    ['a button of the older bot, unknown key', ada.person, screen, 'reboot:AAAAAAAAAAAAAAAAAAAA'],
    ['a chart of the older bot, unknown key', ada.person, screen, 'graph:cpu:600:AAAAAAAAAAAAAAAAAAAA'],
    ['the node of another as a key', bob.person, bob.chat.last, 'status:larch'],
    ['nothing but spaces', ada.person, screen, '   '],
    ['control characters', ada.person, screen, '\u0001\u0002\n'],
  ];
  for (const [name, person, message, data] of refusals) {
    const before = all(message);
    const answer = await person.pressData(message, data);
    assert.ok(answer.text, `${name}: it is told that it does not count`);
    await telegram.until(() => telegram.updates.waiting.length === 0);
    assert.equal(counter.count(), 0, name);
    if (message === screen || message === inPrivate) assert.equal(all(message), before, `${name}: the screen stays`);
  }

  // The right one counts, once: again, or when its update comes again, it does not.
  const pressed = ada.person.press(screen, say('yes, signal it'));
  await pressed;
  await telegram.until(() => counter.count() === 1);
  await adas.hear(/./, telegram.revision - 1);
  telegram.replay(pressed.update);
  const again = await ada.person.pressData(screen, red);
  assert.ok(again.text, 'a used button says so');
  await adas.say('/nodes', /larch/);
  assert.equal(counter.count(), 1);

  // A message that has become too old to be seen is pressed all the same.
  const old = await ada.say('/nodes', /larch/);
  await ada.person.pressData(old, old.button(/larch/).callback_data, { inaccessible: true });
});
