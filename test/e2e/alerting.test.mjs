// Alerts by the command line: rules, incidents, silences and channels of a real hub.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';

import { Env, pause, scenario, until } from './lib/env.mjs';
import { Hook, MailServer, parseMail } from './lib/receivers.mjs';

const config = '[alerts]\nbuilt_in = no\n';
const open = async (env) => (await env.json('alert')).incidents ?? [];
const list = async (env, noun, field) => (await env.json(noun))[field] ?? [];

scenario('a rule fires, people are told, acknowledge, silence, and it ends', { config }, async (env) => {
  const hook = await new Hook({ secret: 's3cret' }).start();
  const mail = await new MailServer().start();
  try {
    await env.agent('pi');
    const rows = async () => (await env.cli('query', 'pi', 'mem', '--raw', '--since', '10m', '--json', { ok: 'any' })).stdout.split('\n').filter(Boolean).length;
    await until(async () => (await rows()) > 5); // what is so at the join is a card of its own
    await env.cli('channel', 'new', 'hook', 'webhook', hook.url('/in'), '--secret', '-', { input: 's3cret\n' });
    await env.cli('channel', 'new', 'ops', 'mail', `smtp://127.0.0.1:${mail.port}`, '--from', 'roost@example.org', '--to', 'ada@example.org', '--severity', 'critical');
    assert.match((await env.cli('channel', 'test', 'hook')).stdout, /^hook: delivered in \d+ ms$/m);
    assert.equal(hook.requests[0].json.title, 'A test');

    assert.equal((await env.cli('alert')).stdout, 'all is well\n');
    await env.cli('rule', 'new', 'any', 'mem', '>', '0', '--severity', 'critical', '--note', 'call the doctor', '--node', 'p*');
    await until(async () => (await open(env)).length === 1);
    const [incident] = await open(env);
    assert.deepEqual([incident.rule, incident.node, incident.severity, incident.state], ['any', 'pi', 'CRITICAL', 'FIRING']);
    await until(() => hook.requests.length >= 2 && mail.mails.length === 1);
    assert.equal(hook.requests[1].json.id, incident.id);
    const told = parseMail(mail.mails[0].text);
    assert.deepEqual(told.defects, []);
    assert.match(told.parts[0].body.toString(), /call the doctor/);

    assert.match((await env.cli('alert')).stdout, new RegExp(`^ *${incident.id} +critical +pi .* fires$`, 'm'));
    assert.match((await env.cli('alert', 'show', incident.id)).stdout, /rule +any\n/);
    assert.match((await env.cli('alert', 'ack', incident.id)).stdout, /acknowledged/);
    await until(() => hook.requests.some(({ json }) => json.acknowledgedBy));
    assert.match((await env.cli('alert')).stdout, /seen by/);
    await env.cli('alert', 'ack', incident.id, '--undo');

    const followed = await env.cli('alert', 'follow', '--json', '--timeout', '1s', { ok: 'any' });
    assert.equal(JSON.parse(followed.stdout.split('\n')[0]).id, incident.id);

    const id = (await env.cli('alert', 'silence', 'pi', '1h', '--reason', 'quiet please')).stdout.trim();
    assert.match((await env.cli('alert', 'silences')).stdout, new RegExp(`^${id} +pi +all .*quiet please$`, 'm'));
    assert.match((await env.cli('alert', 'silence', 'list')).stdout, new RegExp(id));
    await env.cli('rule', 'remove', 'any');
    await until(async () => (await open(env)).length === 0);
    assert.equal((await env.json('alert', '--all')).incidents[0].state, 'RESOLVED');
    await env.cli('alert', 'unsilence', id);
    await until(() => mail.mails.length === 2);
    assert.match(parseMail(mail.mails[1].text).headers.subject, /^Over: pi/);
    await until(() => hook.requests.at(-1).headers['roost-event'] === 'end');
  } finally {
    await hook.close();
    await mail.close();
  }
  assert.deepEqual([...hook.faults, ...mail.faults], []);
});

