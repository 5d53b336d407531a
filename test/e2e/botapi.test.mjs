// The Bot API of test/telegram: that it takes what the real one takes, and refuses what it
// refuses in the same words.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { parseHtml } from '../telegram/entities.mjs';
import { boundaryOf, parseMultipart } from '../telegram/multipart.mjs';
import { decodePng, isBlank } from '../telegram/png.mjs';
import { Telegram } from '../telegram/telegram.mjs';
import { pause, top } from './lib/env.mjs';
import { black, png } from './lib/pictures.mjs';

const loose = { perSecond: 1e6, chatPerSecond: 1e6, chatBurst: 1e6, groupPerMinute: 1e6 };
const quick = { stretchMs: 0, hurryMs: 0, setWebhookMs: 0, webhookMs: 10 };

const picture = png(120, 80);
const wrong = (bytes, change) => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};

let telegram;
let anna;
let bert; // never started
let carl; // blocked the bot
let group;
let forum;
let topic;
let photoId;
let message; // a text of the bot to Anna
let photo;   // a picture of the bot to Anna
let album;

async function call(method, fields = {}, { how = 'json', token = telegram.token, files = {}, verb = 'POST' } = {}) {
  const url = `${telegram.url}/bot${token}/${method}`;
  const names = Object.entries(fields).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  let response;
  if (Object.keys(files).length) how = 'multipart';
  if (how === 'query') response = await fetch(`${url}?${new URLSearchParams(names)}`, { method: verb === 'POST' ? 'GET' : verb });
  if (how === 'form') response = await fetch(url, { method: 'POST', body: new URLSearchParams(names) });
  if (how === 'json') response = await fetch(url, { method: verb, body: JSON.stringify(fields), headers: { 'Content-Type': 'application/json' } });
  if (how === 'multipart') {
    const form = new FormData();
    for (const [name, value] of names) form.append(name, value);
    for (const [name, bytes] of Object.entries(files)) form.append(name, new Blob([bytes]), `${name}.png`);
    response = await fetch(url, { method: 'POST', body: form });
  }
  const text = await response.text();
  return { status: response.status, ...JSON.parse(text) };
}

async function good(...args) {
  const answer = await call(...args);
  assert.equal(answer.ok, true, JSON.stringify(answer));
  return answer.result;
}

before(async () => {
  telegram = await Telegram.start({ rates: loose, timing: quick });
  anna = telegram.person({ first_name: 'Anna', username: 'anna' });
  bert = telegram.person({ first_name: 'Bert' });
  carl = telegram.person({ first_name: 'Carl' });
  anna.start();
  carl.start();
  carl.block();
  group = telegram.group('Home', { members: [anna, bert] });
  forum = telegram.group('Lab', { forum: true, members: [anna] });
  topic = forum.topic('nas');
  const sent = await good('sendPhoto', { chat_id: anna.id, caption: 'first' }, { files: { photo: picture } });
  photoId = sent.photo[0].file_id;
  photo = anna.private().find(sent.message_id);
  album = (await good('sendMessage', { chat_id: anna.id, text: 'album' })).message_id;
  message = anna.private().find((await good('sendMessage', { chat_id: anna.id, text: 'hello', reply_markup: keyboard([button]) })).message_id);
});
after(() => telegram.stop());

const button = { text: 'Nodes', callback_data: 'n' };
const keyboard = (...rows) => ({ inline_keyboard: rows });
const text = (fields) => () => ['sendMessage', { chat_id: anna.id, text: 'x', ...fields }];
const html = (words) => text({ text: words, parse_mode: 'HTML' });
const keys = (...rows) => text({ reply_markup: keyboard(...rows) });
const shot = (bytes, fields) => () => ['sendPhoto', { chat_id: anna.id, ...fields }, { files: { photo: bytes } }];
const edit = (fields) => () => ['editMessageText', { chat_id: anna.id, message_id: message.id, ...fields }];
const menu = (commands, fields) => () => ['setMyCommands', { commands, ...fields }];
const hook = (fields) => () => ['setWebhook', { url: '', ...fields }];
const OK = undefined;
const entity = "can't parse entities: ";
const key = "can't parse inline keyboard button: ";
const manyCommands = (count) => Array.from({ length: count }, (_, i) => ({ command: `c${i}`, description: 'd' }));

