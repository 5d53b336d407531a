// The hub is told by the Bot API instead of asking: only with its secret, and what comes again
// is not done again.
import assert from 'node:assert/strict';
import https from 'node:https';

import { freePorts, until } from './lib/env.mjs';
import { Talk, talking } from './lib/talk.mjs';
import { tongue } from './lib/tongues.mjs';

const say = tongue('en');

// A request to the hub's listener: its status.
function post(port, path, { method = 'POST', headers = {}, body = '' } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, rejectUnauthorized: false, headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers } };
    https.request(options, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject).end(body);
  });
}

const [port, plainPort] = await freePorts(2);
const config = `[telegram]\nmode = webhook\nwebhook_url = https://127.0.0.1:${port}/telegram\n`;
const secretHeader = 'X-Telegram-Bot-Api-Secret-Token';

talking('a webhook with its secret, and updates that come again', { config, ports: [port, plainPort], telegram: { timing: { webhookMs: 100, setWebhookMs: 0 } } }, async ({ env, telegram }) => {
  const anna = new Talk(telegram.person({ first_name: 'Anna' }));
  await until(() => telegram.webhook.isActive, undefined, 'the hub sets its webhook');
  assert.match(telegram.webhook.secret, /^[A-Za-z0-9_-]{16,256}$/);
  await anna.start(await env.claimCode(), say.pattern('You are %s here now.'));
  assert.equal((await telegram.until(() => telegram.updates.waiting.length === 0)), true);

  // What is not from the Bot API is refused, and does nothing.
  const { secret } = telegram.webhook;
  const forged = JSON.stringify({ ...telegram.updates.all[0], update_id: telegram.updates.nextId + 1000, message: { ...telegram.updates.all[0].message, text: '/newkey forged' } });
  const wrong = [{}, { [secretHeader]: '' }, { [secretHeader]: `${secret}x` }, { [secretHeader]: secret.slice(1) }, { [secretHeader]: secret.toUpperCase() === secret ? secret.toLowerCase() : secret.toUpperCase() }];
  for (const headers of wrong) assert.ok([401, 403, 404].includes(await post(port, '/telegram', { headers, body: forged })), JSON.stringify(headers));
  const right = { [secretHeader]: secret };
  assert.ok((await post(port, '/telegram', { method: 'GET', headers: right })) >= 400);
  // An update has a limit, and the door is at one path alone; nothing of this was taken.
  const big = ' '.repeat(1 << 20) + JSON.stringify({ update_id: 1 });
  assert.equal(await post(port, '/telegram', { headers: right, body: big }), 413);
  assert.equal(await post(port, '/telegram', { body: big }), 413);
  for (const method of ['GET', 'PUT', 'DELETE']) assert.equal(await post(port, '/telegram', { method, headers: right, body: method === 'GET' ? '' : forged }), 405, method);
  for (const path of ['/telegram/', '/telegrams', '/Telegram', '/telegram/webhook', '/telegram%00']) assert.equal(await post(port, path, { headers: right, body: forged }), 404, path);
  for (const body of ['', '{', '[]', '"x"', '{"update_id":"x"}', '{}']) assert.ok((await post(port, '/telegram', { headers: right, body })) < 600, body);

  // The same update thrice is one command.
  const said = anna.person.say('/newkey larch');
  await anna.hear(/roost-agent join/);
  for (let i = 0; i < 2; i++) assert.equal(await post(port, '/telegram', { headers: right, body: JSON.stringify(said.update) }), 200);

  // While the hub is away nothing is lost; when it is back, everything is done once.
  await env.hub.kill();
  env.drop(env.hub);
  anna.person.say('/newkey aspen');
  await telegram.until(() => telegram.webhook.retries > 0);
  const since = telegram.revision;
  await env.startHub();
  await anna.hear(/aspen/, since);
  await telegram.until(() => telegram.updates.waiting.length === 0);

  await env.cli('login', env.url, '--code', /\/start (\S+)/.exec((await anna.say('/pair', /\/start \S+/)).words)[1]);
  const { tokens } = await env.json('token', 'list');
  assert.deepEqual(tokens.map(({ name }) => name).filter((name) => ['larch', 'aspen', 'forged'].includes(name)).sort(), ['aspen', 'larch']);
  assert.equal(telegram.calls.filter(({ method }) => method === 'getUpdates').length, 0);
});

talking('a bot that asks is brought nothing', async ({ env }) => {
  for (const headers of [{}, { [secretHeader]: 'x' }]) assert.equal(await post(env.port, '/telegram', { headers, body: '{"update_id":1}' }), 404);
});
