// receivers - strict other ends of the channels: a mail server, a webhook, ntfy
//
// Each notes what it took and what it had to refuse, and can be away for a while: it stops
// listening, or hangs, or answers that it is busy.
import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

// A listener on a port that stays the same while it is away.
class Receiver {
  constructor() {
    this.sockets = new Set();
    this.faults = [];
    this.port = 0;
  }

  async open(server) {
    this.server = server;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = server.address().port;
    return this;
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(resolve));
  }

  fault(text) {
    this.faults.push(text);
  }
}

// --- SMTP (RFC 5321) with STARTTLS and AUTH, nothing forgiven ---

const address = /^<([^<>\s@]+@[^<>\s@]+)>/;

class SmtpSession {
  constructor(server, socket) {
    Object.assign(this, { server, socket, text: '', data: undefined, secure: false, user: undefined });
    this.reset();
    socket.on('error', () => {});
    this.listen(socket);
    if (server.mode === 'busy') return this.end('421 4.3.2 come back later');
    if (server.mode !== 'hang') this.say('220 receiver.test ESMTP');
  }

  listen(socket) {
    socket.setEncoding('latin1').on('data', (text) => this.take(text));
  }

  reset() {
    this.from = undefined;
    this.to = [];
  }

  say(line) {
    if (!this.socket.destroyed) this.socket.write(`${line}\r\n`);
  }

  end(line) {
    this.say(line);
    this.socket.end();
  }

  take(text) {
    this.text += text;
    for (let at; (at = this.text.indexOf('\n')) >= 0; ) {
      const line = this.text.slice(0, at + 1);
      this.text = this.text.slice(at + 1);
      if (!line.endsWith('\r\n')) this.server.fault(`a line without CR: ${JSON.stringify(line)}`);
      if (line.length > 1000) this.server.fault(`a line of ${line.length} bytes`);
      this.line(line.replace(/\r?\n$/, ''));
    }
  }

  line(line) {
    if (this.data) return this.dataLine(line);
    if (this.login) return this.login(line);
    if (/[^\x20-\x7e]/.test(line)) this.server.fault(`a command that is no ASCII: ${JSON.stringify(line)}`);
    const [, verb, rest] = /^(\w+) ?(.*)$/.exec(line) ?? [null, line, ''];
    const run = this[`on${verb.toUpperCase()}`];
    if (!run) return this.say('500 5.5.1 no such command');
    return run.call(this, rest);
  }

  onEHLO() {
    const { tls: secure, users } = this.server.options;
    const offers = ['receiver.test', '8BITMIME', 'SIZE 20000000'];
    if (secure && !this.secure) offers.push('STARTTLS');
    if (users && (this.secure || !secure)) offers.push('AUTH PLAIN LOGIN');
    offers.forEach((offer, i) => this.say(`250${i + 1 < offers.length ? '-' : ' '}${offer}`));
  }

  onSTARTTLS() {
    const { tls: files } = this.server.options;
    if (!files || this.secure) return this.say('502 5.5.1 no');
    this.say('220 2.0.0 go on');
    this.socket.removeAllListeners('data');
    const secure = new tls.TLSSocket(this.socket, { isServer: true, cert: readFileSync(files.cert), key: readFileSync(files.key) });
    secure.on('error', () => {});
    this.socket = secure;
    this.secure = true;
    this.text = '';
    this.reset();
    this.listen(secure);
  }

  check(user, password) {
    const fits = this.server.options.users?.[user] === password;
    this.user = fits ? user : undefined;
    this.say(fits ? '235 2.7.0 welcome' : '535 5.7.8 who?');
  }

  onAUTH(rest) {
    const [kind, first] = rest.split(' ');
    const plain = (text) => {
      this.login = undefined;
      const [, user, password] = Buffer.from(text, 'base64').toString().split('\0');
      this.check(user, password);
    };
    if (kind.toUpperCase() === 'PLAIN') {
      if (first) return plain(first);
      this.login = plain;
      return this.say('334 ');
    }
    return this.say('504 5.5.4 not that');
  }

  onMAIL(rest) {
    if (this.server.mode === 'busy') return this.end('421 4.3.2 come back later');
    const match = address.exec(rest.replace(/^FROM:/i, ''));
    if (!match || this.from) return this.say('501 5.5.2 MAIL FROM:<...>');
    if (this.server.options.users && !this.user) return this.say('530 5.7.0 log in');
    this.from = match[1];
    return this.say('250 2.1.0 ok');
  }

  onRCPT(rest) {
    const match = address.exec(rest.replace(/^TO:/i, ''));
    if (!match || !this.from) return this.say('501 5.5.2 RCPT TO:<...>');
    if (this.server.options.unknown?.includes(match[1])) return this.say('550 5.1.1 nobody here');
    this.to.push(match[1]);
    return this.say('250 2.1.5 ok');
  }

  onDATA() {
    if (this.to.length === 0) return this.say('503 5.5.1 to whom?');
    this.data = [];
    return this.say('354 end with a dot');
  }

