// Settings wherever they come from: every variable of the tables, .env, files, flags and
// prompts; what a wrong value is told; and the exit statuses of the three programs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { freePort, freePorts, Proc, program, run, scenario, top, until } from './lib/env.mjs';
import { roost } from './lib/grpc.mjs';
import { answer, onTerminal, press } from './lib/terminal.mjs';
import { leaf, makeCert } from './lib/tls.mjs';

// A token that no hub knows, and a link with it.
function token(seed) {
  const secret = createHash('sha256').update(seed).digest('hex');
  return `${secret}.${createHash('sha256').update(secret).digest('hex').slice(0, 8)}`;
}
const link = (seed) => `roost://hub:1/${token(seed)}#web`;

// A test in a folder of its own that ends what it starts.
function place(name, body) {
  return test(name, { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-env-'));
    const procs = [];
    const here = {
      folder,
      file: (...parts) => path.join(folder, ...parts),
      put: (file, text) => writeFileSync(path.join(folder, file), text),
      read: (file) => readFileSync(path.join(folder, file), 'utf8'),
      run: (name, args, options = {}) => run(program(name), args, { cwd: folder, ok: 'any', ...options }),
      start: (name, args, options = {}) => {
        const proc = new Proc(program(name), args, { cwd: folder, ...options });
        procs.push(proc);
        return proc;
      },
      terminal: (name, args, options = {}) => {
        const proc = onTerminal(program(name), args, { cwd: folder, ...options });
        procs.push(proc);
        return proc;
      },
    };
    try {
      await body(here);
      for (const proc of procs.reverse()) if (proc.running) await proc.stop();
    } catch (error) {
      for (const proc of procs) process.stderr.write(`--- ${proc.command}\n${proc.stdout.slice(-3000)}${proc.stderr.slice(-3000)}`);
      throw error;
    } finally {
      for (const proc of procs) await proc.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

// The variables that settings of a file have: one value for each place, from weak to strong.
const folders = { roostd: { flag: '--data', file: 'roost.conf' }, 'roost-agent': { flag: '--state', file: 'agent.conf' } };
const variables = {
  roostd: [
    { name: 'PORT', setting: '[hub] listen', flag: '--listen', values: [':1', '2', '3', '127.0.0.1:4'] },
    { name: 'HTTP_LISTEN_ADDR', setting: '[hub] listen', flag: '--listen', values: [':1', ':2', '127.0.0.1:3', '[::1]:4'] },
    { name: 'GRPC_LISTEN_ADDR', setting: '[hub] listen', flag: '--listen', values: [':1', ':2', '0.0.0.0:3', '4'] },
    { name: 'SSL_CERT', setting: '[tls] cert', flag: '--cert', values: ['/1', '/2', '/3', '/4'], with: ['--key', '/k'] },
    { name: 'SSL_KEY', setting: '[tls] key', flag: '--key', values: ['/1', '/2', '/3', '/4'], with: ['--cert', '/c'] },
    { name: 'LOG_LEVEL', setting: '[log] level', flag: '--log-level', values: ['error', 'warning', 'debug', 'info'] },
    { name: 'GRAPH_WORKERS', setting: '[draw] workers', values: ['1', '2', '3'] },
    { name: 'UDP_TEST_PORT', setting: '[probe] udp_port', values: ['0', '1', '65535'] },
    { name: 'BOT_TOKEN', setting: '[telegram] token', values: ['1:a', '2:b', '3:c'], secret: true },
    { name: 'TELEGRAM_API_URL', setting: '[telegram] api_url', values: ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] },
  ],
  'roost-agent': [
    { name: 'AGENT_SECRET', setting: '[old] secret', values: ['1', '2', '3'].map(token), secret: true },
    { name: 'AGENT_SERVER_IP', setting: '[old] server', values: ['127.0.0.1', 'hub', '::1'] },
    { name: 'AGENT_PORT', setting: '[old] port', values: ['1', '2', '65535'] },
    { name: 'AGENT_INTERVAL', setting: '[agent] interval', flag: '--interval', values: ['1', '2', '3', '4'] },
    { name: 'AGENT_RECONNECT_DELAY', setting: '[agent] backoff_max', values: ['1', '2', '3m'] },
    { name: 'AGENT_VERIFY_SSL', setting: '[old] verify_ssl', values: ['force', '0', '1'] },
    { name: 'AGENT_CA_FILE', setting: '[old] ca_file', values: ['/1', '/2', '/3'] },
    { name: 'AGENT_NET_IGNORE', setting: '[net] ignore', values: ['a', 'b, c', 'd'] },
    { name: 'AGENT_UDP_PORT', setting: '[probe] udp_port', values: ['1', '2', '65535'] },
    { name: 'LOG_LEVEL', setting: '[log] level', flag: '--log-level', values: ['error', 'warning', 'debug', 'info'] },
    { name: 'ROOST_SPOOL_DIR', setting: '[agent] spool_dir', values: ['a', '/b', 'none'] },
    { name: 'ROOST_LINK', setting: '[hub] link', values: ['1', '2', '3'].map(link), secret: true },
  ],
};

// "level = info ; default" below "[log]", as PROGRAM config prints it.
function shown(text, setting) {
  const [section, key] = setting.split(' ');
  const lines = text.slice(text.indexOf(section)).split('\n').slice(1);
  const line = lines.slice(0, lines.findIndex((each) => each === '') >>> 0).find((each) => new RegExp(`^(; )?${key} = `).test(each));
  assert.ok(line, `${setting} is not in\n${text}`);
  const [, value, origin] = /^(?:; )?\w+ = (.*?) ; (.*?)(?:, default .*)?$/.exec(line);
  return { value, origin };
}

test('the table of variables is whole', () => {
  const page = readFileSync(path.join(top, 'docs/configuration.md'), 'utf8');
  for (const [who, rows] of Object.entries(variables)) {
    const list = page.split(`<!-- settings: ${who} -->`)[1].split('<!-- end -->')[0];
    const documented = list.split('\n').flatMap((line) => [...(line.split('|')[4] ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1]));
    const folder = who === 'roostd' ? 'ROOST_DATA' : 'ROOST_STATE';
    assert.deepEqual([...new Set(documented)].sort(), [...rows.map((row) => row.name), folder].sort(), 'a new variable gets a row above, a removed one loses it');
  }
});

for (const [who, rows] of Object.entries(variables))
  for (const row of rows)
    place(`${who}: ${row.name} wins over .env, .env over the file, and a flag over all`, async (here) => {
      const { flag, file } = folders[who];
      const [inFile, inDotenv, inEnvironment, inFlag] = row.values;
      const [section, key] = row.setting.split(' ');
      const show = async (env = {}, args = []) => {
        const { code, stdout, stderr } = await here.run(who, ['config', flag, '.', ...(row.with ?? []), ...args], { env });
        assert.equal(code, 0, stderr);
        if (row.secret) for (const value of row.values) assert.ok(!stdout.includes(value), 'a secret is shown');
        return shown(stdout, row.setting);
      };
      const is = (value, origin) => ({ value: row.secret ? '(secret)' : value, origin });

      if (!row.with) assert.equal((await show()).origin, 'default');
      here.put(file, `${section}\n${key} = ${inFile}\n`);
      assert.deepEqual(await show(), is(inFile, `./${file}`));
      here.put('.env', `# of the older system\n\nUNKNOWN=1\n ${row.name} = ${inDotenv}\r\n`);
      assert.deepEqual(await show(), is(inDotenv, `.env:4 ${row.name}`));
      assert.deepEqual(await show({ [row.name]: '' }), row.name === 'AGENT_NET_IGNORE' ? is('(none)', row.name) : is(inDotenv, `.env:4 ${row.name}`));
      assert.deepEqual(await show({ [row.name]: inEnvironment }), is(inEnvironment, row.name));
      if (row.flag) assert.deepEqual(await show({ [row.name]: inEnvironment }, [row.flag, inFlag]), is(inFlag, row.flag));
    });

place('the folders come from ROOST_DATA and ROOST_STATE, .env and flags', async (here) => {
  for (const [who, name] of Object.entries({ roostd: 'ROOST_DATA', 'roost-agent': 'ROOST_STATE' })) {
    const { flag, file } = folders[who];
    const level = who === 'roostd' ? '[limits] head' : '[agent] drain';
    const [section, key] = level.split(' ');
    for (const [seconds, folder] of [[1, 'a'], [2, 'b'], [3, 'c']]) {
      await run('mkdir', ['-p', here.file(folder)]);
      here.put(`${folder}/${file}`, `${section}\n${key} = ${seconds}\n`);
    }
    here.put('.env', `${name}=a\n`);
    const seconds = async (env, args = []) => shown((await here.run(who, ['config', ...args], { env })).stdout, level).value;
    assert.equal(await seconds({}), '1');
    assert.equal(await seconds({ [name]: here.file('b') }), '2');
    assert.equal(await seconds({ [name]: here.file('b') }, [flag, 'c']), '3');
  }
});

// What a bad value is told, naming the variable and what is allowed.
const mistakes = [
  ['roostd', 'PORT', 'http', /"http": no port from 0 to 65535 at the end/],
  ['roostd', 'PORT', '65536', /"65536": no port from 0 to 65535/],
  ['roostd', 'HTTP_LISTEN_ADDR', '!:80', /"!:80": no host or address before the port/],
  ['roostd', 'GRPC_LISTEN_ADDR', 'localhost', /"localhost": no port from 0 to 65535/],
  ['roostd', 'LOG_LEVEL', 'loud', /"loud": none of: error warning info debug/],
  ['roost-agent', 'AGENT_SECRET', 'A1b2C3d4E5f6G7h8I9j0', /"\(secret\)": not a token of the hub.*roost token new NAME/],
  ['roost-agent', 'AGENT_SECRET', link('x'), /"\(secret\)": that is a join link: use roost-agent join LINK/],
  ['roost-agent', 'AGENT_SECRET', token('x').replace(/^./, (c) => (c === '0' ? '1' : '0')), /mistyped/],
  ['roost-agent', 'AGENT_SERVER_IP', 'no host', /"no host": neither a name nor an address/],
  ['roost-agent', 'AGENT_PORT', '0', /0 is not from 1 to 65535/],
  ['roost-agent', 'AGENT_PORT', 'https', /"https" is not a number/],
  ['roost-agent', 'AGENT_INTERVAL', '0', /0 is not from 1s to 3600s/],
  ['roost-agent', 'AGENT_INTERVAL', 'often', /"often" is not a time such as 5s or 2m/],
  ['roost-agent', 'AGENT_RECONNECT_DELAY', '2h', /2h is not from 500ms to 3600s/],
  ['roost-agent', 'AGENT_VERIFY_SSL', '2', /"2" is none of: 0 1 force/],
  ['roost-agent', 'LOG_LEVEL', 'loud', /"loud": none of: error warning info debug/],
  ['roost-agent', 'ROOST_LINK', 'roost://hub', /"\(secret\)": /],
];
place('a bad value is told with its variable and what is allowed, exit 2', async (here) => {
  for (const [who, name, value, why] of mistakes)
    for (const place of ['environment', '.env']) {
      const { flag } = folders[who];
      here.put('.env', place === '.env' ? `${name}=${value}\n` : '');
      const { code, stdout, stderr } = await here.run(who, [...(who === 'roostd' ? [] : ['run']), flag, '.'], place === '.env' ? {} : { env: { [name]: value } });
      assert.equal(code, 2, `${name}=${value}: ${stderr}`);
      assert.equal(stdout, '');
      const [what, remedy] = stderr.split('\n');
      assert.ok(what.startsWith(`${who}: ${place === '.env' ? '.env:1 ' : ''}${name}: `), what);
      assert.match(what, why);
      assert.equal(remedy, `try: ${who} --help`);
      if (/SECRET|LINK/.test(name)) assert.ok(!stderr.includes(value.slice(-8)), 'a secret is quoted');
    }
});

place('a .env with a line that is none, and a folder in its place, are told', async (here) => {
  here.put('.env', 'PORT=1\nnonsense\n');
  assert.match((await here.run('roostd', ['config'])).stderr, /^roostd: \.env:2: the line is not KEY=VALUE\n/);
  rmSync(here.file('.env'));
  await run('mkdir', [here.file('.env')]);
  const { code, stderr } = await here.run('roostd', ['config']);
  assert.deepEqual([code, stderr.split('\n')[0]], [2, 'roostd: .env: Is a directory']);
});

// --- what the variables do ---

place('PORT, HTTP_LISTEN_ADDR and GRPC_LISTEN_ADDR are where the hub listens', async (here) => {
  const [a, b, c] = await freePorts(3);
  here.put('.env', `PORT=${a}\nROOST_DATA=hub\n`);
  const first = here.start('roostd', []);
  await first.line(new RegExp(`ready on \\S*:${a},`));
  assert.match((await leaf(a)).subject.CN, /./);
  assert.ok(existsSync(here.file('hub/roost.db')));
  await first.stop();

  const second = here.start('roostd', [], { env: { PORT: `${a}`, HTTP_LISTEN_ADDR: `127.0.0.1:${b}`, GRPC_LISTEN_ADDR: `127.0.0.1:${c}` } });
  await second.line(/ready on/);
  const pins = [];
  for (const port of [a, b, c]) pins.push((await leaf(port)).fingerprint256);
  assert.equal(new Set(pins).size, 1);
  await second.stop();

  const third = here.start('roostd', ['--listen', `127.0.0.1:${c}`], { env: { PORT: `${a}` } });
  await third.line(new RegExp(`ready on 127\\.0\\.0\\.1:${c},`));
  await assert.rejects(leaf(a));
});

place('SSL_CERT and SSL_KEY are served, LOG_LEVEL silences', async (here) => {
  const port = await freePort();
  const { cert, key } = await makeCert(here.folder, 'own');
  const env = { SSL_CERT: cert, SSL_KEY: key, LOG_LEVEL: 'error' };
  const hub = here.start('roostd', ['--data', 'hub', '--listen', `127.0.0.1:${port}`], { env });
  const served = await until(() => leaf(port));
  assert.equal(served.subject.CN, 'own');
  await hub.stop();
  assert.equal(hub.stderr, '');

  const loud = here.start('roostd', ['--data', 'hub', '--listen', `127.0.0.1:${port}`], { env: { LOG_LEVEL: 'DEBUG' } });
  await loud.line(/ready on/);
  assert.notEqual((await leaf(port)).subject.CN, 'own');
  await loud.line(/ debug: /);
});

place('AGENT_NET_IGNORE and AGENT_INTERVAL shape what the agent reports', async (here) => {
  const metrics = async (env) => Object.keys(JSON.parse((await here.run('roost-agent', ['describe', '--json'], { env })).stdout).values);
  const interfaces = (names) => names.filter((name) => name.startsWith('net.rx:'));
  const all = interfaces(await metrics({ AGENT_NET_IGNORE: 'nosuch' }));
  assert.ok(all.includes('net.rx:lo'), `${all}`);
  assert.deepEqual(interfaces(await metrics({ AGENT_NET_IGNORE: all.map((name) => name.slice(7)).join(',') })), []);
});

place('AGENT_RECONNECT_DELAY is the longest wait', async (here) => {
  const port = await freePort();
  const env = { AGENT_SECRET: token('x'), AGENT_SERVER_IP: '127.0.0.1', AGENT_PORT: `${port}`, AGENT_RECONNECT_DELAY: '500ms' };
  const agent = here.start('roost-agent', ['--state', 'state'], { env });
  await until(() => (agent.stderr.match(/first contact with the hub: /g) ?? []).length >= 8, 12_000, 'eight attempts');
  const times = agent.stderr.split('\n').filter((line) => /first contact/.test(line)).map((line) => Date.parse(line.split(' ')[0]));
  assert.ok(times.at(-1) - times[0] < 7 * 1500, `${times}`);
  await agent.stop();
  assert.ok(!existsSync(here.file('state/first-contact')));
});

scenario('ROOST_LINK joins at the first start, from .env too', async (env) => {
  writeFileSync(env.file('.env'), `ROOST_LINK=${await env.link('pi')}\nROOST_STATE=${env.file('pi')}\nAGENT_INTERVAL=1\n`);
  const agent = env.start(program('roost-agent'), ['run']);
  await env.state('pi', 'ONLINE');
  await env.values('pi');
  await env.kill(agent);
  env.start(program('roost-agent'), ['run']); /* the link is used up, the credential is kept */
  await env.state('pi', 'ONLINE');
});

scenario('ROOST_HUB, ROOST_TOKEN, NO_COLOR and XDG_CONFIG_HOME guide the command line', async (env) => {
  const [, pin] = /^pin = (\S+)$/m.exec(readFileSync(env.file('config/roost/profiles.ini'), 'utf8'));
  const bot = (await env.cli('token', 'new', '--caller', 'bot', '--role', 'viewer')).stdout.trim();
  const elsewhere = { XDG_CONFIG_HOME: env.file('elsewhere') };
  assert.equal((await env.cli('whoami', { env: elsewhere, ok: 'any' })).code, 3);
  const who = async (more, ...args) => (await env.cli('whoami', ...args, { env: { ...elsewhere, ...more } })).stdout;
  assert.match(await who({ ROOST_HUB: `${env.url}#${pin}`, ROOST_TOKEN: bot }), /bot/);
  assert.match(await who({ ROOST_HUB: 'https://127.0.0.1:1#web', ROOST_TOKEN: bot }, '--hub', `${env.url}#${pin}`), /bot/);
  assert.match((await env.cli('whoami', { env: { ROOST_TOKEN: bot } })).stdout, /bot/);
  assert.equal((await env.cli('whoami', { env: { ROOST_HUB: 'nosuch' }, ok: 'any' })).code, 3);

  await env.agent('pi');
  for (const [more, coloured] of [[{}, true], [{ NO_COLOR: '1' }, false], [{ TERM: 'dumb' }, false]]) {
    const proc = onTerminal(program('roost'), ['nodes'], { cwd: env.folder, env: { XDG_CONFIG_HOME: env.file('config'), TERM: 'xterm', NO_COLOR: '', ...more } });
    assert.equal(await proc.ended, 0, proc.stdout);
    assert.equal(proc.stdout.includes('\u001b['), coloured, JSON.stringify([more, proc.stdout]));
  }
});

// --- asking ---

scenario('an agent without a command asks for what it needs and keeps it in .env', async (env) => {
  const secret = /\/([0-9a-f.]+)#/.exec(await env.link('pi'))[1];
  const settings = { AGENT_PORT: `${env.port}`, ROOST_STATE: env.file('pi') };
  writeFileSync(env.file('.env'), '# mine\nOTHER=1');
  chmodSync(env.file('.env'), 0o644);
  const agent = onTerminal(program('roost-agent'), [], { cwd: env.folder, env: settings });
  env.procs.push(agent);
  await answer(agent, /Secret of this agent \(AGENT_SECRET\): /, 'A1b2C3d4E5f6G7h8I9j0');
  await answer(agent, /not a token[^]*AGENT_SECRET\): /, secret);
  await answer(agent, /Address of the server \(AGENT_SERVER_IP\) \[127\.0\.0\.1\]: /, 'not a host');
  await answer(agent, /neither a name nor an address[^]*\]: /, '');
  await env.state('pi', 'ONLINE');
  assert.ok(!agent.stdout.includes(secret), 'what is typed is shown');
  assert.equal(readFileSync(env.file('.env'), 'utf8'), `# mine\nOTHER=1\nAGENT_SECRET=${secret}\nAGENT_SERVER_IP=127.0.0.1\n`);
  assert.equal(statSync(env.file('.env')).mode & 0o777, 0o600);
  press(agent, 'C');
  assert.equal(await agent.ended, 0, agent.stdout);

  env.drop(agent);
  const again = onTerminal(program('roost-agent'), [], { cwd: env.folder, env: settings });
  env.procs.push(again);
  await again.line(/linked as pi/);
  press(again, 'C');
  assert.equal(await again.ended, 0);
  env.drop(again);
  assert.doesNotMatch(again.stdout, /AGENT_SE/);
});

place('an interrupted question gives the echo back', async (here) => {
  const command = `'${program('roost-agent')}'; echo "status $?"; stty -a`;
  const shell = onTerminal('/bin/sh', ['-c', `trap : INT; ${command}`], { cwd: here.folder, env: { ROOST_STATE: here.file('state') } });
  await until(() => /AGENT_SECRET\): /.test(shell.stdout));
  press(shell, 'C');
  await shell.ended;
  assert.match(shell.stdout, /status 130[^]*\sisig\s[^]*\secho\s/);
  assert.ok(!existsSync(here.file('.env')));
});

