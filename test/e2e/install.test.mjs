// What a person does to keep Roost, step by step as the README says, on a Debian of its
// own under its own systemd. The steps build on each other.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { buildDir, program, run, top, until } from './lib/env.mjs';
import { Machine, whyNoMachine } from './lib/nspawn.mjs';

const skip = whyNoMachine() ?? false;
const make = (target, ...words) => run('make', ['-s', target, ...words], { cwd: top, env: { BUILD_DIR: buildDir }, ms: 120_000 });
const UNIT_USER = '/usr/lib/systemd/user/roost-agent.service';
let machine;

// All files below a folder, relative to it.
function files(folder, below = '') {
  return readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(below, entry.name);
    return entry.isDirectory() ? files(folder, name) : [name];
  });
}

function step(name, body) {
  test(name, { skip, timeout: 120_000 }, async () => {
    assert.ok(machine, 'there is no machine');
    await body(machine);
  });
}

const nodeState = (m, name) => m.json(`roost node ${name} --json`).state;
const online = (m, name, ms = 20_000) => until(() => nodeState(m, name) === 'ONLINE', ms, `${name} is ONLINE`);

before(async () => {
  if (skip) return;
  machine = await Machine.boot((root) => make('install', `DESTDIR=${root}`, 'PREFIX=/usr'));
});
after(() => machine?.remove());

