// What an agent keeps while its hub is away, over the end of the agent itself.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';

import { patience, program, run, scenario, until } from './lib/env.mjs';

const settings = '[agent]\ninterval = 1\nspool_dir = spool\n';

function spoolFiles(agent) {
  const folder = `${agent.state}/spool`;
  return existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [];
}

const spoolSize = (agent) => spoolFiles(agent).reduce((sum, file) => sum + statSync(file).size, 0);

// A row is written as it is taken: the files tell how many were.
async function takes(agent, count) {
  for (let i = 0; i < count; i++) {
    const size = spoolSize(agent);
    await until(() => spoolSize(agent) > size);
  }
}

async function rows(env, count) {
  return until(async () => {
    const { stdout } = await env.cli('query', 'pi', 'uptime', '--raw', '--json', '--since', '10m');
    const all = stdout.trim().split('\n').map((line) => JSON.parse(line));
    return all.length >= count && all;
  }, patience * 2);
}

scenario('an agent that is killed while the hub is away loses nothing', { timeout: 240_000 }, async (env) => {
  const agent = await env.agent('pi', { settings });
  await env.values('pi');
  await takes(agent, 3);
  const before = (await rows(env, 3)).length;
  await env.kill(env.hub);
  for (let i = 0; i < 3; i++) {
    await takes(agent, 3);
    await env.stopAgent(agent, i === 1 ? 'SIGTERM' : 'SIGKILL');
    await env.startAgent(agent, false);
  }
  await takes(agent, 2);
  await env.startHub();
  await env.state('pi', 'ONLINE', 120_000);
  const all = await rows(env, before + 11);
  const times = all.map((row) => Date.parse(row.time));
  for (let i = 1; i < times.length; i++) {
    const step = times[i] - times[i - 1];
    // A fresh agent takes its first sample at once.
    assert.ok(step > 0 && step < 4000, `${all[i - 1].time} is followed by ${all[i].time}`);
  }
  assert.match(agent.proc.stderr, /samples of an earlier agent/);
  assert.match(agent.proc.stderr, /samples are kept for 24 h, at most 8\.0 MiB of them, in memory and in .*\/spool/);

  // Once all is durable, the folder is small: what was sent leaves it with its segment.
  await takes(agent, 2);
  assert.ok(spoolFiles(agent).length <= 6);
});

scenario('the folder of a spool belongs to one agent', async (env) => {
  const agent = await env.agent('pi', { settings });
  await takes(agent, 1);
  const other = await env.agent('other', { settings: settings.replace('= spool', `= ${agent.state}/spool`) });
  await other.proc.line(/another agent uses it; samples are kept in memory alone/);
  await env.values('other');
  await takes(agent, 2);
  const { stdout } = await run(program('roost-agent'), ['config', '--state', agent.state]);
  assert.match(stdout, /spool_dir/);
});