scenario('a terminal that goes away ends what was started on it', async (env) => {
  await run(program('roost-agent'), ['join', await env.link('pi'), '--state', env.file('pi')]);
  const agent = onTerminal(program('roost-agent'), ['run', '--state', env.file('pi')], { cwd: env.folder });
  await env.state('pi', 'ONLINE');
  await agent.kill('SIGKILL');
  await env.state('pi', 'OFFLINE');

  const port = await freePort();
  const hub = onTerminal(program('roostd'), ['--data', 'other', '--listen', `127.0.0.1:${port}`], { cwd: env.folder });
  await until(() => leaf(port));
  await hub.kill('SIGKILL');
  await until(() => leaf(port).then(() => false, () => true), undefined, 'the hub has gone');
});

place('half of what is needed asks for the other half alone', async (here) => {
  const env = { AGENT_SECRET: token('x'), AGENT_PORT: `${await freePort()}`, ROOST_STATE: here.file('state') };
  const agent = here.terminal('roost-agent', ['run'], { env });
  await answer(agent, /^Address of the server/, '127.0.0.1');
  await agent.line(/first contact with the hub: .*refused/);
  assert.equal(here.read('.env'), 'AGENT_SERVER_IP=127.0.0.1\n');
  assert.equal(statSync(here.file('.env')).mode & 0o777, 0o600);
  press(agent, 'C');
  assert.equal(await agent.ended, 0);

  const { cert, key } = await makeCert(here.folder, 'own');
  const port = await freePort();
  const hub = here.terminal('roostd', ['--data', 'hub', '--listen', `127.0.0.1:${port}`], { env: { SSL_CERT: cert } });
  await answer(hub, /File of the certificate's key \(SSL_KEY\): /, key);
  await hub.line(/ready on/);
  assert.equal((await leaf(port)).subject.CN, 'own');
  assert.equal(here.read('.env'), `AGENT_SERVER_IP=127.0.0.1\nSSL_KEY=${key}\n`);
  press(hub, 'C');
  assert.equal(await hub.ended, 0);
});

place('nobody answers: the variable is named, exit 2, and nothing is kept', async (here) => {
  const ended = here.terminal('roost-agent', [], { env: { ROOST_STATE: here.file('state') } });
  for (let i = 0; i < 3; i++) await answer(ended, /AGENT_SECRET\): /, '');
  assert.equal(await ended.ended, 2);
  assert.match(ended.stdout, /secret is needed: set AGENT_SECRET in the environment or in \.env/);

  const bare = await here.run('roost-agent', []);
  assert.deepEqual([bare.code, bare.stdout], [2, '']);
  assert.match(bare.stderr, /needs a command.*AGENT_SECRET in the environment or in \.env\ntry: roost-agent --help/);
  const hub = await here.run('roostd', ['check', '--data', 'hub'], { env: { SSL_CERT: '/c' } });
  assert.deepEqual([hub.code, hub.stdout], [2, '']);
  assert.match(hub.stderr, /key is needed: set SSL_KEY in the environment or in \.env/);
  assert.ok(!existsSync(here.file('.env')) && !existsSync(here.file('hub')));
});

