// How long a chart of 1200x600 with 17,280 points x 2 series takes, beside matplotlib and
// rrdtool graph with the same data in the same run. Cold: the first picture of a process;
// warm: the median of those that follow. The peers' start is in their cold figure.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { cpuSeconds, table } from './lib/measure.mjs';

// Debian's, whatever else is in the path: python3-matplotlib belongs to it.
const python = '/usr/bin/python3';
const times = Number(process.env.TIMES ?? 20);
const here = path.dirname(fileURLToPath(import.meta.url));
const program = path.join(process.env.BUILD_DIR ?? path.join(here, '../../build'), 'test/charts/chart_bench');
const dir = mkdtempSync(path.join(tmpdir(), 'roost-chart-'));

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const ms = (from) => Number(process.hrtime.bigint() - from) / 1e6;
const peakKiB = (pid) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

const row = (name, { cold, warm, cpu, bytes, peak }) => ({
  name,
  'cold ms': cold.toFixed(1),
  'warm ms': warm.toFixed(2),
  'CPU ms': cpu.toFixed(2),
  'PNG kB': (bytes / 1000).toFixed(0),
  'peak MiB': (peak / 1024).toFixed(1),
});

function ours(scene) {
  const from = process.hrtime.bigint();
  execFileSync(program, [scene, '1']);
  const cold = ms(from);
  const figures = JSON.parse(execFileSync(program, [scene, String(times * 5)], { encoding: 'utf8' }));
  return { row: row(`roost, ${scene}`, { ...figures, cold }), ...figures };
}

function matplotlib(data) {
  const from = process.hrtime.bigint();
  execFileSync(python, [path.join(here, 'lib/chart_matplotlib.py'), data, path.join(dir, 'm.png'), '0']);
  const cold = ms(from);
  const out = execFileSync(python, [path.join(here, 'lib/chart_matplotlib.py'), data, path.join(dir, 'm.png'), String(times)], { encoding: 'utf8' });
  const figures = { ...JSON.parse(out), cold, bytes: statSync(path.join(dir, 'm.png')).size };
  return { row: row('matplotlib', figures), ...figures };
}

function makeRrd(data) {
  const rows = readFileSync(data, 'utf8').trim().split('\n').map((line) => line.split(' '));
  const first = Number(rows[0][0]);
  const file = path.join(dir, 'b.rrd');
  execFileSync('rrdtool', ['create', file, '--start', String(first - 5), '--step', '5', 'DS:a:GAUGE:10:U:U', 'DS:b:GAUGE:10:U:U', 'RRA:AVERAGE:0.5:1:17281']);
  for (let i = 0; i < rows.length; i += 2000) execFileSync('rrdtool', ['update', file, ...rows.slice(i, i + 2000).map((row) => row.join(':'))]);
  return { file, first, last: Number(rows.at(-1)[0]) };
}

const rrdGraph = ({ file, first, last }) =>
  `graph ${path.join(dir, 'r.png')} --start ${first} --end ${last} --width 1100 --height 430 --full-size-mode --lower-limit 0 --upper-limit 100 --rigid ` +
  `DEF:a=${file}:a:AVERAGE DEF:b=${file}:b:AVERAGE LINE1:a#56b4f0:cpu GPRINT:a:LAST:%5.1lf GPRINT:a:MIN:%5.1lf GPRINT:a:AVERAGE:%5.1lf GPRINT:a:MAX:%5.1lf ` +
  `LINE1:b#f0a030:mem GPRINT:b:LAST:%5.1lf GPRINT:b:MIN:%5.1lf GPRINT:b:AVERAGE:%5.1lf GPRINT:b:MAX:%5.1lf`;

// One process that reads commands from a pipe, as a web page's back end would keep it.
async function rrdtool(data) {
  const rrd = makeRrd(data);
  const command = rrdGraph(rrd);
  const from = process.hrtime.bigint();
  execFileSync('rrdtool', command.split(' '));
  const cold = ms(from);

  const proc = spawn('rrdtool', ['-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: proc.stdout })[Symbol.asyncIterator]();
  const took = [];
  let before = 0;
  for (let i = 0; i <= times; i++) {
    if (i === 1) before = cpuSeconds(proc.pid);
    const start = process.hrtime.bigint();
    proc.stdin.write(`${command}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done || value.startsWith('ERROR')) throw new Error(`rrdtool: ${value}`);
      if (value.startsWith('OK')) break;
    }
    if (i > 0) took.push(ms(start));
  }
  const cpu = ((cpuSeconds(proc.pid) - before) / times) * 1000;
  const peak = peakKiB(proc.pid);
  proc.stdin.end('quit\n');
  const figures = { cold, warm: median(took), cpu, bytes: statSync(path.join(dir, 'r.png')).size, peak };
  return { row: row('rrdtool graph', figures), ...figures };
}

try {
  const data = path.join(dir, 'data');
  execFileSync('sh', ['-c', '"$0" bench data >"$1"', program, data]);
  const mine = ours('bench');
  const peers = [matplotlib(data), await rrdtool(data)];
  table([mine.row, ...peers.map((peer) => peer.row), ours('bench-2x').row]);
  console.log(`kept after the first picture: ${(mine.kept / 1024).toFixed(1)} MiB private (fonts, free heap)`);
  const ratio = (peer, figure) => (peer[figure] / mine[figure]).toFixed(1);
  for (const [name, peer] of [['matplotlib', peers[0]], ['rrdtool', peers[1]]])
    console.log(`${name} takes ${ratio(peer, 'warm')} times as long and ${ratio(peer, 'cpu')} times the CPU`);
  console.log('target: at most 15 ms warm, then 10, and 10 MiB');
} finally {
  rmSync(dir, { recursive: true, force: true });
}
