// run - files of system tests side by side: node run.mjs REPORT FILE...
//
// Many of them wait most of the time (for an outage to pass, for a peer to be missed), so
// as many run at once as there are processors. Those that do hardly anything else (in
// chats for the one message a second that a chat gets, elsewhere for limits of time) run
// beside the others, one more of them at once, and hardly cost them anything. Each file
// has a folder, a hub and ports of its own. What happens is printed as it happens; REPORT
// gets all of it as TAP.
import { createWriteStream } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';

// Those that take longest begin first: none of them is then left over at the end.
const longest = ['install', 'hostile', 'lossless', 'grants', 'samples', 'clock', 'liveness', 'chat_kill', 'evening', 'evening_ru', 'chat_load'];
const patient = /^(chat_|clock|evening|telegram|notify|hostile|liveness|lossless|grants|samples)/;

function rank(file) {
  const place = longest.indexOf(path.basename(file, '.test.mjs'));
  return place < 0 ? longest.length : place;
}

const [report, ...files] = process.argv.slice(2);
const minutes = 12; // far more than any file takes
const lanes = Math.min(Math.max(os.cpus().length, 2), 4);

// Some files, so many at once, and their report; answers when all are done.
async function runAll(group, atOnce, file) {
  const events = run({
    files: group.map((one) => path.resolve(one)).sort((a, b) => rank(a) - rank(b)),
    concurrency: atOnce,
    timeout: minutes * 60_000,
  });
  events.on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  });
  events.compose(new spec()).pipe(process.stdout, { end: false });
  await finished(events.compose(tap).pipe(createWriteStream(file)));
}

const isPatient = (file) => patient.test(path.basename(file));
const groups = [
  { files: files.filter((file) => !isPatient(file)), lanes },
  { files: files.filter(isPatient), lanes: lanes + 1 },
].filter((group) => group.files.length > 0);
await Promise.all(groups.map((group, i) => runAll(group.files, group.lanes, `${report}.${i}`)));
await writeFile(report, '');
for (let i = 0; i < groups.length; i++) {
  await appendFile(report, await readFile(`${report}.${i}`));
  await rm(`${report}.${i}`);
}
// What a failed test has left behind may still hold a pipe of ours.
process.stdout.write('', () => process.exit(process.exitCode ?? 0));
