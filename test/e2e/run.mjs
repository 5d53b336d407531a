// run - files of system tests side by side: node run.mjs REPORT FILE...
//
// Many of them wait most of the time (for an outage to pass, for a peer to be missed), so
// as many run at once as there are processors. Each has a folder, a hub and ports of its
// own. What happens is printed as it happens; REPORT gets all of it as TAP.
import { createWriteStream } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';

// Those that take longest begin first: none of them is then left over at the end.
const longest = ['install', 'hostile', 'lossless', 'samples', 'clock', 'liveness', 'evening', 'evening_ru', 'chat_load'];

function rank(file) {
  const place = longest.indexOf(path.basename(file, '.test.mjs'));
  return place < 0 ? longest.length : place;
}

const [report, ...files] = process.argv.slice(2);
const minutes = 12; // far more than any file takes
const lanes = Math.min(Math.max(os.cpus().length, 2), 4);
const events = run({
  files: files.map((file) => path.resolve(file)).sort((a, b) => rank(a) - rank(b)),
  concurrency: lanes,
  timeout: minutes * 60_000,
});
events.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);
events.compose(tap).pipe(createWriteStream(report));