// name, the call, the description of its refusal without its first words (OK: it is taken)
const table = [
  ['getMe', () => ['getMe'], OK],
  ['getMe by GET', () => ['getMe', {}, { how: 'query' }], OK],
  ['in other letters', () => ['GETME'], OK],
  ['an unknown method', () => ['sendEverything'], '404 Not Found'],
  ['no method', () => [''], '404 Not Found'],
  ['another token', () => ['getMe', {}, { token: '1:x' }], '401 Unauthorized'],
  ['another verb', () => ['getMe', {}, { verb: 'PUT' }], '405 Method Not Allowed'],

  ['a text', text({}), OK],
  ['a text in the query', () => ['sendMessage', { chat_id: anna.id, text: 'a b&c' }, { how: 'query' }], OK],
  ['a text in a form', () => ['sendMessage', { chat_id: anna.id, text: 'a b&c' }, { how: 'form' }], OK],
  ['a text in parts', () => ['sendMessage', { chat_id: anna.id, text: 'a b&c' }, { how: 'multipart' }], OK],
  ['a chat as text', () => ['sendMessage', { chat_id: String(anna.id), text: 'x' }], OK],
  ['no chat', () => ['sendMessage', { text: 'x' }], 'chat_id is empty'],
  ['an unknown chat', text({ chat_id: 42 }), 'chat not found'],
  ['a chat that is no number', text({ chat_id: 'home' }), 'chat not found'],
  ['a chat of 64 bits that nobody has', text({ chat_id: '4503599627370495' }), 'chat not found'],
  ['a user who never started', text({ chat_id: () => bert.id }), "403 Forbidden: bot can't initiate conversation with a user"],
  ['a user who blocked', text({ chat_id: () => carl.id }), '403 Forbidden: bot was blocked by the user'],
  ['no text', text({ text: '' }), 'message text is empty'],
  ['a text of spaces', text({ text: '  \n ' }), 'text must be non-empty'],
  ['4096 units', text({ text: 'a'.repeat(4096) }), OK],
  ['4097 units', text({ text: 'a'.repeat(4097) }), 'message is too long'],
  ['2048 pairs', text({ text: '😀'.repeat(2048) }), OK],
  ['2049 pairs', text({ text: '😀'.repeat(2049) }), 'message is too long'],
  ['4096 after entities', html(`<b>${'&lt;'.repeat(4096)}</b>`), OK],
  ['4097 after entities', html(`<b>${'&lt;'.repeat(4097)}</b>`), 'message is too long'],
  ['an unknown mode', text({ parse_mode: 'BBCode' }), 'unsupported parse_mode'],
  ['quiet and protected', text({ disable_notification: true, protect_content: true }), OK],
  ['a topic', text({ chat_id: () => forum.id, message_thread_id: () => topic }), OK],
  ['an unknown topic', text({ chat_id: () => forum.id, message_thread_id: 777 }), 'message thread not found'],
  ['a topic that is no number', text({ message_thread_id: 'x' }), 'invalid message_thread_id specified'],
  ['a reply', text({ reply_parameters: () => ({ message_id: message.id }) }), OK],
  ['a reply to nothing', text({ reply_parameters: { message_id: 99999 } }), 'message to be replied not found'],
  ['a reply to nothing, allowed', text({ reply_parameters: { message_id: 99999, allow_sending_without_reply: true } }), OK],

  ['bold', html('<b>a</b>'), OK],
  ['nested', html('<b>a <i>b</i> <code>c</code></b>'), OK],
  ['all tags', html('<b>a</b><strong>a</strong><i>a</i><em>a</em><u>a</u><ins>a</ins><s>a</s><strike>a</strike><del>a</del><tg-spoiler>a</tg-spoiler><span class="tg-spoiler">a</span><code>a</code><pre>a</pre><blockquote expandable>a</blockquote><a href="https://x.y/">a</a>'), OK],
  ['quoted <', html('a &lt; b &amp;&amp; c &gt; d'), OK],
  ['a bare <', html('a <b'), `${entity}Unclosed start tag at byte offset 2`],
  ['a bare < before a space', html('a < b'), `${entity}Unsupported start tag "" at byte offset 2`],
  ['a bare < before >', html('a < b > c'), `${entity}Unsupported start tag "" at byte offset 2`],
  ['an unknown tag', html('<table>'), `${entity}Unsupported start tag "table" at byte offset 0`],
  ['<br/>', html('a<br/>b'), `${entity}Unsupported start tag "br/" at byte offset 1`],
  ['unclosed', html('a <b>b'), `${entity}Can't find end tag corresponding to start tag "b"`],
  ['wrong order', html('<b><i>a</b></i>'), `${entity}Unmatched end tag at byte offset 7, expected "</i>", found "</b>"`],
  ['an end only', html('a</b>'), `${entity}Unexpected end tag at byte offset 1`],
  ['an open end tag', html('<i>a</i'), `${entity}Unclosed end tag at byte offset 4`],
  ['an offset in bytes', html('ы<x>'), `${entity}Unsupported start tag "x" at byte offset 2`],
  ['no equal sign', html('<i aba>a</i>'), `${entity}Expected equal sign in declaration of an attribute of the tag "i" at byte offset 0`],
  ['no attribute name', html('<i =a>a</i>'), `${entity}Empty attribute name in the tag "i" at byte offset 0`],
  ['an open quote', html('<a href="x>a</a>'), `${entity}Unclosed start tag at byte offset 0`],
  ['span of another class', html('<span class="x">a</span>'), `${entity}Tag "span" must have class "tg-spoiler" at byte offset 0`],
  ['tags without text', html('<b></b>'), 'text must be non-empty'],

  ['a button', keys([button]), OK],
  ['rows of buttons', keys([button, button], [{ text: 'u', url: 'https://example.org/' }]), OK],
  ['markup as text', text({ reply_markup: JSON.stringify(keyboard([button])) }), OK],
  ['styles', keys([{ ...button, style: 'danger' }, { ...button, style: 'success' }, { ...button, style: 'primary' }]), OK],
  ['another style', keys([{ ...button, style: 'red' }]), `${key}invalid button style specified`],
  ['data of 64 bytes', keys([{ text: 'a', callback_data: 'ы'.repeat(32) }]), OK],
  ['data of 65 bytes', keys([{ text: 'a', callback_data: `${'ы'.repeat(32)}a` }]), 'BUTTON_DATA_INVALID'],
  ['empty data', keys([{ text: 'a', callback_data: '' }]), `${key}Text buttons are unallowed in the inline keyboard`],
  ['no action', keys([{ text: 'a' }]), `${key}Text buttons are unallowed in the inline keyboard`],
  ['two actions', keys([{ ...button, url: 'https://example.org' }]), `${key}exactly one action is allowed, not url and callback_data`],
  ['no label', keys([{ callback_data: 'a' }]), `${key}Can't find field "text"`],
  ['a number for a label', keys([{ text: 1, callback_data: 'a' }]), `${key}Field "text" must be of type String`],
  ['an empty label', keys([{ text: ' ', callback_data: 'a' }]), 'BUTTON_TEXT_INVALID'],
  ['a button that is none', keys(['a']), `${key}InlineKeyboardButton must be an Object`],
  ['a misspelt field', keys([{ ...button, callbackdata: 'x' }]), `${key}there is no field "callbackdata"`],
  ['a row that is none', text({ reply_markup: keyboard(button) }), 'field "inline_keyboard" must be an Array of Arrays'],
  ['rows that are none', text({ reply_markup: { inline_keyboard: {} } }), 'field "inline_keyboard" must be of type Array'],
  ['markup that is no JSON', text({ reply_markup: '{' }), "can't parse reply keyboard markup JSON object"],
  ['markup that is a list', text({ reply_markup: '[]' }), 'object expected as reply markup'],
  ['8 in a row', keys(Array(8).fill(button)), OK],
  ['9 in a row', keys(Array(9).fill(button)), 'REPLY_MARKUP_TOO_LONG'],
  ['100 buttons', keys(...Array(20).fill(Array(5).fill(button))), OK],
  ['105 buttons', keys(...Array(21).fill(Array(5).fill(button))), 'REPLY_MARKUP_TOO_LONG'],
  ['a link of another protocol', keys([{ text: 'a', url: 'ftp://example.org' }]), "inline keyboard button URL 'ftp://example.org' is invalid: Unsupported URL protocol"],
  ['a link that is none', keys([{ text: 'a', url: 'http://' }]), "inline keyboard button URL 'http://' is invalid: Wrong HTTP URL"],
  ['a link to tg', keys([{ text: 'a', url: 'tg://user?id=1' }]), OK],
  ['copy_text', keys([{ text: 'a', copy_text: { text: 'roost-agent join ...' } }]), OK],
  ['copy_text of 257', keys([{ text: 'a', copy_text: { text: 'a'.repeat(257) } }]), 'BUTTON_COPY_TEXT_INVALID'],
  ['copy_text as text', keys([{ text: 'a', copy_text: 'x' }]), `${key}Field "copy_text" must be of type Object`],
  ['a web app without TLS', keys([{ text: 'a', web_app: { url: 'http://x.y' } }]), "inline keyboard button Web App URL 'http://x.y' is invalid: Only HTTPS links are allowed"],
  ['a web app in a group', text({ chat_id: () => group.id, reply_markup: keyboard([{ text: 'a', web_app: { url: 'https://x.y' } }]) }), 'BUTTON_TYPE_INVALID'],
  ['force_reply', text({ reply_markup: { force_reply: true, selective: true } }), OK],

  ['a picture', shot(picture), OK],
  ['a picture with a caption', shot(picture, { caption: '<b>CPU</b>', parse_mode: 'HTML', reply_markup: keyboard([button]) }), OK],
  ['a picture again by its id', () => ['sendPhoto', { chat_id: anna.id, photo: photoId }], OK],
  ['a picture in a part of another name', () => ['sendPhoto', { chat_id: anna.id, photo: 'attach://chart' }, { files: { chart: picture } }], OK],
  ['no picture', () => ['sendPhoto', { chat_id: anna.id }], 'there is no photo in the request'],
  ['an unknown id', () => ['sendPhoto', { chat_id: anna.id, photo: 'AgACx' }], 'wrong file identifier/HTTP URL specified'],
  ['an attachment that is not there', () => ['sendPhoto', { chat_id: anna.id, photo: 'attach://chart' }, { how: 'multipart' }], 'wrong file identifier/HTTP URL specified'],
  ['an empty picture', shot(Buffer.alloc(0)), 'file must be non-empty'],
  ['a picture that is none', shot(Buffer.from('<svg/>')), 'IMAGE_PROCESS_FAILED'],
  ['a cut picture', shot(picture.subarray(0, -20)), 'IMAGE_PROCESS_FAILED'],
  ['a wrong CRC', shot(wrong(picture, (copy) => (copy[60] ^= 1))), 'IMAGE_PROCESS_FAILED'],
  ['a picture with a tail', shot(Buffer.concat([picture, Buffer.from('x')])), 'IMAGE_PROCESS_FAILED'],
  ['over 10 MB', shot(Buffer.alloc((10 << 20) + 1)), 'file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes'],
  ['a ratio of 20', shot(png(200, 10)), OK],
  ['a ratio of 21', shot(png(210, 10)), 'PHOTO_INVALID_DIMENSIONS'],
  ['sides of 10000', shot(black(9500, 500)), OK],
  ['sides of 10001', shot(black(9500, 501)), 'PHOTO_INVALID_DIMENSIONS'],
  ['a caption of 1024', shot(picture, { caption: 'a'.repeat(1024) }), OK],
  ['a caption of 1025', shot(picture, { caption: 'a'.repeat(1025) }), 'message caption is too long'],
  ['a caption with a wrong tag', shot(picture, { caption: '<h1>', parse_mode: 'HTML' }), `${entity}Unsupported start tag "h1" at byte offset 0`],
  ['a document', () => ['sendDocument', { chat_id: anna.id, caption: 'log' }, { files: { document: Buffer.from('a log') } }], OK],
  ['no document', () => ['sendDocument', { chat_id: anna.id }], 'there is no document in the request'],
  ['a picture as a document by id', () => ['sendDocument', { chat_id: anna.id, document: photoId }], "can't use file of type photo as document"],
  ['an album', () => ['sendMediaGroup', { chat_id: anna.id, media: [{ type: 'photo', media: 'attach://a' }, { type: 'photo', media: photoId, caption: 'b' }] }, { files: { a: picture } }], OK],
  ['an album of one', () => ['sendMediaGroup', { chat_id: anna.id, media: [{ type: 'photo', media: photoId }] }], 'group send failed'],
  ['an album of 11', () => ['sendMediaGroup', { chat_id: anna.id, media: Array(11).fill({ type: 'photo', media: photoId }) }], 'too many messages to send as an album'],
  ['an album of both kinds', () => ['sendMediaGroup', { chat_id: anna.id, media: [{ type: 'photo', media: photoId }, { type: 'document', media: photoId }] }], "documents can't be mixed with other media types"],
  ['an album that is no list', () => ['sendMediaGroup', { chat_id: anna.id, media: '{}' }], 'media must be of type Array'],

  ['typing', () => ['sendChatAction', { chat_id: anna.id, action: 'typing' }], OK],
  ['an unknown action', () => ['sendChatAction', { chat_id: anna.id, action: 'thinking' }], 'wrong parameter action in request'],
  ['a draft', () => ['sendMessageDraft', { chat_id: anna.id, draft_id: 1, text: 'so far' }], OK],
  ['a draft in a group', () => ['sendMessageDraft', { chat_id: group.id, draft_id: 1, text: 'so far' }], 'message drafts can be sent only to private chats'],
  ['a draft without id', () => ['sendMessageDraft', { chat_id: anna.id, text: 'so far' }], 'draft identifier must be non-zero'],

  ['an edit', edit({ text: 'hello again', reply_markup: keyboard([button]) }), OK],
  ['the same again', edit({ text: 'hello again', reply_markup: keyboard([button]) }), 'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message'],
  ['the same without the keyboard', edit({ text: 'hello again' }), OK],
  ['the keyboard alone', () => ['editMessageReplyMarkup', { chat_id: anna.id, message_id: message.id, reply_markup: keyboard([button]) }], OK],
  ['the same keyboard', () => ['editMessageReplyMarkup', { chat_id: anna.id, message_id: message.id, reply_markup: keyboard([button]) }], 'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message'],
  ['an edit to nothing', edit({ text: '' }), 'message text is empty'],
  ['an edit too long', edit({ text: 'a'.repeat(4097) }), 'message is too long'],
  ['an edit with another markup', edit({ text: 'y', reply_markup: { force_reply: true } }), 'inline keyboard expected'],
  ['an edit of nothing', edit({ text: 'y', message_id: 99999 }), 'message to edit not found'],
  ['an edit without id', edit({ text: 'y', message_id: '' }), 'message identifier is not specified'],
  ["an edit of a person's", () => ['editMessageText', { chat_id: anna.id, message_id: anna.private().messages[0].id, text: 'y' }], "message can't be edited"],
  ['the text of a picture', () => ['editMessageText', { chat_id: anna.id, message_id: photo.id, text: 'y' }], 'there is no text in the message to edit'],
  ['the caption of a text', () => ['editMessageCaption', { chat_id: anna.id, message_id: message.id, caption: 'y' }], 'there is no caption in the message to edit'],
  ['the caption of a picture', () => ['editMessageCaption', { chat_id: anna.id, message_id: photo.id, caption: 'second' }], OK],
  ['another picture', () => ['editMessageMedia', { chat_id: anna.id, message_id: photo.id, media: { type: 'photo', media: 'attach://chart', caption: 'third' } }, { files: { chart: png(40, 30) } }], OK],
  ['a picture for a text', () => ['editMessageMedia', { chat_id: anna.id, message_id: album, media: { type: 'photo', media: photoId } }], OK],
  ['a media of another kind', () => ['editMessageMedia', { chat_id: anna.id, message_id: photo.id, media: { type: 'sound', media: photoId } }], "can't parse InputMedia: unsupported media type"],
  ['no media', () => ['editMessageMedia', { chat_id: anna.id, message_id: photo.id }], 'media not found'],
  ['a deletion', () => ['deleteMessage', { chat_id: anna.id, message_id: album }], OK],
  ['a deletion of what is gone', () => ['deleteMessage', { chat_id: anna.id, message_id: album }], 'message to delete not found'],

  ['a press that nobody made', () => ['answerCallbackQuery', { callback_query_id: '1' }], 'query is too old and response timeout expired or query ID is invalid'],
  ['an answer of 201', () => ['answerCallbackQuery', { callback_query_id: '1', text: 'a'.repeat(201) }], 'MESSAGE_TOO_LONG'],

  ['commands', menu([{ command: 'status', description: 'How it is' }]), OK],
  ['100 commands', menu(manyCommands(100)), OK],
  ['101 commands', menu(manyCommands(101)), 'BOT_COMMANDS_TOO_MUCH'],
  ['a name of 32', menu([{ command: 'a'.repeat(32), description: 'd' }]), OK],
  ['a name of 33', menu([{ command: 'a'.repeat(33), description: 'd' }]), 'BOT_COMMAND_INVALID'],
  ['a name in capitals', menu([{ command: 'Status', description: 'd' }]), 'BOT_COMMAND_INVALID'],
  ['a name twice', menu([...manyCommands(2), { command: 'c1', description: 'd' }]), 'BOT_COMMAND_INVALID'],
  ['no description', menu([{ command: 'status', description: '' }]), 'BOT_COMMAND_DESCRIPTION_INVALID'],
  ['a description of 257', menu([{ command: 'status', description: 'a'.repeat(257) }]), 'BOT_COMMAND_DESCRIPTION_INVALID'],
  ['a description that is none', menu([{ command: 'status' }]), 'can\'t parse BotCommand: Can\'t find field "description"'],
  ['a scope', menu([], { scope: { type: 'all_group_chats' } }), OK],
  ['an unknown scope', menu([], { scope: { type: 'everywhere' } }), "can't parse BotCommandScope: unsupported type specified"],
  ['the scope of an unknown chat', menu([], { scope: { type: 'chat', chat_id: 42 } }), 'chat not found'],
  ['a language', menu([], { language_code: 'ru' }), OK],
  ['a language that is none', menu([], { language_code: 'rus' }), 'invalid language code specified'],
  ['no more commands', () => ['deleteMyCommands'], OK],
  ['a description of the bot', () => ['setMyDescription', { description: 'Talks to the fleet' }], OK],
  ['a description of the bot of 513', () => ['setMyDescription', { description: 'a'.repeat(513) }], 'bot description is too long'],

  ['a chat', () => ['getChat', { chat_id: group.id }], OK],
  ['an unknown chat', () => ['getChat', { chat_id: 42 }], 'chat not found'],
  ['a file', () => ['getFile', { file_id: photoId }], OK],
  ['an unknown file', () => ['getFile', { file_id: 'x' }], 'invalid file_id'],
  ['leaving a private chat', () => ['leaveChat', { chat_id: anna.id }], "chat member status can't be changed in private chats"],

  ['updates', () => ['getUpdates', { offset: 1 }], OK],
  ['an offset that is none', () => ['getUpdates', { offset: 'x' }], 'invalid offset specified'],
  ['allowed_updates that are no list', () => ['getUpdates', { allowed_updates: '{}' }], "can't parse allowed_updates JSON object"],
  ['no webhook', hook(), OK],
  ['a webhook without TLS', hook({ url: 'http://example.org/' }), 'bad webhook: An HTTPS URL must be provided for webhook'],
  ['a webhook that is no address', hook({ url: 'x' }), 'bad webhook: invalid URL'],
  ['a secret of other letters', hook({ url: 'https://127.0.0.1:1/', secret_token: 'a+b' }), 'secret token contains unallowed characters'],
  ['a secret of 257', hook({ url: 'https://127.0.0.1:1/', secret_token: 'a'.repeat(257) }), 'secret token is too long'],
  ['101 connections', hook({ url: 'https://127.0.0.1:1/', max_connections: 101 }), 'invalid max_connections specified'],
  ['what is in no JSON', () => ['sendMessage', {}, { raw: '{' }], "can't parse JSON object"],
  ['a list for parameters', () => ['sendMessage', {}, { raw: '[]' }], 'JSON object expected'],
];

