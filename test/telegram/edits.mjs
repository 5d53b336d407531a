// edits - methods that change or remove what stands in a chat
import { badRequest } from './errors.mjs';
import { limits } from './limits.mjs';
import { readMarkup } from './markup.mjs';
import { readCaption, readMedia, readText, spend } from './sends.mjs';

const same = 'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

function readTarget(telegram, parameters) {
  if (parameters.has('inline_message_id')) throw badRequest('MESSAGE_ID_INVALID');
  const chat = telegram.chatOf(parameters.text('chat_id'));
  const id = parameters.integer('message_id');
  if (!id) throw badRequest('message identifier is not specified');
  chat.checkSend();
  const message = chat.find(id);
  if (!message) throw badRequest('message to edit not found');
  if (!message.isOfBot || message.service) throw badRequest("message can't be edited");
  return message;
}

const contentOf = ({ text, caption, entities, keyboard, photo, document }) =>
  JSON.stringify([text, caption, entities, keyboard, photo?.file.id, document?.id]);

function change(telegram, message, method, changes) {
  if (contentOf({ ...message, ...changes }) === contentOf(message)) throw badRequest(same);
  spend(telegram, message.chat, method, 1);
  message.edit(changes);
  telegram.changed();
  return message;
}

const keyboardOf = (parameters, chat) => readMarkup(parameters, chat, { inlineOnly: true }).rows;

export const edits = {
  editMessageText(telegram, parameters) {
    const message = readTarget(telegram, parameters);
    const changes = { ...readText(parameters), keyboard: keyboardOf(parameters, message.chat) };
    if (message.text === undefined) throw badRequest('there is no text in the message to edit');
    return change(telegram, message, 'editMessageText', changes);
  },

  editMessageCaption(telegram, parameters) {
    const message = readTarget(telegram, parameters);
    parameters.boolean('show_caption_above_media');
    const changes = { ...readCaption(parameters.text('caption'), parameters.text('parse_mode')), keyboard: keyboardOf(parameters, message.chat) };
    if (message.text !== undefined) throw badRequest('there is no caption in the message to edit');
    return change(telegram, message, 'editMessageCaption', changes);
  },

  // A text may become a photo, a photo never a text.
  editMessageMedia(telegram, parameters) {
    const message = readTarget(telegram, parameters);
    const media = parameters.json('media', 'InputMedia');
    if (media === undefined) throw badRequest('media not found');
    const keyboard = keyboardOf(parameters, message.chat);
    return change(telegram, message, 'editMessageMedia', { ...readMedia(telegram, parameters, media), keyboard });
  },

  editMessageReplyMarkup(telegram, parameters) {
    const message = readTarget(telegram, parameters);
    return change(telegram, message, 'editMessageReplyMarkup', { keyboard: keyboardOf(parameters, message.chat) });
  },

  deleteMessage(telegram, parameters) {
    const chat = telegram.chatOf(parameters.text('chat_id'));
    const id = parameters.integer('message_id');
    if (!id) throw badRequest('message identifier is not specified');
    chat.checkSend();
    const message = chat.find(id);
    if (!message) throw badRequest('message to delete not found');
    const isMine = message.isOfBot || !chat.isGroup || chat.isBotAdmin;
    if (!isMine || Date.now() - message.at > limits.deleteMs) throw badRequest("message can't be deleted");
    message.isDeleted = true;
    telegram.changed();
    return true;
  },
};
