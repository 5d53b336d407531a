// evening - what two people do with their hosts in an evening, in one language: from the claim
// of the hub to an alert that is over
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { patience, program, run } from './env.mjs';
import { startLoad } from './load.mjs';
import { Person } from './people.mjs';
import { chartOf, Talk } from './talk.mjs';
import { tongue } from './tongues.mjs';

// Nobody answers where logind is: whatever the policy says, this machine stays up.
const harmless = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus' };
const policy = 'allow signal\nallow units\nallow logs\nallow probe *\n';

export class Evening {
  constructor({ env, telegram }, code) {
    Object.assign(this, { env, telegram, say: tongue(code) });
    const person = (name) => new Talk(telegram.person({ first_name: name, language_code: code }));
    this.anna = person(code === 'ru' ? 'Анна' : 'Anna');
    this.boris = person(code === 'ru' ? 'Борис' : 'Boris');
  }

  // The first who comes owns the hub; a second person comes by a code of his own.
  async comeIn() {
    const { anna, boris, env, say } = this;
    await boris.start(undefined, say.pattern('Nobody owns this hub yet. Whoever installed it says, with the claim code that it printed:'));
    await anna.start(await env.claimCode(), say.pattern('You are %s here now.'));
    const shown = await anna.say('/pair', /\/start \S+/);
    await env.cli('login', env.url, '--code', /\/start (\S+)/.exec(shown.words)[1]);
    const user = await Person.invite(env, 'boris', '--role', 'operator', '--node', '*');
    const code = (await user.cli('pair')).stdout.trim();
    await boris.start(code, say.pattern('You are %s here now.', 'boris'));
  }

  // A host joins by the line that the chat shows, and nothing else.
  async join() {
    const { anna, env } = this;
    const shown = await anna.say('/newkey nas', /roost-agent join/);
    chartOf(shown, { width: 80, height: 80 });
    const [, link] = /roost-agent join '([^']+)'/.exec(shown.words);
    assert.ok(shown.entities.some(({ type, offset, length }) => /code|pre/.test(type) && shown.words.slice(offset, offset + length).includes(link)), 'the line stands as code');
    this.nas = await env.agent('nas', { link, policy, env: harmless });
    await env.values('nas');
  }

  async look() {
    const { anna, say } = this;
    await anna.say('/nodes', /nas/);
    await anna.say('/status nas', /CPU|ЦП/);
    await anna.say('/stat nas'); // what is nearly a command
    await anna.say('/status na', /nas/);
    await anna.say('/help', say.pattern('What can be said here'));
  }

  // Everything with buttons only, from the list to a host and back.
  async tour() {
    const { anna, say } = this;
    await anna.say('/nodes', /nas/);
    const first = anna.read;
    const host = async () => anna.press(/nas/, /CPU|ЦП/);
    await host();
    assert.equal(anna.read.id, first.id, 'edited in place');
    for (const [label, shows] of [['Processes', /PID|CPU|ЦП/], ['Services', /./], ['Tests', /./], ['Power', /nas/]]) {
      await anna.press(say.label(label), shows);
      await anna.press(say.label('‹ back'), /./);
      assert.equal(anna.read.id, first.id, `${label}: edited in place`);
    }
    await anna.press(say.label('Charts'), (message) => message.photo);
    chartOf(anna.read);
    await anna.press(say.label('RAM'), (message) => message.photo);
    chartOf(anna.read);
  }

  async plots() {
    const { anna } = this;
    const picture = (message) => message.photo;
    chartOf(await anna.say('/plot nas cpu,ram 10m', picture));
    chartOf(await anna.say('/plot nas cpu;ram 5m 5m 100', picture));
    chartOf(await anna.say('/plot nas ram 10m gib', picture));
    const file = await anna.say('/plot nas cpu 30d', (message) => message.document || message.photo);
    assert.ok(file.document ?? file.photo);
    const wrong = await anna.say('/plot nas nonsense 1h');
    assert.ok(!wrong.photo);
  }

  // A process is ended, once it is confirmed.
  async kill() {
    const { boris, say } = this;
    const child = spawn('sleep', ['300'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      await boris.say(`/kill nas ${child.pid}`, say.pattern('⚠️ Signal a process of %s?', 'nas'));
      assert.match(boris.read.words, /nas/);
      assert.match(boris.read.words, /sleep/);
      assert.equal(child.exitCode, null);
      const red = boris.read.button(say.label('yes, signal it'));
      assert.equal(red.style, 'danger');
      await boris.press(say.label('yes, signal it'), /✅/);
      await ended;
      assert.equal(child.signalCode, 'SIGTERM');
    } finally {
      child.kill('SIGKILL');
    }
  }

  // The owner of the host does not want it: why, and what would allow it.
  async reboot() {
    const { anna, nas, say } = this;
    const check = await run(program('roost-agent'), ['policy', 'check', 'power', 'reboot', '--state', nas.state], { ok: [1] });
    assert.equal(check.code, 1);
    await anna.say('/reboot nas', say.pattern('Restart %s?', 'nas'));
    const refused = await anna.press(say.label('yes, restart it'), /roost-agent allow power reboot/);

    assert.match(refused.words, say.pattern('The policy of this host does not allow "%s".', 'power reboot'));
  }

  // Real load makes a real alert with its chart; what becomes of it is told in the same message.
  async alert() {
    const { anna, say } = this;
    const load = startLoad();
    let card;
    try {
      await anna.say('/setalert nas cpu 95', /cpu >= 95/);
      const isCard = (message) => message.photo && /cpu/i.test(message.words) && message.button(say.label('👤 acknowledge'));
      card = await anna.hear(isCard, anna.said.revision, patience * 2);
      chartOf(card, { width: 600, height: 300 });
      await anna.press(say.label('👤 acknowledge'), say.pattern('👤 %s looks after it.'), { on: card });
      assert.equal(anna.read.id, card.id, 'acknowledged in the same message');
    } finally {
      await load.stop();
    }
    await this.calm(card);
    await anna.hear((message) => message.id === card.id && /✅/.test(message.words), 0, patience * 2);
    assert.ok(card.edits.length >= 2, 'one message from its beginning to its end');
  }

  // When others keep this machine busy, it is over once nobody wants to be told of it.
  async calm(card) {
    const { anna, telegram } = this;
    const isOver = () => /✅/.test(card.words);
    await telegram.until(isOver, patience / 2).catch(() => anna.say('/delalert nas cpu'));
  }

  async all() {
    for (const step of ['comeIn', 'join', 'look', 'tour', 'plots', 'kill', 'reboot', 'alert']) {
      this.step = step;
      await this[step]();
    }
  }
}