// --- exit statuses ---

const statuses = [
  ['roostd', ['--help'], 0],
  ['roostd', ['--version'], 0],
  ['roostd', ['check', '--data', 'hub'], 0],
  ['roostd', ['claim', '--data', 'hub'], 0],
  ['roostd', ['cert', 'show', '--data', 'hub'], 0],
  ['roostd', ['cert', 'new', '--data', 'hub'], 0],
  ['roostd', ['config', '--data', 'hub'], 0],
  ['roostd', ['--data', 'busy'], 1, /another roostd uses this data folder/],
  ['roostd', ['--data', 'newer', '--listen', '127.0.0.1:0'], 1, /schema is version 9999, of a newer Roost/],
  ['roostd', ['--data', 'hub', '--listen', '192.0.2.1:1'], 1, /cannot listen on 192\.0\.2\.1:1/],
  ['roostd', ['--data', 'hub', '--cert', 'nosuch', '--key', 'nosuch', '--listen', '127.0.0.1:0'], 1, /nosuch/],
  ['roostd', ['check', '--data', 'garbage'], 1, /garbage\/roost\.db: /],
  ['roostd', ['nosuch'], 2, /nosuch: no such command/],
  ['roostd', ['--nosuch'], 2, /--nosuch: no such flag/],
  ['roostd', ['--listen'], 2, /--listen: needs a value/],
  ['roostd', ['cert', 'sell', '--data', 'hub'], 2, /show or new/],
  ['roostd', ['--new-key', '--data', 'hub'], 2, /belongs to "roostd cert"/],
  ['roostd', ['--config', 'nosuch'], 2, /nosuch/],
  ['roost-agent', ['--help'], 0],
  ['roost-agent', ['--version'], 0],
  ['roost-agent', ['describe'], 0],
  ['roost-agent', ['config', 'show'], 0],
  ['roost-agent', ['run', '--state', 'nosuch'], 1, /has not joined a hub\ntry: roost-agent join LINK/],
  ['roost-agent', ['doctor', '--state', 'nosuch'], 1, /has not joined/],
  ['roost-agent', ['run', '--state', 'damaged'], 1, /damaged/],
  ['roost-agent', ['join', link('x').replace('hub:1', '127.0.0.1:1'), '--state', 'new'], 1, /refused/],
  ['roost-agent', ['join', 'nonsense', '--state', 'new'], 2, /a join link starts with roost/],
  ['roost-agent', ['join', '--state', 'new'], 2, /needs one LINK/],
  ['roost-agent', ['nosuch'], 2, /nosuch: no such command/],
  ['roost-agent', ['run', 'fast'], 2, /too many words/],
  ['roost-agent', ['--nosuch'], 2, /no such flag/],
  ['roost-agent', ['run', '--interval', '0'], 2, /--interval: 0 is not from 1s/],
  ['roost-agent', ['run', '--config', 'nosuch'], 2, /nosuch/],
  ['roost', ['version'], 0],
  ['roost', ['help', 'nodes'], 0],
  ['roost', ['nosuch'], 2, /no such command/],
  ['roost', ['nodes', '--nosuch'], 2, /no such option/],
  ['roost', ['nodes'], 3, /no hub is known yet\ntry: roost login/],
  ['roost', ['nodes', '--hub', 'https://127.0.0.1:1#web'], 3, /127\.0\.0\.1:1.*\ntry: /],
];
place('every program ends with the status that the manual gives', async (here) => {
  const env = { XDG_CONFIG_HOME: here.file('config'), XDG_STATE_HOME: here.file('xdg'), UDP_TEST_PORT: '0' };
  for (const name of ['newer', 'garbage', 'damaged']) await run('mkdir', ['-p', here.file(name)]);
  await here.run('roostd', ['check', '--data', 'newer'], { ok: [0] });
  const store = readFileSync(here.file('newer/roost.db'));
  store.writeUInt32BE(9999, 60); /* SQLite's user_version */
  writeFileSync(here.file('newer/roost.db'), store);
  here.put('garbage/roost.db', 'this is no database, and long enough to be looked at '.repeat(99));
  here.put('damaged/identity', 'nonsense\n');
  const busy = here.start('roostd', ['--data', 'busy', '--listen', '127.0.0.1:0']);
  await busy.line(/ready on/);
  for (const [who, args, code, why] of statuses) {
    const result = await here.run(who, args, { env });
    assert.equal(result.code, code, `${who} ${args.join(' ')}: ${result.stdout}${result.stderr}`);
    if (code === 0) continue;
    assert.match(result.stderr, why);
    assert.ok(result.stderr.startsWith(`${who}: `) || /error: /.test(result.stderr), result.stderr);
  }
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const hub = here.start('roostd', ['--data', 'hub', '--listen', '127.0.0.1:0']);
    await hub.line(/ready on/);
    assert.equal(await hub.kill(signal), 0);
  }
});

