// Each check of tools/ finds what it is for, says where, and passes what is right.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { run, top } from './lib/env.mjs';

const has = (program) => (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, program)));

// Runs one check in a project of just these files; sources are compiled as meson would.
async function check(name, files) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-checks-'));
  try {
    cpSync(path.join(top, 'tools'), path.join(folder, 'tools'), { recursive: true });
    cpSync(path.join(top, '.clang-format'), path.join(folder, '.clang-format'));
    execFileSync('git', ['init', '-q', folder]);
    const commands = [];
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
      if (!file.startsWith('src/') || !file.endsWith('.c')) continue;
      const output = `${file.replaceAll('/', '_')}.o`;
      mkdirSync(path.join(folder, 'build'), { recursive: true });
      execFileSync('cc', ['-fPIE', '-c', '-Isrc', '-o', `build/${output}`, file], { cwd: folder });
      commands.push({ directory: `${folder}/build`, command: '', file: `../${file}`, output });
    }
    mkdirSync(path.join(folder, 'build'), { recursive: true });
    writeFileSync(path.join(folder, 'build/compile_commands.json'), JSON.stringify(commands, null, 2));
    const { code, stdout, stderr } = await run(path.join(folder, 'tools', `check-${name}`), [], { ok: 'any', env: { BUILD_DIR: '' } });
    return { code, text: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const repeat = (line, count) => `${line}\n`.repeat(count);
const rows = [
  { name: 'layers', good: { 'src/base/b.h': '', 'src/wire/a.c': '#include "base/b.h"\n' } },
  { name: 'layers', bad: { 'src/base/a.h': '#pragma once\n#include "wire/b.h"\n' }, says: /^src\/base\/a\.h:2: .*point down/m },
  { name: 'layers', bad: { 'src/hub/a.h': '#include "agent/b.h"\n' }, says: /^src\/hub\/a\.h:1: / },
  { name: 'layers', bad: { 'src/hub/a.h': '#include <uv.h>\n' }, says: /<uv\.h> belongs to .*src\/loop/ },
  { name: 'layers', bad: { 'src/agent/a.h': '#include <sqlite3.h>\n' }, says: /<sqlite3\.h> belongs to .*src\/store/ },
  { name: 'layers', bad: { 'src/wire/a.h': '#include <openssl/ssl.h>\n' }, says: /src\/wire\/a\.h:1/ },
  { name: 'layers', good: { 'src/loop/a.h': '#include <openssl/ssl.h>\n#include <uv.h>\n' } },
  { name: 'layers', good: { 'src/hub/web/a_private.h': '', 'src/hub/web/a.c': '#include "hub/web/a_private.h"\n', 'src/hub/b.c': '#include "hub/web/a_private.h"\n' } },
  { name: 'layers', bad: { 'src/hub/web/a_private.h': '', 'src/hub/link/a.c': '#include "hub/web/a_private.h"\n' }, says: /^src\/hub\/link\/a\.c:1: .* is for src\/hub\/web\/ alone/ },
  { name: 'size', good: { 'src/base/a.h': repeat('', 800) } },
  { name: 'size', bad: { 'src/base/a.h': repeat('', 801) }, says: /^src\/base\/a\.h:1: 801 lines/m },
  { name: 'ifdef', good: { 'src/base/compat.h': '#if 1\n#endif\n', 'src/base/a.h': '#define A 1\n' } },
  { name: 'ifdef', bad: { 'src/base/a.h': '\n#ifdef A\n#endif\n' }, says: /^src\/base\/a\.h:2:/m },
  { name: 'symbols', good: { 'src/base/a.c': 'void a_run(void) {\n}\nstatic int hidden(void) {\n    return 0;\n}\nint main(void) {\n    return hidden();\n}\n' } },
  { name: 'symbols', bad: { 'src/base/a.c': 'void b_run(void) {\n}\n' }, says: /^src\/base\/a\.c:1: exports b_run/m },
  { name: 'globals', good: { 'src/base/a.c': 'static const char *const names[] = { "a", "b" };\nconst char *a_name(int i) {\n    return names[i];\n}\n' } },
  { name: 'globals', bad: { 'src/base/a.c': 'static int count;\nint a_next(void) {\n    return ++count;\n}\n' }, says: /^src\/base\/a\.c:1: count can change/m },
  { name: 'globals', bad: { 'src/base/a.c': 'int a_next(void) {\n    static int count = 7;\n    return ++count;\n}\n' }, says: /^src\/base\/a\.c:2: count can change/m },
  { name: 'globals', bad: { 'src/base/a.c': 'int a_state = 1;\n' }, says: /a_state can change/ },
  { name: 'sources', good: { 'src/base/a.c': '' } },
  { name: 'functions', needs: ['ctags', 'pmccabe'], good: { 'src/base/a.c': `void a_long(void) {\n${repeat('', 98)}}\n` } },
  { name: 'functions', needs: ['ctags', 'pmccabe'], bad: { 'src/base/a.c': `void a_long(void) {\n${repeat('', 99)}}\n` }, says: /^src\/base\/a\.c:1: a_long\(\) has 101 lines/m },
  { name: 'functions', needs: ['ctags', 'pmccabe'], bad: { 'src/base/a.c': `int a_knot(int i) {\n${repeat('    if (i)\n        i++;', 15)}    return i;\n}\n` }, says: /^src\/base\/a\.c:1: a_knot\(\) has complexity 16/m },
  { name: 'functions', needs: ['ctags', 'pmccabe'], bad: { 'src/base/a.c': `void a_deep(int i) {\n${[1, 2, 3, 4, 5].map((n) => `${'    '.repeat(n)}if (i)\n`).join('')}${'    '.repeat(6)}i++;\n}\n` }, says: /^src\/base\/a\.c:6: nested 5 deep/m },
  { name: 'format', needs: ['clang-format'], good: { 'src/base/a.h': 'int a_one(void);\n' } },
  { name: 'format', needs: ['clang-format'], bad: { 'src/base/a.h': 'int  a_one( void );\n' }, says: /src\/base\/a\.h:1:/ },
];

for (const { name, needs = [], good, bad, says } of rows) {
  const lacking = needs.filter((program) => !has(program));
  const skip = lacking.length ? `${lacking.join(', ')} not installed; tools/deps check brings it` : false;
  test(`check-${name} ${good ? 'passes what is right' : `finds ${says.source}`}`, { skip }, async () => {
    const { code, text } = await check(name, good ?? bad);
    if (good) assert.equal(`${code} ${text}`, '0 ');
    else {
      assert.equal(code, 1, text);
      assert.match(text, says);
      assert.match(text, /^remedy: /m);
    }
  });
}

test('check-sources finds a file that nothing compiles', async () => {
  const { code, text } = await check('sources', { 'src/base/a.c': '', 'test/forgotten.c': '' });
  assert.equal(code, 1);
  assert.match(text, /^test\/forgotten\.c:1: is compiled by nothing/m);
});
