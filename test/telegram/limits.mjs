// limits - how much of what the Bot API takes, and how often
//
// "About 30 messages a second, 1 a second per chat with small bursts, 20 a minute per group":
// the documentation says no more, so what is strict here is a choice: bursts of three, and a
// minute that slides. What was sent apart may come together when a machine is busy: so much
// is forgiven within half a second, and nothing of it over five. Edits count, answers to
// presses do not.

export const limits = {
  text: 4096, // UTF-16 units, after entities are parsed
  caption: 1024,
  entities: 100, // what is more is dropped, nothing is refused
  callbackData: 64, // bytes
  callbackText: 200,
  callbackMs: 15_000,
  buttons: 100,
  buttonsInRow: 8,
  markupBytes: 10_240,
  copyText: 256,
  commands: 100,
  commandName: 32,
  commandDescription: 256,
  description: 512,
  shortDescription: 120,
  photoBytes: 10 << 20,
  photoSides: 10_000, // width and height together
  photoRatio: 20,
  documentBytes: 50 << 20,
  downloadBytes: 20 << 20,
  pollSeconds: 50,
  startPayload: 64,
  deleteMs: 48 * 3_600_000,
};

export const usualRates = {
  perSecond: 30, // to all chats together
  chatPerSecond: 1,
  chatBurst: 3,
  groupPerMinute: 20,
  slack: 0.5, // of a second: what may come early
};

// Takes out of a sliding window what is older than it, and says when there is room again.
class Window {
  constructor(count, ms) {
    Object.assign(this, { count, ms, times: [] });
  }

  // 0: there is room.
  waitMs(now) {
    while (this.times.length && this.times[0] <= now - this.ms) this.times.shift();
    return this.times.length < this.count ? 0 : this.times[0] + this.ms - now;
  }

  take(now) {
    this.times.push(now);
  }
}

class ChatRate {
  constructor(rates, isGroup) {
    this.rates = rates;
    this.tokens = rates.chatBurst;
    this.at = 0;
    this.blockedUntil = 0;
    this.minute = isGroup ? new Window(rates.groupPerMinute, 60_000 * (1 - rates.slack / 60)) : undefined;
  }

  waitMs(now) {
    const { chatPerSecond, chatBurst, slack } = this.rates;
    if (this.at) this.tokens = Math.min(chatBurst, this.tokens + ((now - this.at) / 1000) * chatPerSecond);
    this.at = now;
    const missing = 1 - slack - this.tokens;
    return Math.max(missing > 0 ? (missing / chatPerSecond) * 1000 : 0, this.minute?.waitMs(now) ?? 0);
  }

  take(now) {
    this.tokens -= 1;
    this.minute?.take(now);
  }
}

export class Rates {
  constructor(rates = {}) {
    this.rates = { ...usualRates, ...rates };
    const { perSecond, slack } = this.rates;
    this.all = [new Window(Math.round(perSecond * (1 + slack)), 1000), new Window(Math.round(perSecond * (5 + slack)), 5000)];
    this.chats = new Map();
    this.violations = [];
  }

  of(chat) {
    if (!this.chats.has(chat.id)) this.chats.set(chat.id, new ChatRate(this.rates, chat.isGroup));
    return this.chats.get(chat.id);
  }

  // No call to the chat may come for so many seconds.
  block(chat, seconds) {
    const rate = this.of(chat);
    rate.blockedUntil = Math.max(rate.blockedUntil, Date.now() + seconds * 1000);
  }

  // Counts `count` messages to a chat: 0, or the seconds to wait.
  take(chat, method, count = 1) {
    const now = Date.now();
    const rate = this.of(chat);
    if (rate.blockedUntil > now) {
      const leftMs = rate.blockedUntil - now;
      this.violations.push({ kind: 'early', method, chat: chat.id, at: now, leftMs });
      return Math.ceil(leftMs / 1000);
    }
    for (let i = 0; i < count; i++) {
      const ofChat = rate.waitMs(now);
      const waitMs = Math.max(ofChat, ...this.all.map((window) => window.waitMs(now)));
      if (waitMs > 0) {
        const seconds = Math.max(1, Math.ceil(waitMs / 1000));
        this.violations.push({ kind: 'rate', of: ofChat > 0 ? 'chat' : 'all', method, chat: chat.id, at: now, seconds });
        this.block(chat, seconds);
        return seconds;
      }
      rate.take(now);
      for (const window of this.all) window.take(now);
    }
    return 0;
  }
}
