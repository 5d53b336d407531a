// people - users of a hub, and a node that acts as a test wants it to
import { grpc, metadata } from './grpc.mjs';
import { handshake, join, serve } from './link.mjs';

// A user who has come in: cli() with a profile of his own, and calls in his name.
export class Person {
  static async invite(env, name, ...args) {
    const person = new Person(env, name);
    const { login } = await env.json('user', 'invite', name, ...args);
    const code = /--code (\S+)/.exec(login)[1];
    await person.cli('login', env.url, '--code', code);
    person.token = (await person.cli('config', 'get', 'token')).stdout.trim();
    return person;
  }

  constructor(env, name) {
    this.env = env;
    this.name = name;
  }

  cli(...args) {
    const options = typeof args.at(-1) === 'object' ? args.pop() : {};
    return this.env.cli(...args, { ...options, env: { XDG_CONFIG_HOME: this.env.file(`config-${this.name}`), ...options.env } });
  }

  async json(...args) {
    return JSON.parse((await this.cli(...args, '--json')).stdout);
  }

  as(fields = {}) {
    return { authorization: `Bearer ${this.token}`, ...fields };
  }

  // A call of any method of a node: `ended` is its status, `head` its first metadata.
  call(stub, node, method, request = Buffer.alloc(0), fields = {}) {
    const stream = stub.makeServerStreamRequest(method, (bytes) => bytes, (bytes) => bytes, request, metadata(this.as({ name: node, ...fields })));
    stream.on('data', () => {});
    stream.on('error', () => {});
    const ended = new Promise((resolve) => stream.on('status', resolve));
    const head = new Promise((resolve) => stream.on('metadata', resolve));
    return { stream, ended, head, cancel: () => stream.cancel() };
  }
}

// A node of our own: notes each call when its request is whole, and answers it by what
// `answer` says: { status, message }, or nothing, then the call stays under way.
export async function actingNode(env, name, answer = () => ({ status: grpc.status.OK }), fields = {}) {
  const { socket } = await handshake(env, { ...(await join(env, name)), ...fields }, { keep: true });
  const calls = [];
  const session = serve(socket);
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    const call = { method: headers[':path'], headers: { ...headers }, cancelled: false, body: Buffer.alloc(0) };
    stream.on('error', () => {});
    stream.on('data', (bytes) => (call.body = Buffer.concat([call.body, bytes])));
    if (/\/(Samples|Services)$/.test(call.method)) return; // as an agent's do, they go on
    stream.on('close', () => (call.cancelled = stream.rstCode !== 0));
    stream.on('end', () => {
      if (stream.destroyed) return;
      if (!/v1.(Link|Host)\//.test(call.method)) calls.push(call); // not what the hub asks itself
      const end = answer(call);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      if (!end) return;
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(end.status), 'grpc-message': encodeURI(end.message ?? '') }));
      stream.end(end.status === 0 ? Buffer.alloc(5) : undefined);
    });
  });
  await env.state(name, 'ONLINE');
  return { calls, close: () => session.destroy() };
}
