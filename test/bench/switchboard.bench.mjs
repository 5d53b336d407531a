// What a call through hub and agent costs, beside a direct one and two well-known proxies
// of one hop, all in front of the same back end (build/test/echo).
// CALLS: how many in each row (60000). ROUNDS: rows are medians of these (3). MANY: how
// many calls the hub's memory is watched over (1000000; 0: not at all). HEALTH=1: the hub's
// rows call a method of the agent itself in the place of the back end.
import { Env } from '../e2e/lib/env.mjs';
import { startEcho } from '../e2e/lib/echo.mjs';
import { check, load, startNginx, startNghttpx } from './lib/load.mjs';
import { memory, table } from './lib/measure.mjs';

const calls = Number(process.env.CALLS ?? 60000);
const rounds = Number(process.env.ROUNDS ?? 3);
const many = Number(process.env.MANY ?? 1_000_000);
const unary = '/test.Echo/Unary';
const shapes = [
  { clients: 1, streams: 1 },
  { clients: 4, streams: 16 },
  { clients: 16, streams: 32 },
];

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

// One shape over all paths, interleaved, so that whatever else the machine does hits all.
async function measure(env, paths, shape) {
  const few = shape.clients * shape.streams === 1 ? 6 : 1;
  const results = new Map(paths.map((path) => [path, []]));
  for (let round = 0; round < rounds; round++)
    for (const path of paths)
      results.get(path).push(
        await load(env, `${path.url}${path.method ?? unary}`, { ...shape, ...path, calls: Math.ceil(calls / few) }),
      );
  return paths.map((path) => {
    const runs = results.get(path);
    const of = (pick) => middle(runs.map(pick));
    const cpu = Object.fromEntries(Object.keys(path.procs ?? {}).map((name) => [name, of((run) => run.cpu[name])]));
    return { name: path.name, rate: of((run) => run.rate), p50: of((run) => run.p50), p99: of((run) => run.p99), cpu };
  });
}

function print(shape, rows) {
  const peer = rows.find((row) => row.name === 'nghttpx');
  table(
    rows.map((row) => ({
      [`${shape.clients} x ${shape.streams}`]: row.name,
      'calls/s': row.rate.toFixed(0),
      'p50 ms': row.p50.toFixed(3),
      'p99 ms': row.p99.toFixed(3),
      'CPU us/call': Object.entries(row.cpu).map(([name, us]) => `${name} ${us.toFixed(1)}`).join(', '),
      'rate / nghttpx': (row.rate / peer.rate).toFixed(2),
      'p99 / nghttpx': (row.p99 / peer.p99).toFixed(2),
    })),
  );
  console.log();
}

async function watchMemory(env, path) {
  const kib = () => memory(env.hub.pid).rss;
  const rows = [{ calls: 0, 'hub RSS KiB': kib() }];
  for (let part = 1; part <= 4; part++) {
    await load(env, `${path.url}${path.method ?? unary}`, { clients: 4, streams: 16, ...path, calls: many / 4 });
    rows.push({ calls: (many / 4) * part, 'hub RSS KiB': kib() });
  }
  table(rows);
  console.log(`growth from the first quarter on: ${rows[4]['hub RSS KiB'] - rows[1]['hub RSS KiB']} KiB (target: 1024 at most)\n`);
}

const env = await Env.start({ config: '[limits]\nper_client = 100000\nunauthenticated = 100000\n' });
const echo = await startEcho();
try {
  const settings = `[expose echo]\naddress = 127.0.0.1:${echo.port}\n`;
  const agent = await env.agent('far', process.env.HEALTH ? {} : { settings });
  const headers = { authorization: `Bearer ${await env.token()}`, name: 'far' };
  const procs = { hub: env.hub.pid, agent: agent.proc.pid };
  const method = process.env.HEALTH ? '/grpc.health.v1.Health/Check' : undefined;
  const nghttpx = await startNghttpx(env, echo.port);
  const nginx = await startNginx(env, echo.port);
  const paths = [
    { name: 'direct', url: echo.url },
    { name: 'nghttpx', ...nghttpx },
    { name: 'nginx grpc_pass', ...nginx },
    { name: 'hub and agent, h2c caller', url: env.plainUrl, headers, procs, method },
    { name: 'hub and agent, TLS caller', url: env.url, headers, procs, method },
  ];
  for (const path of paths) await check(`${path.url}${path.method ?? unary}`, path.headers);
  for (const shape of shapes) print(shape, await measure(env, paths, shape));
  console.log('targets: rate / nghttpx >= 0.7 (h2c) and 0.6 (TLS), p99 / nghttpx <= 2, hub <= 6 us at 4 x 16;');
  console.log('1 x 1: p50 <= 0.08 ms (h2c), 0.09 (TLS)\n');
  if (many > 0) await watchMemory(env, paths[3]);
  await nghttpx.stop();
} finally {
  await env.finish();
  await echo.stop();
}
