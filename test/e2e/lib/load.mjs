// load - processors that are really busy, for a while
import { spawn } from 'node:child_process';
import os from 'node:os';

const most = 60; // seconds, should a test die

// A process for each core that does nothing but count: stop() ends them.
export function startLoad(cores = os.cpus().length) {
  const source = `const end = Date.now() + ${most * 1000}; while (Date.now() < end);`;
  const children = Array.from({ length: cores }, () => spawn(process.execPath, ['-e', source], { stdio: 'ignore' }));
  const ended = Promise.all(children.map((child) => new Promise((resolve) => child.once('exit', resolve))));
  return {
    pids: children.map((child) => child.pid),
    stop() {
      for (const child of children) child.kill('SIGKILL');
      return ended;
    },
  };
}
