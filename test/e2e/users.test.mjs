// Users: how they come in, what they are granted, and that it holds at once.
import assert from 'node:assert/strict';

import { run, program, scenario, until } from './lib/env.mjs';
import { client, grpc, internal, roost, unary } from './lib/grpc.mjs';
import { Person, actingNode } from './lib/people.mjs';

const { NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED } = grpc.status;

const codeOf = (promise) => promise.then(() => 0, (error) => error.code);

// What a stream says, as a list that grows.
function collect(stream) {
  const said = [];
  stream.on('data', (message) => said.push(message));
  stream.on('error', () => {});
  return said;
}

scenario('a user comes in once by an invitation, and by a code for each other device', async (env) => {
  const invited = await env.json('user', 'invite', 'bob');
  const code = /--code (\S+)/.exec(invited.login)[1];
  const bob = new Person(env, 'bob');
  const twin = new Person(env, 'twin');

  await bob.cli('login', env.url, '--code', code);
  const again = await twin.cli('login', env.url, '--code', code, { ok: [3] });
  assert.match(again.stderr, /used already/);
  const me = await bob.json('whoami');
  assert.equal(me.user.name, 'bob');
  assert.deepEqual(me.user.grants ?? [], []);
  assert.match((await bob.cli('whoami')).stdout, /nothing/);

  const pair = (await bob.cli('pair')).stdout.trim();
  await twin.cli('login', env.url, '--code', pair);
  assert.equal((await twin.json('whoami')).user.name, 'bob');
  assert.equal((await env.json('user', 'show', 'bob')).identities.length, 2);

  // Inviting is for administrators; who is there already is not invited again.
  assert.equal((await bob.cli('user', 'invite', 'eve', { ok: 'any' })).code, 5);
  assert.equal((await env.cli('user', 'invite', 'bob', { ok: 'any' })).code, 1);
  assert.equal((await env.cli('token', 'new', 'bob', '--caller', '--node', '*', { ok: 'any' })).code, 1);

  // What was shown once is in no file of the hub, and all of it stays over a restart.
  await env.restartHub('SIGKILL');
  assert.equal((await bob.json('whoami')).user.name, 'bob');
  const stored = await run('grep', ['-c', '-a', code.replaceAll('-', ''), `${env.data}/roost.db`], { ok: [0, 1] });
  assert.equal(stored.code, 1);

  await env.cli('user', 'remove', 'bob');
  for (const device of [bob, twin]) assert.equal((await device.cli('whoami', { ok: 'any' })).code, 3);
  const me2 = (await env.json('whoami')).user.name;
  const last = await env.cli('user', 'remove', me2, { ok: 'any' });
  assert.match(last.stderr, /last administrator/);
  assert.ok((await run(program('roostd'), ['check', '--data', env.data], { ok: 'any' })).code === 0);
});

scenario('a user sees what he was granted in every list and stream, and nothing else', async (env) => {
  const nodes = { home: await actingNode(env, 'home'), web: await actingNode(env, 'web1'), other: await actingNode(env, 'other') };
  await env.cli('node', 'tag', 'home', 'house');
  await env.cli('group', 'new', 'all', 'home', 'web1', 'other');
  const bob = await Person.invite(env, 'bob', '--role', 'viewer', '--node', '@house');
  const stubs = {};
  for (const name of ['Nodes', 'Metrics', 'Groups', 'Activity', 'Users']) stubs[name] = client(env, roost[name]);
  const hub = client(env, internal.Hub);

  const watched = collect(stubs.Nodes.Watch({}, grpcMetadata(bob)));
  const feed = collect(stubs.Activity.Watch({ calls: true }, grpcMetadata(bob)));
  const known = () => {
    const names = new Set();
    for (const event of watched) if (event.node) names[event.removed ? 'delete' : 'add'](event.node.name);
    return [...names].sort().join();
  };
  const names = async ({ groups = true } = {}) => {
    const lists = [
      (await unary(stubs.Nodes, 'List', {}, bob.as())).nodes.map((node) => node.name),
      (await unary(stubs.Metrics, 'Latest', {}, bob.as())).nodes.map((node) => node.node),
      (await unary(hub, 'ListClients', {}, bob.as())).clients.map((row) => row.name),
    ];
    const known = (await unary(stubs.Groups, 'List', {}, bob.as())).groups;
    if (groups) lists.push(known.flatMap((group) => group.nodes.map((node) => node.node)), known.flatMap((group) => group.members));
    const texts = lists.map((list) => list.sort().join());
    assert.equal(new Set(texts).size, 1, texts.join(' / '));
    return texts[0];
  };

  assert.equal(await names(), 'home');
  await until(() => known() === 'home');
  await env.cli('grant', 'new', 'bob', 'web*', 'viewer');
  assert.equal(await names(), 'home,web1');
  await until(() => known() === 'home,web1');

  // A tag that comes or goes, and a new name, count at once.
  await env.cli('node', 'tag', 'home', '-house');
  assert.equal(await names(), 'web1');
  await until(() => known() === 'web1');
  await env.cli('node', 'rename', 'other', 'web2');
  assert.equal(await names({ groups: false }), 'web1,web2');
  await env.cli('node', 'rename', 'web2', 'other');
  await until(() => known() === 'web1');

  // Events and calls of other nodes are told to nobody else.
  const { events } = await unary(stubs.Activity, 'List', {}, bob.as());
  assert.deepEqual([...new Set(events.map((event) => event.node))].filter((name) => !/^web/.test(name)), []);
  assert.ok(!feed.some((event) => event.node === 'other' && !/called web2/.test(event.text)), JSON.stringify(feed));

  await env.cli('grant', 'remove', 'bob', '--all');
  assert.equal(await names(), '');
  await until(() => known() === '');
  assert.equal(await codeOf(unary(stubs.Nodes, 'Get', { node: 'web1' }, bob.as())), NOT_FOUND);
  for (const node of Object.values(nodes)) node.close();
});

