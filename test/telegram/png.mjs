// png - pictures that are really decoded: size, pixels, and whether anything is on them
import zlib from 'node:zlib';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const channelsOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depthsOf = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };

const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

// Newer versions of Node have it, and fast.
export const crc32 = zlib.crc32 ?? function crc32(bytes) {
  let c = ~0;
  for (const byte of bytes) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
  return ~c >>> 0;
};

function* chunks(bytes) {
  for (let at = signature.length; at < bytes.length; ) {
    if (at + 12 > bytes.length) throw new Error('PNG: cut in a chunk');
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) throw new Error('PNG: a chunk longer than the file');
    const named = bytes.subarray(at + 4, at + 8 + length);
    if (crc32(named) !== bytes.readUInt32BE(at + 8 + length)) throw new Error('PNG: wrong CRC');
    const type = named.toString('latin1', 0, 4);
    yield { type, data: named.subarray(4) };
    at += 12 + length;
    if (type === 'IEND') {
      if (at !== bytes.length) throw new Error('PNG: bytes after IEND');
      return;
    }
  }
  throw new Error('PNG: no IEND');
}

function readHeader(data) {
  if (data.length !== 13) throw new Error('PNG: IHDR of a wrong length');
  const head = { width: data.readUInt32BE(0), height: data.readUInt32BE(4), depth: data[8], colour: data[9], interlace: data[12] };
  if (!head.width || !head.height || head.width > 1 << 16 || head.height > 1 << 16) throw new Error('PNG: a size that is none');
  if (!depthsOf[head.colour]?.includes(head.depth)) throw new Error('PNG: no such depth of colour');
  if (data[10] || data[11]) throw new Error('PNG: an unknown method');
  if (head.interlace) throw new Error('PNG: interlaced pictures are not read here');
  return head;
}

function paeth(a, b, c) {
  const p = a + b - c;
  const pa = Math.abs(p - a);
  const pb = Math.abs(p - b);
  const pc = Math.abs(p - c);
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

const filters = [() => 0, (a) => a, (a, b) => b, (a, b) => (a + b) >> 1, paeth];

// Undoes the filters of the lines: the samples without the bytes before each line.
function unfilter(raw, height, stride, step) {
  const lines = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    const filter = filters[raw[from - 1]];
    if (raw[from - 1] === 0) {
      raw.copy(lines, to, from, from + stride);
      continue;
    }
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? lines[to + x - step] : 0;
      const up = y ? lines[to + x - stride] : 0;
      const corner = y && x >= step ? lines[to + x - stride - step] : 0;
      lines[to + x] = raw[from + x] + filter(left, up, corner);
    }
  }
  return lines;
}

// The sample at an index of a line of samples of 1 to 16 bits, as 0 to 255 (or an index).
function sample(line, index, depth, isIndex) {
  if (depth === 8) return line[index];
  if (depth === 16) return line[index * 2];
  const value = (line[(index * depth) >> 3] >> (8 - depth - ((index * depth) & 7))) & ((1 << depth) - 1);
  return isIndex ? value : Math.round((value * 255) / ((1 << depth) - 1));
}

function colourOf(head, line, x, palette) {
  const at = (channel) => sample(line, x * channelsOf[head.colour] + channel, head.depth, head.colour === 3);
  if (head.colour === 3) {
    const index = at(0) * 3;
    if (index + 2 >= palette.length) throw new Error('PNG: a colour beyond the palette');
    return [palette[index], palette[index + 1], palette[index + 2]];
  }
  if (head.colour === 0 || head.colour === 4) return [at(0), at(0), at(0)];
  return [at(0), at(1), at(2)];
}

// A picture whose file is sound. Its pixels are worked out when somebody asks for them.
class Picture {
  constructor(head, palette, raw) {
    Object.assign(this, { width: head.width, height: head.height, head, palette, raw });
    const bits = channelsOf[head.colour] * head.depth;
    this.stride = (head.width * bits + 7) >> 3;
    this.step = Math.max(1, bits >> 3);
    if (raw.length !== head.height * (this.stride + 1)) throw new Error('PNG: too few or too many lines');
    for (let at = 0; at < raw.length; at += this.stride + 1) if (raw[at] > 4) throw new Error('PNG: no such filter');
  }

  // Three bytes a pixel.
  get rgb() {
    if (this.pixels) return this.pixels;
    const { head, width, height, stride } = this;
    const lines = unfilter(this.raw, height, stride, this.step);
    this.pixels = Buffer.alloc(width * height * 3);
    for (let y = 0, to = 0; y < height; y++) {
      const line = lines.subarray(y * stride, (y + 1) * stride);
      for (let x = 0; x < width; x++) for (const c of colourOf(head, line, x, this.palette)) this.pixels[to++] = c;
    }
    return this.pixels;
  }
}

// Reads all of the file. Throws when anything is wrong with it.
export function decodePng(bytes) {
  if (!bytes.subarray(0, 8).equals(signature)) throw new Error('PNG: no signature');
  let head;
  let palette = Buffer.alloc(0);
  const data = [];
  for (const chunk of chunks(bytes)) {
    if (!head && chunk.type !== 'IHDR') throw new Error('PNG: IHDR is not first');
    if (chunk.type === 'IHDR') head = readHeader(chunk.data);
    else if (chunk.type === 'PLTE') palette = chunk.data;
    else if (chunk.type === 'IDAT') data.push(chunk.data);
    else if (chunk.type !== 'IEND' && /^[A-Z]/.test(chunk.type)) throw new Error('PNG: an unknown chunk that matters');
  }
  return new Picture(head, palette, zlib.inflateSync(Buffer.concat(data), { maxOutputLength: 1 << 28 }));
}

// How many colours a picture has, and the share of the most used of them.
export function colours({ rgb }) {
  const counts = new Map();
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = (rgb[at] << 16) | (rgb[at + 1] << 8) | rgb[at + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return { count: counts.size, share: Math.max(...counts.values()) / (rgb.length / 3) };
}

// Nothing but one colour, or next to nothing.
export function isBlank(picture) {
  const { count, share } = colours(picture);
  return count < 2 || share > 0.999;
}

// The sizes in a JPEG whose segments are whole.
export function measureJpeg(bytes) {
  if (bytes.readUInt16BE(0) !== 0xffd8) throw new Error('JPEG: no SOI');
  let size;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) throw new Error('JPEG: no marker');
    const marker = bytes[at + 1];
    const length = bytes.readUInt16BE(at + 2);
    if (at + 2 + length > bytes.length) break;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    if (marker === 0xda) {
      if (!size || !size.width || !size.height) throw new Error('JPEG: no size');
      if (bytes.readUInt16BE(bytes.length - 2) !== 0xffd9) throw new Error('JPEG: no EOI');
      return size;
    }
    at += 2 + length;
  }
  throw new Error('JPEG: no picture');
}

export function decodePicture(bytes) {
  if (bytes.length > 3 && bytes[0] === 0xff && bytes[1] === 0xd8) return measureJpeg(bytes);
  return decodePng(bytes);
}