const settled = (value) => (typeof value === 'function' ? value() : value);

test(`${table.length} calls are taken or refused as the real one does`, async () => {
  for (const [name, make, wanted] of table) {
    const [method, fields = {}, options = {}] = make();
    const filled = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, settled(value)]));
    const answer = options.raw
      ? await (await fetch(`${telegram.url}/bot${telegram.token}/${method}`, { method: 'POST', body: options.raw, headers: { 'Content-Type': 'application/json' } })).json()
      : await call(method, filled, options);
    const got = answer.ok ? undefined : `${answer.error_code} ${answer.description}`;
    const expected = wanted === OK || /^\d{3} /.test(wanted) ? wanted : `400 Bad Request: ${wanted}`;
    assert.equal(got, expected, name);
    if (!answer.ok && answer.status) assert.equal(answer.status, answer.error_code, name);
  }
  assert.ok(table.length >= 120);
  const refused = table.filter(([, , wanted]) => wanted !== OK).length;
  assert.equal(telegram.rejected.length, refused, 'each refusal is recorded');
  assert.deepEqual(telegram.violations, []);
});

// Of the tests of the library below the real one.
const wrongHtml = [
  ['&#57311;', 'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units'],
  ['🏟 🏟&lt;<abacaba', 'Unclosed start tag at byte offset 13'],
  ['🏟 🏟&lt;<abac aba>', 'Unsupported start tag "abac" at byte offset 13'],
  ['🏟 🏟&lt;<i   =aba>', 'Empty attribute name in the tag "i" at byte offset 13'],
  ['🏟 🏟&lt;<i    aba>', 'Expected equal sign in declaration of an attribute of the tag "i" at byte offset 13'],
  ['🏟 🏟&lt;<i    aba  =  ', 'Unclosed start tag "i" at byte offset 13'],
  ['🏟 🏟&lt;<i    aba  =  190azAz-.,', 'Unexpected end of name token at byte offset 27'],
  ['🏟 🏟&lt;<i    aba  =  "&lt;&gt;&quot;>', 'Unclosed start tag at byte offset 13'],
  ['🏟 🏟&lt;</', 'Unexpected end tag at byte offset 13'],
  ['🏟 🏟&lt;<b></b></', 'Unexpected end tag at byte offset 20'],
  ['🏟 🏟&lt;<i>a</i   ', 'Unclosed end tag at byte offset 17'],
  ['🏟 🏟&lt;<i>a</em   >', 'Unmatched end tag at byte offset 17, expected "</i>", found "</em>"'],
];