// A hub of the wrong kind: it answers every call as it is told.
async function startOracle(folder) {
  const { cert, key } = await makeCert(folder, 'oracle');
  const oracle = { status: 0, pin: undefined, port: 0, close: undefined };
  const http2 = await import('node:http2');
  const { X509Certificate } = await import('node:crypto');
  const spki = new X509Certificate(readFileSync(cert)).publicKey.export({ type: 'spki', format: 'der' });
  oracle.pin = createHash('sha256').update(spki).digest('base64url');
  const server = http2.createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const sessions = new Set();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (oracle.status === 'never') return;
    const { status, body } = oracle.answer?.(headers[':path']) ?? oracle;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': `${status}`, 'grpc-message': 'as%20asked' }));
    if (!body) return stream.end();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([head, body]));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  oracle.port = server.address().port;
  oracle.close = () => {
    for (const session of sessions) session.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return oracle;
}

place('roost ends with what the hub answered: 1 to 7, and 64 more of a call', async (here) => {
  const oracle = await startOracle(here.folder);
  const env = { ROOST_HUB: `https://127.0.0.1:${oracle.port}#${oracle.pin}`, ROOST_TOKEN: token('x'), XDG_CONFIG_HOME: here.file('config') };
  const codes = { 2: 1, 3: 2, 4: 7, 5: 4, 7: 5, 8: 1, 12: 1, 13: 1, 14: 6, 15: 1, 16: 3 };
  try {
    for (const [status, code] of Object.entries(codes)) {
      oracle.status = status;
      const nodes = await here.run('roost', ['nodes'], { env });
      assert.equal(nodes.code, code, `status ${status}: ${nodes.stderr}`);
      assert.match(nodes.stderr, /^roost: .*as asked/);
      assert.equal((await here.run('roost', ['call', 'pi', 'a.B/C', '{}'], { env })).code, 64 + Number(status));
    }
    oracle.status = 'never';
    assert.equal((await here.run('roost', ['nodes', '--timeout', '1s'], { env })).code, 7);
  } finally {
    await oracle.close();
  }
});

place('roost ends with 8 when a part of the nodes failed', async (here) => {
  const oracle = await startOracle(here.folder);
  const env = { ROOST_HUB: `https://127.0.0.1:${oracle.port}#${oracle.pin}`, ROOST_TOKEN: token('x'), XDG_CONFIG_HOME: here.file('config') };
  const list = roost.Nodes.service.List.responseSerialize({ nodes: [{ name: 'a' }, { name: 'b' }] });
  try {
    for (const [results, code] of [[[0, 0], 0], [[0, 5], 8], [[5, 0], 8], [[7, 7], 5]]) {
      const left = [...results];
      oracle.answer = (method) => (/List$/.test(method) ? { status: 0, body: list } : { status: left.shift(), body: left.length >= 0 ? Buffer.alloc(0) : undefined });
      const { code: got, stderr } = await here.run('roost', ['node', 'tag', '*', 'home'], { env });
      assert.equal(got, code, `${results}: ${stderr}`);
    }
  } finally {
    await oracle.close();
  }
});
