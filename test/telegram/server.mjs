// server - the Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>
import http from 'node:http';

import { ApiError } from './errors.mjs';
import { limits } from './limits.mjs';
import { methods } from './methods.mjs';
import { Parameters, readParameters } from './parameters.mjs';

const bodyMost = limits.documentBytes + (1 << 20);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const notFound = () => new ApiError(404, 'Not Found');

async function readBody(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size <= bodyMost) parts.push(part);
  }
  if (size > bodyMost) throw new ApiError(413, 'Request Entity Too Large');
  return Buffer.concat(parts);
}

function reply(response, status, object) {
  const text = JSON.stringify(object);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
  if (object.parameters?.retry_after) headers['Retry-After'] = object.parameters.retry_after;
  response.writeHead(status, headers).end(text);
}

const badGateway = '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n';

export class Server {
  constructor(telegram) {
    this.telegram = telegram;
    this.sockets = new Set();
    this.http = http.createServer((request, response) => this.#serve(request, response));
    this.http.keepAliveTimeout = 60_000;
    this.http.on('connection', (socket) => {
      if (telegram.faults.isDown) return void socket.destroy();
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => {});
    });
  }

  listen(port) {
    return new Promise((resolve, reject) => {
      this.http.once('error', reject).listen(port, '127.0.0.1', () => resolve(this.http.address().port));
    });
  }

  close() {
    this.cut();
    return new Promise((resolve) => this.http.close(resolve));
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  // What the address asks for: { name, call }, or a file.
  #route(request) {
    const { pathname } = new URL(request.url, 'http://api');
    const match = /^(\/file)?\/bot([^/]*)\/(?:test\/)?(.*)$/.exec(decodeURIComponent(pathname));
    if (!match) throw notFound();
    const [, isFile, token, rest] = match;
    if (token !== this.telegram.token) throw new ApiError(401, 'Unauthorized');
    if (isFile) return { file: this.telegram.files.atPath(rest) };
    return methods.get(rest.replace(/\/$/, '').toLowerCase()) ?? {};
  }

  async #serve(request, response) {
    if (this.telegram.faults.isDown) return void request.socket.destroy();
    const record = { method: request.url.replace(/\?.*/, '').split('/').pop(), at: Date.now(), parameters: {} };
    try {
      const body = await readBody(request);
      if (request.method !== 'GET' && request.method !== 'POST') throw new ApiError(405, 'Method Not Allowed');
      const route = this.#route(request);
      if (route.file) return void response.writeHead(200, { 'Content-Length': route.file.bytes.length }).end(route.file.bytes);
      if (!route.call) throw notFound();
      record.method = route.name;
      const query = new URL(request.url, 'http://api').search;
      const parameters = readParameters(query, request.headers['content-type'] ?? '', body);
      record.parameters = parameters.toObject();
      await this.#call(route, parameters, record, response);
    } catch (error) {
      this.#refuse(error, record, response);
    }
  }

  async #call(route, parameters, record, response) {
    const { telegram } = this;
    const fault = telegram.faults.take(route.name, record.parameters);
    if (fault && (await this.#before(fault, record, response))) return;
    const gone = (wake) => response.on('close', wake);
    const result = await telegram.run(route, parameters, record, gone);
    if (fault?.kind === 'lost') return void response.destroy();
    if (fault?.kind === 'slow') await pause(fault.ms);
    if (fault?.kind === '500') throw new ApiError(500, 'Internal Server Error');
    if (!response.destroyed) reply(response, 200, { ok: true, result });
  }

  // Faults without an effect: true when the call is over.
  async #before(fault, record, response) {
    if (fault.kind === 'drop') {
      response.destroy();
      return true;
    }
    if (fault.kind === '502') {
      response.writeHead(502, { 'Content-Type': 'text/html', 'Content-Length': badGateway.length }).end(badGateway);
      return true;
    }
    record.isInjected = fault.kind === '429' || fault.kind === '500';
    if (fault.kind === '500' && !fault.after) throw new ApiError(500, 'Internal Server Error');
    if (fault.kind === '429') throw this.telegram.storm(record.parameters.chat_id, fault.seconds);
    return false;
  }

  #refuse(error, record, response) {
    const refusal = error instanceof ApiError ? error : new ApiError(500, `Internal Server Error: ${error.stack}`);
    this.telegram.reject(record, refusal);
    if (!response.destroyed) reply(response, refusal.code, refusal.toReply());
  }
}

// The call in the answer of a webhook: nobody hears of its result.
export async function callByReply(telegram, { method, ...fields }) {
  const record = { method, at: Date.now(), parameters: fields, isReply: true };
  try {
    const route = methods.get(method.toLowerCase());
    if (!route) throw notFound();
    await telegram.run(route, Parameters.of(fields), record);
  } catch (error) {
    telegram.reject(record, error);
  }
}