test('HTML is read with its entities in UTF-16 and its errors in bytes', () => {
  for (const [words, error] of wrongHtml)
    assert.throws(() => parseHtml(words), { message: `Bad Request: can't parse entities: ${error}` }, words);
  assert.deepEqual(parseHtml('&lt;&gt;&amp;&quot;&laquo;&raquo;&#12345678;'), { text: '<>&"&laquo;&raquo;&#12345678;', entities: [] });
  assert.deepEqual(parseHtml(' 😀<b>a<i>b</i></b> '), {
    text: '😀ab',
    entities: [{ type: 'bold', offset: 2, length: 2 }, { type: 'italic', offset: 3, length: 1 }],
  });
  assert.deepEqual(parseHtml('<pre><code class="language-c">x</code></pre>').entities, [{ type: 'pre', offset: 0, length: 1, language: 'c' }]);
  assert.deepEqual(parseHtml('<a href="https://x.y/?a=1&amp;b=2">l</a>').entities, [{ type: 'text_link', offset: 0, length: 1, url: 'https://x.y/?a=1&b=2' }]);
  assert.deepEqual(parseHtml('<b>x </b>').entities, [{ type: 'bold', offset: 0, length: 1 }]);
});

test('multipart is read strictly', () => {
  const boundary = boundaryOf('multipart/form-data; boundary="a b"');
  const part = (head, body) => `--a b\r\n${head}\r\n\r\n${body}\r\n`;
  const field = part('Content-Disposition: form-data; name="f"', 'v');
  const read = (body) => parseMultipart(Buffer.from(body), boundary);
  const { fields, files } = read(`${field}${part('Content-Disposition: form-data; name="p"; filename="a \\"b\\".png"\r\nContent-Type: image/png', '\r\n--a\r\n')}--a b--\r\n`);
  assert.equal(fields.get('f'), 'v');
  assert.equal(files.get('p').name, 'a "b".png');
  assert.equal(files.get('p').bytes.toString(), '\r\n--a\r\n');
  const whole = `${field}--a b--\r\n`;
  for (let length = 0; length < whole.length - 2; length++) assert.throws(() => read(whole.slice(0, length)), /multipart/, String(length));
  for (const bad of [`${field}${field}--a b--`, `x${whole}`, `${whole}x`, whole.replace('form-data', 'file'), whole.replace('name=', 'nam='), whole.replace(':', ''), whole.replace('\r\n\r\n', '\n\n')])
    assert.throws(() => read(bad), /multipart/, bad);
  assert.throws(() => boundaryOf('multipart/form-data'), /boundary/);
});

