// telegram - a strict Bot API of our own, and the people and groups behind it
//
//   const telegram = await Telegram.start();
//   TELEGRAM_API_URL=telegram.url BOT_TOKEN=telegram.token
//   const anna = telegram.person({ first_name: 'Anna', language_code: 'ru' });
//   anna.start('CODE');
//   const message = await telegram.until(() => anna.private().last);
//   const { text, ms } = await anna.press(message, 'Nodes');
//   assert.deepEqual(telegram.faultless(), []);
//   await telegram.stop();
//
// It refuses what the real one refuses, in the same words. What it refused is in
// telegram.rejected; limits that were broken are in telegram.violations; every call is in
// telegram.calls, and parameters that no method knows are in telegram.oddities.
import { randomBytes, randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';

import { Group, seconds } from './chats.mjs';
import { Commands } from './commands.mjs';
import { ApiError, badRequest, tooMany } from './errors.mjs';
import { Faults } from './faults.mjs';
import { Files } from './files.mjs';
import { Rates } from './limits.mjs';
import { Person } from './people.mjs';
import { callByReply, Server } from './server.mjs';
import { Updates } from './updates.mjs';
import { Webhook } from './webhook.mjs';

const usual = {
  port: 0,
  username: 'roost_test_bot',
  privacy: true,      // the bot sees in groups only what is meant for it
  allowHttp: true,    // webhooks on loopback without TLS
  strictPorts: false, // webhooks only on the ports of the real one
  patience: 1,        // times the 15 s in which a press is to be answered
  rates: {},          // others than limits.mjs has
};
const usualTiming = { stretchMs: 3000, hurryMs: 500, setWebhookMs: 1000, webhookMs: 1000, webhookTimeoutMs: 60_000 };

export class Telegram extends EventEmitter {
  static async start(options = {}) {
    const telegram = new Telegram(options);
    telegram.port = await telegram.server.listen(telegram.options.port);
    return telegram;
  }

  constructor(options) {
    super();
    this.setMaxListeners(0);
    this.options = { ...usual, ...options, timing: { ...usualTiming, ...options.timing } };
    const id = randomInt(6_000_000_000, 7_999_999_999);
    this.token = this.options.token ?? `${id}:AA${randomBytes(33).toString('base64url').slice(0, 33)}`;
    this.me = { id: Number(this.token.split(':')[0]) || id, is_bot: true, first_name: 'Roost', username: this.options.username };
    this.people = new Map();
    this.groups = new Map();
    this.queries = new Map(); // presses that nobody answered yet
    this.replayed = new Set();
    this.profile = new Map();
    this.calls = [];
    this.rejected = [];
    this.oddities = [];
    this.revision = 0; // counts what is put and edited anywhere
    this.nextPerson = 5_000_000_001; // more than 32 bits
    this.nextGroup = 4_000_000_001;
    this.faults = new Faults();
    this.files = new Files();
    this.rates = new Rates(this.options.rates);
    this.updates = new Updates(this.options.timing);
    this.webhook = new Webhook(this);
    this.commands = new Commands(this);
    this.server = new Server(this);
  }

  nextRevision() {
    return ++this.revision;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get violations() {
    return this.rates.violations;
  }

  stop() {
    this.updates.listener = undefined;
    this.updates.poll?.wake();
    return this.server.close();
  }

  // Nobody reaches it, for as long as it is true.
  outage(isDown) {
    this.faults.isDown = isDown;
    if (isDown) this.server.cut();
  }

  person(fields = {}) {
    const person = new Person(this, { ...fields, id: fields.id ?? this.nextPerson++ });
    this.people.set(person.id, person);
    return person;
  }

  // A group with the bot in it. forum: a supergroup with topics; supergroup: one without.
  group(title, { forum = false, supergroup = forum, members = [], admins = [], hasBot = true } = {}) {
    const number = this.nextGroup++;
    const group = new Group(this, supergroup ? -1_000_000_000_000 - number : -number, title, forum);
    for (const person of [...members, ...admins]) group.members.add(person);
    for (const person of admins) group.admins.add(person);
    group.hasBot = hasBot;
    this.groups.set(group.id, group);
    if (hasBot && members.length) this.#tellJoined(group, members[0]);
    return group;
  }

  #tellJoined(group, person) {
    const was = { user: this.me, status: 'left' };
    const is = { user: this.me, status: 'member' };
    this.updates.push('my_chat_member', { chat: group.brief(), from: person.user, date: seconds(), old_chat_member: was, new_chat_member: is });
    const message = group.add(person.user, { service: { group_chat_created: true } });
    this.updates.push('message', message.toJSON());
  }

  // The group becomes a supergroup with another id; members and messages to come are there.
  migrate(group) {
    const moved = new Group(this, -1_000_000_000_000 - this.nextGroup++, group.title, false);
    Object.assign(moved, { members: group.members, admins: group.admins });
    this.groups.set(moved.id, moved);
    group.movedTo = moved;
    const [person] = group.members;
    const from = person?.user ?? this.me;
    this.updates.push('message', group.add(from, { service: { migrate_to_chat_id: moved.id } }).toJSON());
    this.updates.push('message', moved.add(from, { service: { migrate_from_chat_id: group.id } }).toJSON());
    return moved;
  }

  kick(group) {
    group.isKicked = true;
  }

  // The chat that a parameter names.
  chatOf(text) {
    if (text === '') throw badRequest('chat_id is empty');
    const id = /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
    const chat = this.groups.get(id) ?? this.people.get(id)?.private();
    if (!chat) throw badRequest('chat not found');
    return chat;
  }

  // Brings an update once more, as a server does that has lost an answer.
  replay(update) {
    if (update.callback_query) this.replayed.add(update.callback_query.id); // answered twice, then
    this.updates.enqueue(update);
  }

  async run(route, parameters, record, gone) {
    const result = await route.call(this, parameters, gone);
    record.result = result;
    record.ms = Date.now() - record.at;
    const unknown = parameters.unknown;
    if (unknown.length) this.oddities.push({ method: route.name, unknown });
    this.calls.push(record);
    this.changed();
    return result;
  }

  callByReply(reply) {
    return callByReply(this, reply);
  }

  reject(record, error) {
    if (this.replayed.has(record.parameters.callback_query_id)) record.isInjected = true;
    const entry = { ...record, code: error.code, reason: error.message };
    this.calls.push(entry);
    this.rejected.push(entry);
    this.changed();
  }

  storm(chatId, retryAfter) {
    if (chatId !== undefined) this.rates.block(this.chatOf(String(chatId)), retryAfter);
    return tooMany(retryAfter);
  }

  // All chats as they stand, for a test that failed.
  transcript() {
    const chats = [...[...this.people.values()].map((person) => person.private()), ...this.groups.values()];
    return chats.filter((chat) => chat.all.length).map((chat) => chat.messages.map((message) => message.draw()).join('\n')).join('\n\n');
  }

  // Everything that a good bot does not do, but for what a fault brought about.
  faultless() {
    return [...this.rejected.filter(({ isInjected }) => !isInjected), ...this.violations, ...this.oddities];
  }

  changed() {
    this.emit('changed');
  }

  // Waits until fn answers something true: asks whenever something changed.
  async until(fn, ms = 15_000, what = fn.toString()) {
    const end = Date.now() + ms;
    for (;;) {
      const answer = await fn();
      if (answer) return answer;
      const left = end - Date.now();
      if (left <= 0) throw new Error(`not within ${ms} ms: ${what}`);
      await this.#change(Math.min(left, 250));
    }
  }

  #change(ms) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.off('changed', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.on('changed', done);
    });
  }
}

export { ApiError };
