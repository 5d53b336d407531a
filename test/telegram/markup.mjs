// markup - keyboards below messages, checked
import { badRequest } from './errors.mjs';
import { limits } from './limits.mjs';

const actions = ['url', 'callback_data', 'web_app', 'login_url', 'switch_inline_query',
  'switch_inline_query_current_chat', 'switch_inline_query_chosen_chat', 'copy_text', 'callback_game', 'pay'];
const styles = ['danger', 'success', 'primary'];

function refuse(why) {
  return badRequest(`can't parse inline keyboard button: ${why}`);
}

function checkUrl(text) {
  const wrong = (why) => badRequest(`inline keyboard button URL '${text}' is invalid: ${why}`);
  const protocol = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1].toLowerCase();
  if (protocol && !['http', 'https', 'tg', 'ton'].includes(protocol) && !/^[^:]+:\d/.test(text)) throw wrong('Unsupported URL protocol');
  let url;
  try {
    url = new URL(protocol ? text : `http://${text}`);
  } catch {
    throw wrong('Wrong HTTP URL');
  }
  if (/^https?:$/.test(url.protocol) && (/\s/.test(text) || !/[.:]/.test(url.host))) throw wrong('Wrong HTTP URL');
}

const checks = {
  callback_data(value) {
    if (typeof value !== 'string') throw refuse('Field "callback_data" must be of type String');
    if (Buffer.byteLength(value) > limits.callbackData) throw badRequest('BUTTON_DATA_INVALID');
  },
  url(value) {
    if (typeof value !== 'string') throw refuse('Field "url" must be of type String');
    checkUrl(value);
  },
  copy_text(value) {
    if (typeof value !== 'object' || value === null) throw refuse('Field "copy_text" must be of type Object');
    if (typeof value.text !== 'string' || !value.text || value.text.length > limits.copyText) throw badRequest('BUTTON_COPY_TEXT_INVALID');
  },
  web_app(value, chat) {
    if (typeof value !== 'object' || value === null) throw refuse('Field "web_app" must be of type Object');
    if (chat.type !== 'private') throw badRequest('BUTTON_TYPE_INVALID');
    if (!/^https:\/\//.test(value.url ?? '')) throw badRequest(`inline keyboard button Web App URL '${value.url}' is invalid: Only HTTPS links are allowed`);
  },
};

function readButton(button, chat) {
  if (typeof button !== 'object' || button === null || Array.isArray(button)) throw refuse('InlineKeyboardButton must be an Object');
  if (!('text' in button)) throw refuse('Can\'t find field "text"');
  if (typeof button.text !== 'string') throw refuse('Field "text" must be of type String');
  if (!button.text.trim()) throw badRequest('BUTTON_TEXT_INVALID');
  if ('style' in button && !styles.includes(button.style)) throw refuse('invalid button style specified');
  const used = actions.filter((name) => name in button && button[name] !== '');
  if (!used.length) throw refuse('Text buttons are unallowed in the inline keyboard');
  if (used.length > 1) throw refuse(`exactly one action is allowed, not ${used.join(' and ')}`);
  checks[used[0]]?.(button[used[0]], chat);
  const odd = Object.keys(button).find((name) => !['text', 'style', 'icon_custom_emoji_id', ...actions].includes(name));
  if (odd) throw refuse(`there is no field "${odd}"`);
  return { ...button };
}

function readRows(rows, chat) {
  if (!Array.isArray(rows)) throw badRequest('field "inline_keyboard" must be of type Array');
  const kept = rows.map((row) => {
    if (!Array.isArray(row)) throw badRequest('field "inline_keyboard" must be an Array of Arrays');
    if (row.length > limits.buttonsInRow) throw badRequest('REPLY_MARKUP_TOO_LONG');
    return row.map((button) => readButton(button, chat));
  });
  if (kept.flat().length > limits.buttons || JSON.stringify(kept).length > limits.markupBytes) throw badRequest('REPLY_MARKUP_TOO_LONG');
  return kept.filter((row) => row.length);
}

// The rows of an inline keyboard (none: []), or another markup in `other`.
export function readMarkup(parameters, chat, { inlineOnly = false } = {}) {
  const object = parameters.json('reply_markup', 'reply keyboard markup');
  if (object === undefined) return { rows: [] };
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw badRequest('object expected as reply markup');
  if ('inline_keyboard' in object) return { rows: readRows(object.inline_keyboard, chat) };
  if (inlineOnly) throw badRequest('inline keyboard expected');
  if (object.force_reply === true || object.remove_keyboard === true) return { rows: [], other: object };
  if (Array.isArray(object.keyboard)) return { rows: [], other: object };
  if (Object.keys(object).length === 0) return { rows: [] };
  throw badRequest("can't parse reply keyboard markup JSON object");
}
