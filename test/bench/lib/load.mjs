// load - unary gRPC calls by h2load, and proxies to put between it and a back end
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect } from 'node:net';

import { freePort, run, until } from '../../e2e/lib/env.mjs';
import { cpuSeconds } from './measure.mjs';

const framed = 5; // bytes before a gRPC message

// Percentile of an ascending array.
function at(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

// `calls` calls with a message of 32 bytes: calls/s, p50 and p99 in ms, and the CPU
// microseconds a call of each of `procs` (an object of pids).
export async function load(env, url, { calls, clients, streams, headers = {}, procs = {} }) {
  const body = env.file('request');
  const log = env.file('requests.tsv');
  const message = Buffer.alloc(framed + 32, 7);
  message.writeUInt32BE(32, 1);
  message[0] = 0;
  writeFileSync(body, message);
  rmSync(log, { force: true });
  const fields = { 'content-type': 'application/grpc', te: 'trailers', ...headers };
  const before = Object.values(procs).map(cpuSeconds);
  const { stdout } = await run(
    'h2load',
    [
      ...['-n', calls, '-c', clients, '-m', streams, '-d', body, `--log-file=${log}`].map(String),
      ...Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      url,
    ],
    { ms: 600_000 },
  );
  const cpu = Object.values(procs).map((pid, i) => ((cpuSeconds(pid) - before[i]) * 1e6) / calls);
  const times = readFileSync(log, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[2]));
  times.sort((a, b) => a - b);
  const [, good] = /(\d+) 2xx/.exec(stdout);
  if (Number(good) !== calls) throw new Error(`${calls - good} of ${calls} calls failed at ${url}\n${stdout}`);
  return {
    rate: Number(/([\d.]+) req\/s/.exec(stdout)[1]),
    p50: at(times, 0.5) / 1000,
    p99: at(times, 0.99) / 1000,
    cpu: Object.fromEntries(Object.keys(procs).map((name, i) => [name, cpu[i]])),
  };
}

// h2load counts HTTP answers: the path must also give what gRPC calls a success.
export async function check(url, headers = {}) {
  const session = http2.connect(url, { rejectUnauthorized: false });
  const method = { ':method': 'POST', ':path': new URL(url).pathname };
  const call = session.request({ ...method, 'content-type': 'application/grpc', te: 'trailers', ...headers });
  let said;
  call.on('response', (head) => (said = head)).on('trailers', (trailers) => (said = trailers));
  call.end(Buffer.alloc(framed));
  call.resume();
  await once(call, 'close');
  session.close();
  assert.equal(said['grpc-status'], '0', `${url}: ${said['grpc-message']}`);
}

// nginx with one worker in front of an h2c back end: { name, url, procs }.
export async function startNginx(env, backend) {
  const port = await freePort();
  const folder = env.folder;
  writeFileSync(
    env.file('nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
     events { worker_connections 4096; }
     http {
       access_log off; keepalive_requests 1000000000; http2_max_concurrent_streams 1024;
       client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
       uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
       upstream back { server 127.0.0.1:${backend}; keepalive 512; keepalive_requests 1000000000; }
       server { listen 127.0.0.1:${port} http2; location / { grpc_pass grpc://back; } }
     }`,
  );
  const proc = env.start('nginx', ['-e', env.file('nginx.log'), '-c', env.file('nginx.conf')], { name: 'nginx' });
  await answers(port);
  const children = readFileSync(`/proc/${proc.pid}/task/${proc.pid}/children`, 'utf8').trim().split(' ');
  return { url: `http://127.0.0.1:${port}`, procs: { proxy: Number(children[0]) } };
}

// nghttpx with one worker in front of an h2c back end.
export async function startNghttpx(env, backend) {
  const port = await freePort();
  const proc = env.start('nghttpx', [
    '--conf=/dev/null', `--frontend=127.0.0.1,${port};no-tls`, `--backend=127.0.0.1,${backend};;proto=h2`,
    '--workers=1', '--no-ocsp', '--single-process', '--log-level=ERROR', '--accesslog-file=/dev/null', `--pid-file=${env.file('nghttpx.pid')}`,
  ]);
  await answers(port);
  return { url: `http://127.0.0.1:${port}`, procs: { proxy: proc.pid }, stop: () => env.kill(proc) };
}

// Waits until something accepts connections there.
async function answers(port) {
  await until(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
        socket.on('error', () => resolve(false));
      }),
  );
}