  dataLine(line) {
    if (line !== '.') return this.data.push(line.startsWith('.') ? line.slice(1) : line);
    const text = `${this.data.join('\r\n')}\r\n`;
    this.data = undefined;
    if (this.server.mode === 'full') {
      this.reset();
      return this.say('452 4.3.1 no room');
    }
    this.server.mails.push({ from: this.from, to: this.to, user: this.user, secure: this.secure, text });
    this.reset();
    return this.say('250 2.0.0 taken');
  }

  onRSET() {
    this.reset();
    this.say('250 2.0.0 ok');
  }

  onNOOP() {
    this.say('250 2.0.0 ok');
  }

  onQUIT() {
    this.end('221 2.0.0 bye');
  }
}

export class MailServer extends Receiver {
  // tls: { cert, key } files; users: { name: password }; unknown: [addresses].
  constructor(options = {}) {
    super();
    this.options = options;
    this.mails = [];
    this.mode = 'fine';
  }

  start() {
    return this.open(net.createServer((socket) => new SmtpSession(this, socket)));
  }
}

// What the standard library of another language makes of a message.
const parser = `
import sys, json, base64, email, email.policy
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)
defects = [str(d) for part in message.walk() for d in part.defects]
parts = [{'type': p.get_content_type(), 'id': p['content-id'], 'disposition': p.get_content_disposition(),
          'body': base64.b64encode(p.get_payload(decode=True)).decode()} for p in message.walk() if not p.is_multipart()]
tree = lambda p: [p.get_content_type()] + [tree(c) for c in p.iter_parts()] if p.is_multipart() else p.get_content_type()
print(json.dumps({'headers': {k.lower(): str(v) for k, v in message.items()}, 'parts': parts, 'tree': tree(message), 'defects': defects}))
`;

export function parseMail(text) {
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', parser], { input: Buffer.from(text, 'latin1') });
  if (status !== 0) throw new Error(stderr.toString());
  const mail = JSON.parse(stdout);
  for (const part of mail.parts) part.body = Buffer.from(part.body, 'base64');
  return mail;
}

// --- HTTP ---

class HttpReceiver extends Receiver {
  constructor() {
    super();
    this.requests = [];
    this.mode = 'fine'; // or a status, or 'hang'
  }

  start() {
    return this.open(http.createServer((request, response) => this.serve(request, response)));
  }

  async serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (this.mode === 'hang') return;
    if (this.mode !== 'fine') {
      response.writeHead(this.mode, this.mode === 429 ? { 'retry-after': '1' } : {}).end('not now');
      return;
    }
    const taken = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
    const [status, answer] = this.judge(taken);
    if (status === 200) this.requests.push(taken);
    else this.fault(`${request.method} ${request.url}: ${answer}`);
    response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
  }

  url(path) {
    return `http://127.0.0.1:${this.port}${path}`;
  }
}

// Takes JSON that its owner signed.
export class Hook extends HttpReceiver {
  constructor({ secret } = {}) {
    super();
    this.secret = secret;
  }

  judge(taken) {
    if (taken.method !== 'POST') return [405, 'POST'];
    if (taken.headers['content-type'] !== 'application/json') return [415, 'JSON'];
    if (this.secret) {
      const mac = createHmac('sha256', this.secret).update(taken.body).digest('hex');
      if (taken.headers['roost-signature'] !== `sha256=${mac}`) return [401, 'the signature does not fit'];
    }
    try {
      taken.json = JSON.parse(taken.body);
    } catch (error) {
      return [400, error.message];
    }
    return [200, '{}'];
  }
}

// ntfy's publishing as JSON, with its limits.
export class Ntfy extends HttpReceiver {
  constructor({ token } = {}) {
    super();
    this.token = token;
  }

  judge(taken) {
    if (taken.method !== 'POST' || taken.url !== '/') return [404, 'POST to /'];
    if (this.token && taken.headers.authorization !== `Bearer ${this.token}`) return [401, 'unauthorized'];
    let note;
    try {
      note = taken.json = JSON.parse(taken.body);
    } catch (error) {
      return [400, error.message];
    }
    const known = ['topic', 'title', 'message', 'priority', 'tags', 'click', 'actions', 'attach', 'markdown', 'icon', 'delay'];
    for (const name of Object.keys(note)) if (!known.includes(name)) return [400, `no such field: ${name}`];
    if (!/^[-_A-Za-z0-9]{1,64}$/.test(note.topic ?? '')) return [400, 'topic'];
    if (typeof note.message !== 'string' || Buffer.byteLength(note.message) > 4096) return [413, 'message'];
    if (typeof note.title !== 'string' || Buffer.byteLength(note.title) > 250) return [400, 'title'];
    if (!Number.isInteger(note.priority) || note.priority < 1 || note.priority > 5) return [400, 'priority'];
    if (!Array.isArray(note.tags) || note.tags.some((tag) => typeof tag !== 'string')) return [400, 'tags'];
    return [200, JSON.stringify({ id: `n${this.requests.length}`, event: 'message', topic: note.topic })];
  }
}
