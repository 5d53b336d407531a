// Mail, webhooks and ntfy, against receivers that forgive nothing, through outages.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { decodePng, isBlank } from '../telegram/png.mjs';
import { Proc, patience, pause, program, until } from './lib/env.mjs';
import { Hook, MailServer, Ntfy, parseMail } from './lib/receivers.mjs';
import { makeCert } from './lib/tls.mjs';

// The notifier alone, with its back-off in milliseconds: two of its minutes are a second.
class Notify {
  constructor(...args) {
    this.proc = new Proc(program('test/notify'), ['--retry', '20', '--most', '400', ...args]);
    this.seen = 0;
  }

  // A line in, the line that answers it out.
  async ask(line) {
    const verb = line.split(' ')[0];
    const before = this.lines(verb).length;
    this.proc.child.stdin.write(`${line}\n`);
    await until(() => this.lines(verb).length > before || !this.proc.running, patience, line);
    return this.lines(verb).at(-1).slice(verb.length + 1);
  }

  lines(verb) {
    return this.proc.stdout.split('\n').filter((line) => line.startsWith(`${verb} `));
  }

  async channel(channel) {
    assert.equal(await this.ask(`channel ${JSON.stringify(channel)}`), 'ok');
  }

  async stop() {
    this.proc.child.stdin.end();
    const code = await this.proc.ended;
    this.proc.checkReports();
    assert.equal(code, 0, this.proc.stderr);
  }
}

function notifies(name, args, body) {
  test(name, { timeout: 60_000 }, async () => {
    const open = [];
    const keep = async (receiver) => {
      open.push(receiver);
      return receiver.start();
    };
    const notify = new Notify(...args);
    try {
      await body(notify, keep);
      await notify.stop();
    } finally {
      notify.proc.kill();
      for (const receiver of open) await receiver.close().catch(() => {});
    }
    for (const receiver of open) assert.deepEqual(receiver.faults, []);
  });
}

const mailTo = (server, more = {}) => ({
  name: 'ops',
  mail: { url: `smtp://127.0.0.1:${server.port}`, from: 'roost@example.org', to: ['ada@example.org', 'bob@example.org'], ...more },
});

notifies('an incident is a thread of mail with its chart', [], async (notify, keep) => {
  const server = await keep(new MailServer());
  await notify.channel(mailTo(server));
  const id = await notify.ask('fire nas disk:/home critical disk:/home is 93.5 %, «почти» <полон> & more');
  await until(() => server.mails.length === 1);
  assert.deepEqual([server.mails[0].from, server.mails[0].to], ['roost@example.org', ['ada@example.org', 'bob@example.org']]);

  const first = parseMail(server.mails[0].text);
  assert.deepEqual(first.defects, []);
  assert.equal(first.headers.subject, 'Critical: nas, disk:/home');
  assert.equal(first.headers.from, 'Roost <roost@example.org>');
  assert.equal(first.headers['auto-submitted'], 'auto-generated');
  assert.ok(Math.abs(Date.parse(first.headers.date) - Date.now()) < patience);
  assert.deepEqual(first.tree, ['multipart/alternative', 'text/plain', ['multipart/related', 'text/html', 'image/png']]);
  const [plain, html, chart] = first.parts;
  assert.match(plain.body.toString(), /^disk:\/home is 93.5 %, «почти» <полон> & more\r\nSince /);
  assert.match(html.body.toString(), /«почти» &lt;полон&gt; &amp; more/);
  assert.ok(html.body.toString().includes(`src="cid:${chart.id.slice(1, -1)}"`));
  const picture = decodePng(chart.body);
  assert.ok(picture.width >= 600 && !isBlank(picture));

  await notify.ask(`touch ${id}`); // changes are no mail
  await notify.ask(`end ${id}`);
  await until(() => server.mails.length === 2);
  const last = parseMail(server.mails[1].text);
  assert.equal(last.headers.subject, 'Over: nas, disk:/home');
  assert.equal(last.headers.references, first.headers['message-id']);
  assert.equal(last.headers['in-reply-to'], first.headers['message-id']);
  assert.notEqual(last.headers['message-id'], first.headers['message-id']);
});

