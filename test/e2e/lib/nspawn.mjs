// nspawn - a small Debian that boots its own systemd, to install Roost into
//
//   const machine = await Machine.boot((root) => install(root));
//   machine.sh('systemctl start roostd');       runs inside, as root
//   await machine.remove();
//
// The Debian is made once by mmdebstrap and kept below build/; each machine is a copy. It
// has a network of its own with nothing but loopback, or ours.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildDir, program, top, until } from './env.mjs';

const cache = path.join(top, 'build', 'nspawn');
const packages = ['systemd', 'systemd-sysv', 'dbus', 'libpam-systemd', 'libnss-systemd', 'polkitd', 'iproute2', 'procps', 'openssl'];
const capture = (file, args) => execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function isThere(command) {
  return process.env.PATH.split(':').some((folder) => existsSync(path.join(folder, command)));
}

// Why no machine can be booted here; undefined when one can. installs: our programs are to
// run in it.
export function whyNoMachine({ installs = true } = {}) {
  if (process.getuid() !== 0) return 'needs root: systemd-nspawn';
  if (installs && /asan|tsan/.test(buildDir)) return 'a sanitized build is not installed';
  for (const command of ['systemd-nspawn', 'mmdebstrap', 'nsenter']) if (!isThere(command)) return `needs ${command}`;
  const empty = mkdtempSync('/tmp/roost-nspawn-');
  try {
    for (const folder of ['usr', 'etc', 'proc', 'sys', 'dev', 'tmp', 'run', 'var']) mkdirSync(path.join(empty, folder));
    for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
      if (existsSync(`/${folder}`)) execFileSync('ln', ['-s', `usr/${folder}`, path.join(empty, folder)]);
    const flags = ['--register=no', '--keep-unit', '--as-pid2', '--pipe', '--private-network', '--bind-ro=/usr'];
    const links = capture('systemd-nspawn', ['-q', ...flags, '-D', empty, '/bin/ip', 'link', 'show', 'lo']);
    return /[<,]UP[,>]/.test(links) ? undefined : 'a machine inside this one gets no loopback network';
  } catch (error) {
    return `systemd-nspawn does not work here: ${String(error.stderr ?? error.message).trim().split('\n').at(-1)}`;
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

// The Debian packages of the libraries that our programs load.
function libraries() {
  const files = new Set();
  for (const name of ['roostd', 'roost-agent', 'roost'])
    for (const [, file] of capture('ldd', [program(name)]).matchAll(/=> (\/\S+)/g))
      if (!/san\.so/.test(file)) files.add(realpathSync(file)); // sanitized programs are not installed
  const names = [...files].map((file) => {
    const owner = capture('dpkg-query', ['-S', `*${path.basename(file)}`]);
    return owner.split(':')[0];
  });
  return [...new Set(names)];
}

// The folder of the Debian, made when it is not there yet.
function debian() {
  const wanted = [...packages, ...libraries()].sort();
  const name = `debian-${createHash('sha256').update(wanted.join()).digest('hex').slice(0, 12)}`;
  const folder = path.join(cache, name);
  mkdirSync(cache, { recursive: true });
  for (const old of readdirSync(cache)) {
    // Another package list, or left behind by a run that was killed.
    const stale = /^debian-/.test(old) ? !old.startsWith(name) : Date.now() - statSync(path.join(cache, old)).mtimeMs > 3600e3;
    if (stale) rmSync(path.join(cache, old), { recursive: true, force: true });
  }
  if (existsSync(folder)) return folder;
  execFileSync(path.join(top, 'tools', 'debian-root'), [folder, ...wanted], { stdio: ['ignore', 'ignore', 'pipe'] });
  return folder;
}

export class Machine {
  // A machine that runs; prepare(root) may change its files before. network: it shares
  // ours, to reach a hub outside.
  static async boot(prepare = () => {}, { network = false } = {}) {
    const machine = new Machine();
    machine.network = network;
    try {
      await prepare(machine.root);
      await machine.start();
    } catch (error) {
      await machine.remove();
      throw error;
    }
    return machine;
  }

  constructor() {
    const source = debian();
    this.folder = mkdtempSync(path.join(cache, 'machine-'));
    this.root = path.join(this.folder, 'root');
    this.log = path.join(this.folder, 'console.log');
    execFileSync('cp', ['-a', '--reflink=auto', source, this.root]);
    writeFileSync(path.join(this.root, 'etc/machine-id'), '');
    writeFileSync(path.join(this.root, 'etc/hostname'), 'mars\n');
    // Nothing of these is ours, and each costs time at the start.
    for (const unit of ['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'])
      execFileSync('ln', ['-sf', '/dev/null', path.join(this.root, 'etc/systemd/system', unit)]);
  }

  async start() {
    const out = openSync(this.log, 'a');
    const args = ['-q', '-D', this.root, '--boot', '--register=no', '--keep-unit', '--console=pipe', '--machine=mars'];
    if (!this.network) args.push('--private-network');
    this.nspawn = spawn('systemd-nspawn', args, { stdio: ['ignore', out, out] });
    closeSync(out);
    this.ended = new Promise((resolve) => this.nspawn.once('close', resolve));
    const isUp = () => {
      this.leader = this.findLeader();
      return this.leader && this.sh('grep -qx systemd /proc/1/comm && grep -qx mars /proc/sys/kernel/hostname', { ok: 'any' }).code === 0;
    };
    await until(isUp, 60_000, 'the machine has a first process');
    await until(() => this.sh('systemctl is-system-running --wait || true', { ok: 'any' }).stdout.match(/running|degraded/), 60_000, 'the machine has started');
  }

  // Off, and on again.
  async reboot() {
    await this.stop();
    await this.start();
  }

  // The machine's first process. While it is made, nspawn has a short-lived child before.
  findLeader() {
    const { pid } = this.nspawn;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return Number(child);
  }

  // Runs a script inside; throws unless it ends with 0 (ok: 'any' never). user: as whom.
  sh(script, { input = '', ok = 0, user, env = {} } = {}) {
    const words = ['-t', String(this.leader), '-m', '-p', '-i', '-u', '-n', '--root', '--wd', '--'];
    const clean = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8', NO_COLOR: '1', ...env };
    const assignments = Object.entries(clean).map(([name, value]) => `${name}=${value}`);
    const as = user ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : [];
    const result = { code: 0, stdout: '', stderr: '' };
    const errors = path.join(this.folder, 'stderr');
    const fd = openSync(errors, 'w');
    try {
      result.stdout = execFileSync('nsenter', [...words, ...as, 'env', '-i', ...assignments, 'sh', '-c', script], {
        encoding: 'utf8',
        input,
        timeout: 60_000,
        maxBuffer: 64 << 20,
        stdio: ['pipe', 'pipe', fd],
      });
    } catch (error) {
      result.code = error.status ?? error.signal;
      result.stdout = error.stdout ?? '';
    }
    closeSync(fd);
    result.stderr = readFileSync(errors, 'utf8');
    if (ok !== 'any') assert.equal(result.code, ok, `${script}\n${result.stdout}${result.stderr}`);
    return result;
  }

  json(script, options) {
    return JSON.parse(this.sh(script, options).stdout);
  }

  // What a unit says of itself.
  property(unit, name, manager = '', options = {}) {
    return this.sh(`systemctl ${manager} show -P ${name} ${unit}`, options).stdout.trim();
  }

  // The journal of a unit: { priority, message } of each line.
  journal(unit) {
    const { stdout } = this.sh(`journalctl -q --no-pager -o json --output-fields=PRIORITY,MESSAGE -u ${unit}`);
    return stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)).map((entry) => ({ priority: Number(entry.PRIORITY), message: entry.MESSAGE }));
  }

  async stop() {
    if (this.leader && this.nspawn.exitCode === null && existsSync(`/proc/${this.leader}`)) {
      execFileSync('kill', ['-s', 'RTMIN+4', String(this.leader)]);
      const late = setTimeout(() => this.nspawn.kill('SIGKILL'), 20_000);
      await this.ended;
      clearTimeout(late);
    } else if (this.nspawn?.exitCode === null) {
      this.nspawn.kill('SIGKILL');
      await this.ended;
    }
    this.leader = 0;
  }

  async remove() {
    await this.stop();
    if (process.env.KEEP) process.stderr.write(`kept: ${this.folder}\n`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}
