// dbus - a private message bus that answers for the services of a test
//
//   const bus = await Bus.start(file);           agents: DBUS_SYSTEM_BUS_ADDRESS=bus.address
//   bus.serve('org.freedesktop.login1', (call) => [signature, ...values]);
//
// The bus itself as the D-Bus specification says, written for tests: EXTERNAL, little and
// big endian, every basic type but descriptors. A call is { path, interface, member,
// signature, args }; a handler throws { name, message } for an error. What is called is
// kept in bus.calls.
import net from 'node:net';

const alignment = { y: 1, g: 1, v: 1, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, x: 8, t: 8, d: 8, '(': 8, '{': 8 };
const CALL = 1;
const REPLY = 2;
const ERROR = 3;

// The length of the first complete type of a signature.
function typeLength(signature, at = 0) {
  const [type] = signature.slice(at);
  if (type === 'a') return 1 + typeLength(signature, at + 1);
  if (type !== '(' && type !== '{') return 1;
  let end = at + 1;
  while (!')}'.includes(signature[end])) end += typeLength(signature, end);
  return end + 1 - at;
}

export function splitTypes(signature) {
  const types = [];
  for (let at = 0; at < signature.length; at += types.at(-1).length) types.push(signature.slice(at, at + typeLength(signature, at)));
  return types;
}

class Writer {
  bytes = [];

  align(to) {
    while (this.bytes.length % to) this.bytes.push(0);
  }

  number(value, size) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < size; i++, rest >>= 8n) this.bytes.push(Number(rest & 255n));
  }

  value(type, value) {
    this.align(alignment[type[0]]);
    switch (type[0]) {
      case 'y': return this.number(value, 1);
      case 'b': return this.number(value ? 1 : 0, 4);
      case 'i': case 'u': return this.number(value, 4);
      case 'x': case 't': return this.number(value, 8);
      case 's': case 'o': {
        const text = Buffer.from(value);
        this.number(text.length, 4);
        return this.bytes.push(...text, 0);
      }
      case 'g': return this.bytes.push(value.length, ...Buffer.from(value), 0);
      case 'v': {
        this.value('g', value[0]);
        return this.value(value[0], value[1]);
      }
      case 'a': {
        const lengthAt = this.bytes.length;
        this.number(0, 4);
        this.align(alignment[type[1]]);
        const from = this.bytes.length;
        for (const item of value) this.value(type.slice(1), item);
        const length = this.bytes.length - from;
        for (let i = 0; i < 4; i++) this.bytes[lengthAt + i] = (length >> (8 * i)) & 255;
        return undefined;
      }
      case '(': case '{': return splitTypes(type.slice(1, -1)).forEach((inner, i) => this.value(inner, value[i]));
      default: throw new Error(`type ${type}`);
    }
  }
}

class Reader {
  constructor(bytes, at, little) {
    Object.assign(this, { bytes, at, little });
  }

  align(to) {
    this.at = Math.ceil(this.at / to) * to;
  }

  number(size) {
    const part = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return (this.little ? [...part].reverse() : [...part]).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  }

  text(length) {
    const text = this.bytes.toString('utf8', this.at, this.at + length);
    this.at += length + 1;
    return text;
  }

  value(type) {
    this.align(alignment[type[0]]);
    switch (type[0]) {
      case 'y': return Number(this.number(1));
      case 'b': return this.number(4) === 1n;
      case 'i': case 'u': return Number(this.number(4));
      case 'x': case 't': return this.number(8);
      case 's': case 'o': return this.text(Number(this.number(4)));
      case 'g': return this.text(Number(this.number(1)));
      case 'v': return this.value(this.value('g'));
      case 'a': {
        const length = Number(this.number(4));
        this.align(alignment[type[1]]);
        const end = this.at + length;
        const items = [];
        while (this.at < end) items.push(this.value(type.slice(1)));
        return items;
      }
      case '(': case '{': return splitTypes(type.slice(1, -1)).map((inner) => this.value(inner));
      default: throw new Error(`type ${type}`);
    }
  }
}

// The length of a message whose first 16 bytes are there.
function messageLength(bytes) {
  const little = bytes[0] === 0x6c;
  const read = (at) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  return Math.ceil((16 + read(12)) / 8) * 8 + read(4);
}

