// signals - processes that count the signals they get, in a file
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { Proc } from './env.mjs';

const source = `
  const { appendFileSync } = require('node:fs');
  process.on('SIGHUP', () => appendFileSync(process.argv[1], 'x'));
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => {}, 1000);
  console.log('ready');
`;

// Ends with the test: { pid, count(), ended, ... }.
export async function startCounter(env, name) {
  const file = env.file(`${name}.count`);
  writeFileSync(file, '');
  const proc = new Proc(process.execPath, ['-e', source, file], { name });
  env.procs.push(proc);
  await proc.line(/ready/);
  return Object.assign(proc, { count: () => (existsSync(file) ? readFileSync(file, 'utf8').length : 0) });
}
