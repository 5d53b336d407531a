// chats - private chats and groups with what stands in them
import { badRequest, forbidden } from './errors.mjs';
import { describeFile } from './files.mjs';

export const seconds = (ms = Date.now()) => Math.floor(ms / 1000);

// A message as it stands now. Of the bot or of a person.
export class Message {
  constructor(chat, from, content) {
    this.chat = chat;
    this.from = from;
    this.id = ++chat.lastId;
    this.at = Date.now();
    this.edits = []; // { at, text, caption, keyboard } as each edit left it
    this.keyboard = [];
    this.entities = [];
    this.isDeleted = false;
    Object.assign(this, content);
    this.revision = chat.telegram.nextRevision();
  }

  get isOfBot() {
    return this.from.is_bot;
  }

  // What can be read in it, whatever it is.
  get words() {
    return this.text ?? this.caption ?? '';
  }

  get labels() {
    return this.keyboard.map((row) => row.map((button) => button.text));
  }

  // The button with that label (text or pattern), or that callback data.
  button(wanted) {
    const fits = ({ text, callback_data: data }) => (wanted instanceof RegExp ? wanted.test(text) : text === wanted || data === wanted);
    return this.keyboard.flat().find(fits);
  }

  edit(changes) {
    Object.assign(this, changes);
    this.editedAt = Date.now();
    this.revision = this.chat.telegram.nextRevision();
    this.edits.push({ at: this.editedAt, text: this.text, caption: this.caption, keyboard: this.keyboard, photo: this.photo });
  }

  content() {
    const { text, caption, entities, photo, document } = this;
    const named = entities.length ? { [text === undefined ? 'caption_entities' : 'entities']: entities } : {};
    const object = { ...(text === undefined ? caption ? { caption } : {} : { text }), ...named };
    if (photo) object.photo = [{ ...describeFile(photo.file), width: photo.width, height: photo.height }];
    if (document) object.document = { ...describeFile(document), file_name: document.name, mime_type: document.type };
    return { ...object, ...this.service };
  }

  // For people: who, what, and the buttons below it.
  draw() {
    const head = `${this.from.first_name} #${this.id}${this.edits.length ? ` (edit ${this.edits.length})` : ''}`;
    const { photo, document, service } = this;
    const media = photo ? `[photo ${photo.width} x ${photo.height}] ` : document ? `[${document.name}, ${document.bytes.length} bytes] ` : '';
    const rows = this.labels.map((row) => row.map((label) => `[ ${label} ]`).join(' '));
    return [`${head}: ${media}${this.words || (service ? JSON.stringify(service) : '')}`, ...rows].join('\n    ');
  }

  // As the Bot API tells it.
  toJSON(deep = true) {
    const object = { message_id: this.id, from: this.from, chat: this.chat.brief(), date: seconds(this.at) };
    if (this.editedAt) object.edit_date = seconds(this.editedAt);
    if (this.topic) Object.assign(object, { message_thread_id: this.topic, is_topic_message: true });
    if (deep && this.replyTo) object.reply_to_message = this.replyTo.toJSON(false);
    Object.assign(object, this.content());
    if (this.keyboard.length) object.reply_markup = { inline_keyboard: this.keyboard };
    if (this.mediaGroup) object.media_group_id = this.mediaGroup;
    return object;
  }
}

class Chat {
  constructor(telegram, id) {
    Object.assign(this, { telegram, id, lastId: 0, all: [], topics: new Map(), actions: [], drafts: [] });
  }

  get messages() {
    return this.all.filter((message) => !message.isDeleted);
  }

  get fromBot() {
    return this.messages.filter((message) => message.isOfBot);
  }

  // The latest message of the bot.
  get last() {
    return this.fromBot.at(-1);
  }

  find(id) {
    return this.all.find((message) => message.id === id && !message.isDeleted);
  }

  add(from, content) {
    const message = new Message(this, from, content);
    this.all.push(message);
    this.telegram.changed();
    return message;
  }

  // The topic that a parameter names: 0 is none.
  checkTopic(id) {
    if (id && !this.topics.has(id)) throw badRequest('message thread not found');
    return id || undefined;
  }
}

export class PrivateChat extends Chat {
  type = 'private';
  isGroup = false;
  isStarted = false;
  isBlocked = false;

  constructor(telegram, person) {
    super(telegram, person.id);
    this.person = person;
  }

  brief() {
    const { id, first_name, username } = this.person.user;
    return { id, first_name, ...(username && { username }), type: 'private' };
  }

  checkSend() {
    if (this.isBlocked) throw forbidden('bot was blocked by the user');
    if (!this.isStarted) throw forbidden("bot can't initiate conversation with a user");
  }

  sees() {
    return true;
  }
}

export class Group extends Chat {
  isGroup = true;
  hasBot = true;
  isKicked = false;
  members = new Set();
  admins = new Set();

  constructor(telegram, id, title, isForum) {
    super(telegram, id);
    this.title = title;
    this.type = id < -1_000_000_000_000 ? 'supergroup' : 'group';
    this.isForum = isForum;
  }

  brief() {
    return { id: this.id, title: this.title, type: this.type, ...(this.isForum && { is_forum: true }) };
  }

  checkSend() {
    if (this.movedTo) throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: this.movedTo.id });
    if (this.isKicked) throw forbidden(`bot was kicked from the ${this.type} chat`);
    if (!this.hasBot) throw forbidden(`bot is not a member of the ${this.type} chat`);
  }

  // A new topic of a forum: its id.
  topic(name, by = this.telegram.me) {
    if (!this.isForum) throw new Error('topics are of forums');
    const message = this.add(by, { service: { forum_topic_created: { name, icon_color: 7322096 } } });
    message.topic = message.id;
    this.topics.set(message.id, { name, message });
    return message.id;
  }

  // Does a bot in privacy mode see it?
  sees(message) {
    if (!this.hasBot) return false;
    if (!this.telegram.options.privacy || message.service) return true;
    if (message.replyTo?.isOfBot && !message.replyTo.service) return true;
    const bot = `@${this.telegram.me.username}`.toLowerCase();
    return message.entities.some(({ type, offset, length }) => {
      const word = message.words.slice(offset, offset + length).toLowerCase();
      if (type === 'mention') return word === bot;
      return type === 'bot_command' && (!word.includes('@') || word.endsWith(bot));
    });
  }
}
