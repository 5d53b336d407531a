// relay_process - a relay (relay.mjs) in a process of its own, for what is measured, and
// for tests that wait without turning
//
//   const { port, tell, stop } = await startRelay(target, delayMs);
//   await tell('breakAll');
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { Relay } from './relay.mjs';

const file = fileURLToPath(import.meta.url);

export async function startRelay(target, delayMs) {
  const child = fork(file, [String(target), String(delayMs)]);
  const [port] = await once(child, 'message');
  const tell = async (method) => {
    child.send(method);
    await once(child, 'message');
  };
  return { port, tell, stop: () => child.disconnect() };
}

if (process.argv[1] === file) {
  const relay = await Relay.start({ port: Number(process.argv[2]) });
  relay.delayMs = Number(process.argv[3]);
  process.send(relay.port);
  process.on('message', (method) => {
    relay[method]();
    process.send(method);
  });
  process.on('disconnect', () => process.exit(0));
}