test('pictures of every kind are decoded to their pixels', () => {
  const palette = Array.from({ length: 12 }, (_, i) => i * 20);
  for (const [colour, depth] of [[0, 1], [0, 2], [0, 4], [0, 8], [2, 8], [3, 2], [3, 8], [4, 8], [6, 8]]) {
    const at = colour === 3 ? (x, y) => [(x + y) & 3] : (x, y) => [(x * 3 + y) & 255, (y * 7) & 255, x & 255, 200];
    const read = decodePng(png(13, 11, { colour, depth, at, palette: colour === 3 ? palette : undefined }));
    assert.deepEqual([read.width, read.height], [13, 11]);
    for (let y = 0; y < 11; y++)
      for (let x = 0; x < 13; x++) {
        const [r, g, b] = at(x, y);
        const most = (1 << depth) - 1;
        const grey = depth < 8 ? Math.round(((r & most) * 255) / most) : r;
        const wanted = colour === 3 ? palette.slice(r * 3, r * 3 + 3) : colour === 2 || colour === 6 ? [r, g, b] : [grey, grey, grey];
        assert.deepEqual([...read.rgb.subarray((y * 13 + x) * 3, (y * 13 + x) * 3 + 3)], wanted, `${colour}/${depth} at ${x},${y}`);
      }
  }
  assert.ok(isBlank(decodePng(png(20, 20, { at: () => [9, 9, 9] }))));
  assert.ok(!isBlank(decodePng(picture)));
});

