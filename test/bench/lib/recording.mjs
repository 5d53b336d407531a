// recording - what a real host measured, as test/bench/record wrote it down
//
//   { step, names, scales, rows: [{ time, values }] }   integers; null where there is none
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

// The usual thirty of a host; the rest of a recording is mostly these once more.
export const usual = [
  'cpu', 'cpu.user', 'cpu.system', 'cpu.iowait', 'cpu.steal', 'cpu:0', 'cpu:1', 'load1', 'load5', 'load15',
  'mem', 'mem.used', 'mem.available', 'mem.cached', 'swap.used', 'net.rx', 'net.tx', 'net.rx_packets',
  'net.tx_packets', 'disk.read', 'disk.write', 'disk.read_ops', 'disk.write_ops', 'disk.busy', 'disk.await',
  'disk', 'disk.used', 'proc.count', 'proc.running', 'tcp.established',
];

function parse(text, names) {
  const rows = [];
  let places;
  let scales;
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    if (words[0] === 'catalogue') {
      const heads = words.slice(1).map((word) => /^(.*):(\d+)$/.exec(word).slice(1));
      places = names.map((name) => heads.findIndex(([head]) => head === name));
      scales = places.map((place) => (place < 0 ? 0 : Number(heads[place][1])));
    } else if (words.length > 1) {
      const number = (place) => (place < 0 || words[place + 1] === '-' ? null : Number(words[place + 1]));
      rows.push({ time: Number(words[0]), values: places.map(number) });
    }
  }
  return { names, scales, rows };
}

export function readRecording(file, names = usual) {
  return { step: 5000, ...parse(gunzipSync(readFileSync(file)).toString(), names) };
}

const average = (values) => (values.length ? Math.round(values.reduce((a, b) => a + b) / values.length) : null);
const total = (values) => (values.length ? values.reduce((a, b) => a + b) : null);

// How a series of short intervals becomes one of long ones.
function joinOf(name, names) {
  const metric = name.split(':')[0];
  if (/^cpu(\.|$)|^disk\.busy$/.test(metric)) return (rows, i) => average(present(rows, i));
  if (/^(net|disk)\.(rx|tx|read|write)/.test(metric)) return (rows, i) => total(present(rows, i));
  if (metric === 'disk.await') {
    const [reads, writes] = [names.indexOf('disk.read_ops'), names.indexOf('disk.write_ops')];
    return (rows, i) => {
      const weights = rows.map(({ values }) => values[reads] + values[writes]);
      const weight = total(weights);
      return weight ? Math.round(total(rows.map(({ values }, k) => values[i] * weights[k])) / weight) : rows.at(-1).values[i];
    };
  }
  return (rows, i) => rows.at(-1).values[i];
}

const present = (rows, i) => rows.map(({ values }) => values[i]).filter((value) => value !== null);

// A time lapse (each `factor` rows span one step of real time, but say that each of them
// did) as rows at the real step. Each of the `factor` ways to begin gives the same host
// once more, seen at other moments; one after the other they make a day of an hour.
export function unfold(lapse, factor) {
  const joins = lapse.names.map((name) => joinOf(name, lapse.names));
  const rows = [];
  const whole = Math.floor((lapse.rows.length - factor) / factor);
  for (let phase = 0; phase < factor; phase++)
    for (let k = 0; k < whole; k++) {
      const first = 1 + phase + k * factor; // rates begin with the second row
      const some = lapse.rows.slice(first, first + factor);
      const late = some.at(-1).time - lapse.rows[0].time - (first + factor - 1) * lapse.step;
      rows.push({ time: rows.length * lapse.step + late, values: joins.map((join, i) => join(some, i)) });
    }
  return { ...lapse, rows };
}

// The recording so that it begins at a wall time.
export function startAt(recording, wall) {
  const [{ time: first }] = recording.rows;
  return { ...recording, rows: recording.rows.map(({ time, values }) => ({ time: time - first + wall, values })) };
}

// For programs of ours: the form of the file.
export function asText({ names, scales, rows }) {
  const head = `catalogue ${names.map((name, i) => `${name}:${scales[i]}`).join(' ')}\n`;
  return head + rows.map(({ time, values }) => `${time} ${values.map((value) => value ?? '-').join(' ')}\n`).join('');
}

// One series as [ms, number] pairs in its unit.
export function pairs({ names, scales, rows }, name) {
  const i = names.indexOf(name);
  return rows.filter(({ values }) => values[i] !== null).map(({ time, values }) => [time, values[i] / 10 ** scales[i]]);
}