notifies('words of other letters are encoded, and no header can be injected', ['--language', 'ru'], async (notify, keep) => {
  const server = await keep(new MailServer());
  await notify.channel(mailTo(server));
  await notify.ask(`fire узел-${'длинный-'.repeat(12)} диск:/дом warning ${'слово '.repeat(300)}`);
  await until(() => server.mails.length === 1);
  const mail = parseMail(server.mails[0].text);
  assert.deepEqual(mail.defects, []);
  assert.match(mail.headers.subject, /^Внимание: узел-длинный-/);
  for (const line of server.mails[0].text.split('\r\n')) assert.ok(line.length <= 78, line);
  assert.ok(/^[\x00-\x7f]*$/.test(server.mails[0].text));
});

test('mail goes over TLS, with a login, and not without', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-notify-'));
  const files = await makeCert(folder, 'mail');
  const server = await new MailServer({ tls: files, users: { roost: 'p w' }, unknown: ['bob@example.org'] }).start();
  const bare = await new MailServer().start();
  const notify = new Notify('--ca', files.cert);
  try {
    await notify.channel(mailTo(server, { user: 'roost', password: 'p w', requireTls: true }));
    assert.equal(await notify.ask('test ops'), '0 ');
    const [mail] = server.mails;
    assert.deepEqual([mail.user, mail.secure, mail.to], ['roost', true, ['ada@example.org']]); // bob is not there
    await notify.channel(mailTo(server, { user: 'roost', password: 'wrong' }));
    assert.match(await notify.ask('test ops'), /^-5 .*(denied|Login)/i);
    await notify.channel(mailTo(bare, { requireTls: true }));
    assert.match(await notify.ask('test ops'), /^-5 .*(TLS|SSL)/);
    assert.equal(bare.mails.length, 0);
    await notify.channel(mailTo(server, { user: 'roost', password: 'p w', to: ['bob@example.org'] }));
    assert.match(await notify.ask('test ops'), /^-1 /); // refused for good
    await notify.stop();
  } finally {
    notify.proc.kill();
    await server.close();
    await bare.close();
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual([...server.faults, ...bare.faults], []);
});

notifies('a webhook gets each change, signed', [], async (notify, keep) => {
  const hook = await keep(new Hook({ secret: 's3cret' }));
  await notify.channel({ name: 'hook', webhook: { url: hook.url('/in?a=b'), secret: 's3cret', headers: ['X-Team: ops'] } });
  const id = await notify.ask('fire nas disk:/ warning it is "full"');
  await until(() => hook.requests.length === 1);
  await notify.ask(`ack ${id}`);
  await until(() => hook.requests.length === 2);
  await notify.ask(`end ${id}`);
  await until(() => hook.requests.length === 3);
  const [begin, change, end] = hook.requests;
  assert.deepEqual(hook.requests.map(({ headers }) => headers['roost-event']), ['begin', 'change', 'end']);
  assert.deepEqual([begin.url, begin.headers['x-team']], ['/in?a=b', 'ops']);
  assert.deepEqual([begin.json.id, begin.json.node, begin.json.text, begin.json.severity, begin.json.state], [id, 'nas', 'it is "full"', 'WARNING', 'FIRING']);
  assert.equal(change.json.acknowledgedBy, 'ada');
  assert.equal(end.json.state, 'RESOLVED');
  const deliveries = new Set(hook.requests.map(({ headers }) => headers['roost-delivery']));
  assert.equal(deliveries.size, 3);
});

notifies('a template makes what another service takes', [], async (notify, keep) => {
  const hook = await keep(new Hook());
  const template = '{"content": "{{title}}: {{ text }}", "n": {{value}}}';
  await notify.channel({ name: 'hook', webhook: { url: hook.url('/'), template } });
  await notify.ask('fire nas disk:/ critical it is "full" \\o/');
  await until(() => hook.requests.length === 1);
  assert.deepEqual(hook.requests[0].json, { content: 'Critical: nas, disk:/: it is "full" \\o/', n: 93.5 });
  assert.match(await notify.ask(`channel ${JSON.stringify({ name: 'bad', webhook: { url: hook.url('/'), template: '{{nope}}' } })}`), /no such field/);
  assert.match(await notify.ask('channel {"name":"bad","webhook":{"url":"http://example.org/"}}'), /https/);
});