test('the charts of Roost are pictures, and only the empty one has little on it', () => {
  const folder = path.join(top, 'test/charts/expected');
  const files = readdirSync(folder).filter((file) => file.endsWith('.png'));
  assert.ok(files.length > 5);
  for (const file of files.slice(0, 4)) {
    const read = decodePng(readFileSync(path.join(folder, file)));
    assert.ok(read.width >= 300 && read.height >= 150, file);
    assert.ok(!isBlank(read), file);
  }
});

test('updates are confirmed by offset, and by nothing else', async () => {
  const own = await Telegram.start({ timing: quick, rates: loose });
  const ask = async (fields) => (await (await fetch(`${own.url}/bot${own.token}/getUpdates?${new URLSearchParams(fields)}`)).json());
  const dora = own.person({ first_name: 'Dora' });
  const words = async (fields) => (await ask(fields)).result.map(({ message: { text: said } }) => said);
  for (const said of ['a', 'b', 'c', 'd']) dora.say(said);
  const [first] = own.updates.all;
  assert.deepEqual(await words({}), ['a', 'b', 'c', 'd']);
  assert.deepEqual(await words({ limit: 2 }), ['a', 'b']);
  assert.deepEqual(await words({ offset: first.update_id + 1, limit: 1 }), ['b']);
  assert.deepEqual(await words({ offset: -2 }), ['c', 'd']);
  assert.deepEqual(await words({}), ['c', 'd']);
  const late = ask({ offset: first.update_id + 4, timeout: 50 });
  await own.until(() => own.updates.poll);
  dora.say('e');
  assert.equal((await late).result[0].message.text, 'e');
  const waits = ask({ offset: first.update_id + 5, timeout: 50 });
  await own.until(() => own.updates.poll);
  const other = ask({ offset: first.update_id + 5, timeout: 50, allowed_updates: '["callback_query"]' });
  assert.equal((await waits).description, 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running');
  await own.until(() => own.updates.poll);
  dora.say('unwanted');
  own.replay(first);
  assert.equal((await other).result[0].update_id, first.update_id, 'what is not allowed never comes, and what is replayed does');
  await fetch(`${own.url}/bot${own.token}/setWebhook?url=https://127.0.0.1:9/`);
  assert.match((await ask({})).description, /^Conflict: can't use getUpdates method while webhook is active; use deleteWebhook/);
  await own.stop();
});

test('a poll that comes again too soon is held back', async () => {
  const own = await Telegram.start({ timing: { stretchMs: 200, hurryMs: 100 } });
  const ask = async () => (await (await fetch(`${own.url}/bot${own.token}/getUpdates`)).json()).result.length;
  const dora = own.person({});
  const begun = Date.now();
  await ask();
  await ask();
  assert.ok(Date.now() - begun >= 190);
  dora.say('a');
  dora.say('b');
  await pause(110); // past what is a hurry
  assert.equal(await ask(), 2);
  assert.equal(await ask(), 1);
  await own.stop();
});

test('presses are answered once, and rates are kept to', async () => {
  const own = await Telegram.start({ timing: quick });
  const post = async (method, fields) =>
    (await fetch(`${own.url}/bot${own.token}/${method}`, { method: 'POST', body: JSON.stringify(fields), headers: { 'Content-Type': 'application/json' } })).json();
  const dora = own.person({});
  dora.start('CODE-1');
  const shown = (await post('sendMessage', { chat_id: dora.id, text: 'x', reply_markup: keyboard([button, { text: 'Web', url: 'https://x.y' }]) })).result;
  const read = dora.private().find(shown.message_id);
  const answered = dora.press(read, 'Nodes');
  const id = answered.update.callback_query.id;
  assert.equal(answered.update.callback_query.data, 'n');
  for (let i = 0; i < 3; i++) await post('answerCallbackQuery', { callback_query_id: `${id}0` });
  assert.equal((await post('answerCallbackQuery', { callback_query_id: id, text: 'soon' })).ok, true);
  assert.equal((await answered).text, 'soon');
  assert.equal((await post('answerCallbackQuery', { callback_query_id: id })).error_code, 400);
  assert.deepEqual((await dora.press(read, 'Web')).url, 'https://x.y');
  assert.throws(() => dora.press(read, 'Nothing'), /no button/);

  for (let i = 0; i < 2; i++) assert.equal((await post('editMessageText', { chat_id: dora.id, message_id: read.id, text: `edit ${i}` })).ok, true);
  const fourth = await post('sendMessage', { chat_id: dora.id, text: 'y' });
  assert.deepEqual(fourth, { ok: false, error_code: 429, description: 'Too Many Requests: retry after 1', parameters: { retry_after: 1 } });
  assert.equal((await post('sendMessage', { chat_id: dora.id, text: 'y' })).error_code, 429);
  assert.deepEqual(own.violations.map(({ kind }) => kind), ['rate', 'early']);
  await own.until(async () => Date.now() >= own.rates.of(dora.private()).blockedUntil);
  assert.equal((await post('sendMessage', { chat_id: dora.id, text: 'z' })).ok, true);
  assert.deepEqual(read.edits.map(({ text: words }) => words), ['edit 0', 'edit 1']);
  await own.stop();
});

test('a group has 20 a minute, all chats together 30 a second', async () => {
  const own = await Telegram.start({ timing: quick, rates: { chatPerSecond: 1e6, chatBurst: 1e6 } });
  const post = async (fields) => (await (await fetch(`${own.url}/bot${own.token}/sendMessage?${new URLSearchParams({ text: 'x', ...fields })}`)).json());
  const people = Array.from({ length: 40 }, () => own.person({}));
  for (const person of people) person.start();
  const home = own.group('Home', { members: people });
  for (let i = 0; i < 20; i++) assert.equal((await post({ chat_id: home.id })).ok, true);
  assert.ok((await post({ chat_id: home.id })).parameters.retry_after > 30);
  const sent = await Promise.all(people.map((person) => post({ chat_id: person.id })));
  assert.ok(sent.some(({ error_code: code }) => code === 429));
  assert.ok(own.violations.some((one) => one.of === 'all'));
  await own.stop();
});

test('in groups a bot sees what is meant for it, and a group may move', async () => {
  const own = await Telegram.start({ timing: quick, rates: loose });
  const [dora, emil] = [own.person({ first_name: 'Dora' }), own.person({ first_name: 'Emil' })];
  const home = own.group('Home', { members: [dora, emil] });
  const post = async (fields) => (await (await fetch(`${own.url}/bot${own.token}/sendMessage?${new URLSearchParams({ text: 'x', ...fields })}`)).json());
  const seen = () => own.updates.all.filter(({ message: m }) => m?.text).map(({ message: m }) => m.text);
  const { result } = await post({ chat_id: home.id });
  const ours = home.find(result.message_id);
  dora.say(home, 'how are you all');
  dora.say(home, '/status nas');
  dora.say(home, '/status@another_bot');
  dora.say(home, '/top@roost_test_bot');
  dora.say(home, 'hey @roost_test_bot');
  dora.say(home, 'to you', { reply_to: ours });
  assert.deepEqual(seen(), ['/status nas', '/top@roost_test_bot', 'hey @roost_test_bot', 'to you']);
  assert.throws(() => own.person({}).say(home, 'x'), /no member/);

  const moved = own.migrate(home);
  assert.deepEqual(await post({ chat_id: home.id }), { ok: false, error_code: 400, description: 'Bad Request: group chat was upgraded to a supergroup chat', parameters: { migrate_to_chat_id: moved.id } });
  assert.equal((await post({ chat_id: moved.id })).ok, true);
  own.kick(moved);
  assert.equal((await post({ chat_id: moved.id })).description, 'Forbidden: bot was kicked from the supergroup chat');

  const lab = own.group('Lab', { forum: true, members: [dora] });
  const thread = lab.topic('nas');
  const said = dora.say(lab, '/status', { topic: thread });
  const told = said.update.message;
  assert.deepEqual([told.message_thread_id, told.is_topic_message, told.reply_to_message.forum_topic_created.name], [thread, true, 'nas']);
  await own.stop();
});

test('the menu of the most specific scope is seen', async () => {
  const own = await Telegram.start({ timing: quick });
  const [dora, emil] = [own.person({ language_code: 'ru' }), own.person({})];
  const set = (command, fields) => fetch(`${own.url}/bot${own.token}/setMyCommands`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ commands: [{ command, description: 'd' }], ...fields }) });
  await set('any');
  await set('private_ru', { scope: { type: 'all_private_chats' }, language_code: 'ru' });
  await set('emils', { scope: { type: 'chat', chat_id: emil.id } });
  const seen = (person) => own.commands.seenBy(person, person.private()).map(({ command }) => command);
  assert.deepEqual([seen(dora), seen(emil)], [['private_ru'], ['emils']]);
  await own.stop();
});

