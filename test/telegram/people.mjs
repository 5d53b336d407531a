// people - who talks to the bot: says, presses, blocks
import { randomBytes } from 'node:crypto';

import { PrivateChat } from './chats.mjs';
import { markText } from './entities.mjs';
import { limits } from './limits.mjs';

const startPayload = new RegExp(`^[A-Za-z0-9_-]{1,${limits.startPayload}}$`);

export class Person {
  constructor(telegram, { id, first_name = 'Person', username, language_code = 'en', is_premium }) {
    this.telegram = telegram;
    this.id = id;
    this.user = { id, is_bot: false, first_name, ...(username && { username }), language_code, ...(is_premium && { is_premium }) };
    this.chat = new PrivateChat(telegram, this);
  }

  private() {
    return this.chat;
  }

  // Opens the private chat: a deep link with a payload, or the button START.
  start(payload) {
    if (payload !== undefined && !startPayload.test(payload)) throw new Error(`no payload of a link: ${payload}`);
    this.unblock();
    return this.say(this.chat, payload === undefined ? '/start' : `/start ${payload}`);
  }

  // say(text): in the private chat.
  say(chat, text, { topic, reply_to } = {}) {
    if (typeof chat === 'string') [chat, text] = [this.chat, chat];
    if (!chat.isGroup && chat !== this.chat) throw new Error('not a chat of this person');
    if (chat.isGroup && !chat.members.has(this)) throw new Error(`${this.user.first_name} is no member of ${chat.title}`);
    if (!chat.isGroup) Object.assign(chat, { isStarted: true });
    const opener = topic ? chat.topics.get(topic).message : undefined; // so it comes in topics
    const message = chat.add(this.user, { text, entities: markText(text), topic, replyTo: reply_to ?? opener });
    if (!chat.isBlocked && chat.sees(message)) message.update = this.telegram.updates.push('message', message.toJSON());
    return message;
  }

  // Presses the button with that label or data, and waits for what the bot answers:
  // { text, show_alert, url, ms (from press to answer), at }.
  press(message, labelOrData, options) {
    const button = message.button(labelOrData);
    if (!button) throw new Error(`no button ${labelOrData} below: ${message.words}\n${JSON.stringify(message.labels)}`);
    if (button.callback_data === undefined) return Promise.resolve({ ...button });
    return this.pressData(message, button.callback_data, options);
  }

  // The same with any data, as a changed client may: { inaccessible }: the message is too old.
  pressData(message, data, { inaccessible = false } = {}) {
    const { telegram } = this;
    const { chat } = message;
    const id = String(BigInt(`0x${randomBytes(7).toString('hex')}`));
    const brief = { chat: chat.brief(), message_id: message.id, date: 0 };
    const query = { id, from: this.user, message: inaccessible ? brief : message.toJSON(), chat_instance: String(chat.id * 7919), data };
    let update;
    const answered = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nobody answered the press of ${data}`)), limits.callbackMs * telegram.options.patience);
      late.unref();
      const begun = performance.now();
      const answer = (given) => {
        clearTimeout(late);
        resolve({ ...given, at: Date.now(), ms: performance.now() - begun });
      };
      telegram.queries.set(id, { at: Date.now(), answer, chat, person: this, data });
      update = telegram.updates.push('callback_query', query);
    });
    answered.catch(() => {}); // who does not wait for it does not care
    answered.update = update;
    return answered;
  }

  block() {
    if (this.chat.isBlocked) return;
    this.chat.isBlocked = true;
    this.#tell('member', 'kicked');
  }

  unblock() {
    if (!this.chat.isBlocked) return;
    this.chat.isBlocked = false;
    this.#tell('kicked', 'member');
  }

  #tell(from, to) {
    const { me, updates } = this.telegram;
    const state = (status) => ({ user: me, status, ...(status === 'kicked' && { until_date: 0 }) });
    const date = Math.floor(Date.now() / 1000);
    updates.push('my_chat_member', { chat: this.chat.brief(), from: this.user, date, old_chat_member: state(from), new_chat_member: state(to) });
  }
}
