// measure - what a process costs, as the kernel accounts for it
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// CPU seconds of all threads so far; schedstat counts nanoseconds, not ticks.
export function cpuSeconds(pid) {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e9;
}

// KiB: what is resident, its fair share, and what is this process's alone.
export function memory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]);
  return { rss: of('Rss'), pss: of('Pss'), private: of('Private_Clean') + of('Private_Dirty') };
}

export function switches(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    for (const [, count] of readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8').matchAll(/ctxt_switches:\s+(\d+)/g)) sum += Number(count);
  return sum;
}

// Bytes that the process's TCP connections have sent (payload, resent ones included).
export function bytesSent(pid) {
  const lines = execFileSync('ss', ['-tinpH', 'state', 'established'], { encoding: 'utf8' }).split('\n');
  let sum = 0;
  lines.forEach((line, i) => {
    if (line.includes(`pid=${pid},`)) sum += Number(/bytes_sent:(\d+)/.exec(lines[i + 1])?.[1] ?? 0);
  });
  return sum;
}

export function snapshot(pid) {
  return { at: Date.now(), cpu: cpuSeconds(pid), sent: bytesSent(pid), switches: switches(pid) };
}

// The rates between two snapshots and the memory now.
export function report(name, pid, before, after = snapshot(pid)) {
  const seconds = (after.at - before.at) / 1000;
  const { rss, pss, private: own } = memory(pid);
  return {
    name,
    'RSS MiB': (rss / 1024).toFixed(2),
    'PSS MiB': (pss / 1024).toFixed(2),
    'private MiB': (own / 1024).toFixed(2),
    'CPU s per 60 s': (((after.cpu - before.cpu) / seconds) * 60).toFixed(3),
    'bytes/s sent': ((after.sent - before.sent) / seconds).toFixed(0),
    'switches/s': ((after.switches - before.switches) / seconds).toFixed(1),
  };
}

export function table(rows) {
  const heads = Object.keys(rows[0]);
  const widths = heads.map((head) => Math.max(head.length, ...rows.map((row) => String(row[head] ?? '').length)));
  const line = (cells) => cells.map((cell, i) => (i ? String(cell ?? '').padStart(widths[i]) : String(cell).padEnd(widths[0]))).join('  ');
  console.log(line(heads));
  for (const row of rows) console.log(line(heads.map((head) => row[head])));
}