test('a webhook gets each update until it says 2xx, with its secret, in order', async () => {
  const own = await Telegram.start({ timing: quick, rates: loose });
  const dora = own.person({});
  dora.start();
  const got = [];
  const replies = [[500], [503, { 'Retry-After': '3' }], [200, { 'Content-Type': 'application/json' }, JSON.stringify({ method: 'sendMessage', chat_id: dora.id, text: 'by reply' })]];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    got.push({ at: Date.now(), secret: request.headers['x-telegram-bot-api-secret-token'], update: JSON.parse(body) });
    const [status, headers, said] = replies.shift() ?? [200];
    response.writeHead(status, headers).end(said);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  const info = async () => (await (await fetch(`${own.url}/bot${own.token}/getWebhookInfo`)).json()).result;
  await fetch(`${own.url}/bot${own.token}/setWebhook?${new URLSearchParams({ url, secret_token: 'S-1' })}`);
  await own.until(() => own.webhook.retries === 2);
  assert.match((await info()).last_error_message, /Wrong response from the webhook: 50[03]/);
  await own.until(() => dora.private().last?.text === 'by reply');
  dora.say('a');
  dora.say('b');
  await own.until(() => got.length === 5);
  assert.deepEqual(got.map(({ update }) => update.message.text), ['/start', '/start', '/start', 'a', 'b']);
  assert.deepEqual(new Set(got.map(({ secret }) => secret)), new Set(['S-1']));
  assert.ok(got[2].at - got[1].at >= 29, 'Retry-After is honoured');
  await own.until(async () => (await info()).pending_update_count === 0);
  server.close();
  server.closeAllConnections();
  dora.say('c');
  await own.until(async () => (await info()).last_error_message === 'Connection refused');
  await fetch(`${own.url}/bot${own.token}/deleteWebhook`);
  assert.equal((await info()).url, '');
  assert.equal((await info()).pending_update_count, 1);
  await own.stop();
});

