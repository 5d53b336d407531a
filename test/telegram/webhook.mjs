// webhook - updates brought to an address, again and again until it says 2xx
import http from 'node:http';
import https from 'node:https';

import { ApiError, badRequest, tooMany } from './errors.mjs';
import { seconds } from './chats.mjs';

const ports = ['443', '80', '88', '8443'];
const retryMostMs = 60_000;
const retryAfterMost = 3600;
const isLoopback = (host) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);

// Which updates must keep their order among each other.
function laneOf(update) {
  const [object] = Object.values(update).filter((value) => typeof value === 'object');
  return object.message?.chat.id ?? object.chat?.id ?? object.from?.id ?? 0;
}

export class Webhook {
  url = '';
  retries = 0;   // deliveries that were not the first of their update
  attempts = []; // { update_id, at, status }
  lanes = new Map();

  constructor(telegram) {
    this.telegram = telegram;
  }

  get isActive() {
    return this.url !== '';
  }

  set(parameters) {
    const url = parameters.text('url').trim();
    const secret = parameters.text('secret_token');
    const most = parameters.integer('max_connections', 40);
    const certificate = parameters.file('certificate');
    parameters.text('ip_address');
    if (secret && !/^[A-Za-z0-9_-]+$/.test(secret)) throw badRequest('secret token contains unallowed characters');
    if (secret.length > 256) throw badRequest('secret token is too long');
    if (most < 1 || most > 100) throw badRequest('invalid max_connections specified');
    if (url) this.#checkUrl(url);
    if (this.setAt && Date.now() - this.setAt < this.telegram.options.timing.setWebhookMs) throw tooMany(1);
    this.setAt = Date.now();
    this.telegram.updates.allow(parameters.json('allowed_updates'));
    if (parameters.boolean('drop_pending_updates')) this.telegram.updates.drop();
    this.#use({ url, secret, most, ca: certificate?.bytes });
    return true;
  }

  #checkUrl(text) {
    let url;
    try {
      url = new URL(text);
    } catch {
      throw badRequest('bad webhook: invalid URL');
    }
    const { options } = this.telegram;
    const isAllowed = options.allowHttp && isLoopback(url.hostname);
    if (url.protocol !== 'https:' && !isAllowed) throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
    if (options.strictPorts && !ports.includes(url.port || '443'))
      throw badRequest('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443');
    if (options.strictPorts && isLoopback(url.hostname))
      throw badRequest('bad webhook: IP address 127.0.0.1 is reserved');
  }

  delete(parameters) {
    if (parameters.boolean('drop_pending_updates')) this.telegram.updates.drop();
    this.#use({ url: '' });
    return true;
  }

  #use({ url, secret, most, ca }) {
    Object.assign(this, { url, secret, most, ca, lastError: undefined });
    for (const lane of this.lanes.values()) clearTimeout(lane.timer);
    this.lanes.clear();
    const { updates } = this.telegram;
    updates.listener = url ? () => this.#deliver() : undefined;
    if (!url) return;
    updates.interrupt('terminated by setWebhook request');
    this.#deliver();
  }

  info() {
    const { updates } = this.telegram;
    const object = { url: this.url, has_custom_certificate: Boolean(this.ca), pending_update_count: updates.waiting.length };
    if (this.url) Object.assign(object, { max_connections: this.most, ip_address: '127.0.0.1', allowed_updates: updates.allowed });
    if (this.lastError) Object.assign(object, { last_error_date: seconds(this.lastError.at), last_error_message: this.lastError.text });
    return object;
  }

  #deliver() {
    for (const update of this.telegram.updates.waiting) {
      const key = laneOf(update);
      if (this.lanes.has(key) || this.lanes.size >= this.most) continue;
      const lane = { key, update, failures: 0 };
      this.lanes.set(key, lane);
      this.#attempt(lane);
    }
  }

  async #attempt(lane) {
    const { url } = this;
    if (lane.failures) this.retries++;
    const { status, retryAfter, reply, error } = await this.#post(lane.update);
    this.attempts.push({ update_id: lane.update.update_id, at: Date.now(), status });
    if (this.url !== url || this.lanes.get(lane.key) !== lane) return;
    if (status >= 200 && status < 300) {
      this.lanes.delete(lane.key);
      this.telegram.updates.remove(lane.update);
      this.telegram.changed();
      if (reply) await this.telegram.callByReply(reply);
      return this.#deliver();
    }
    this.lastError = { at: Date.now(), text: error ?? `Wrong response from the webhook: ${status} ${http.STATUS_CODES[status]}` };
    const unit = this.telegram.options.timing.webhookMs;
    const doubling = Math.min(unit * 2 ** lane.failures++, retryMostMs);
    lane.timer = setTimeout(() => this.#attempt(lane), retryAfter ? Math.min(retryAfter, retryAfterMost) * unit : doubling);
    lane.timer.unref();
  }

  #post(update) {
    const body = JSON.stringify(update);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), Host: new URL(this.url).host };
    if (this.secret) headers['X-Telegram-Bot-Api-Secret-Token'] = this.secret;
    const options = { method: 'POST', headers, ...(this.ca ? { ca: this.ca } : { rejectUnauthorized: false }) };
    return new Promise((resolve) => {
      const request = (this.url.startsWith('https:') ? https : http).request(this.url, options, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', (error) => resolve({ status: 0, error: error.message }));
        response.on('end', () => resolve(readResponse(response, Buffer.concat(parts).toString('utf8'))));
      });
      request.setTimeout(this.telegram.options.timing.webhookTimeoutMs, () => request.destroy(new Error('Read timeout expired')));
      request.on('error', (error) => resolve({ status: 0, error: error.code === 'ECONNREFUSED' ? 'Connection refused' : error.message }));
      request.end(body);
    });
  }
}

// A reply may be one call of a method, as JSON.
function readResponse(response, text) {
  const answer = { status: response.statusCode, retryAfter: Number(response.headers['retry-after']) || 0 };
  if (!/^application\/json/.test(response.headers['content-type'] ?? '')) return answer;
  try {
    const reply = JSON.parse(text);
    if (typeof reply?.method === 'string') answer.reply = reply;
  } catch {
    answer.error = new ApiError(400, 'unreadable reply').message;
  }
  return answer;
}