test('make install puts each file below DESTDIR and PREFIX, and nothing else', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-destdir-'));
  try {
    await make('install', `DESTDIR=${folder}`, 'PREFIX=/opt/roost');
    const found = files(folder).map((name) => name.replace(/^opt\/roost\//, ''));
    const wanted = [
      'bin/roost',
      'lib/systemd/system/roost-agent.service',
      'lib/systemd/system/roostd.service',
      'lib/systemd/user/roost-agent.service',
      'sbin/roost-agent',
      'sbin/roostd',
      'share/bash-completion/completions/roost',
      'share/fish/vendor_completions.d/roost.fish',
      'share/man/man1/roost.1',
      'share/man/man5/agent.conf.5',
      'share/man/man5/policy.conf.5',
      'share/man/man5/roost.conf.5',
      'share/man/man8/roost-agent.8',
      'share/man/man8/roostd.8',
      'share/zsh/site-functions/_roost',
    ];
    const docs = readdirSync(path.join(top, 'docs')).filter((name) => name.endsWith('.md'));
    assert.deepEqual(found.sort(), [...wanted, ...docs.map((name) => `share/doc/roost/${name}`)].sort());
    const unit = readFileSync(path.join(folder, 'opt/roost/lib/systemd/system/roostd.service'), 'utf8');
    assert.match(unit, /^ExecStart=\/opt\/roost\/sbin\/roostd --data %S\/roost$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('make gencert renews the certificate that make readcert shows', async () => {
  const show = async () => (await make('readcert')).stdout;
  const field = (text, name) => new RegExp(`${name}: *(\\S+)`, 'i').exec(text)?.[1];
  const before = await show();
  await make('gencert');
  const after = await show();
  assert.ok(field(before, 'pin of links'), before);
  assert.equal(field(after, 'pin of links'), field(before, 'pin of links'));
  assert.notEqual(after, before);
});

test('man finds each page and has nothing to warn about', async () => {
  const folder = path.join(top, 'docs', 'man');
  for (const page of readdirSync(folder)) {
    const { stdout, stderr } = await run('man', ['--warnings', '-E', 'UTF-8', '-P', 'cat', '-l', path.join(folder, page)], {
      env: { MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
    });
    assert.equal(stderr, '', page);
    assert.match(stdout, /^NAME$/m, page);
    for (const line of stdout.split('\n')) assert.ok([...line.replace(/.\x08|\x1b\[[\d;]*m/g, '')].length <= 80, `${page}: ${line}`);
  }
});

test('the manual names each command, and each option by its name or letter', async () => {
  const help = async (name, ...words) => (await run(program(name), words)).stdout;
  const page = (name) => readFileSync(path.join(top, 'docs', 'man', name), 'utf8').replaceAll('\\-', '-');
  const has = (text, word, where) => assert.match(text, new RegExp(`(?<![\\w-])${word}(?![\\w-])`), `${where} lacks ${word}`);
  const below = (text, title) => new RegExp(`^${title}\\n((?: +.*\\n)+)`, 'm').exec(text)?.[1] ?? '';

  const manual = page('roost.1');
  for (const [, command] of below(await help('roost', 'help'), 'Commands').matchAll(/^ +([a-z]+)/gm)) {
    has(manual, command, 'roost.1');
    for (const [, letter, option] of below(await help('roost', 'help', command), 'Options').matchAll(/^ +(?:(-\w), )?(--[a-z-]+)/gm))
      has(manual, letter ? `(${letter}|${option})` : option, `roost.1: ${command}`);
  }
  const agent = await help('roost-agent', '--help');
  for (const [, command] of below(agent, 'usage: .*').matchAll(/^ +([a-z]+)/gm)) has(page('roost-agent.8'), command, 'roost-agent.8');
  for (const [, command] of (await help('roostd', '--help')).matchAll(/^ +roostd ([a-z]+) /gm)) has(page('roostd.8'), command, 'roostd.8');
});

step('systemd has nothing to say against the units', (m) => {
  for (const words of ['verify --man=no roostd.service roost-agent.service', `--user verify --man=no ${UNIT_USER}`]) {
    const { stdout, stderr } = m.sh(`systemd-analyze ${words}`, { env: { XDG_RUNTIME_DIR: '/run' } });
    assert.equal(stdout + stderr, '');
  }
  for (const unit of ['roostd', 'roost-agent']) {
    const level = Number(/level for \S+: ([\d.]+)/.exec(m.sh(`systemd-analyze --no-pager security ${unit}.service`).stdout)[1]);
    assert.ok(level < 3, `${unit} is exposed: ${level}`);
  }
});

step('the hub starts as a service that says when it is ready', async (m) => {
  m.sh('systemctl enable --now roostd');
  assert.equal(m.property('roostd', 'ActiveState'), 'active');
  assert.equal(m.property('roostd', 'Type'), 'notify');
  const pid = m.property('roostd', 'MainPID');
  assert.notEqual(m.sh(`stat -c %u /proc/${pid}`).stdout.trim(), '0');
  assert.equal(m.sh('stat -L -c %a /var/lib/roost').stdout.trim(), '700');
  const ready = m.journal('roostd').find(({ message }) => /\bready\b/.test(message));
  assert.equal(ready.priority, 6);
  assert.doesNotMatch(ready.message, /^<\d>|^\d{4}-/);
});

step('the claim code makes the first administrator', (m) => {
  const code = m.sh('roostd claim --data /var/lib/roost').stdout.trim();
  m.sh(`roost login https://127.0.0.1:8000 --code ${code}`);
  assert.equal(m.json('roost whoami --json').token.admin, true);
});

step('a host joins, install keeps the agent running, and its figures come', async (m) => {
  m.sh('roost token new mars > /root/link');
  m.sh('roost-agent join - < /root/link');
  const { stdout } = m.sh('roost-agent install');
  assert.match(stdout, /^takes \/usr\/lib\/systemd\/system\/roost-agent\.service$/m);
  await online(m, 'mars');
  assert.equal(m.property('roost-agent', 'Type'), 'notify');
  assert.equal(m.property('roost-agent', 'UnitFileState'), 'enabled');
  assert.notEqual(m.sh(`stat -c %u /proc/${m.property('roost-agent', 'MainPID')}`).stdout.trim(), '0');
  assert.match(m.property('roost-agent', 'StatusText'), /^linked/);
  assert.ok(m.journal('roost-agent').some(({ priority, message }) => priority === 6 && /linked as mars by ptth/.test(message)));

  // Samples outlive the service, in a folder that only it may read.
  await until(() => m.sh('ls /var/lib/private/roost-agent/spool').stdout.match(/^[0-9a-f]{16}\.spool$/m));
  assert.equal(m.sh('stat -c %a /var/lib/private/roost-agent/spool').stdout.trim(), '700');
  assert.ok(!m.journal('roost-agent').some(({ message }) => /in memory alone/.test(message)));
});

step('no hardening takes a figure away that root would see', async (m) => {
  const names = (values) => Object.keys(values).filter((name) => /^[a-z]/.test(name));
  const root = names(m.json('roost-agent describe --json --state /root/none').values);
  assert.ok(root.length > 30, root.join());
  const wanted = root.filter((name) => !/^(disk\.(read|write|await|busy)|net\.|cpu|tcp|fan)/.test(name));
  await until(() => {
    const seen = m.json('roost status mars --json');
    const missing = wanted.filter((name) => !(name in seen));
    if (missing.length) throw new Error(`missing: ${missing.join()}`);
    return 'cpu' in seen;
  }, 20_000, 'all figures are there');
  const host = m.json('roost call mars Host/Describe');
  assert.equal(host.hostname, 'mars');
});

step('the service draws charts with all its hardening', (m) => {
  m.sh('roost chart mars cpu -o /root/cpu.png');
  const picture = readFileSync(path.join(m.root, 'root', 'cpu.png'));
  assert.equal(picture.subarray(1, 4).toString(), 'PNG');
  assert.ok(picture.length > 5000, `${picture.length} bytes`);
});

step('a reload takes a new certificate, and what is broken changes nothing', async (m) => {
  const serial = () => m.sh('openssl s_client -connect 127.0.0.1:8000 </dev/null 2>/dev/null | openssl x509 -noout -serial').stdout;
  const before = serial();
  const { generation } = m.json('roost node mars --json');
  m.sh('roostd cert new --data /var/lib/roost && systemctl reload roostd');
  await until(() => serial() !== before, 5_000, 'another certificate is served');
  const after = serial();
  const complaints = () => m.journal('roostd').filter(({ priority }) => priority <= 4).length;
  const earlier = complaints();
  m.sh('cp -a /var/lib/roost/tls /root/tls && for f in /var/lib/roost/tls/*.pem; do echo rubbish > "$f"; done; systemctl reload roostd');
  await until(() => complaints() > earlier, 5_000, 'the hub complains');
  assert.equal(serial(), after);
  m.sh('cp -a /root/tls/. /var/lib/roost/tls/ && systemctl reload roostd');
  assert.equal(m.property('roostd', 'ActiveState'), 'active');
  assert.equal(m.json('roost node mars --json').generation, generation);
});

step('a restart of the hub brings the agent back by itself', async (m) => {
  const { generation } = m.json('roost node mars --json');
  m.sh('systemctl restart roostd');
  await until(() => m.json('roost node mars --json').generation !== generation && nodeState(m, 'mars') === 'ONLINE', 20_000, 'mars is back');
  assert.ok(m.journal('roost-agent').some(({ priority, message }) => priority === 6 && /the hub leaves this link/.test(message)));
  assert.equal(m.property('roost-agent', 'NRestarts'), '0');
});

step('a reload takes settings, and the journal knows the priority of JSON lines', async (m) => {
  m.sh('printf "[log]\\nformat = json\\n" > /var/lib/roost/roost.conf && systemctl reload roostd');
  const line = await until(() => m.journal('roostd').find(({ message }) => message.startsWith('{')), 5_000, 'a line of JSON');
  assert.equal(line.priority, 6);
  assert.equal(JSON.parse(line.message).level, 'info');
  m.sh('rm /var/lib/roost/roost.conf && systemctl reload roostd');
});

step('a reload takes settings of the agent, and a join beside it is taken along', async (m) => {
  const { generation } = m.json('roost node mars --json');
  m.sh('printf "[log]\\nformat = json\\n" > /var/lib/roost-agent/agent.conf && systemctl reload roost-agent');
  await until(() => m.journal('roost-agent').some(({ message }) => message.startsWith('{')), 5_000, 'a line of JSON');
  assert.equal(m.json('roost node mars --json').generation, generation);

  m.sh('roost token new mars > /root/link && roost-agent join - < /root/link');
  await until(() => m.json('roost node mars --json').generation !== generation && nodeState(m, 'mars') === 'ONLINE', 20_000, 'mars is back');
  assert.ok(m.journal('roost-agent').some(({ message }) => /this host has joined anew, as mars/.test(message)));
  assert.equal(m.property('roost-agent', 'NRestarts'), '0');
  m.sh('rm /var/lib/roost-agent/agent.conf && systemctl reload roost-agent');
});

step('both come back by themselves when the machine starts again', async (m) => {
  await m.reboot();
  await online(m, 'mars');
  for (const unit of ['roostd', 'roost-agent']) assert.equal(m.property(unit, 'ActiveState'), 'active');
});

step('a port below 1024 takes what the manual says', async (m) => {
  const manual = readFileSync(path.join(top, 'docs', 'operations.md'), 'utf8');
  const [, text] = /```\n(\[Service\]\n[^`]*CAP_NET_BIND_SERVICE[^`]*)```/.exec(manual);
  m.sh('mkdir -p /etc/systemd/system/roostd.service.d && cat > /etc/systemd/system/roostd.service.d/port.conf', { input: text });
  m.sh('printf "[hub]\\nlisten = *:443, *:8000\\n" > /var/lib/roost/roost.conf && systemctl daemon-reload && systemctl restart roostd');
  assert.match(m.sh('ss -tln').stdout, /:443\b/);
  m.sh('rm -r /etc/systemd/system/roostd.service.d /var/lib/roost/roost.conf && systemctl daemon-reload && systemctl restart roostd');
  await online(m, 'mars');
});

step('a process that hangs or dies is started again', async (m) => {
  for (const unit of ['roostd', 'roost-agent']) {
    m.sh(`mkdir -p /run/systemd/system/${unit}.service.d && printf '[Service]\\nWatchdogSec=1\\nRestartSec=100ms\\n' > /run/systemd/system/${unit}.service.d/short.conf`);
  }
  m.sh('systemctl daemon-reload && systemctl restart roostd roost-agent');
  await online(m, 'mars');
  for (const unit of ['roostd', 'roost-agent']) {
    const pid = m.property(unit, 'MainPID');
    const times = Number(m.property(unit, 'NRestarts'));
    m.sh(`kill -STOP ${pid}`);
    await until(() => Number(m.property(unit, 'NRestarts')) > times && m.property(unit, 'ActiveState') === 'active', 20_000, `${unit} was started again`);
    assert.notEqual(m.property(unit, 'MainPID'), pid);
  }
  // A loop that runs keeps the watchdog content for longer than its second.
  await online(m, 'mars');
  const pids = ['roostd', 'roost-agent'].map((unit) => m.property(unit, 'MainPID'));
  m.sh('sleep 2.5');
  assert.deepEqual(['roostd', 'roost-agent'].map((unit) => m.property(unit, 'MainPID')), pids);
});

step('uninstall takes the service away, and purge the state', async (m) => {
  m.sh('roost-agent uninstall');
  assert.equal(m.property('roost-agent', 'ActiveState'), 'inactive');
  assert.equal(m.property('roost-agent', 'UnitFileState'), 'disabled');
  assert.equal(m.sh('test -f /var/lib/roost-agent/identity').code, 0);
  await until(() => nodeState(m, 'mars') === 'OFFLINE', 10_000, 'mars is OFFLINE');
  m.sh('roost-agent install');
  await online(m, 'mars');
  m.sh('roost-agent uninstall --purge');
  assert.equal(m.sh('ls -d /var/lib/roost-agent /var/lib/private/roost-agent', { ok: 'any' }).stdout, '');
  const none = m.sh('roost-agent install', { ok: 'any' });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /not joined[^]*^try: /m);
});

step('a program that lies elsewhere brings a unit of its own', async (m) => {
  m.sh('cp /usr/sbin/roost-agent /root/roost-agent && roost token new venus | /root/roost-agent join - ');
  const elsewhere = m.sh('/root/roost-agent install --state /srv/agent', { ok: 'any' });
  assert.equal(elsewhere.code, 1);
  m.sh('mkdir -p /opt/bin && mv /root/roost-agent /opt/bin && /opt/bin/roost-agent install');
  await online(m, 'venus');
  assert.match(m.sh('systemctl cat roost-agent').stdout, /ExecStart="\/opt\/bin\/roost-agent" run --state "\/var\/lib\/roost-agent"/);
  m.sh('/opt/bin/roost-agent uninstall --purge');
  assert.equal(m.sh('ls -d /etc/systemd/system/roost-agent.service /var/lib/roost-agent', { ok: 'any' }).stdout, '');
});

step('a user keeps an agent without being root', async (m) => {
  m.sh('useradd -m -u 1000 ada && systemctl start user@1000');
  const ada = { user: 1000, env: { HOME: '/home/ada', XDG_RUNTIME_DIR: '/run/user/1000' } };
  const link = m.sh('roost token new jupiter').stdout;
  m.sh('roost-agent join -', { ...ada, input: link });
  const refused = m.sh('roost-agent install', { ...ada, ok: 'any' });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /--user/);
  m.sh('roost-agent install --user', ada);
  await online(m, 'jupiter');
  assert.equal(m.property('roost-agent', 'ActiveState', '--user', ada), 'active');
  m.sh('roost-agent uninstall --user --purge', ada);
  assert.equal(m.property('roost-agent', 'ActiveState', '--user', ada), 'inactive');
  assert.equal(m.sh('ls -d /home/ada/.local/state/roost-agent', { ...ada, ok: 'any' }).stdout, '');
});
