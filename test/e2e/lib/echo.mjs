// echo - the server of test/echo.c, for conformance tests
import { freePort, Proc, program } from './env.mjs';

// Starts it and waits until it listens: { port, proc, url, stop }.
export async function startEcho({ tls = false } = {}) {
  const port = await freePort();
  const args = ['--listen', `127.0.0.1:${port}`, ...(tls ? ['--tls'] : [])];
  const proc = new Proc(program('test/echo'), args);
  await proc.line(/ready/);
  return { port, proc, tls, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, stop: () => proc.stop() };
}
