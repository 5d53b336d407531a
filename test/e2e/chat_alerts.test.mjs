// Alerts in a conversation: set by a line or by questions, told, looked after, silenced.
import assert from 'node:assert/strict';
import os from 'node:os';
import { describe } from 'node:test';

import { Talk, talking } from './lib/talk.mjs';

// The administrator, who has a command line as well.
async function claim(env, telegram) {
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.json('pair')).code, /welcome/i);
  return anna;
}

describe('alerts of people who talk', { concurrency: 3 }, () => {
  talking('a rule in the older grammar fires, is looked after and silenced', { claim: true }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\n' });

    // True in some seconds: its owner hears of it in private, with the chart.
    const since = telegram.revision;
    await anna.say(`/setalert nas uptime ${Math.ceil(os.uptime() + 8)}`, /told in private/);
    const card = await anna.hear((message) => /nas: uptime/.test(message.words) && message.draw().includes('acknowledge') && message.photo, since, 60_000);
    const id = /#?(\d+)/.exec((await anna.say('/alerts', /1 alert goes on/)).draw())[1];
    assert.ok(id);
    await anna.press(/acknowledge/, /looks after it/, { on: card });
    const details = await anna.press(/nas: uptime/, /rule .*uptime/i, { on: await anna.say('/alerts', /👤/) });
    assert.match(details.words, /acknowledged by/);
    await anna.press(/🔕 8 h/, /Silent until/);
    await anna.say('/alerts', /🔕/);
    await anna.press(/nas: uptime/, /Silent until/);
    await anna.press(/not silent/, (message) => /nas: uptime/.test(message.words) && !/Silent/.test(message.words));
    await anna.say('/delalert nas uptime', /not told of it any more/);
    await anna.say('/alerts', /No alert goes on/);
  });

  talking('a rule is made by questions, changed and removed', { claim: true }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\n' });

    await anna.say('/setalert nas', (message) => /of what/.test(message.words) && /mem ·/.test(message.draw()));
    await anna.press(/mem ·/, /more than how much/);
    await anna.press(/> 95/, /for how long/);
    await anna.press(/5m/, /mem > 95 for 5m/);
    await anna.press(/test/, /would have fired 0 times/);
    await anna.say('/rules', /mem > 95 for 5m/);
    await anna.say('/rule offline', /part of Roost/);
    await anna.press(/turn it off/, /It is so from now on/);
    assert.match((await anna.say('/setalert nas disk:* > 90 foo', /disk|foo|expected/)).words, /foo/);
    const asked = await anna.say('/setalert nas disk:*', /more than how much/);
    assert.ok(asked);
    await anna.say('85 for 10m', /disk:\* > 85 for 10m/);
    await anna.say('/delalert nas', /Which alert/);
    await anna.press(/disk/, /not told of it any more/);
  });

  talking('silences, maintenance and channels', { claim: true }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\n' });

    await anna.say('/silence nas 2h new disks', /Nobody is told/);
    await anna.say('/maintenance nas 22:00-23:30 weekly backups', /every week/);
    await anna.say('/silences', /new disks/);
    await anna.press(/🔔 nas/, /backups|new disks/);
    await anna.say('/channels', /Channels/);
    assert.match((await anna.say('/silence nope 2h', /nope/)).words, /nope/);
  });
});
