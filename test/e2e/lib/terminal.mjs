// terminal - a program on a terminal of its own (script of util-linux), and who types there
import { Proc, until } from './env.mjs';

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

// Starts the program on a pseudo terminal; its exit status is that of the program, and
// all that it shows is in stdout.
export function onTerminal(file, args, options = {}) {
  // Some shells stay in between otherwise, and take Ctrl-C for the program's end.
  const command = `exec ${[file, ...args].map(quoted).join(' ')}`;
  return new Proc('script', ['-qec', command, '/dev/null'], { name: 'terminal', ...options });
}

// Waits until the terminal shows the question, and types the answer.
export async function answer(proc, question, text) {
  const from = proc.answered ?? 0;
  await until(() => question.test(proc.stdout.slice(from)) || !proc.running, undefined, `the terminal shows ${question}`);
  if (!proc.running) throw new Error(`ended with ${proc.code} before it asked ${question}:\n${proc.stdout}`);
  proc.answered = proc.stdout.length;
  proc.child.stdin.write(`${text}\n`);
}

// Presses a control key, such as C.
export const press = (proc, letter) => proc.child.stdin.write(String.fromCharCode(letter.charCodeAt(0) & 31));
