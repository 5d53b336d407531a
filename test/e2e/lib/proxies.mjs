// proxies - real ones between agent and hub: nginx in front of the hub, tinyproxy before the agent
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { freePort, until } from './env.mjs';
import { makeCert } from './tls.mjs';

const answers = (port) =>
  until(
    () =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true) || socket.destroy());
        socket.on('error', () => resolve(false));
      }),
  );

// nginx ends TLS and forwards to the hub's plain port. Of upgrades it lets WebSocket pass
// alone, in the way that its manual shows. Answers { port, ca, proc }.
export async function startNginx(env) {
  const folder = env.file('nginx');
  mkdirSync(folder);
  const { cert, key } = await makeCert(folder, 'front');
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = path.join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr warn;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
  access_log ${folder}/access.log;
${temporary.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
  map $http_upgrade $upgrade { default ''; websocket websocket; }
  map $http_upgrade $hop { default ''; websocket upgrade; }
  server {
    listen 127.0.0.1:${port} ssl;
    listen 127.0.0.2:${port} ssl; # for which its certificate does not stand
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    location / {
      proxy_pass http://127.0.0.1:${env.plainPort};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $upgrade;
      proxy_set_header Connection $hop;
    }
  }
}
`,
  );
  const proc = env.start('/usr/sbin/nginx', ['-e', 'stderr', '-p', folder, '-c', config]);
  await answers(port);
  return { port, ca: cert, proc };
}

// tinyproxy, which lets only user and password pass. Answers { port, url, proc }.
export async function startTinyproxy(env, user, password) {
  const port = await freePort();
  const config = env.file('tinyproxy.conf');
  writeFileSync(config, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nLogLevel Connect\nBasicAuth ${user} ${password}\n`);
  const proc = env.start('/usr/bin/tinyproxy', ['-d', '-c', config]);
  await answers(port);
  return { port, url: `http://${user}:${password}@127.0.0.1:${port}`, proc };
}
