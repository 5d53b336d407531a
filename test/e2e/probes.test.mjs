// Probes from a node: ping, tcp, http, dns to real servers, good and bad; what the policy says; a diagnosis
// beside what the kernel's own files and others' programs say.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import dgram from 'node:dgram';
import { after, before, describe, test } from 'node:test';

import { Env, freePort, pause, program, run, slow } from './lib/env.mjs';
import { Cable, whyNoNetns } from './lib/netns.mjs';
import { startNames, startRaw, startWeb } from './lib/probed.mjs';

const policy = (agent, ...args) => run(program('roost-agent'), [...args, '--state', agent.state]);

describe('probes', { timeout: 120_000 * slow }, () => {
  let env;
  let web;
  let names;
  const raws = [];

  before(async () => {
    env = await Env.start();
    web = await startWeb(env);
    names = await startNames(env);
    const pi = await env.agent('pi', { env: { SSL_CERT_FILE: web.ca } });
    await policy(pi, 'allow', 'probe', '127.0.0.1:*');
    await policy(pi, 'allow', 'probe', '[::1]:0');
    await policy(pi, 'allow', 'probe', 'localhost:*');
    await policy(pi, 'deny', 'probe', `127.0.0.1:${web.ports.self}`);
    await pause(1100); // the policy is looked at once a second at most
  });

  after(async () => {
    await Promise.all(raws.map((raw) => raw.stop()));
    await env.finish();
  });

  const raw = async (answer) => {
    const server = await startRaw(answer);
    raws.push(server);
    return `http://127.0.0.1:${server.port}/`;
  };

  // The answer, and whether the command's status says the same.
  const probe = async (kind, ...args) => {
    const { stdout, code, stderr } = await env.cli('probe', kind, 'pi', ...args, '--json', { ok: [0, 1] });
    assert.ok(stdout, stderr);
    const answer = JSON.parse(stdout);
    assert.equal(code, answer.ok ? 0 : 1, stdout);
    return answer;
  };

  test('a port is open, closed, or nowhere', async () => {
    const open = await probe('tcp', `127.0.0.1:${web.ports.plain}`);
    assert.equal(open.ok, true);
    assert.equal(open.address, `127.0.0.1:${web.ports.plain}`);
    assert.ok(open.connectMs > 0 && open.connectMs < 5000, open.connectMs);
    const closed = await probe('tcp', `127.0.0.1:${await freePort()}`);
    assert.match(closed.error, /connection refused/);
    const { stdout } = await env.cli('probe', 'tcp', 'pi', `127.0.0.1:${web.ports.plain}`);
    assert.match(stdout, /open at 127.0.0.1/);
    await env.cli('probe', 'tcp', 'pi', 'no-port', { ok: [2] });
    await env.cli('probe', 'tcp', 'nobody', '127.0.0.1:1', { ok: [4] });
  });

  test('a good web server is told with its certificate', async () => {
    const good = await probe('http', `https://127.0.0.1:${web.ports.good}/`);
    assert.deepEqual([good.ok, good.status, good.error], [true, 200, ''], JSON.stringify(good));
    assert.equal(Number(good.bytes), 'hello good\n'.length);
    assert.ok(good.tlsMs > 0 && good.firstByteMs >= good.tlsMs && good.totalMs >= good.firstByteMs, JSON.stringify(good));
    const { subject, issuer, names: san, daysLeft, error } = good.certificate;
    assert.deepEqual([subject, issuer, error], ['CN=good', 'CN=Probe Test CA', '']);
    assert.deepEqual(san, ['localhost', '127.0.0.1']);
    assert.ok(daysLeft > 19.9 && daysLeft <= 20, daysLeft);
    const { stdout } = await env.cli('probe', 'http', 'pi', `https://127.0.0.1:${web.ports.good}/`);
    assert.match(stdout, /trust\s+good/);
    assert.match(stdout, /status\s+200/);
    const head = await probe('http', `http://127.0.0.1:${web.ports.plain}/end`, '--head');
    assert.deepEqual([head.ok, Number(head.bytes)], [true, 0]);
    const missing = await probe('http', `http://127.0.0.1:${web.ports.plain}/missing`);
    assert.deepEqual([missing.ok, missing.status], [false, 404]);
    const big = await probe('http', `http://127.0.0.1:${web.ports.plain}/big`);
    assert.deepEqual([big.ok, Number(big.bytes)], [true, 1 << 20]);
  });

  test('all that is wrong with a certificate is told', async () => {
    const expired = await probe('http', `https://127.0.0.1:${web.ports.expired}/`);
    assert.deepEqual([expired.ok, expired.status], [false, 200]);
    assert.equal(expired.certificate.error, 'certificate has expired');
    assert.ok(expired.certificate.daysLeft < -7 && expired.certificate.daysLeft > -9, expired.certificate.daysLeft);
    const other = await probe('http', `https://127.0.0.1:${web.ports.other}/`);
    assert.match(other.certificate.error, /mismatch/);
    assert.deepEqual(other.certificate.names, ['other.example']);
    const both = await probe('http', `https://localhost:${web.ports.expired}/`);
    assert.equal(both.certificate.error, 'certificate has expired');
    // No TLS at all behind https.
    const plain = await probe('http', `https://127.0.0.1:${web.ports.plain}/`);
    assert.equal(plain.ok, false);
    assert.notEqual(plain.error, '');
  });

  test('redirects are followed as far as was asked', async () => {
    const to = (path) => `http://127.0.0.1:${web.ports.plain}${path}`;
    const told = await probe('http', to('/once'));
    assert.deepEqual([told.ok, told.status], [true, 302]);
    assert.match(told.location, /\/end$/);
    const followed = await probe('http', to('/once'), '-f');
    assert.deepEqual([followed.ok, followed.status, Number(followed.bytes)], [true, 200, 7]);
    const tls = await probe('http', to('/tls'), '-f');
    assert.deepEqual([tls.ok, tls.status, tls.certificate.subject], [true, 200, 'CN=good']);
    assert.match((await probe('http', to('/loop'), '-f')).error, /more redirects/);
    assert.match((await probe('http', to('/file'), '-f')).error, /no URL of the web/);
    assert.equal((await probe('http', to('/bad'), '-f')).certificate.error, 'certificate has expired');
  });

  test('what the policy does not allow is refused, by name, by redirect, by address', async () => {
    const refused = async (kind, target, ...more) => {
      const { stderr } = await env.cli('probe', kind, 'pi', target, ...more, { ok: [5] });
      return stderr;
    };
    assert.match(await refused('tcp', `127.0.0.1:${web.ports.self}`), /does not allow probe 127.0.0.1:\d+.*roost-agent allow probe/s);
    assert.match(await refused('tcp', `localhost:${web.ports.self}`), new RegExp(`probe localhost:${web.ports.self}`));
    assert.match(await refused('tcp', '192.0.2.1:80'), /probe 192.0.2.1:80/);
    assert.match(await refused('http', `http://127.0.0.1:${web.ports.plain}/away`, '-f'), /probe 192.0.2.1:/);
    assert.match(await refused('http', `http://127.0.0.1:${web.ports.plain}/name`, '-f'), /probe localhost:/);
    assert.match(await refused('ping', '192.0.2.1'), /probe 192.0.2.1:0/);
    assert.match(await refused('dns', 'www.example', '--server', '192.0.2.1:53'), /probe 192.0.2.1:53/);
    await env.cli('probe', 'http', 'pi', 'http://user:secret@127.0.0.1/', { ok: 'any' }).then(({ code, stderr }) => {
      assert.notEqual(code, 0);
      assert.match(stderr, /name and a password/);
    });
  });

  test('by default the hub may be probed, and nothing else', async () => {
    await env.agent('bare');
    const at = await env.cli('probe', 'tcp', 'bare', `127.0.0.1:${env.port}`);
    assert.match(at.stdout, /open at/);
    await env.cli('probe', 'tcp', 'bare', `127.0.0.1:${web.ports.plain}`, { ok: [5] });
    await env.cli('probe', 'tcp', 'bare', `localhost:${env.port}`, { ok: [5] });
  });

  test('hostile and dead web servers end in time and in words', async () => {
    const forever = (socket, text) => {
      const more = () => { while (!socket.destroyed && socket.write(text)); };
      socket.on('drain', more);
      more();
    };
    const rows = [
      [(socket) => forever(socket, 'X-More: and more\r\n'), /no HTTP/],
      [(socket) => { socket.write('HTTP/1.1 200 OK\r\n'); forever(socket, 'X-More: and more\r\n'); }, /longer than 32 KiB/],
      [(socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), /no HTTP/],
      [(socket) => socket.end(), /before it answered/],
      [(socket) => socket.resetAndDestroy(), /connection broke/],
      [(socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'), /cut/],
      [(socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n'), /no HTTP/],
      [(socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n'), /no HTTP/],
      [(socket) => forever(socket, 'HTTP/1.1 100 Continue\r\n\r\n'), /come to an answer/],
    ];
    for (const [answer, error] of rows) {
      const { ok, error: said } = await probe('http', await raw(answer), '--wait', '5s');
      assert.equal(ok, false);
      assert.match(said, error);
    }
    const closeEnds = await probe('http', await raw((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end')));
    assert.deepEqual([closeEnds.ok, Number(closeEnds.bytes)], [true, 10]);
    const chunks = await probe('http', await raw((socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')));
    assert.deepEqual([chunks.ok, Number(chunks.bytes)], [true, 3]);
    const endless = await probe('http', await raw((socket) => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); forever(socket, 'x'.repeat(9999)); }));
    assert.deepEqual([endless.ok, Number(endless.bytes)], [true, 1 << 20]);
    const begin = Date.now();
    const [silent, dripping] = await Promise.all([
      probe('http', await raw(() => {}), '--wait', '500ms'),
      probe('http', await raw((socket) => { const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('H')), 50); }), '--wait', '500ms'),
    ]);
    assert.match(silent.error, /no answer after 500 ms/);
    assert.equal(dripping.ok, false);
    assert.ok(Date.now() - begin < 5000 * slow);
  });

  test('a name server says what it knows, by UDP and by TCP', async () => {
    const server = ['--server', `127.0.0.1:${names}`];
    const ask = async (name, type = 'A') => probe('dns', name, '-t', type, ...server);
    const data = async (name, type) => (await ask(name, type)).records.map((record) => record.data);
    const www = await ask('www.example');
    assert.deepEqual([www.ok, www.rcode, www.truncated, www.server], [true, 'NOERROR', false, `127.0.0.1:${names}`]);
    assert.deepEqual(www.records, [{ name: 'www.example', type: 'A', ttlS: www.records[0].ttlS, data: '192.0.2.7' }]);
    assert.deepEqual(await data('www.example', 'AAAA'), ['2001:db8::7']);
    assert.deepEqual(await data('alias.example', 'A'), ['www.example', '192.0.2.7']);
    assert.deepEqual(await data('example', 'MX'), ['10 www.example']);
    assert.deepEqual(await data('_http._tcp.example', 'SRV'), ['1 2 8080 www.example']);
    assert.deepEqual(await data('192.0.2.7', 'PTR'), ['www.example']);
    assert.deepEqual(await data('small.example', 'TXT'), ['"hello \\"you\\""']);
    const big = await ask('big.example', 'TXT');
    assert.deepEqual([big.ok, big.truncated, big.records.length], [true, true, 1], JSON.stringify(big).slice(0, 400));
    assert.ok(big.records[0].data.length > 2400);
    const none = await ask('nothing.example');
    assert.deepEqual([none.ok, none.rcode, none.records.length], [false, 'NXDOMAIN', 0]);
    const { stdout } = await env.cli('probe', 'dns', 'pi', 'www.example', ...server);
    assert.match(stdout, /www\.example\s+\d+\s+A\s+192\.0\.2\.7/);
    await env.cli('probe', 'dns', 'pi', 'www.example', '-t', 'ANY', ...server, { ok: 'any' }).then(({ code }) => assert.notEqual(code, 0));
  });

  test('a dead name server, and one that lies', async () => {
    const dead = await probe('dns', 'www.example', '--server', `127.0.0.1:${await freePort()}`);
    assert.match(dead.error, /port unreachable/);
    const silent = dgram.createSocket('udp4');
    await new Promise((resolve) => silent.bind(0, '127.0.0.1', resolve));
    const late = await probe('dns', 'www.example', '--server', `127.0.0.1:${silent.address().port}`, '--wait', '400ms');
    assert.match(late.error, /no answer: timed out after 400 ms/);
    // Ids and questions that were not asked, garbage, and at last the true answer.
    silent.on('message', (question, from) => {
      const send = (bytes) => silent.send(bytes, from.port, from.address);
      const answer = Buffer.from(question);
      answer[2] |= 0x80;
      answer[3] |= 0x03;
      const other = Buffer.from(answer);
      other[0] ^= 0xff;
      const elsewhere = Buffer.from(answer);
      elsewhere[13] ^= 1;
      for (const bytes of [Buffer.from('garbage'), other, elsewhere, Buffer.alloc(0), answer]) send(bytes);
    });
    const true_ = await probe('dns', 'www.example', '--server', `127.0.0.1:${silent.address().port}`);
    assert.equal(true_.rcode, 'NXDOMAIN');
    silent.close();
  });

  test('echoes of the loopback come back, one line each', async () => {
    const { stdout } = await env.cli('probe', 'ping', 'pi', '127.0.0.1', '-c', '3', '-i', '100ms');
    const lines = stdout.trim().split('\n');
    assert.equal(lines.length, 4, stdout);
    assert.match(lines[0], /^1: 127\.0\.0\.1 [\d.]+ ms$/);
    assert.match(lines[3], /3 sent, 3 answered, 0 % lost/);
    const json = await env.cli('probe', 'ping', 'pi', '127.0.0.1', '-c', '2', '-i', '100ms', '--json');
    const reports = json.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(reports.map((report) => report.done), [false, true]);
    assert.deepEqual([reports[1].sent, reports[1].received, reports[1].rtt.count], [2, 2, 2]);
    const six = await env.cli('probe', 'ping', 'pi', '::1', '-c', '1', { ok: 'any' });
    assert.ok(/answered, 0 % lost/.test(six.stdout) || /::1: /.test(six.stderr), six.stdout + six.stderr);
    await env.cli('probe', 'ping', 'pi', '127.0.0.1', '-i', '1ms', { ok: 'any' }).then(({ code }) => assert.notEqual(code, 0));
  });

  test('a diagnosis says what the kernel and others say', async () => {
    const diagnosis = await env.json('probe', 'diagnose', 'pi');
    const section = (name) => diagnosis.sections.find((section) => section.name === name);
    const fields = (name, item) => Object.fromEntries(section(name).items.find((one) => one.name === item).fields.map((field) => [field.name, field.value]));
    assert.deepEqual(diagnosis.sections.map(({ name }) => name), ['system', 'cpu', 'memory', 'disks', 'pci', 'usb', 'network', 'kernel', 'smart']);

    const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s*:/gm).length;
    assert.equal(Number(fields('cpu', 'processor').count), cpus);
    const total = /MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1] * 1024;
    assert.equal(Number(fields('memory', 'memory')['total bytes']), total);
    assert.equal(fields('system', 'host').kernel, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());

    const disks = JSON.parse(execFileSync('lsblk', ['-dbJ', '-o', 'NAME,SIZE,TYPE'])).blockdevices;
    for (const disk of disks.filter(({ type, size }) => type === 'disk' && size > 0))
      if (!/^(zram|ram|nbd|fd)/.test(disk.name)) assert.equal(Number(fields('disks', disk.name).bytes), Number(disk.size));
    const root = section('disks').items.find(({ name }) => name === '/');
    if (root?.fields.some(({ name }) => name === 'used')) {
      const df = parseInt(execFileSync('df', ['--output=pcent', '/']).toString().split('\n')[1], 10);
      assert.ok(Math.abs(parseInt(fields('disks', '/').used, 10) - df) <= 1);
      assert.equal(root.concern.includes('full'), parseInt(fields('disks', '/').used, 10) > 90);
    }

    const links = JSON.parse(execFileSync('ip', ['-j', 'addr']));
    for (const link of links.filter(({ ifname }) => existsSync(`/sys/class/net/${ifname}`) && !ifname.startsWith('veth'))) {
      const item = fields('network', link.ifname);
      assert.equal(Number(item.mtu), link.mtu);
      for (const { local, prefixlen } of link.addr_info) assert.ok((item.addresses ?? '').includes(`${local}/${prefixlen}`), `${link.ifname} ${local}`);
    }
    const route = JSON.parse(execFileSync('ip', ['-j', '-4', 'route', 'show', 'default']))[0];
    if (route) assert.equal(fields('network', 'default route').interface, route.dev);

    const { stdout } = await env.cli('probe', 'diagnose', 'pi');
    assert.match(stdout, /^(CONCERNS|Nothing is wrong)/);
    assert.match(stdout, /\nnetwork\n/);
    const concerns = diagnosis.sections.flatMap(({ items }) => items).filter(({ concern }) => concern !== '').length;
    const short = await env.cli('probe', 'diagnose', 'pi', '--concerns');
    assert.equal(short.stdout.trim().split('\n').length, concerns > 0 ? concerns + 1 : 1);
  });

  test('a policy can keep a diagnosis to itself', async () => {
    const shy = await env.agent('shy');
    await policy(shy, 'deny', 'look', 'diagnose');
    await pause(1100);
    const { stderr } = await env.cli('probe', 'diagnose', 'shy', { ok: [5] });
    assert.match(stderr, /look diagnose/);
  });
});

// The networks here are the test's own: what cannot be reached is known.
test('an echo to what cannot be reached tells who says so', { skip: whyNoNetns(), timeout: 60_000 * slow }, async () => {
  const cable = new Cable();
  const at = (end, ...command) => execFileSync(cable.at(end)[0], [...cable.at(end).slice(1), ...command], { stdio: 'pipe' });
  const env = await Env.start({ wrapper: cable.at('near') });
  try {
    const pi = await env.agent('pi');
    at('far', 'sysctl', '-w', 'net.ipv4.ip_forward=1', 'net.ipv4.icmp_ratelimit=0');
    at('far', 'ip', 'route', 'add', 'unreachable', '10.79.0.0/24');
    at('near', 'ip', 'route', 'add', '10.79.0.0/24', 'via', '10.77.0.2');
    await policy(pi, 'allow', 'probe', '10.0.0.0/8');
    await pause(1100);
    const ping = (host, ...more) => env.cli('probe', 'ping', 'pi', host, '-c', '2', '-i', '100ms', ...more, { ok: 'any' });
    // First by a raw socket, then by the kernel's own for echoes.
    for (const range of ['1 0', '0 2147483647']) {
      at('near', 'sysctl', '-w', `net.ipv4.ping_group_range=${range}`);
      const far = await ping('10.77.0.2');
      assert.match(far.stdout, /2 sent, 2 answered/, far.stderr);
      assert.equal(far.code, 0);
      const told = await ping('10.79.0.1');
      assert.match(told.stdout, /1: 10\.79\.0\.1 Destination host unreachable, says 10\.77\.0\.2/, told.stderr);
      assert.match(told.stdout, /2 sent, 0 answered, 100 % lost/);
      assert.equal(told.code, 1);
      const nowhere = await ping('10.99.0.1');
      assert.match(nowhere.stderr, /unreachable/, nowhere.stdout);
    }
    at('far', 'sysctl', '-w', 'net.ipv4.icmp_echo_ignore_all=1');
    const lost = await ping('10.77.0.2', '--wait', '300ms');
    assert.match(lost.stdout, /1: 10\.77\.0\.2 no answer in time/, lost.stderr);
    assert.equal(lost.code, 1);
  } finally {
    await env.finish();
    cable.remove();
  }
});
