// The command line, as a person and as a script meet it.
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildDir, program, run, scenario, until } from './lib/env.mjs';

const failed = (result, code, text) => {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  assert.match(result.stderr, /^roost: /m);
  assert.match(result.stderr, text);
};

scenario('login sends the code to no hub but the one that made it', { claim: false }, async (env) => {
  const foreign = 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA';
  failed(await env.cli('login', env.url, '--code', foreign, { ok: [3] }), 3, /nothing was sent/);
  failed(await env.cli('login', env.url, '--code', 'rubbish', { ok: [2] }), 2, /code/);
  failed(await env.cli('nodes', { ok: [3] }), 3, /no hub is known/);

  const code = await env.claimCode();
  await env.cli('login', env.url, '--code', '-', '--name', 'ada', { input: `${code.toLowerCase()}\n` });
  assert.equal(statSync(env.file('config/roost/profiles.ini')).mode & 0o777, 0o600);
  const { token } = await env.json('whoami');
  assert.equal(token.name, 'ada');
  assert.equal(token.admin, true);
  assert.notEqual((await env.cli('login', env.url, '--code', code, { ok: 'any' })).code, 0);

  const secret = await env.token();
  await env.cli('logout');
  failed(await env.cli('nodes', { ok: [3] }), 3, /no hub is known/);
  failed(await env.cli('login', env.url, '--token', secret, { ok: [3] }), 3, /TLS/);
});

scenario('what goes wrong has its exit status, its reason and a remedy', async (env) => {
  await env.agent('pi');
  const rows = [
    [['status', 'nobody'], 4, /nobody/],
    [['node', 'nobody'], 4, /nobody/],
    [['watch', 'nobody'], 4, /no such node/],
    [['node', 'rename', 'pi', 'NOT A NAME'], 2, /name/],
    [['token', 'revoke', 'ffffffff'], 4, /ffffffff/],
    [['statsu'], 2, /did you mean "roost status"/],
    [['call', 'nobody', 'a.B/C'], 69, /NOT_FOUND/],
    [['call', 'pi', 'Host/Descripe'], 4, /did you mean Describe/],
    [['call', 'hub', 'Nodes/List', '{"selct": ""}'], 2, /selct/],
    [['call', 'hub', 'Nodes/Watch', '--deadline', '300ms'], 68, /DEADLINE_EXCEEDED/],
  ];
  for (const [args, code, text] of rows) {
    const result = await env.cli(...args, { ok: 'any' });
    failed(result, code, text);
    assert.match(result.stderr, /^try: |DEADLINE/m);
  }

  const viewer = (await env.cli('token', 'new', '--caller', 'bob', '--role', 'viewer', '--node', 'zz*')).stdout.trim();
  const bob = { env: { ROOST_TOKEN: viewer }, ok: 'any' };
  failed(await env.cli('token', bob), 5, /administrator/);
  failed(await env.cli('status', 'pi', bob), 4, /pi/);
  failed(await env.cli('nodes', { ...bob, env: { ROOST_TOKEN: viewer.replace(/.$/, (c) => (c === '0' ? '1' : '0')) } }), 3, /ROOST_TOKEN/);
  failed(await env.cli('--hub', 'https://127.0.0.1:1', 'nodes', { ok: 'any' }), 3, /TCP/);

  await env.stopAgent(env.agents.get('pi'));
  await env.state('pi', 'OFFLINE');
  failed(await env.cli('call', 'pi', 'Host/Describe', { ok: 'any' }), 78, /UNAVAILABLE/);
  assert.equal((await env.json('status', 'pi')).state, 'OFFLINE');
});

scenario('nodes are renamed, titled, tagged, chosen and removed', async (env) => {
  await env.agent('pi');
  await env.cli('node', 'title', 'pi', 'The Pi');
  await env.cli('node', 'tag', 'pi', 'home', '+garden');
  await env.cli('node', 'tag', '@home', '-garden');
  const node = await env.json('node', 'The Pi');
  assert.deepEqual([node.name, node.title, node.tags], ['pi', 'The Pi', ['home']]);
  assert.equal(node.description.os, 'linux');

  await env.cli('node', 'rename', 'pi', 'kitchen');
  assert.equal((await env.json('status', 'k*')).name, 'kitchen');
  await env.agent('other');
  const both = await env.json('status', 'kitchen,other');
  assert.deepEqual(both.map((one) => one.name).sort(), ['kitchen', 'other']);
  failed(await env.cli('node', 'title', '*', 'x', { ok: [2] }), 2, /takes one node/);

  failed(await env.cli('node', 'remove', 'kitchen', { ok: [2] }), 2, /kitchen: nobody is there to confirm/);
  await env.stopAgent(env.agents.get('pi'));
  await env.cli('node', 'remove', '--yes', 'kitchen');
  failed(await env.cli('node', 'kitchen', { ok: [4] }), 4, /kitchen/);
});

