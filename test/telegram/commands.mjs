// commands - the menus of a bot, by scope and language
import { badRequest } from './errors.mjs';
import { limits } from './limits.mjs';

const plain = ['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators'];
const ofChat = ['chat', 'chat_administrators', 'chat_member'];

export class Commands {
  menus = new Map(); // scope and language -> commands

  constructor(telegram) {
    this.telegram = telegram;
  }

  #key(parameters) {
    const scope = parameters.json('scope', 'BotCommandScope') ?? { type: 'default' };
    const language = parameters.text('language_code');
    if (language && !/^[a-z]{2}$/.test(language)) throw badRequest('invalid language code specified');
    if (typeof scope !== 'object' || scope === null) throw badRequest("can't parse BotCommandScope: BotCommandScope must be an Object");
    if (plain.includes(scope.type)) return `${scope.type}//${language}`;
    if (!ofChat.includes(scope.type)) throw badRequest("can't parse BotCommandScope: unsupported type specified");
    const chat = this.telegram.chatOf(String(scope.chat_id ?? ''));
    if (scope.type === 'chat_administrators' && !chat.isGroup) throw badRequest('chat_administrators scope is only for groups');
    if (scope.type !== 'chat_member') return `${scope.type}/${chat.id}/${language}`;
    if (!this.telegram.people.has(Number(scope.user_id))) throw badRequest('user not found');
    return `chat_member/${chat.id}:${scope.user_id}/${language}`;
  }

  set(parameters) {
    const list = parameters.json('commands') ?? [];
    const key = this.#key(parameters);
    if (!Array.isArray(list)) throw badRequest("can't parse commands JSON object");
    if (list.length > limits.commands) throw badRequest('BOT_COMMANDS_TOO_MUCH');
    const commands = list.map((entry) => this.#check(entry));
    if (new Set(commands.map(({ command }) => command)).size < commands.length) throw badRequest('BOT_COMMAND_INVALID');
    if (commands.length) this.menus.set(key, commands);
    else this.menus.delete(key);
    this.telegram.changed();
    return true;
  }

  #check(entry) {
    if (typeof entry?.command !== 'string') throw badRequest('can\'t parse BotCommand: Can\'t find field "command"');
    if (typeof entry.description !== 'string') throw badRequest('can\'t parse BotCommand: Can\'t find field "description"');
    const command = entry.command.replace(/^\//, '');
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    const description = entry.description.trim();
    if (!description || description.length > limits.commandDescription) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
    return { command, description };
  }

  get(parameters) {
    return this.menus.get(this.#key(parameters)) ?? [];
  }

  delete(parameters) {
    this.menus.delete(this.#key(parameters));
    return true;
  }

  // What a person sees in the menu of a chat: the most specific scope wins.
  seenBy(person, chat) {
    const language = person.user.language_code;
    const isAdmin = chat.isGroup && chat.admins.has(person);
    const scopes = chat.isGroup
      ? [`chat_member/${chat.id}:${person.id}`, isAdmin && `chat_administrators/${chat.id}`, `chat/${chat.id}`, isAdmin && 'all_chat_administrators/', 'all_group_chats/', 'default/']
      : [`chat/${chat.id}`, 'all_private_chats/', 'default/'];
    for (const scope of scopes.filter(Boolean))
      for (const tongue of [language, ''])
        if (this.menus.has(`${scope}/${tongue}`)) return this.menus.get(`${scope}/${tongue}`);
    return [];
  }
}
