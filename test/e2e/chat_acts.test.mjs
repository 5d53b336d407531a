// Acts from a conversation: real processes, a host's policy, a second person's word, tests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe } from 'node:test';

import { freeUdpPort } from './lib/datagrams.mjs';
import { until } from './lib/env.mjs';
import { actingNode } from './lib/people.mjs';
import { Talk, talking } from './lib/talk.mjs';

const udpPorts = [await freeUdpPort(), await freeUdpPort()];
const isAlive = (child) => child.exitCode === null && child.signalCode === null;

// The administrator, who has a command line as well.
async function claim(env, telegram) {
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await anna.start((await env.json('pair')).code, /welcome/i);
  return anna;
}

describe('acts of people who talk', { concurrency: 5 }, () => {
  talking('processes are found, confirmed, signalled, and what became of them is told', { claim: true }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\nallow signal sleep\n' });
    const [one, two] = [spawn('sleep', ['1234567'], { stdio: 'ignore' }), spawn('sleep', ['7654321'], { stdio: 'ignore' })];
    try {
      // Two of a name: which? Then this very one, after a second screen.
      const list = await anna.say('/kill nas sleep', /which\?/);
      assert.ok(list.words.includes(`${one.pid}`) && list.words.includes(`${two.pid}`), list.draw());
      const asked = await anna.press(new RegExp(`\\(${one.pid}\\)`), /Signal a process of nas/);
      assert.match(asked.words, /SIGTERM/);
      assert.ok(isAlive(one));
      const done = await anna.press(/yes/, /has ended/);
      assert.equal(done.id, asked.id, 'in the same message');
      assert.ok(!isAlive(one) || (await until(() => !isAlive(one))));
      assert.ok(isAlive(two));

      // Paused.
      await anna.say(`/pause nas ${two.pid}`, /SIGSTOP/);
      await anna.press(/yes/, /stands still/);

      // What the policy does not allow, with the reason and the command that would allow it.
      const own = spawn('tail', ['-f', '/dev/null'], { stdio: 'ignore' });
      try {
        await anna.say(`/kill nas ${own.pid}`, /Signal a process/);
        const refused = await anna.press(/yes/, /refused/);
        assert.match(refused.words, /roost-agent allow signal tail/);
        assert.ok(isAlive(own));
      } finally {
        own.kill('SIGKILL');
      }
      assert.match((await anna.say('/kill nas nobody-is-called-so', /No process/)).words, /nobody-is-called-so/);
    } finally {
      one.kill('SIGKILL');
      two.kill('SIGKILL'); // it stands still
    }
  });

  talking('a host is not restarted unless its owner lets it be', { claim: true }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    const agent = await env.agent('nas', { policy: 'allow look\n' });

    await anna.say('/power nas', /Nothing is planned|does not allow|power/);
    await anna.say('/reboot nas', /Restart nas\?/);
    const refused = await anna.press(/yes/, /refused/);
    assert.match(refused.words, /does not allow "power reboot"/);
    assert.match(refused.words, /roost-agent allow power reboot/);
    await env.stopAgent(agent);
    await env.state('nas', 'OFFLINE');
    await anna.say('/reboot nas', /Restart nas\?/);
    assert.match((await anna.press(/yes/, /not reached/)).words, /not online/);
  });

  talking('an act on a tagged node waits for a second person, and is edited when it is decided', { claim: true, config: '[approvals]\ntags = prod\n' }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    const box = await actingNode(env, 'box');
    await env.cli('node', 'tag', 'box', 'prod');
    const { login } = await env.json('user', 'invite', 'bob', '--role', 'operator', '--node', '@prod');
    const bob = new Talk(telegram.person({ first_name: 'Bob' }));
    await bob.start(/--code (\S+)/.exec(login)[1]);

    await anna.say('/reboot box', /Restart box\?/);
    const held = await anna.press(/yes/, /second person has to agree/);
    assert.match(held.words, /@prod/);
    assert.equal(box.calls.length, 0);
    await bob.say('/approvals', /restart the host/);
    await bob.press(/agree/, /done at once/);
    await Promise.all([bob.press(/yes/, /Agreed to by bob/), anna.hear(/restarts now/, held.revision)]);
    assert.equal(box.calls.length, 1);

    // Nobody agrees to his own; a no says why.
    await bob.say('/shutdown box', /Turn box off\?/);
    const second = await bob.press(/yes/, /second person has to agree/);
    const own = await bob.in(bob.chat).say('/approve', /turn the host off/);
    assert.ok(!own.draw().includes('agree…'), own.draw());
    const [, id] = /Number (\S+?)\./.exec(second.words);
    await anna.say(`/reject ${id} not today`, /Rejected by/);
    assert.match((await bob.hear(/not today/, second.revision)).words, /refused/);
    assert.equal(box.calls.length, 1);
    box.close();
  });

  talking('tests of a host are shown as they go', { claim: true, hubEnv: { UDP_TEST_PORT: String(udpPorts[0]) } }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\nallow probe *\n' });

    await anna.say('/tests nas', /nas: tests/);
    await anna.press(/stability/, /How often/);
    await anna.press(/every 10 ms/, /For how long/);
    const tested = await anna.say('/stability nas 10 1s', (message) => message.photo, { ms: 60_000 });
    assert.match(tested.words, /100 of 100/);
    await anna.say('/speedtest nas 1', /Upload: .*bit\/s\nRound trip/s);
    const ping = await anna.say(`/tcp nas 127.0.0.1:${env.port}`, /Connected in|refused/);
    assert.match(ping.words, /Connected in/);
    await anna.say('/diag nas', (message) => message.document, { ms: 60_000 });
  });

  talking('a test outlives the hub that began it, and is no second one', { claim: true, hubEnv: { UDP_TEST_PORT: String(udpPorts[1]) } }, async ({ env, telegram }) => {
    const anna = await claim(env, telegram);
    await env.agent('nas', { policy: 'allow look\nallow probe *\n' });
    const begun = await anna.say('/stability nas 20 6s', /Test [0-9a-f]{16}/);
    const id = /Test ([0-9a-f]{16})/.exec(begun.words)[1];
    await env.restartHub('SIGKILL');
    const ended = await anna.hear((message) => message.photo, begun.revision, 60_000);
    assert.ok(ended.words.includes(id), ended.draw());
    assert.match(ended.words, /300 of 300/);
  });
});
