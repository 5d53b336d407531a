// tongues - what the conversation says in another language, from the tables of src/chat/words
//
//   const ru = tongue('ru');   ru('Nodes') -> 'Узлы'; ru('%s is online') as a pattern: ru.pattern()
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { top } from './env.mjs';

// A text of C, of several pieces maybe.
const literal = String.raw`"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*`;
const escapes = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

const readText = (source) =>
  [...source.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('')
    .replace(/\\u([0-9a-fA-F]{4})|\\(.)/g, (all, code, c) => (code ? String.fromCodePoint(parseInt(code, 16)) : escapes[c] ?? all));

function readTables() {
  const pairs = new Map();
  const folder = path.join(top, 'src/chat/words');
  for (const file of readdirSync(folder).filter((name) => /^russian_.*\.c$/.test(name))) {
    const source = readFileSync(path.join(folder, file), 'utf8');
    for (const [, english, other] of source.matchAll(new RegExp(String.raw`\{\s*(${literal})\s*,\s*(${literal})\s*,?\s*\}`, 'g')))
      pairs.set(readText(english), readText(other));
  }
  return pairs;
}

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// say(english): the text in that language; say.pattern(english, ...values): one that fits it
// with whatever stands for its conversions, or the values where they are given.
export function tongue(code) {
  const pairs = code === 'en' ? new Map() : readTables();
  const say = (english) => {
    const other = code === 'en' ? english : pairs.get(english);
    assert.ok(other, `"${english}" is in ${code} too`);
    return other;
  };
  say.code = code;
  // A button's label, whatever stands before it and however it begins.
  say.label = (english) => {
    const key = code === 'en' ? english : [...pairs.keys()].find((one) => one.toLowerCase() === english.toLowerCase());
    assert.ok(key !== undefined, `the label "${english}" is in ${code} too`);
    return new RegExp(`^[^\\p{L}\\p{N}]*${quoted((pairs.get(key) ?? key).replace(/^[^\p{L}\p{N}]+|…$/gu, ''))}…?$`, 'iu');
  };
  say.pattern = (english, ...values) => {
    const filled = quoted(say(english)).replace(/%(?:\d\\\$)?[-+ 0#]*\d*(?:\\\.(?:\d+|\\\*))?(?:l|ll|z|j|h)*[sduxcfgi]/g, () => {
      const value = values.shift();
      return value === undefined ? '[^]*?' : quoted(String(value));
    });
    return new RegExp(filled.replace(/%%/g, '%'));
  };
  return say;
}
