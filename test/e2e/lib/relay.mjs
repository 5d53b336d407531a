// relay - a TCP relay that delays, stalls, repeats and breaks what it carries
import net from 'node:net';

export class Relay {
  // Carries connections to a port of this machine. Fields may be set at any time: delayMs
  // (of every chunk, each way), stalled (nothing passes, nothing is lost), repeats (every so
  // manieth chunk passes twice, which TLS must notice; 0: none).
  static async start({ port }) {
    const relay = new Relay();
    relay.target = port;
    relay.server = net.createServer((near) => relay.carry(near));
    await new Promise((resolve) => relay.server.listen(0, '127.0.0.1', resolve));
    relay.port = relay.server.address().port;
    return relay;
  }

  constructor() {
    this.delayMs = 0;
    this.repeats = 0;
    this.chunks = 0;
    this.isStalled = false;
    this.pairs = new Set();
    this.halfOpen = [];
  }

  carry(near) {
    const far = net.connect(this.target, '127.0.0.1');
    for (const socket of [near, far]) socket.setNoDelay(); // a wire holds nothing back
    const pair = { near, far };
    this.pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      let dueAt = 0; // chunks stay in order when the delay gets shorter
      const queue = []; // and whatever order timers come in
      let isOver = false; // what is on its way still arrives, as it would on a wire
      const pass = () => {
        while (queue.length && queue[0].dueAt <= Date.now()) {
          const { chunk, twice } = queue.shift();
          if (!to.writable) continue;
          to.write(chunk);
          if (twice) to.write(chunk);
        }
        if (queue.length) setTimeout(pass, queue[0].dueAt - Date.now());
        else if (isOver) to.end();
      };
      from.on('data', (chunk) => {
        dueAt = Math.max(dueAt, Date.now() + this.delayMs);
        const twice = this.repeats > 0 && ++this.chunks % this.repeats === 0;
        queue.push({ chunk, twice, dueAt });
        if (queue.length === 1) setTimeout(pass, dueAt - Date.now());
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.pairs.delete(pair);
        if (pair.isHalfOpen) return;
        isOver = true;
        if (queue.length === 0) to.end();
      });
      if (this.isStalled) from.pause();
    }
  }

  get stalled() {
    return this.isStalled;
  }

  set stalled(value) {
    this.isStalled = value;
    for (const { near, far } of this.pairs)
      for (const socket of [near, far]) {
        if (value) socket.pause();
        else socket.resume();
      }
  }

  // Of the connections that there are, who dialled is told everything and not heard any
  // more. Those that come later are whole.
  muteNear() {
    for (const { near } of this.pairs) near.pause();
  }

  // Every connection ends in the middle of whatever it carries.
  breakAll() {
    for (const { near, far } of this.pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.pairs.clear();
  }

  // Every connection ends for who dialled; the other end hears nothing of it, and nothing
  // any more.
  breakNear() {
    for (const pair of this.pairs) {
      pair.isHalfOpen = true;
      this.halfOpen.push(pair.far.pause());
      pair.near.resetAndDestroy();
    }
  }

  async stop() {
    this.breakAll();
    for (const far of this.halfOpen) far.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
