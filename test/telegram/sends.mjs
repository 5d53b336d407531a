// sends - methods that put messages into chats
import { randomInt } from 'node:crypto';

import { parseText } from './entities.mjs';
import { badRequest, tooMany } from './errors.mjs';
import { limits } from './limits.mjs';
import { readMarkup } from './markup.mjs';

const actions = ['typing', 'upload_photo', 'record_video', 'upload_video', 'record_voice', 'upload_voice', 'upload_document',
  'choose_sticker', 'find_location', 'record_video_note', 'upload_video_note'];

export function readText(parameters, name = 'text') {
  const text = parameters.text(name);
  const mode = parameters.text('parse_mode');
  parameters.json('link_preview_options');
  const marked = parameters.json('entities');
  if (!text) throw badRequest('message text is empty');
  const parsed = parseText(text, mode);
  if (!parsed.text) throw badRequest('text must be non-empty');
  if (parsed.text.length > limits.text) throw badRequest('message is too long');
  return { text: parsed.text, entities: mode || !Array.isArray(marked) ? parsed.entities : marked };
}

export function readCaption(caption, mode) {
  const parsed = parseText(caption ?? '', mode);
  if (parsed.text.length > limits.caption) throw badRequest('message caption is too long');
  return { caption: parsed.text || undefined, entities: parsed.entities };
}

// The chat, the topic and the message replied to, allowed and within the rates.
function readPlace(telegram, parameters) {
  const chat = telegram.chatOf(parameters.text('chat_id'));
  chat.checkSend();
  const topic = chat.checkTopic(parameters.integer('message_thread_id'));
  const reply = parameters.json('reply_parameters', 'reply parameters');
  for (const name of ['disable_notification', 'protect_content', 'allow_paid_broadcast', 'show_caption_above_media', 'has_spoiler']) parameters.boolean(name);
  let replyTo;
  if (reply) {
    replyTo = chat.find(Number(reply.message_id));
    if (!replyTo && !reply.allow_sending_without_reply) throw badRequest('message to be replied not found');
  }
  return { chat, topic, replyTo, isQuiet: parameters.boolean('disable_notification') };
}

function spend(telegram, chat, method, count) {
  const wait = telegram.rates.take(chat, method, count);
  if (wait) throw tooMany(wait);
}

function put(telegram, { chat, ...place }, method, content) {
  spend(telegram, chat, method, 1);
  return chat.add(telegram.me, { ...place, ...content });
}

function withMarkup(parameters, chat, content) {
  const { rows, other } = readMarkup(parameters, chat);
  return { ...content, keyboard: rows, otherMarkup: other };
}

export const sends = {
  sendMessage(telegram, parameters) {
    const place = readPlace(telegram, parameters);
    return put(telegram, place, 'sendMessage', withMarkup(parameters, place.chat, readText(parameters)));
  },

  sendPhoto(telegram, parameters) {
    const place = readPlace(telegram, parameters);
    const content = withMarkup(parameters, place.chat, readCaption(parameters.text('caption'), parameters.text('parse_mode')));
    const { photo } = telegram.files.take('photo', parameters, 'photo');
    return put(telegram, place, 'sendPhoto', { ...content, photo });
  },

  sendDocument(telegram, parameters) {
    const place = readPlace(telegram, parameters);
    const content = withMarkup(parameters, place.chat, readCaption(parameters.text('caption'), parameters.text('parse_mode')));
    const document = telegram.files.take('document', parameters, 'document');
    parameters.boolean('disable_content_type_detection');
    return put(telegram, place, 'sendDocument', { ...content, document });
  },

  sendMediaGroup(telegram, parameters) {
    const place = readPlace(telegram, parameters);
    const media = parameters.json('media');
    if (!Array.isArray(media)) throw badRequest('media must be of type Array');
    if (media.length < 2) throw badRequest('group send failed');
    if (media.length > 10) throw badRequest('too many messages to send as an album');
    if (new Set(media.map(({ type }) => type)).size > 1) throw badRequest("documents can't be mixed with other media types");
    const contents = media.map((item) => readMedia(telegram, parameters, item));
    spend(telegram, place.chat, 'sendMediaGroup', media.length);
    const mediaGroup = String(randomInt(2 ** 47));
    const { chat, ...rest } = place;
    return contents.map((content) => chat.add(telegram.me, { ...rest, ...content, mediaGroup }));
  },

  sendChatAction(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    chat.checkSend();
    chat.checkTopic(parameters.integer('message_thread_id'));
    const action = parameters.text('action');
    if (!actions.includes(action)) throw badRequest('wrong parameter action in request');
    chat.actions.push({ action, at: Date.now() });
    return true;
  },

  sendMessageDraft(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    chat.checkSend();
    if (chat.isGroup) throw badRequest('message drafts can be sent only to private chats');
    const id = parameters.integer('draft_id');
    if (!id) throw badRequest('draft identifier must be non-zero');
    chat.checkTopic(parameters.integer('message_thread_id'));
    chat.drafts.push({ id, at: Date.now(), ...readText(parameters) });
    telegram.changed();
    return true;
  },
};

// An InputMedia of an album or an edit: the content it makes.
export function readMedia(telegram, parameters, item) {
  if (typeof item !== 'object' || item === null) throw badRequest("can't parse InputMedia: InputMedia must be an Object");
  if (!['photo', 'document'].includes(item.type)) throw badRequest("can't parse InputMedia: unsupported media type");
  if (typeof item.media !== 'string' || !item.media) throw badRequest('media not found');
  const content = readCaption(item.caption, item.parse_mode);
  const file = telegram.files.take(item.type, parameters, '', item.media);
  return { ...content, text: undefined, photo: file.photo, document: item.type === 'document' ? file : undefined };
}

export { spend };
