// datagrams - UDP sockets of the tests: one that asks, and a relay that delays and keeps
import dgram from 'node:dgram';
import { once } from 'node:events';

import { pause } from './env.mjs';

// A port that no UDP socket of this machine has.
export async function freeUdpPort() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

// A socket at an address of this machine, for a test that closes it.
export async function openUdp(address = '127.0.0.1', port = 0) {
  const socket = dgram.createSocket('udp4');
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

// Does the port of 127.0.0.1 send these bytes back to the socket?
export async function isAnswered(socket, bytes, port, ms = 300) {
  let answered = false;
  const take = (answer) => (answered ||= answer.equals(bytes));
  socket.on('message', take);
  socket.send(bytes, port, '127.0.0.1');
  for (const end = Date.now() + ms; Date.now() < end && !answered; ) await pause(10);
  socket.off('message', take);
  return answered;
}

// Stands before an echo at a port of 127.0.0.1: holds each datagram for delayMs each way, and
// notes for how long it really was.
export class UdpRelay {
  static async start(target, delayMs = 0) {
    const relay = new UdpRelay();
    Object.assign(relay, { target, delayMs, kept: [], heldMs: [] });
    relay.near = await openUdp();
    relay.far = await openUdp();
    relay.port = relay.near.address().port;
    const begun = new Map();
    relay.near.on('message', (bytes, from) => {
      relay.kept.push(bytes);
      relay.client = from;
      begun.set(bytes.readUInt32BE(16), process.hrtime.bigint());
      relay.hold(() => relay.far.send(bytes, relay.target, '127.0.0.1'));
    });
    relay.far.on('message', (bytes) => {
      relay.hold(() => {
        const now = process.hrtime.bigint();
        relay.heldMs.push(Number(now - begun.get(bytes.readUInt32BE(16))) / 1e6);
        relay.near.send(bytes, relay.client.port, relay.client.address);
      });
    });
    return relay;
  }

  hold(fn) {
    if (this.delayMs > 0) setTimeout(() => this.near && fn(), this.delayMs);
    else fn();
  }

  // Not the mean: a machine that stalls would be in it.
  get medianHeldMs() {
    return this.heldMs.sort((a, b) => a - b)[Math.floor(this.heldMs.length / 2)];
  }

  close() {
    this.near?.close();
    this.far?.close();
    this.near = undefined;
  }
}