scenario('rules and channels are shown, changed, tried, switched and removed', { config }, async (env) => {
  await env.agent('pi');
  await env.cli('rule', 'new', 'busy', 'cpu > 90 for 10m clear 70', '--repeat', '1h', '--escalate', '15m', '--escalate-to', 'people', '--channel', 'people');
  let [rule] = (await list(env, 'rule', 'rules')).filter(({ name }) => name === 'busy');
  assert.deepEqual([rule.repeatS, rule.escalateS, rule.escalateTo, rule.channels, rule.severity], [3600, 900, ['people'], ['people'], 'WARNING']);
  await env.cli('rule', 'set', 'busy', 'cpu > 95 for 5m', '--channel', '');
  [rule] = (await list(env, 'rule', 'rules')).filter(({ name }) => name === 'busy');
  assert.match(rule.condition, /^cpu > 95 for 5m$/);
  assert.deepEqual([rule.channels ?? [], rule.repeatS], [[], 3600]);
  await env.cli('rule', 'off', 'busy');
  assert.match((await env.cli('rule', 'show', 'busy')).stdout, /^busy \(off\)\n/);
  assert.match((await env.cli('rule', 'test', 'cpu > 1000 for 5m')).stdout, /would not have fired/);
  assert.match((await env.cli('rule', 'new', 'bad', 'cpu >', { ok: 'any' })).stderr, /^roost: bad: /m);
  await env.cli('rule', 'remove', 'busy');
  assert.equal((await env.cli('rule', 'show', 'busy', { ok: 'any' })).code, 4);

  await env.cli('channel', 'new', 'hook', 'webhook', 'https://hooks.invalid/x?key=1', '--secret', 's3cret', '--header', 'Authorization: Bearer s3cret', '--template', '{"t": "{{text}}"}');
  await env.cli('channel', 'set', 'hook', '--quiet-hours', '22:00-07:00', '--hourly', '3', '--weekly', 'mon 08:00', '--node', '@prod');
  const { stdout } = await env.cli('channel', '--json');
  assert.ok(!stdout.includes('s3cret'));
  const hook = JSON.parse(stdout).channels.find(({ name }) => name === 'hook');
  assert.deepEqual([hook.quietHours, hook.hourly, hook.weekly, hook.select, hook.webhook.headers], ['22:00-07:00', 3, 'mon 08:00', '@prod', ['Authorization: ***']]);
  await env.cli('channel', 'off', 'hook');
  assert.match((await env.cli('channel')).stdout, /^hook +webhook .* off$/m);
  assert.match((await env.cli('channel', 'show', 'hook')).stdout, /template +\{"t": "\{\{text\}\}"\}/);
  for (const words of [['x', 'webhook', 'http://example.org/'], ['x', 'mail', 'smtp://m:25', '--from', 'me', '--to', 'you@example.org'], ['x', 'chat', 'telegram'], ['x', 'pigeon', 'loft']])
    assert.equal((await env.cli('channel', 'new', ...words, { ok: 'any' })).code, 2, words.join(' '));
  await env.cli('channel', 'remove', 'hook');
  assert.equal((await env.cli('channel', 'remove', 'hook', { ok: 'any' })).code, 4);
  assert.match((await env.cli('channel', 'test', 'people', { ok: 'any' })).stderr, /private chat/);
  assert.match((await env.cli('alert', 'ack', '99', { ok: 'any' })).stderr, /try: roost alert --all/);
});

test('the heartbeat stops with the hub', { timeout: 120_000 }, async () => {
  let beats = 0;
  const server = http.createServer((request, response) => {
    beats++;
    response.end('ok');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = new Env({ config: `[alerts]\nheartbeat_url = http://127.0.0.1:${server.address().port}/ping\nheartbeat = 1s\n` });
  try {
    await env.open();
    await until(() => beats >= 2);
    env.hub.child.kill('SIGSTOP'); // it hangs
    await pause(500);
    const before = beats;
    await pause(2500);
    assert.equal(beats, before);
    env.hub.child.kill('SIGCONT');
    await until(() => beats > before);
    await env.finish();
    const last = beats;
    await pause(2000);
    assert.equal(beats, last);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
