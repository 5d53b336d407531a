// updates - the queue of what the bot has not taken yet, and getUpdates
import { randomInt } from 'node:crypto';

import { badRequest, conflict } from './errors.mjs';
import { limits } from './limits.mjs';

export const kinds = ['message', 'edited_message', 'channel_post', 'edited_channel_post', 'inline_query', 'chosen_inline_result',
  'callback_query', 'shipping_query', 'pre_checkout_query', 'poll', 'poll_answer', 'my_chat_member', 'chat_member',
  'chat_join_request', 'message_reaction', 'message_reaction_count', 'chat_boost', 'removed_chat_boost', 'business_connection',
  'business_message', 'edited_business_message', 'deleted_business_messages', 'purchased_paid_media'];
const onlyWhenAsked = ['chat_member', 'message_reaction', 'message_reaction_count'];

export class Updates {
  waiting = []; // { update_id, ... } in order, not confirmed
  all = [];     // everything there ever was
  allowed = kinds.filter((kind) => !onlyWhenAsked.includes(kind));
  nextId = randomInt(100_000_000, 900_000_000);
  poll = undefined;     // the getUpdates that waits
  listener = undefined; // called when something came (a webhook)
  polled = { offset: undefined, at: -Infinity };

  constructor(timing) {
    this.timing = timing;
  }

  push(kind, object) {
    const update = { update_id: this.nextId++, [kind]: object };
    this.all.push(update);
    if (this.allowed.includes(kind)) this.enqueue(update);
    return update;
  }

  // Also for an update that comes a second time.
  enqueue(update) {
    this.waiting.push(update);
    this.poll?.wake();
    this.listener?.();
  }

  allow(list) {
    if (list === undefined) return;
    if (!Array.isArray(list)) throw badRequest("can't parse allowed_updates JSON object");
    const known = list.filter((kind) => kinds.includes(kind)); // others are no error
    this.allowed = known.length ? known : kinds.filter((kind) => !onlyWhenAsked.includes(kind));
  }

  confirm(offset) {
    if (offset > 0) this.waiting = this.waiting.filter(({ update_id: id }) => id >= offset);
    if (offset < 0) this.waiting = this.waiting.slice(offset);
  }

  drop() {
    this.waiting = [];
  }

  remove(update) {
    this.waiting = this.waiting.filter((other) => other !== update);
  }

  // Ends the poll that waits, because of another one.
  interrupt(why = 'terminated by other getUpdates request; make sure that only one bot instance is running') {
    this.poll?.refuse(conflict(why));
    this.poll = undefined;
  }

  async get(parameters, gone) {
    const offset = parameters.integer('offset');
    let limit = parameters.integer('limit', 100);
    let ms = Math.min(Math.max(parameters.integer('timeout'), 0), limits.pollSeconds) * 1000;
    if (limit < 1 || limit > 100) limit = 100;
    this.allow(parameters.json('allowed_updates'));
    this.interrupt();
    this.confirm(offset);
    const since = Date.now() - this.polled.at;
    if (offset === this.polled.offset && since < this.timing.stretchMs) ms = Math.max(ms, this.timing.stretchMs - since);
    if (offset === this.polled.offset && since < this.timing.hurryMs) limit = 1;
    this.polled = { offset, at: Date.now() };
    if (!this.waiting.length && ms > 0) await this.#wait(ms, gone);
    return this.waiting.slice(0, limit);
  }

  #wait(ms, gone) {
    return new Promise((resolve, reject) => {
      const end = (finish, value) => {
        clearTimeout(timer);
        if (this.poll === poll) this.poll = undefined;
        finish(value);
      };
      const poll = { wake: () => end(resolve), refuse: (error) => end(reject, error) };
      const timer = setTimeout(poll.wake, ms);
      this.poll = poll;
      gone?.(poll.wake);
    });
  }
}
