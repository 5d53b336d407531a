// entities - the HTML of the Bot API, read as the Bot API reads it
//
// Positions in errors are bytes of UTF-8, those in entities units of UTF-16.
import { badRequest } from './errors.mjs';
import { limits } from './limits.mjs';

const kinds = {
  a: 'text_link', b: 'bold', strong: 'bold', i: 'italic', em: 'italic', s: 'strikethrough', strike: 'strikethrough',
  del: 'strikethrough', u: 'underline', ins: 'underline', 'tg-spoiler': 'spoiler', span: 'spoiler',
  'tg-emoji': 'custom_emoji', pre: 'pre', code: 'code', blockquote: 'blockquote',
};
const named = { lt: '<', gt: '>', amp: '&', quot: '"' };
const [LT, GT, AMP, SLASH, EQUAL] = [...'<>&/='].map((c) => c.charCodeAt(0));

function refuse(text) {
  return badRequest(`can't parse entities: ${text}`);
}

class Reader {
  constructor(html) {
    this.bytes = Buffer.from(html, 'utf8');
    this.at = 0;
    this.text = '';
    this.entities = [];
    this.open = [];
  }

  // 0 at the end.
  get byte() {
    return this.at < this.bytes.length ? this.bytes[this.at] : 0;
  }

  get isSpace() {
    return this.byte <= 32 && [0, 9, 10, 11, 12, 13, 32].includes(this.byte);
  }

  skipSpace() {
    while (this.byte && this.isSpace) this.at++;
  }

  slice(from) {
    return this.bytes.toString('utf8', from, this.at);
  }

