// parameters - what a call carries: of the query, a form, JSON or multipart, as typed values
import { badRequest } from './errors.mjs';
import { boundaryOf, parseMultipart } from './multipart.mjs';

function addForm(text, fields) {
  for (const [name, value] of new URLSearchParams(text)) fields.set(name, value);
}

function addJson(text, fields) {
  let object;
  try {
    object = JSON.parse(text);
  } catch {
    throw badRequest("can't parse JSON object");
  }
  if (object === null || typeof object !== 'object' || Array.isArray(object)) throw badRequest('JSON object expected');
  for (const [name, value] of Object.entries(object))
    if (value !== null) fields.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
}

// Reads a request whose body is whole.
export function readParameters(query, contentType, body) {
  const fields = new Map();
  let files = new Map();
  addForm(query, fields);
  const type = contentType.split(';')[0].trim().toLowerCase();
  if (type === 'multipart/form-data') {
    const parsed = parseMultipart(body, boundaryOf(contentType));
    for (const [name, value] of parsed.fields) fields.set(name, value);
    files = parsed.files;
  } else if (body.length && type === 'application/json') addJson(body.toString('utf8'), fields);
  else if (body.length && type === 'application/x-www-form-urlencoded') addForm(body.toString('utf8'), fields);
  else if (body.length) throw badRequest(`unsupported content type "${type}"`);
  return new Parameters(fields, files);
}

export class Parameters {
  constructor(fields, files = new Map()) {
    this.fields = fields;
    this.files = files;
    this.asked = new Set();
  }

  static of(object) {
    const fields = new Map();
    addJson(JSON.stringify(object), fields);
    return new Parameters(fields);
  }

  // The names that nobody asked for: misspelt, or of another method.
  get unknown() {
    return [...this.fields.keys(), ...this.files.keys()].filter((name) => !this.asked.has(name));
  }

  toObject() {
    const files = [...this.files].map(([name, file]) => [name, `(${file.bytes.length} bytes of ${file.name})`]);
    return Object.fromEntries([...this.fields, ...files]);
  }

  has(name) {
    return this.text(name) !== '';
  }

  text(name, otherwise = '') {
    this.asked.add(name);
    return this.fields.get(name) ?? otherwise;
  }

  integer(name, otherwise = 0) {
    const text = this.text(name).trim();
    if (text === '') return otherwise;
    if (!/^[+-]?\d{1,19}$/.test(text)) throw badRequest(`invalid ${name} specified`);
    return Number(text);
  }

  boolean(name) {
    return ['true', 'yes', '1'].includes(this.text(name).toLowerCase());
  }

  // undefined when it is not there.
  json(name, what = name) {
    const text = this.text(name);
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw badRequest(`can't parse ${what} JSON object`);
    }
  }

  file(name) {
    this.asked.add(name);
    return this.files.get(name);
  }
}
