// What a day of a host takes: thirty series each 5 s, kept by Roost, by SQLite as one
// would use it without thinking long, by Prometheus, VictoriaMetrics and rrdtool, and how
// long each takes to give 24 h of one series at 500 points. The same samples, one after
// the other on this machine, on loopback. test/bench/data/README.md says what they are.
// METRIC: what is asked for (cpu). ONLY: a regular expression for the peers to run (all).
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { table } from './lib/measure.mjs';
import { readRecording, startAt, unfold } from './lib/recording.mjs';
import { codec, prometheus, roost, rrdtool, sqliteRows, sqliteWide, victoria } from './lib/timeseries.mjs';

const peers = [roost, sqliteRows, sqliteWide, prometheus, victoria, rrdtool];
const metric = process.env.METRIC ?? 'cpu';
const only = new RegExp(process.env.ONLY ?? '.');
const hour = 3_600_000;
const rowsOfADay = 17_280;
const here = path.dirname(fileURLToPath(import.meta.url));
const data = (name) => path.join(here, 'data', name);

// Yesterday, on the hour.
const began = Math.floor(Date.now() / hour) * hour - 26 * hour;

async function measure(title, recording) {
  const day = startAt({ ...recording, rows: recording.rows.slice(0, rowsOfADay) }, began);
  const samples = day.rows.reduce((sum, { values }) => sum + values.filter((value) => value !== null).length, 0);
  const span = day.rows.length * day.step;
  day.question = { metric, since: began, until: began + span, points: 500 };
  console.log(`${title}: ${day.names.length} series x ${day.rows.length} rows, ${samples} samples`);
  console.log(`query: ${(span / hour).toFixed(1)} h of ${metric} at 500 points`);

  const rows = [];
  for (const peer of peers.filter((peer) => peer === roost || only.test(peer.name))) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-storage-'));
    try {
      rows.push(...await peer(day, folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  // What goes over HTTP or a pipe is compared with what goes over HTTP.
  const [raw, overHttp] = rows;
  const ratio = ({ query_us, note }) => query_us / (note.startsWith('in process') ? raw : overHttp).query_us;
  const number = (value, digits) => (value === undefined ? '' : value.toFixed(digits));
  table(rows.map((row) => ({
    kept: row.name,
    'B/sample': number(row.bytes / samples, 3),
    'x ours': number(row.bytes / raw.bytes, 2),
    'query ms': number(row.query_us === undefined ? undefined : row.query_us / 1000, 3),
    'worst ms': number(row.worst_us === undefined ? undefined : row.worst_us / 1000, 2),
    'x ours ': number(row.query_us === undefined ? undefined : ratio(row), 1),
    'load s': number(row.seconds, 2),
    how: row.note ?? '',
  })));
  const { chunk_us: write, column_us: read, bytes } = await codec(day);
  console.log(`a chunk of 720 rows: ${bytes} bytes, written in ${(write / 1000).toFixed(2)} ms, a column of it read in ${read.toFixed(1)} us`);
}

const lapse = readRecording(data('host-250ms.txt.gz'));
await measure('A day (72 minutes at 250 ms, seen 20 times at 5 s)', unfold(lapse, 20));
console.log();
await measure('73 minutes, but truly taken each 5 s', readRecording(data('host-5s.txt.gz')));