function parse(bytes) {
  const reader = new Reader(bytes, 0, bytes[0] === 0x6c);
  const [, type, flags] = [reader.value('y'), reader.value('y'), reader.value('y')];
  reader.value('y');
  const [, serial] = [reader.value('u'), reader.value('u')];
  const fields = Object.fromEntries(reader.value('a(yv)'));
  reader.align(8);
  const signature = fields[8] ?? '';
  const args = splitTypes(signature).map((inner) => reader.value(inner));
  return { type, flags, serial, path: fields[1], interface: fields[2], member: fields[3], destination: fields[6], signature, args };
}

function build(type, serial, fields, signature, values) {
  const body = new Writer();
  splitTypes(signature).forEach((inner, i) => body.value(inner, values[i]));
  const head = new Writer();
  for (const byte of [0x6c, type, 0, 1]) head.number(byte, 1);
  head.number(body.bytes.length, 4);
  head.number(serial, 4);
  const all = signature ? [...fields, [8, ['g', signature]]] : fields;
  head.value('a(yv)', all);
  head.align(8);
  return Buffer.from([...head.bytes, ...body.bytes]);
}

export class Bus {
  static async start(file) {
    const bus = new Bus();
    bus.address = `unix:path=${file}`;
    bus.server = net.createServer((socket) => bus.accept(socket));
    await new Promise((resolve, reject) => bus.server.once('error', reject).listen(file, resolve));
    return bus;
  }

  constructor() {
    this.services = new Map();
    this.calls = [];
    this.sockets = new Set();
    this.serial = 0;
    this.serve('org.freedesktop.DBus', ({ member }) => {
      if (member === 'Hello') return ['s', ':1.1'];
      if (member === 'AddMatch' || member === 'RemoveMatch') return [''];
      throw { name: 'org.freedesktop.DBus.Error.UnknownMethod', message: member };
    });
  }

  serve(name, handler) {
    this.services.set(name, handler);
  }

  accept(socket) {
    let waiting = Buffer.alloc(0);
    let begun = false;
    this.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.sockets.delete(socket));
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (!begun && waiting.includes('\n')) {
        const end = waiting.indexOf('\n');
        begun = this.greet(socket, waiting.subarray(0, end).toString().replaceAll(/[\0\r]/g, ''));
        waiting = waiting.subarray(end + 1);
      }
      while (begun && waiting.length >= 16 && waiting.length >= messageLength(waiting)) {
        const length = messageLength(waiting);
        this.take(socket, parse(Buffer.from(waiting.subarray(0, length))));
        waiting = waiting.subarray(length);
      }
    });
  }

  // Answers a line; true: messages follow.
  greet(socket, line) {
    const ok = `OK ${'0123456789abcdef'.repeat(2)}\r\n`;
    if (line === 'AUTH EXTERNAL') socket.write('DATA\r\n');
    else if (line.startsWith('AUTH EXTERNAL ') || line.startsWith('DATA')) socket.write(ok);
    else if (line === 'NEGOTIATE_UNIX_FD') socket.write('AGREE_UNIX_FD\r\n');
    else if (line !== 'BEGIN') socket.write('ERROR\r\n');
    return line === 'BEGIN';
  }

  async take(socket, call) {
    if (call.type !== CALL) return;
    const { path, interface: of, member, signature, args, destination } = call;
    if (destination !== 'org.freedesktop.DBus') this.calls.push({ path, interface: of, member, signature, args, at: Date.now() });
    const handler = this.services.get(destination);
    const send = (type, fields, signature_, values) => {
      if (!(call.flags & 1) && !socket.destroyed) socket.write(build(type, ++this.serial, [[5, ['u', call.serial]], [6, ['s', ':1.1']], [7, ['s', destination]], ...fields], signature_, values));
    };
    try {
      if (!handler) throw { name: 'org.freedesktop.DBus.Error.ServiceUnknown', message: `The name ${destination} was not provided by any .service files` };
      const [types, ...values] = await handler(call);
      send(REPLY, [], types, values);
    } catch (error) {
      if (error instanceof Error) throw error;
      send(ERROR, [[4, ['s', error.name]]], 's', [error.message]);
    }
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
