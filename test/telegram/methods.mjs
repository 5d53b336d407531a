// methods - all methods of the Bot API that there are here, by name
import { badRequest, conflict } from './errors.mjs';
import { edits } from './edits.mjs';
import { describeFile } from './files.mjs';
import { limits } from './limits.mjs';
import { sends } from './sends.mjs';

const tooOld = 'query is too old and response timeout expired or query ID is invalid';

function setWords(name, most, words) {
  return (telegram, parameters) => {
    const text = parameters.text(name);
    const language = parameters.text('language_code');
    if (language && !/^[a-z]{2}$/.test(language)) throw badRequest('invalid language code specified');
    if (text.length > most) throw badRequest(`${words} is too long`);
    telegram.profile.set(`${name}/${language}`, text);
    return true;
  };
}

const getWords = (name) => (telegram, parameters) => ({ [name]: telegram.profile.get(`${name}/${parameters.text('language_code')}`) ?? '' });

const others = {
  getMe: (telegram) => ({ ...telegram.me, can_join_groups: true, can_read_all_group_messages: !telegram.options.privacy, supports_inline_queries: false }),
  logOut: () => true,
  close: () => true,

  getUpdates(telegram, parameters, gone) {
    if (telegram.webhook.isActive) throw conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
    return telegram.updates.get(parameters, gone);
  },

  setWebhook: (telegram, parameters) => telegram.webhook.set(parameters),
  deleteWebhook: (telegram, parameters) => telegram.webhook.delete(parameters),
  getWebhookInfo: (telegram) => telegram.webhook.info(),

  setMyCommands: (telegram, parameters) => telegram.commands.set(parameters),
  getMyCommands: (telegram, parameters) => telegram.commands.get(parameters),
  deleteMyCommands: (telegram, parameters) => telegram.commands.delete(parameters),

  setMyDescription: setWords('description', limits.description, 'bot description'),
  getMyDescription: getWords('description'),
  setMyShortDescription: setWords('short_description', limits.shortDescription, 'bot short description'),
  getMyShortDescription: getWords('short_description'),

  // Once for each press, and soon.
  answerCallbackQuery(telegram, parameters) {
    const id = parameters.text('callback_query_id');
    const given = { text: parameters.text('text'), show_alert: parameters.boolean('show_alert'), url: parameters.text('url') };
    parameters.integer('cache_time');
    if (given.text.length > limits.callbackText) throw badRequest('MESSAGE_TOO_LONG');
    const query = telegram.queries.get(id);
    if (!query || Date.now() - query.at > limits.callbackMs) throw badRequest(tooOld);
    telegram.queries.delete(id);
    query.answer(given);
    telegram.changed();
    return true;
  },

  getFile(telegram, parameters) {
    const file = telegram.files.get(parameters.text('file_id'));
    return { ...describeFile(file), file_path: file.path };
  },

  getChat(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    return { ...chat.brief(), accent_color_id: 0, max_reaction_count: 11 };
  },

  getChatMember(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    const person = telegram.people.get(parameters.integer('user_id'));
    if (!person) throw badRequest('PARTICIPANT_ID_INVALID');
    const status = chat.admins?.has(person) ? 'administrator' : !chat.isGroup || chat.members.has(person) ? 'member' : 'left';
    return { user: person.user, status };
  },

  leaveChat(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    if (!chat.isGroup) throw badRequest("chat member status can't be changed in private chats");
    chat.checkSend();
    chat.hasBot = false;
    return true;
  },
};

const named = { ...others, ...sends, ...edits };
export const methods = new Map(Object.entries(named).map(([name, call]) => [name.toLowerCase(), { name, call }]));
