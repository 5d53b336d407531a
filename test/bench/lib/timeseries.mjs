// timeseries - peers that keep samples, given the same day: what it takes and how fast
// they answer. Each: { name, bytes, seconds, query_us, note }
import { copyFileSync, createWriteStream, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Env, freePort, Proc, program, run, until } from '../../e2e/lib/env.mjs';
import { asText, pairs } from './recording.mjs';

const rounds = 300;
const minutes = 60_000;

export function bytesIn(folder, wanted = () => true) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: false })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) sum += bytesIn(file, wanted);
    else if (wanted(file)) sum += statSync(file).size;
  }
  return sum;
}

// The median and the worst of many times the same, in microseconds.
async function clock(fn) {
  const took = [];
  for (let i = 0; i < rounds; i++) {
    const began = process.hrtime.bigint();
    await fn();
    took.push(Number(process.hrtime.bigint() - began) / 1e3);
  }
  took.sort((a, b) => a - b);
  return { query_us: took[rounds / 2], worst_us: took.at(-1) };
}

const seconds = async (fn) => {
  const began = process.hrtime.bigint();
  await fn();
  return Number(process.hrtime.bigint() - began) / 1e9;
};

// The hub's own store, or tables of SQLite, in a program of ours.
async function inProcess(kind, day, folder) {
  const { metric, since, until: end, points } = day.question;
  const file = path.join(folder, `${kind}.db`);
  const { stdout, stderr } = await run(program('test/storage'), [kind, file, metric, String(since), String(end), String(points)],
    { input: asText(day), ms: 5 * minutes });
  if (stderr) console.log(stderr.trim());
  return JSON.parse(stdout);
}

// How long Roost's chunks take to make and to read.
export async function codec(day) {
  const { stdout } = await run(program('test/storage'), ['codec', '-', '-', '0', '0', '0'], { input: asText(day), ms: minutes });
  return JSON.parse(stdout);
}

// The same through the hub, as JSON: another agent of that name has joined meanwhile.
async function askHub(file, { metric, since, until: end, points }) {
  const env = new Env({});
  try {
    mkdirSync(env.data, { mode: 0o700 });
    copyFileSync(file, path.join(env.data, 'roost.db'));
    await env.open();
    await env.agent('host', { settings: '' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await env.token()}` };
    const iso = (ms) => new Date(ms).toISOString();
    const body = JSON.stringify({ select: 'host', metrics: [metric], since: iso(since), until: iso(end), points });
    const ask = async () => (await fetch(`${env.plainUrl}/roost.v1.Metrics/Query`, { method: 'POST', headers, body })).text();
    const got = JSON.parse(await ask()).series[0].mean.filter((mean) => Number.isFinite(mean)).length;
    if (got < points * 0.5) throw new Error(`the hub: only ${got} points`);
    return await clock(ask);
  } finally {
    await env.finish();
  }
}

export async function roost(day, folder) {
  const result = await inProcess('roost', day, folder);
  const overHttp = await askHub(path.join(folder, 'roost.db'), day.question);
  return [
    { name: 'Roost, its raw chunks', ...result, bytes: result.raw, note: 'in process; min, mean, max, count' },
    { name: 'Roost, pages in use, four tiers', bytes: result.used, ...overHttp, note: 'over HTTP; min, mean, max, count' },
    { name: 'Roost, file with free pages', bytes: result.bytes },
  ];
}

export const sqliteRows = async (day, folder) => [{ name: 'SQLite, a row a sample', ...await inProcess('rows', day, folder), note: 'in process; min, mean, max' }];
export const sqliteWide = async (day, folder) => [{ name: 'SQLite, a column a series', ...await inProcess('wide', day, folder), note: 'in process; min, mean, max' }];

const plain = (name) => name.replace(/[^a-z0-9]/g, '_');

// Asks an API like Prometheus' for the mean over each step.
async function askApi(url, { metric, since, until: end, points }) {
  const step = (end - since) / points / 1000;
  const query = new URLSearchParams({
    query: `avg_over_time(${plain(metric)}[${Math.round(step * 1000)}ms])`, start: since / 1000 + step, end: end / 1000, step, nocache: 1,
  });
  const ask = async () => (await fetch(`${url}/api/v1/query_range?${query}`)).text();
  const got = JSON.parse(await ask()).data.result[0].values.length;
  if (got < points * 0.9) throw new Error(`${url}: only ${got} points`);
  return clock(ask);
}

export async function prometheus(day, folder) {
  const text = path.join(folder, 'openmetrics.txt');
  const out = createWriteStream(text);
  for (const name of day.names) {
    out.write(`# TYPE ${plain(name)} gauge\n`);
    for (const [time, value] of pairs(day, name)) out.write(`${plain(name)} ${value} ${time / 1000}\n`);
  }
  await new Promise((resolve) => out.end('# EOF\n', resolve));
  const data = path.join(folder, 'prometheus');
  mkdirSync(data);
  const took = await seconds(() => run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', text, data], { ms: 5 * minutes }));
  const bytes = bytesIn(data);
  const chunks = bytesIn(data, (file) => path.basename(path.dirname(file)) === 'chunks');

  const port = await freePort();
  writeFileSync(path.join(folder, 'prometheus.yml'), '');
  const proc = new Proc('prometheus', [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${data}`,
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn']);
  try {
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/-/ready`)).ok, 30_000, 'prometheus is ready');
    const note = 'over HTTP; mean only';
    return [
      { name: 'Prometheus, its chunks', bytes: chunks, seconds: took, ...await askApi(url, day.question), note },
      { name: 'Prometheus, chunks and index', bytes },
    ];
  } finally {
    await proc.kill('SIGTERM');
  }
}