  // A character written as &lt; or &#65;, and behind it; undefined: it is none.
  reference() {
    const match = /^&(?:#x([0-9a-f]{1,8})|#(\d{1,10})|([a-z]+));?/i.exec(this.bytes.toString('latin1', this.at, this.at + 16));
    if (!match) return undefined;
    const [all, hex, decimal, name] = match;
    let text = named[name];
    if (!name) {
      const code = parseInt(hex ?? decimal, hex ? 16 : 10);
      if (code === 0 || code > 0x10ffff) return undefined;
      text = String.fromCodePoint(code);
    }
    if (text !== undefined) this.at += all.length;
    return text;
  }

  // What stands until one of the bytes (or the end), references resolved.
  textUntil(...stops) {
    let text = '';
    while (this.at < this.bytes.length && !stops.includes(this.byte)) {
      const from = this.at;
      const character = this.byte === AMP ? this.reference() : undefined;
      if (character !== undefined) {
        text += character;
        continue;
      }
      this.at++;
      while (this.at < this.bytes.length && this.byte !== AMP && !stops.includes(this.byte)) this.at++;
      text += this.slice(from);
    }
    return text;
  }

  value(tag, begin) {
    const quote = this.byte;
    if (quote !== 34 && quote !== 39) {
      const from = this.at;
      while (/[0-9A-Za-z.-]/.test(String.fromCharCode(this.byte))) this.at++;
      if (!this.isSpace && this.byte !== GT) throw refuse(`Unexpected end of name token at byte offset ${from}`);
      return this.slice(from).toLowerCase();
    }
    this.at++;
    const text = this.textUntil(quote);
    if (this.byte === quote) this.at++;
    if (!this.byte) throw refuse(`Unclosed start tag at byte offset ${begin}`);
    return text;
  }

  attribute(tag, begin, attributes) {
    const from = this.at;
    while (!this.isSpace && this.byte !== EQUAL && !(tag === 'blockquote' && this.byte === GT)) this.at++;
    const name = this.slice(from);
    if (!name) throw refuse(`Empty attribute name in the tag "${tag}" at byte offset ${begin}`);
    this.skipSpace();
    if (this.byte !== EQUAL) {
      if (tag === 'blockquote' && name === 'expandable') return void (attributes.expandable = '');
      throw refuse(`Expected equal sign in declaration of an attribute of the tag "${tag}" at byte offset ${begin}`);
    }
    this.at++;
    this.skipSpace();
    if (!this.byte) throw refuse(`Unclosed start tag "${tag}" at byte offset ${begin}`);
    attributes[name] = this.value(tag, begin);
    if (!this.byte) throw refuse(`Unclosed start tag at byte offset ${begin}`);
  }

  start(begin) {
    while (!this.isSpace && this.byte !== GT) this.at++;
    if (!this.byte) throw refuse(`Unclosed start tag at byte offset ${begin}`);
    const tag = this.slice(begin + 1).toLowerCase();
    if (!kinds[tag]) throw refuse(`Unsupported start tag "${tag}" at byte offset ${begin}`);
    const attributes = {};
    while (this.byte !== GT) {
      this.skipSpace();
      if (this.byte === GT) break;
      if (!this.byte) throw refuse(`Unclosed start tag at byte offset ${begin}`);
      this.attribute(tag, begin, attributes);
    }
    this.at++;
    if (tag === 'span' && attributes.class !== 'tg-spoiler')
      throw refuse(`Tag "span" must have class "tg-spoiler" at byte offset ${begin}`);
    this.open.push({ tag, attributes, offset: this.text.length });
  }

  end(begin) {
    if (!this.open.length) throw refuse(`Unexpected end tag at byte offset ${begin}`);
    while (!this.isSpace && this.byte !== GT) this.at++;
    const tag = this.slice(begin + 2).toLowerCase();
    this.skipSpace();
    if (this.byte !== GT) throw refuse(`Unclosed end tag at byte offset ${begin}`);
    this.at++;
    const opened = this.open.pop();
    if (tag && tag !== opened.tag)
      throw refuse(`Unmatched end tag at byte offset ${begin}, expected "</${opened.tag}>", found "</${tag}>"`);
    this.close(opened);
  }

  close({ tag, attributes, offset }) {
    const length = this.text.length - offset;
    if (!length) return;
    const entity = { type: kinds[tag], offset, length };
    if (tag === 'a') {
      entity.url = linkOf(attributes.href ?? this.text.slice(offset));
      if (!entity.url) return;
    }
    if (tag === 'tg-emoji') entity.custom_emoji_id = attributes['emoji-id'];
    if (tag === 'blockquote' && 'expandable' in attributes) entity.type = 'expandable_blockquote';
    if (tag === 'code' && attributes.class?.startsWith('language-')) entity.language = attributes.class.slice(9);
    this.entities.push(entity);
  }

  read() {
    while (this.at < this.bytes.length) {
      if (this.byte !== LT) {
        this.text += this.textUntil(LT);
        continue;
      }
      const begin = this.at++;
      if (this.byte === SLASH) this.end(begin);
      else this.start(begin);
    }
    if (this.open.length) throw refuse(`Can't find end tag corresponding to start tag "${this.open.at(-1).tag}"`);
    return this;
  }
}

// A link that is none makes no entity, and no error.
function linkOf(text) {
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `http://${text}`);
    return ['http:', 'https:', 'tg:', 'ton:', 'tonsite:', 'mailto:', 'tel:'].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

// <pre><code class="language-c"> is one entity.
function joinCode(entities) {
  const isSame = (a, b) => a.offset === b.offset && a.length === b.length;
  return entities.filter((entity) => {
    const pre = entity.type === 'code' && entities.find((other) => other.type === 'pre' && isSame(other, entity));
    if (pre && entity.language) pre.language = entity.language;
    if (entity.type === 'code') delete entity.language;
    return !pre;
  });
}

// Without white space at the ends; entities keep to what is left.
function trim(text, entities) {
  const kept = text.trim();
  const cut = text.length - text.trimStart().length;
  const moved = [];
  for (const entity of entities) {
    const from = Math.max(0, entity.offset - cut);
    const to = Math.min(kept.length, entity.offset + entity.length - cut);
    if (to > from) moved.push({ ...entity, offset: from, length: to - from });
  }
  return { text: kept, entities: moved };
}

export function parseHtml(html) {
  const reader = new Reader(html).read();
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(reader.text))
    throw refuse('Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units');
  const sorted = joinCode(reader.entities).sort((a, b) => a.offset - b.offset || b.length - a.length);
  return trim(reader.text, sorted.slice(0, limits.entities));
}

// The text of a message of a bot, by its parse_mode.
export function parseText(text, mode) {
  if (text.includes('\uFFFD')) throw badRequest('strings must be encoded in UTF-8');
  if (!mode) return trim(text, []);
  if (mode.toLowerCase() === 'html') return parseHtml(text);
  throw badRequest('unsupported parse_mode'); // of all the modes this bot has one
}

// What a client marks in the text of a person.
export function markText(text) {
  const entities = [];
  const add = (type, pattern) => {
    for (const match of text.matchAll(pattern))
      entities.push({ type, offset: match.index + match[1].length, length: match[0].length - match[1].length });
  };
  add('bot_command', /(^|[\s(])\/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![A-Za-z0-9_/])/g);
  add('mention', /(^|[\s(])@[A-Za-z0-9_]{3,32}/g);
  add('url', /(^|\s)https?:\/\/\S+/g);
  add('hashtag', /(^|\s)#[\p{L}_][\p{L}\p{N}_]*/gu);
  return entities.sort((a, b) => a.offset - b.offset);
}
