// What the judge of rules costs: 10,000 rules on 1,000 nodes with a row each 5 s, as
// goals.md has it (3 % of a core), and what fewer cost. RULES, NODES, SERIES, SECONDS: other numbers.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { table } from './lib/measure.mjs';

const build = process.env.BUILD_DIR ?? 'build';
const program = path.join(build, 'test', 'judge');
const number = (name, usual) => String(process.env[name] ?? usual);

const cases = process.env.RULES
  ? [[number('RULES'), number('NODES', 1000), number('SERIES', 30)]]
  : [['100', '1000', '30'], ['10000', '1000', '30'], ['10000', '1000', '100']];
const rows = cases.map((one) => JSON.parse(execFileSync(program, [...one, number('SECONDS', 600)], { encoding: 'utf8' })));

console.log('the judge of rules, a row of each node each 5 s; goal: 3 % of a core with 10,000 rules and 1,000 nodes');
table(rows.map((row) => ({
  rules: String(row.rules),
  nodes: String(row.nodes),
  series: String(row.series),
  '% of a core': row.core_percent.toFixed(2),
  'ns a row': row.ns_a_row.toFixed(0),
  'first rows ms': row.first_ms.toFixed(0),
  'MiB': (row.bytes / 1048576).toFixed(1),
  'B a test': row.bytes_a_test.toFixed(3),
  'open incidents': String(row.open),
})));