notifies('ntfy gets what it can show', [], async (notify, keep) => {
  const ntfy = await keep(new Ntfy({ token: 'tk_1' }));
  await notify.channel({ name: 'phone', ntfy: { url: ntfy.url('/ops'), token: 'tk_1' } });
  const id = await notify.ask(`fire nas disk:/ critical ${'слишком длинно '.repeat(400)}`);
  await until(() => ntfy.requests.length === 1);
  await notify.ask(`end ${id}`);
  await until(() => ntfy.requests.length === 2);
  const [begin, end] = ntfy.requests.map(({ json }) => json);
  assert.deepEqual([begin.topic, begin.title, begin.priority, begin.tags], ['ops', 'Critical: nas, disk:/', 5, ['rotating_light', 'nas']]);
  assert.deepEqual([end.title, end.priority, end.tags[0]], ['Over: nas, disk:/', 3, 'white_check_mark']);
});

// Each way in which a receiver can be away. What happens meanwhile arrives afterwards,
// once; what is critical first; and the channel says so as long as it lasts.
for (const [kind, away] of [
  ['mail', 'gone'],
  ['mail', 'busy'],
  ['mail', 'full'],
  ['webhook', 'gone'],
  ['webhook', 503],
  ['ntfy', 'gone'],
  ['ntfy', 502],
]) {
  notifies(`an outage of ${kind} (${away}) loses nothing and repeats nothing`, [], async (notify, keep) => {
    const receiver = await keep(kind === 'mail' ? new MailServer() : kind === 'webhook' ? new Hook() : new Ntfy());
    const steady = await keep(new Hook());
    const channels = { mail: () => mailTo(receiver), webhook: () => ({ name: 'ops', webhook: { url: receiver.url('/') } }), ntfy: () => ({ name: 'ops', ntfy: { url: receiver.url('/ops') } }) };
    const got = () => (kind === 'mail' ? receiver.mails.map((mail) => (mail.subject ??= parseMail(mail.text).headers.subject)) : receiver.requests.map(({ json }) => json.title ?? `${json.state} ${json.node}`));
    await notify.channel(channels[kind]());
    await notify.channel({ name: 'steady', webhook: { url: steady.url('/') } });
    const before = await notify.ask('fire before cpu warning it is');
    await until(() => got().length === 1 && steady.requests.length === 1);

    if (away === 'gone') await receiver.close();
    else receiver.mode = away;
    const both = await notify.ask('fire both cpu warning it is');
    await until(async () => /^failing/.test(await notify.ask('state ops')));
    await notify.ask(`end ${before}`);
    await notify.ask(`end ${both}`);
    await notify.ask('fire stays cpu warning it is');
    await notify.ask('fire worst disk critical it is');
    await until(() => steady.requests.length === 6); // nobody else waits
    await pause(600);
    assert.match(await notify.ask('state ops'), /^failing 4 /);
    if (away === 'gone') await receiver.start();
    else receiver.mode = 'fine';

    await until(() => got().length === 5);
    await until(async () => (await notify.ask('state ops')) === 'fine 0 ');
    await pause(300);
    assert.equal(got().length, 5);
    const rest = got().slice(1);
    const over = (node) => rest.some((title) => /^(Over|RESOLVED)/.test(title) && title.includes(node));
    assert.ok(over('before') && over('both') && rest.some((title) => /stays/.test(title)), `${rest}`);
    assert.match(rest.slice(0, 2).join(), /worst/); // one may have been on its way
    const told = notify.lines('activity').map((line) => line.split(' ')[1]);
    assert.deepEqual(told, ['alert.failing', 'alert.delivered']);
    receiver.faults.length = 0;
  });
}