test('faults come as they were ordered', async () => {
  const own = await Telegram.start({ timing: quick, rates: loose });
  const dora = own.person({});
  dora.start();
  const post = (words) => fetch(`${own.url}/bot${own.token}/sendMessage?${new URLSearchParams({ chat_id: dora.id, text: words })}`);
  const texts = () => dora.private().fromBot.map(({ text: words }) => words);
  own.faults.add('lost', { method: 'sendMessage' });
  await assert.rejects(post('lost'));
  own.faults.add('drop');
  await assert.rejects(post('dropped'));
  own.faults.add('502');
  const gateway = await post('gateway');
  assert.equal(gateway.status, 502);
  assert.match(gateway.headers.get('content-type'), /html/);
  own.faults.add('500', { after: true });
  assert.equal((await post('after')).status, 500);
  own.faults.add('slow', { ms: 60 });
  const begun = Date.now();
  assert.equal((await post('slow')).status, 200);
  assert.ok(Date.now() - begun >= 55);
  own.faults.add('429', { seconds: 5 });
  assert.equal((await (await post('storm')).json()).parameters.retry_after, 5);
  assert.deepEqual(texts(), ['lost', 'after', 'slow']);
  assert.deepEqual(own.faultless(), []);
  assert.equal((await post('early')).status, 429);
  assert.equal(own.violations[0].kind, 'early');
  own.outage(true);
  await assert.rejects(post('down'));
  own.outage(false);
  const raw = net.connect(own.port, '127.0.0.1');
  raw.end('nonsense\r\n\r\n');
  await new Promise((resolve) => raw.on('close', resolve).resume());
  await own.stop();
});

test('what was uploaded can be fetched again', async () => {
  const { file_path: place } = await good('getFile', { file_id: photoId });
  const response = await fetch(`${telegram.url}/file/bot${telegram.token}/${place}`);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), picture);
  assert.equal((await fetch(`${telegram.url}/file/bot${telegram.token}/nothing`)).status, 404);
  assert.equal((await fetch(`${telegram.url}/`)).status, 404);
});
