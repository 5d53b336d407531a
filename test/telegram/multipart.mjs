// multipart - a strict reader of multipart/form-data (RFC 7578)
import { badRequest } from './errors.mjs';

const crlf = Buffer.from('\r\n');
const blank = Buffer.from('\r\n\r\n');
const partsMax = 64;

function refuse(why) {
  return badRequest(`can't parse multipart body: ${why}`);
}

// The value of a parameter in a header such as: form-data; name="a"; filename="b".
function parameter(header, name) {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^";\\s]+))`, 'i').exec(header);
  return match && (match[1]?.replace(/\\(.)/g, '$1').replace(/%22/g, '"') ?? match[2]);
}

export function boundaryOf(contentType) {
  const boundary = parameter(contentType, 'boundary');
  if (!boundary || boundary.length > 70) throw refuse('no boundary in Content-Type');
  return boundary;
}

function readHeaders(text) {
  const headers = new Map();
  for (const line of text.split('\r\n')) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!match) throw refuse('a line of a part that is no header');
    const name = match[1].toLowerCase();
    if (headers.has(name)) throw refuse(`${match[1]} twice in a part`);
    headers.set(name, match[2]);
  }
  return headers;
}

function readPart(bytes) {
  const end = bytes.indexOf(blank);
  if (end < 0) throw refuse('a part without a blank line');
  const headers = readHeaders(bytes.toString('utf8', 0, end));
  const disposition = headers.get('content-disposition');
  if (!disposition || !/^form-data(;|$)/i.test(disposition)) throw refuse('a part that is no form-data');
  const name = parameter(disposition, 'name');
  if (!name) throw refuse('a part without a name');
  const body = bytes.subarray(end + blank.length);
  return { name, filename: parameter(disposition, 'filename'), type: headers.get('content-type'), body };
}

// Answers { fields: Map(name -> text), files: Map(name -> { name, type, bytes }) }.
export function parseMultipart(body, boundary) {
  const delimiter = Buffer.from(`--${boundary}`);
  const fields = new Map();
  const files = new Map();
  if (!body.subarray(0, delimiter.length).equals(delimiter)) throw refuse('it does not begin with its boundary');
  let at = delimiter.length;
  for (let count = 0; ; count++) {
    const after = body.toString('latin1', at, at + 2);
    if (after === '--') break;
    if (after !== '\r\n') throw refuse('no line end after a boundary');
    if (count === partsMax) throw refuse('too many parts');
    const end = body.indexOf(Buffer.concat([crlf, delimiter]), at);
    if (end < 0) throw refuse('it does not end with its boundary');
    const part = readPart(body.subarray(at + 2, end));
    if (fields.has(part.name) || files.has(part.name)) throw refuse(`the part ${part.name} twice`);
    if (part.filename === undefined || part.filename === null) fields.set(part.name, part.body.toString('utf8'));
    else files.set(part.name, { name: part.filename, type: part.type, bytes: Buffer.from(part.body) });
    at = end + crlf.length + delimiter.length;
  }
  const rest = body.toString('latin1', at + 2);
  if (rest !== '' && rest !== '\r\n') throw refuse('bytes after its end');
  return { fields, files };
}
