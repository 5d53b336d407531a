// prometheus - a real Prometheus on loopback, with its remote-write receiver
import { writeFileSync } from 'node:fs';

import { freePort, until } from './env.mjs';

export async function startPrometheus(env, { scrape = '', port, outOfOrder = '1h' } = {}) {
  port ??= await freePort();
  writeFileSync(env.file('prometheus.yml'), `
global: { scrape_interval: 1s, scrape_timeout: 1s }
storage: { tsdb: { out_of_order_time_window: ${outOfOrder} } }
scrape_configs:
${scrape || '  []'}
`);
  const proc = env.start('/usr/bin/prometheus', [
    `--config.file=${env.file('prometheus.yml')}`, `--storage.tsdb.path=${env.file('prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver', '--log.level=warn',
  ], { name: 'prometheus' });
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => (await fetch(`${url}/-/ready`)).ok;
  await until(ready, 30_000, 'prometheus is ready');

  const ask = async (path, params) => {
    const answer = await (await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params)}`)).json();
    if (answer.status !== 'success') throw new Error(JSON.stringify(answer));
    return answer.data;
  };
  return {
    proc,
    port,
    url,
    ask,
    // The samples of one series as [seconds, value] pairs, as they were written.
    async samples(selector, seconds = 600) {
      const { result } = await ask('query', { query: `${selector}[${seconds}s]` });
      return result.length === 0 ? [] : result[0].values.map(([time, value]) => [time, Number(value)]);
    },
    async stop() {
      await proc.stop();
      env.drop(proc);
    },
  };
}
