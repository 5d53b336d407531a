// What an agent costs at 1 s and at 5 s, beside Debian's prometheus-node-exporter that is
// scraped at the same interval in the same run. SECONDS: how long each is watched (60).
import http from 'node:http';

import { Env, freePort, run, until } from '../e2e/lib/env.mjs';
import { report, sleep, snapshot, table } from './lib/measure.mjs';

const seconds = Number(process.env.SECONDS ?? 60);

// The exporter sends only when it is asked; connections are kept, as Prometheus does.
const connections = new http.Agent({ keepAlive: true });
function scrape(url) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: connections, headers: { 'accept-encoding': 'gzip' } }, (answer) => {
      let length = 0;
      answer.on('data', (chunk) => (length += chunk.length)).on('end', () => resolve(length));
    });
    request.on('error', reject);
  });
}

async function startExporter(env) {
  const port = await freePort();
  const proc = env.start('prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error']);
  const url = `http://127.0.0.1:${port}/metrics`;
  await until(() => scrape(url));
  return { proc, url };
}

async function measure(env, interval) {
  const agent = await env.agent(`pi${interval}`, { settings: `[agent]\ninterval = ${interval}\n` });
  const exporter = await startExporter(env);
  await env.values(agent.name);
  // The first scrapes and samples allocate what later ones reuse.
  for (let i = 0; i < 3; i++) {
    await scrape(exporter.url);
    await sleep(interval * 1000);
  }

  const before = [agent.proc, exporter.proc].map(({ pid }) => snapshot(pid));
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(interval * 1000)) await scrape(exporter.url);
  const rows = [
    report(`roost-agent, ${interval} s`, agent.proc.pid, before[0]),
    report(`node-exporter, ${interval} s`, exporter.proc.pid, before[1]),
  ];
  await env.stopAgent(agent);
  await exporter.proc.kill('SIGTERM');
  env.drop(exporter.proc);
  return rows;
}

const env = await Env.start();
try {
  const { stdout, stderr } = await run('prometheus-node-exporter', ['--version'], { ok: 'any' });
  console.log((stdout + stderr).split('\n')[0]);
  table([...(await measure(env, 1)), ...(await measure(env, 5))]);
} finally {
  await env.finish();
}
