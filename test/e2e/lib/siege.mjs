// siege - a hub that is attacked, and what must be true of it after each attack
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { Env, patience, slow, until } from './env.mjs';
import { Raw } from './raw.mjs';

const growthMax = (slow > 1 ? 400 : 24) << 20; // sanitizers keep what was freed
const rounds = slow > 1 ? 2 : 4;

export class Siege {
  static async start(options = {}) {
    const siege = new Siege();
    siege.env = await Env.start(options);
    siege.token = await siege.env.token();
    siege.bearer = `Bearer ${siege.token}`;
    for (let i = 0; i < 5; i++) await siege.call();
    siege.openFiles = await siege.settle();
    siege.memoryMax = siege.memory() + 2 * growthMax;
    return siege;
  }

  get port() {
    return this.env.port;
  }

  get plainPort() {
    return this.env.plainPort;
  }

  countFiles() {
    return readdirSync(`/proc/${this.env.hub.pid}/fd`).length;
  }

  memory() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.env.hub.pid}/status`, 'utf8'))[1]) * 1024;
  }

  // The number of open files once it stands still.
  async settle() {
    let count = this.countFiles();
    let times = 0;
    await until(() => {
      const now = this.countFiles();
      times = now === count ? times + 1 : 0;
      count = now;
      return times > 20;
    });
    return count;
  }

  // A usual call of a usual client: answers in how many milliseconds.
  async call() {
    const before = performance.now();
    const peer = await Raw.connect({ port: this.port, tls: true });
    peer.send(
      `POST /roost.v1.Nodes/List HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${this.bearer}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    await peer.text(/^HTTP\/1\.1 200 [^]*\r\n\r\n\{/);
    peer.close();
    return performance.now() - before;
  }

  // The hub serves others as ever, and has given back every descriptor.
  async unharmed() {
    assert.ok(this.env.hub.running, `the hub ended with ${this.env.hub.code}:\n${this.env.hub.stderr.slice(-4000)}`);
    const took = await this.call();
    assert.ok(took < 1000 * slow, `a usual call took ${took} ms`);
    await until(() => this.countFiles() <= this.openFiles, patience, 'all descriptors are given back').catch((error) => {
      throw new Error(`${error.message}: ${this.countFiles()} are open, ${this.openFiles} were`);
    });
  }

  // Attacks several times; the first may make the hub grow, the others may not. Usual calls
  // are made meanwhile.
  async endure(attack) {
    let memory;
    for (let i = 0; i < rounds; i++) {
      const attacked = attack(i);
      attacked.catch(() => {});
      const took = await this.call();
      assert.ok(took < 2000 * slow, `a usual call meanwhile took ${took} ms`);
      await attacked;
      await this.unharmed();
      memory ??= this.memory();
    }
    const growth = this.memory() - memory;
    assert.ok(growth < growthMax, `the hub grew by ${growth >> 10} KiB`);
  }

  async finish() {
    await this.env.finish();
  }
}
