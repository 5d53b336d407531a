// pictures - PNG files of any kind, made for tests
import zlib from 'node:zlib';

import { crc32 } from '../../telegram/png.mjs';

// A PNG of any colour type, written here.
export function png(width, height, { colour = 2, depth = 8, at = (x, y) => [x & 255, y & 255, (x * y) & 255], palette } = {}) {
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour];
  const stride = Math.ceil((width * channels * depth) / 8);
  const step = Math.max(1, (channels * depth) >> 3);
  const plain = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const values = at(x, y);
      for (let c = 0; c < channels; c++) {
        const bit = (x * channels + c) * depth;
        if (depth >= 8) plain[y * stride + (bit >> 3)] = values[c] ?? 255;
        else plain[y * stride + (bit >> 3)] |= (values[c] & ((1 << depth) - 1)) << (8 - depth - (bit & 7));
      }
    }
  return wrap(width, height, colour, depth, filtered(plain, height, stride, step), palette);
}

// A large picture with nothing on it.
export const black = (width, height) => wrap(width, height, 0, 1, Buffer.alloc((Math.ceil(width / 8) + 1) * height));

// Each line with another filter.
function filtered(plain, height, stride, step) {
  const lines = [];
  for (let y = 0; y < height; y++) {
    const line = Buffer.alloc(stride + 1);
    line[0] = y % 5;
    for (let x = 0; x < stride; x++) {
      const a = x >= step ? plain[y * stride + x - step] : 0;
      const b = y ? plain[(y - 1) * stride + x] : 0;
      const c = y && x >= step ? plain[(y - 1) * stride + x - step] : 0;
      const p = a + b - c;
      const near = [a, b, c].map((v) => [Math.abs(p - v), v]).sort((l, r) => l[0] - r[0])[0][1];
      line[x + 1] = plain[y * stride + x] - [0, a, b, (a + b) >> 1, near][y % 5];
    }
    lines.push(line);
  }
  return Buffer.concat(lines);
}

function wrap(width, height, colour, depth, lines, palette) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = depth;
  head[9] = colour;
  const parts = [['IHDR', head], ...(palette ? [['PLTE', Buffer.from(palette)]] : []), ['IDAT', zlib.deflateSync(lines)], ['IEND', Buffer.alloc(0)]];
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts.map(([type, data]) => chunk(type, data))]);
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(data.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}
