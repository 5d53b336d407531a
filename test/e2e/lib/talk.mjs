// talk - a hub that talks on a Telegram of our own, and people who talk to it
//
//   talking('a chat', async ({ env, telegram }) => {
//     const anna = new Talk(telegram.person({ first_name: 'Anna' }));
//     await anna.start(await env.claimCode(), /welcome/i);
//     const shown = await anna.say('/nodes', /nas/);
//     await anna.press(/nas/, /CPU/);           the button of the message read last
//   });
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Telegram } from '../../telegram/telegram.mjs';
import { isBlank } from '../../telegram/png.mjs';
import { Env, freePorts, patience, slow } from './env.mjs';

// A scenario (env.mjs) with a Telegram. Options: those of Env.start; telegram: those of
// Telegram.start; tolerant: what the Bot API refused is no failure of the test; ports: of the
// hub's two listeners.
export function talking(name, options, body) {
  if (typeof options === 'function') [options, body] = [{}, options];
  const { skip, timeout = 120_000 * slow, telegram: telegramOptions, tolerant, ports, ...envOptions } = options;
  return test(name, { skip, timeout }, async (t) => {
    const telegram = await Telegram.start(telegramOptions);
    const hubEnv = { BOT_TOKEN: telegram.token, TELEGRAM_API_URL: telegram.url, ...envOptions.hubEnv };
    const env = new Env({ claim: false, ...envOptions, hubEnv });
    [env.port, env.plainPort] = ports ?? (await freePorts(2));
    env.options.config = `[hub]\naddress = 127.0.0.1:${env.port}\n${envOptions.config ?? ''}`; // links of a chat
    try {
      await env.open();
      await body({ env, telegram, t });
      if (!tolerant) assert.deepEqual(telegram.faultless(), []);
    } catch (error) {
      process.stderr.write(`${telegram.transcript()}\n`);
      env.printLogs();
      await env.finish().catch(() => {});
      await telegram.stop();
      throw error;
    }
    await env.finish();
    await telegram.stop();
  });
}

// Answers the picture of a message once it is decoded: large enough, and something on it.
export function chartOf(message, { width = 300, height = 150 } = {}) {
  assert.ok(message.photo, `a picture: ${message.draw()}`);
  assert.ok(message.photo.width >= width && message.photo.height >= height, message.draw());
  assert.ok(!isBlank(message.photo.png), 'something is on the picture');
  return message.photo;
}

export class Talk {
  constructor(person, chat = person.private()) {
    Object.assign(this, { person, chat, telegram: person.telegram, read: undefined, pressed: [] });
  }

  // Another chat of the same person.
  in(chat) {
    return new Talk(this.person, chat);
  }

  // Waits for a message of the bot, put or edited after the revision, that fits: a pattern
  // of its words, or a function.
  async hear(wanted, since = 0, ms = patience) {
    const fits = wanted instanceof RegExp ? (message) => wanted.test(message.words) : wanted;
    const find = () => this.chat.fromBot.filter((message) => message.revision > since && fits(message)).sort((a, b) => b.revision - a.revision)[0];
    this.read = await this.telegram.until(find, ms, `${this.person.user.first_name} hears ${wanted}\n${this.chat.fromBot.slice(-3).map((message) => message.draw()).join('\n')}`);
    return this.read;
  }

  async say(text, wanted = /./, options = {}) {
    const since = this.telegram.revision;
    this.said = this.person.say(this.chat, text, options);
    return this.hear(wanted, since, options.ms);
  }

  async start(payload, wanted = /./) {
    const since = this.telegram.revision;
    this.person.start(payload);
    return this.hear(wanted, since);
  }

  // Presses a button of the message read last (or of `on`): what is shown then.
  async press(label, wanted = /./, { on = this.read, ms } = {}) {
    const since = this.telegram.revision;
    const answered = this.person.press(on, label);
    const [answer, message] = await Promise.all([answered, this.hear(wanted, since, ms)]);
    this.pressed.push(answer);
    return message;
  }
}