scenario('any method is called by reflection, streams both ways included', async (env) => {
  await env.agent('pi');
  const { services } = await env.json('call', 'pi');
  const host = services.find((service) => service.name === 'roost.v1.Host');
  assert.deepEqual(host.methods.map((method) => method.name), ['Describe', 'Samples']);

  const described = JSON.parse((await env.cli('call', 'pi', 'Host/Describe')).stdout);
  assert.equal(described.os, 'linux');
  const listed = JSON.parse((await env.cli('call', '-', 'roost.v1.Nodes/List', '-', { input: '{"select": "pi"}' })).stdout);
  assert.equal(listed.nodes[0].name, 'pi');
  assert.match((await env.cli('call', 'hub', 'Nodes/List', '-o', 'yaml')).stdout, /^nodes:\n {2}- name: pi$/m);
  const types = (await env.cli('call', 'hub', 'Nodes/List', '--describe')).stdout;
  assert.match(types, /message roost\.v1\.ListNodesRequest \{\n {2}string select = 1;\n\}/);

  const two = '{"listServices": "*"}\n{"fileContainingSymbol": "no.Such"}';
  const { stdout } = await env.cli('call', 'pi', 'grpc.reflection.v1.ServerReflection/ServerReflectionInfo', { input: two });
  const [services1, error] = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(services1.listServicesResponse.service.length > 0);
  assert.equal(error.errorResponse.errorCode, 5);

  writeFileSync(env.file('request.json'), '{}');
  const protoset = path.join(buildDir, 'proto', 'roost.binpb');
  await env.cli('call', 'hub', 'roost.v1.Nodes/List', '--protoset', protoset, '-f', env.file('request.json'));
});

scenario('watch shows what comes: tables, JSON lines, and the full screen', async (env) => {
  await env.agent('pi');
  await env.values('pi');
  const config = { XDG_CONFIG_HOME: env.file('config') };
  const table = env.start(program('roost'), ['watch'], { env: config });
  await table.line(/^NODE .*\npi .*online/m);
  await table.kill();
  env.drop(table);

  const lines = env.start(program('roost'), ['watch', 'pi', '--json'], { env: config });
  await until(() => lines.stdout.split('\n').length > 2);
  assert.equal(JSON.parse(lines.stdout.split('\n')[0]).name, 'pi');
  await lines.kill();
  env.drop(lines);

  const screen = env.start('script', ['-qfec', `stty rows 20 cols 100; ${program('roost')} watch`, '/dev/null'], {
    env: { ...config, TERM: 'xterm', LC_ALL: 'C.UTF-8' },
  });
  await screen.line(/\x1b\[\?1049h[^]*pi/);
  screen.child.stdin.write('\r');
  await screen.line(/esc back/);
  screen.child.stdin.write('q');
  assert.equal(await screen.ended, 0);
  env.drop(screen);
  assert.match(screen.stdout, /\x1b\[\?7h\x1b\[\?25h\x1b\[\?1049l\s*$/);
});

scenario('activity goes on, and completion offers live names', async (env) => {
  const config = { XDG_CONFIG_HOME: env.file('config') };
  const follow = env.start(program('roost'), ['activity', '-f', '--json'], { env: config });
  await follow.line(/user\.claimed/);
  await env.agent('pi');
  await follow.line(/"kind":\s*"node\.registered"/);
  const seen = follow.stdout.trim().split('\n').map((line) => Number(JSON.parse(line).id));
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
  await follow.kill();
  env.drop(follow);

  const script = `source <(roost completion bash)
    COMP_WORDS=(roost status p); COMP_CWORD=2; _roost; echo "$COMPREPLY"
    COMP_WORDS=(roost node ren); COMP_CWORD=2; _roost; echo "$COMPREPLY"`;
  const { stdout } = await run('bash', ['-c', script], { env: { ...config, PATH: `${buildDir}:${process.env.PATH}` } });
  assert.equal(stdout, 'pi\nrename\n');

  const doctor = await env.json('doctor');
  assert.equal(doctor.ok, true);
  assert.deepEqual(doctor.steps.map((step) => step.step), ['profile', 'DNS', 'TCP', 'TLS', 'pin', 'token']);
});
