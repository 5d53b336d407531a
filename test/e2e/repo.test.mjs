// The project around the programs: make's targets, dependencies, documents.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { run, top } from './lib/env.mjs';

const read = (...parts) => readFileSync(path.join(top, ...parts), 'utf8');
const tool = (name, ...args) => run(path.join(top, 'tools', name), args, { cwd: top });

test('make help names every target that a person is told about', async () => {
  const { stdout } = await run('make', ['-s', 'help'], { cwd: top });
  for (const target of 'build run test soak bench fuzz check install gencert readcert pb deps clean help'.split(' '))
    assert.match(stdout, new RegExp(`^make ${target} `, 'm'));
});

test('every target of the Makefile is a script that is there', () => {
  for (const [, script] of read('Makefile').matchAll(/@(tools\/[a-z-]+)/g))
    assert.ok(existsSync(path.join(top, script)), script);
});

test('deps finds nothing missing for building and testing, and then does nothing', async () => {
  const { stdout } = await tool('deps', '--check', 'build', 'test');
  assert.equal(stdout, '');
  const { stderr } = await tool('deps', 'build', 'test');
  assert.equal(stderr, '');
});

test('every package has a group and a reason', () => {
  for (const line of read('tools/packages').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    assert.match(line, /^(build|test|check|fuzz|bench|prove) +\S+ +\S.{3,}/);
  }
});

test('the lock file of the test packages records no download addresses', () => {
  const { packages } = JSON.parse(read('test/e2e/package-lock.json'));
  for (const [name, { resolved, integrity }] of Object.entries(packages)) {
    assert.equal(resolved, undefined, name);
    if (name) assert.ok(integrity, name);
  }
});

test('every library of the build has its reason in docs/dependencies.md', () => {
  const reasons = read('docs/dependencies.md');
  for (const [, name] of read('meson.build').matchAll(/(?:dependency|find_library)\('(?:lib)?([a-z0-9-]+)'/g)) {
    if (['threads', 'dl', 'm', 'crypto'].includes(name)) continue;
    assert.match(reasons.toLowerCase(), new RegExp(name.replace(/3$/, '')), name);
  }
});

test('links between the documents lead somewhere', () => {
  const pages = ['README.md', ...readdirSync(path.join(top, 'docs')).filter((f) => f.endsWith('.md')).map((f) => `docs/${f}`)];
  for (const page of pages)
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      assert.ok(existsSync(path.join(top, path.dirname(page), target)), `${page}: ${target}`);
});

test('what the README tells people to type exists', () => {
  const typed = read('README.md').matchAll(/^\s*(?:\$ |# )?make(?: ([a-z]+))?\b/gm);
  const targets = new Set([...read('Makefile').matchAll(/^([a-z]+):/gm)].map((m) => m[1]));
  for (const [, target = 'build'] of typed) assert.ok(targets.has(target), target);
});

test('the manual pages are well-formed', () => {
  const folder = path.join(top, 'docs/man');
  for (const page of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, page), 'utf8');
    assert.match(text, new RegExp(`^\\.TH ${page.split('.').slice(0, -1).join('.').toUpperCase().replace('.', '\\.')}`, 'm'), page);
    assert.match(text, /^\.SH NAME\n\S+ \\- \S/m, page);
  }
});

// A clone that lies directly under / has a path that any text may name.
const skipPath = path.dirname(top) === '/' && 'the clone lies in the root folder';
test('no path of this machine stands in a tracked file', { skip: skipPath }, async () => {
  const { code, stdout } = await run('git', ['grep', '-nIF', '-e', `${top}/`, '--', '.'], { cwd: top, ok: 'any' });
  assert.equal(stdout, '');
  assert.equal(code, 1);
});
