// netns - two network namespaces with one cable between them, which can be cut
import { execFileSync } from 'node:child_process';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

// Why there can be no namespaces here; undefined when there can.
export function whyNoNetns() {
  if (process.getuid() !== 0) return 'needs root: network namespaces';
  const name = `roost-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('netns', 'del', name);
    return undefined;
  } catch (error) {
    return `no network namespaces here: ${String(error.stderr ?? error.message).trim()}`;
  }
}

// Two namespaces, near (10.77.0.1) and far (10.77.0.2). Nothing outside them changes.
export class Cable {
  constructor() {
    const tag = `roost-${process.pid}-${Math.floor(Math.random() * 1e6)}`;
    this.names = { near: `${tag}-near`, far: `${tag}-far` };
    this.address = { near: '10.77.0.1', far: '10.77.0.2' };
    const { near, far } = this.names;
    for (const name of [near, far]) ip('netns', 'add', name);
    this.lay();
  }

  lay() {
    const { near, far } = this.names;
    ip('-n', near, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', far);
    for (const end of ['near', 'far']) {
      ip('-n', this.names[end], 'addr', 'add', `${this.address[end]}/24`, 'dev', 'cable');
      ip('-n', this.names[end], 'link', 'set', 'lo', 'up');
      ip('-n', this.names[end], 'link', 'set', 'cable', 'up');
    }
  }

  // The machine at the far end loses its power and comes back: it knows nothing any more.
  // The cable is cut before, so the near end has not heard of it.
  powerCycle() {
    const { near, far } = this.names;
    ip('-n', near, 'link', 'del', 'cable');
    ip('netns', 'del', far);
    ip('netns', 'add', far);
    this.lay();
  }

  // What runs a program at that end.
  at(end) {
    return ['ip', 'netns', 'exec', this.names[end]];
  }

  // Nothing passes any more, and nobody is told: no FIN, no RST.
  cut() {
    ip('-n', this.names.near, 'link', 'set', 'cable', 'down');
  }

  mend() {
    ip('-n', this.names.near, 'link', 'set', 'cable', 'up');
  }

  // Of the packets that arrive at either end, so many of a hundred are dropped; 0: none.
  lose(percent) {
    for (const name of Object.values(this.names)) {
      const rules = percent
        ? `add table inet lossy
add chain inet lossy input { type filter hook input priority 0; }
flush chain inet lossy input
add rule inet lossy input iifname "cable" numgen random mod 100 < ${percent} drop\n`
        : 'add table inet lossy\ndelete table inet lossy\n';
      execFileSync('ip', ['netns', 'exec', name, 'nft', '-f', '-'], { input: rules, stdio: ['pipe', 'pipe', 'pipe'] });
    }
  }

  // Both ways carry so many kbit/s; 0: as much as they can.
  slow(kbits) {
    for (const name of Object.values(this.names)) {
      const tc = (...args) => execFileSync('ip', ['netns', 'exec', name, 'tc', 'qdisc', ...args], { stdio: 'pipe' });
      if (kbits) tc('replace', 'dev', 'cable', 'root', 'tbf', 'rate', `${kbits}kbit`, 'burst', '16kb', 'latency', '500ms');
      else tc('del', 'dev', 'cable', 'root');
    }
  }

  remove() {
    for (const name of Object.values(this.names)) {
      try {
        ip('netns', 'del', name);
      } catch {
        // it is gone already
      }
    }
  }
}
