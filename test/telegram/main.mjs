// main - the Bot API alone, to play with a hub by hand
//
//   node test/telegram/main.mjs --port 8081
//   BOT_TOKEN=... TELEGRAM_API_URL=http://127.0.0.1:8081 roostd ...
//
// Then: /start CODE, or any other words: said in the private chat. "press LABEL": a button of
// the latest message that has it. "as NAME": another person. "group TITLE": a group with
// everybody in it, "private": back. "show": the chat as it stands. "save FILE": the latest
// picture. "quit".
import { writeFileSync } from 'node:fs';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { Telegram } from './telegram.mjs';

const { values } = parseArgs({ options: { token: { type: 'string' }, port: { type: 'string', default: '0' }, language: { type: 'string', default: 'en' } } });
const telegram = await Telegram.start({ token: values.token, port: Number(values.port) });
const people = new Map();
let person = become('Anna');
let chat = person.private();
const shown = new Map(); // message -> as it was printed

function become(name) {
  if (!people.has(name)) people.set(name, telegram.person({ first_name: name, language_code: values.language }));
  return people.get(name);
}

function showNews() {
  for (const one of chat.messages) {
    const drawn = one.draw();
    if (shown.get(one) !== drawn && one.isOfBot) console.log(`\n${drawn}`);
    shown.set(one, drawn);
  }
}

async function press(label) {
  const message = [...chat.fromBot].reverse().find((one) => one.button(label));
  if (!message) return console.log('no such button');
  const answer = await person.press(message, label);
  console.log(`(${Math.round(answer.ms ?? 0)} ms${answer.text ? `: ${answer.text}` : ''})`);
}

const verbs = {
  press,
  as: (name) => ([person, chat] = [become(name), become(name).private()]),
  group: (title) => (chat = telegram.group(title, { members: [...people.values()] })),
  private: () => (chat = person.private()),
  show: () => console.log(chat.messages.map((one) => one.draw()).join('\n')),
  faults: () => console.log(telegram.faultless()),
  save: (file) => writeFileSync(file, chat.fromBot.findLast(({ photo }) => photo).photo.bytes),
  quit: () => process.exit(0),
};

function obey(line) {
  const [, verb, rest] = /^(\S*)\s*(.*)$/.exec(line.trim());
  if (Object.hasOwn(verbs, verb)) return verbs[verb](rest);
  if (line.trim() === '/start' || line.startsWith('/start ')) return person.start(rest || undefined);
  return line.trim() && person.say(chat, line.trim());
}

console.log(`BOT_TOKEN=${telegram.token}\nTELEGRAM_API_URL=${telegram.url}`);
telegram.on('changed', showNews);
for await (const line of readline.createInterface({ input: process.stdin }))
  await Promise.resolve().then(() => obey(line)).catch((error) => console.log(error.message));
process.exit(0);