export async function victoria(day, folder) {
  const data = path.join(folder, 'victoria');
  const port = await freePort();
  const proc = new Proc('victoria-metrics', [`-storageDataPath=${data}`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=10y']);
  const url = `http://127.0.0.1:${port}`;
  try {
    await until(async () => (await fetch(`${url}/health`)).ok, 30_000, 'victoria-metrics is ready');
    const lines = day.names.map((name) => {
      const samples = pairs(day, name);
      return JSON.stringify({ metric: { __name__: plain(name) }, values: samples.map(([, value]) => value), timestamps: samples.map(([time]) => time) });
    });
    const post = async (where, body) => {
      const answer = await fetch(`${url}${where}`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`${where}: ${answer.status}`);
    };
    const took = await seconds(async () => {
      await post('/api/v1/import', lines.join('\n'));
      await post('/internal/force_flush');
      await post('/internal/force_merge');
    });
    const query = await askApi(url, day.question);
    await proc.kill('SIGTERM'); // writes what is in memory
    return [
      { name: 'VictoriaMetrics, its data', bytes: bytesIn(path.join(data, 'data')), seconds: took, ...query, note: 'over HTTP; mean only' },
      { name: 'VictoriaMetrics, data and index', bytes: bytesIn(path.join(data, 'data')) + bytesIn(path.join(data, 'indexdb')) },
    ];
  } finally {
    await proc.kill('SIGTERM');
  }
}

// rrdtool as a server on its standard input; each answer ends with "OK".
class Rrdtool {
  constructor() {
    this.proc = new Proc('rrdtool', ['-']);
    this.proc.child.stdout.on('data', (text) => this.take(text));
    this.said = '';
  }

  take(text) {
    this.said += text;
    const end = /^(OK|ERROR).*\n/m.exec(this.said);
    if (!end) return;
    const answer = this.said;
    this.said = '';
    if (end[1] === 'OK') this.resolve(answer);
    else this.reject(new Error(answer));
  }

  ask(line) {
    return new Promise((resolve, reject) => {
      Object.assign(this, { resolve, reject });
      this.proc.child.stdin.write(`${line}\n`);
    });
  }
}

export async function rrdtool(day, folder) {
  const file = path.join(folder, 'day.rrd');
  const { since, until: end, points, metric } = day.question;
  const stride = Math.round((end - since) / points / day.step);
  const tool = new Rrdtool();
  try {
    // One archive of samples and one for the query's resolution, as its users would make.
    const sources = day.names.map((name, i) => `DS:s${i}:GAUGE:${(4 * day.step) / 1000}:U:U`);
    const archives = [`RRA:AVERAGE:0.5:1:${(end - since) / day.step}`, `RRA:AVERAGE:0.5:${stride}:${points}`];
    await tool.ask(`create ${file} --start ${Math.floor(since / 1000) - 10} --step ${day.step / 1000} ${sources.join(' ')} ${archives.join(' ')}`);
    let last = 0;
    const updates = day.rows.flatMap(({ time, values }) => {
      const second = Math.round(time / 1000);
      if (second <= last) return [];
      last = second;
      return `${second}:${values.map((value, i) => (value === null ? 'U' : value / 10 ** day.scales[i])).join(':')}`;
    });
    const took = await seconds(async () => {
      for (let i = 0; i < updates.length; i += 50) await tool.ask(`update ${file} ${updates.slice(i, i + 50).join(' ')}`);
    });
    // A file has all series, and fetch gives them all; xport gives one.
    const i = day.names.indexOf(metric);
    const query = await clock(() => tool.ask(`xport --start ${Math.floor(since / 1000)} --end ${Math.floor(end / 1000)} --step ${(stride * day.step) / 1000} DEF:a=${file}:s${i}:AVERAGE XPORT:a`));
    return [{ name: 'rrdtool, two archives', bytes: statSync(file).size, seconds: took, ...query, note: 'pipe; mean only; times cut to 5 s' }];
  } finally {
    tool.proc.child.stdin.end();
    await tool.proc.kill('SIGTERM');
  }
}
