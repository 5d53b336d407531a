// probed - what probes are sent to: certificates of all kinds, web servers that misbehave, a name server
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { freePorts, run, until } from './env.mjs';
import { makeCert } from './tls.mjs';

const openssl = (args, options) => run('openssl', args, options);

// A CA, and what it signs.
class Authority {
  static async make(folder) {
    const authority = new Authority();
    authority.folder = folder;
    const { cert, key } = await makeCert(folder, 'ca');
    await openssl(['req', '-x509', '-new', '-key', key, '-days', '30', '-subj', '/CN=Probe Test CA', '-out', cert]);
    Object.assign(authority, { cert, key });
    return authority;
  }

  // A leaf for the names; `past` runs openssl at a time of old.
  async leaf(name, names, days, past) {
    const file = (end) => path.join(this.folder, `${name}.${end}`);
    writeFileSync(file('ext'), `subjectAltName=${names}\n`);
    await openssl(['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key'), '-subj', `/CN=${name}`, '-out', file('csr')]);
    const sign = ['x509', '-req', '-in', file('csr'), '-CA', this.cert, '-CAkey', this.key, '-CAcreateserial', '-days', String(days), '-extfile', file('ext'), '-out', file('pem')];
    await (past ? run('faketime', ['-f', past, 'openssl', ...sign]) : openssl(sign));
    return { cert: file('pem'), key: file('key') };
  }
}

// nginx with a server for each kind. Answers { ca, ports: { good, expired, other, self, plain } }.
export async function startWeb(env) {
  const folder = env.file('web');
  mkdirSync(folder);
  const here = 'DNS:localhost,IP:127.0.0.1';
  const authority = await Authority.make(folder);
  const certs = {
    good: await authority.leaf('good', here, 20),
    expired: await authority.leaf('expired', here, 2, '-10d'),
    other: await authority.leaf('other', 'DNS:other.example', 20),
    self: await makeCert(folder, 'self'),
  };
  const [good, expired, other, self, plain] = await freePorts(5);
  const ports = { good, expired, other, self, plain };
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = path.join(folder, 'nginx.conf');
  const server = (name) => `
  server {
    listen 127.0.0.1:${ports[name]} ssl;
    ssl_certificate ${certs[name].cert};
    ssl_certificate_key ${certs[name].key};
    location / { return 200 "hello ${name}\\n"; }
  }`;
  writeFileSync(
    config,
    `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr warn;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 64; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
${Object.keys(certs).map(server).join('\n')}
  server {
    listen 127.0.0.1:${plain};
    location = /missing { return 404; }
    location = /once { return 302 /end; }
    location = /loop { return 301 /loop; }
    location = /tls { return 302 https://127.0.0.1:${good}/; }
    location = /bad { return 302 https://127.0.0.1:${expired}/; }
    location = /away { return 302 http://192.0.2.1:${plain}/; }
    location = /name { return 302 http://localhost:${self}/; }
    location = /file { return 302 file:///etc/passwd; }
    location = /end { return 200 "the end"; }
    location = /big { root ${folder}; }
  }
}
`,
  );
  writeFileSync(path.join(folder, 'big'), Buffer.alloc(3_000_000, 'x'));
  env.start('/usr/sbin/nginx', ['-e', 'stderr', '-p', folder, '-c', config]);
  await until(() => new Promise((resolve) => net.connect(plain, '127.0.0.1', function () { this.destroy(); resolve(true); }).on('error', () => resolve(false))));
  return { ca: authority.cert, ports };
}

// A web server that says what `answer(socket)` writes. Answers { port, stop }.
export async function startRaw(answer) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.once('data', () => answer(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return { port: server.address().port, stop };
}

// dnsmasq for the zone "example". Answers its port.
export async function startNames(env) {
  const [port] = await freePorts(1);
  const proc = env.start('/usr/sbin/dnsmasq', [
    ...['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces', '--listen-address=127.0.0.1'],
    ...[`--port=${port}`, '--user=', '--pid-file=', '--local=/example/', '--local-ttl=77', '--edns-packet-max=1232'],
    ...['--host-record=www.example,192.0.2.7,2001:db8::7', '--cname=alias.example,www.example', '--mx-host=example,www.example,10'],
    ...['--srv-host=_http._tcp.example,www.example,8080,1,2', '--ptr-record=7.2.0.192.in-addr.arpa,www.example', '--txt-record=small.example,hello "you"'],
    `--txt-record=big.example,${Array.from({ length: 12 }, (_, i) => String.fromCharCode(97 + i).repeat(200)).join(',')}`,
  ]);
  await proc.line(/started, version/);
  return port;
}