function grpcMetadata(person) {
  const fields = new grpc.Metadata();
  for (const [name, value] of Object.entries(person.as())) fields.set(name, value);
  return fields;
}

scenario('what is taken away ends calls under way at once', async (env) => {
  const node = await actingNode(env, 'pi', () => undefined);
  await env.cli('node', 'tag', 'pi', 'lab');
  const bob = await Person.invite(env, 'bob');
  const stub = client(env, roost.Nodes);
  const begin = async (...grant) => {
    await env.cli('grant', 'new', 'bob', ...grant);
    const call = bob.call(stub, 'pi', '/demo.Slow/Watch');
    const count = node.calls.length + 1;
    await until(() => node.calls.length === count);
    return { call, there: node.calls.at(-1) };
  };
  const ends = async ({ call, there }, code) => {
    assert.equal((await call.ended).code, code);
    await until(() => there.cancelled);
  };

  let one = await begin('pi', 'operator');
  await env.cli('grant', 'remove', 'bob', 'pi');
  await ends(one, PERMISSION_DENIED);

  one = await begin('@lab', 'operator');
  await env.cli('grant', 'new', 'bob', '@lab', 'viewer');
  await ends(one, PERMISSION_DENIED);

  one = await begin('@lab', 'operator', '--lifetime', '2s');
  await ends(one, PERMISSION_DENIED);
  assert.equal((await bob.json('nodes')).nodes?.length ?? 0, 0);

  // A grant by name follows the node, and goes with it.
  one = await begin('pi', 'operator');
  await env.cli('node', 'rename', 'pi', 'pi4');
  const later = bob.call(stub, 'pi4', '/demo.Slow/Watch');
  await until(() => node.calls.length === 5);
  assert.equal((await env.json('grant', '--user', 'bob')).grants.filter((grant) => grant.nodes === 'pi4').length, 1);
  await env.cli('user', 'remove', 'bob');
  await ends(one, UNAUTHENTICATED);
  assert.equal((await later.ended).code, UNAUTHENTICATED);
  node.close();
});

scenario('an owner grants on his own nodes, and never more than he has', async (env) => {
  const nodes = [await actingNode(env, 'pi'), await actingNode(env, 'db')];
  const ann = await Person.invite(env, 'ann', '--role', 'owner', '--node', 'pi');
  const bob = await Person.invite(env, 'bob', '--role', 'viewer', '--node', 'pi');
  const users = client(env, roost.Users);
  const give = (person, user, where, role) => codeOf(unary(users, 'Grant', { user, nodes: where, role }, person.as()));

  assert.equal(await give(ann, 'bob', 'pi', 'OPERATOR'), 0);
  for (const where of ['db', '*', 'p*', '@lab', 'new']) assert.equal(await give(ann, 'ann', where, 'OWNER'), PERMISSION_DENIED, where);
  for (const [user, role] of [['bob', 'OWNER'], ['ann', 'VIEWER']]) assert.equal(await give(bob, user, 'pi', role), PERMISSION_DENIED);
  assert.equal(await codeOf(unary(users, 'Revoke', { user: 'ann', nodes: 'pi' }, bob.as())), PERMISSION_DENIED);
  assert.equal(await codeOf(unary(users, 'Remove', { name: 'bob' }, ann.as())), PERMISSION_DENIED);
  assert.equal(await codeOf(unary(users, 'Invite', { name: 'eve', admin: true }, ann.as())), PERMISSION_DENIED);
  assert.equal((await ann.json('user')).users.length, 1);
  assert.deepEqual((await bob.json('grant')).grants.map((grant) => grant.user), ['bob']);
  assert.equal((await ann.json('grant')).grants.length, 2);

  // Ownership for a time is given on for that time at most.
  await env.cli('grant', 'new', 'ann', 'db', 'owner', '--lifetime', '1h');
  assert.equal(await give(ann, 'bob', 'db', 'OWNER'), 0);
  const given = (await env.json('grant', '--user', 'bob')).grants.find((grant) => grant.nodes === 'db');
  assert.ok(Date.parse(given.expires) <= Date.now() + 3600_000);
  assert.equal((await unary(users, 'Revoke', { user: 'bob', nodes: 'db' }, ann.as())).revoked, 1);

  // A node of the same name is another node.
  for (const node of nodes) node.close();
  await env.state('pi', 'OFFLINE');
  await env.cli('node', 'remove', 'pi', '--yes');
  assert.ok(!(await env.json('grant')).grants.some((grant) => grant.nodes === 'pi'));
});
