// Completion where it lives: in interactive shells on a terminal, by the Tab key.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildDir, run, scenario, until } from './lib/env.mjs';

const scripts = path.join(buildDir, 'packaging');
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// Each begins bare, but for what installed completion has: a place where it is looked for.
const shells = {
  bash: { command: 'bash --norc --noprofile -i', setup: `PS1='> '; bind 'set enable-bracketed-paste off'; source ${quote(path.join(scripts, 'roost'))}` },
  zsh: { command: 'zsh -f -i', setup: `PS1='> '; bindkey -e; unsetopt zle_bracketed_paste; zstyle ':completion:*' menu no; fpath=(${quote(scripts)} $fpath); autoload -Uz compinit; compinit -u -D` },
  fish: { command: 'fish --no-config -i', setup: `function fish_prompt; echo '> '; end; set -g fish_complete_path ${quote(scripts)} $fish_complete_path` },
};

// An interactive shell on a terminal of its own.
class Shell {
  constructor(env, { command, setup }) {
    mkdirSync(env.file('home'), { recursive: true });
    writeFileSync(env.file('home', 'file.json'), '{}');
    this.env = env;
    this.proc = env.start('script', ['-qfec', `stty rows 40 cols 200; cd ${quote(env.file('home'))}; exec ${command}`, '/dev/null'], {
      env: { HOME: env.file('home'), XDG_CONFIG_HOME: env.file('config'), PATH: `${buildDir}:${process.env.PATH}`, TERM: 'dumb', LC_ALL: 'C.UTF-8' },
    });
    this.setup = `${setup}; echo are-you"-there"\n`;
  }

  async ready() {
    await until(() => this.proc.stdout.length > 0);
    this.proc.child.stdin.write(this.setup);
    await this.proc.line(/^are-you-there/m);
    return this;
  }

  // What the line is after Tab; "@" stands where the cursor is.
  async complete(text) {
    const before = this.proc.stdout.length;
    // Home, a command that prints the line, End, a mark.
    this.proc.child.stdin.write(`${text}\t@'\x01echo '=\x05\n`);
    const shown = await until(() => /^=([^\r\n]*@)\r?$/m.exec(this.proc.stdout.slice(before)), undefined, `an answer to ${text}`).catch((error) => {
      throw new Error(`${error.message}\n${this.proc.stdout.slice(before)}`);
    });
    return shown[1];
  }

  async end() {
    await this.proc.kill();
    this.env.drop(this.proc);
  }
}

scenario('in bash, zsh and fish Tab completes commands, flags and live names', async (env) => {
  await env.agent('pi-kitchen');
  const rows = [
    ['roost stat', 'roost status @'],
    ['roost status pi', 'roost status pi-kitchen @'],
    ['roost --hub x status --js', 'roost --hub x status --json @'],
    ['roost node ren', 'roost node rename @'],
    ['roost node rename pi', 'roost node rename pi-kitchen @'],
    ['roost node pi', 'roost node pi-kitchen @'],
    ['roost token rev', 'roost token revoke @'],
    ['roost token new --reu', 'roost token new --reusable @'],
    ['roost token new --caller --role ad', 'roost token new --caller --role admin @'],
    ['roost call pi', 'roost call pi-kitchen @'],
    ['roost call pi-kitchen roost.v1.Host/D', 'roost call pi-kitchen roost.v1.Host/Describe @'],
    ['roost call pi-kitchen --output pretty', 'roost call pi-kitchen --output prettyjson @'],
    ['roost fluentd res', 'roost fluentd restart @'],
    ['roost completion z', 'roost completion zsh @'],
    ['roost help act', 'roost help activity @'],
    ['roost hubs us', 'roost hubs use @'],
    ['roost --hub=127.0.0.1 stat', 'roost --hub=127.0.0.1 status @'],
    ['roost tokens rev', 'roost tokens revoke @'],
    ['roost activity --node pi', 'roost activity --node pi-kitchen @'],
    ['roost call pi-kitchen --file fi', 'roost call pi-kitchen --file file.json @'],
    ['roost version fi', 'roost version fi@'],
    ['roost --hub 127', 'roost --hub 127.0.0.1 @'],
  ];
  for (const [name, options] of Object.entries(shells)) {
    const shell = await new Shell(env, options).ready();
    for (const [typed, wanted] of rows) assert.equal(await shell.complete(typed), wanted, `${name}: ${typed}`);
    await shell.end();
  }
});

scenario('without a hub completion is quick and silent', { hub: false }, async (env) => {
  for (const [name, options] of Object.entries(shells)) {
    const shell = await new Shell(env, options).ready();
    const before = shell.proc.stdout.length;
    assert.match(await shell.complete('roost status zz'), /^roost status zz ?@$/, name);
    assert.doesNotMatch(shell.proc.stdout.slice(before), /roost: |not found/, name);
    await shell.end();
  }
});

scenario('each shell finds no fault in its script', { hub: false }, async () => {
  await run('bash', ['-n', path.join(scripts, 'roost')]);
  await run('zsh', ['-n', path.join(scripts, '_roost')]);
  await run('fish', ['-n', path.join(scripts, 'roost.fish')]);
});
