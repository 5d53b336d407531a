// files - what was uploaded, under the ids that a bot gets for it
import { randomBytes } from 'node:crypto';

import { badRequest, ApiError } from './errors.mjs';
import { limits } from './limits.mjs';
import { decodePicture, isBlank } from './png.mjs';

const wrongId = 'wrong file identifier/HTTP URL specified';

// A picture as it was sent: decoded once, when it comes.
export class Photo {
  constructor(file) {
    let picture;
    try {
      picture = decodePicture(file.bytes);
    } catch (error) {
      this.fault = error;
      throw badRequest('IMAGE_PROCESS_FAILED');
    }
    Object.assign(this, { file, bytes: file.bytes, width: picture.width, height: picture.height, png: picture });
    const { width, height } = picture;
    const ratio = Math.max(width, height) / Math.min(width, height);
    if (width + height > limits.photoSides || ratio > limits.photoRatio) throw badRequest('PHOTO_INVALID_DIMENSIONS');
  }

  // Only of a PNG.
  get isBlank() {
    return isBlank(this.png);
  }
}

export class Files {
  byId = new Map();

  add(kind, { name, type, bytes }) {
    if (!bytes.length) throw badRequest('file must be non-empty');
    const most = kind === 'photo' ? limits.photoBytes : limits.documentBytes;
    if (kind === 'photo' && bytes.length > most)
      throw badRequest(`file of size ${bytes.length} bytes is too big for a photo; the maximum size is ${most} bytes`);
    if (bytes.length > most) throw new ApiError(413, 'Request Entity Too Large');
    const prefix = kind === 'photo' ? 'AgACAgIAAx' : 'BQACAgIAAx';
    const file = { kind, name, type, bytes, id: prefix + randomBytes(30).toString('base64url'), uniqueId: randomBytes(9).toString('base64url') };
    if (kind === 'photo') file.photo = new Photo(file);
    file.path = kind === 'photo' ? `photos/file_${this.byId.size}.png` : `documents/file_${this.byId.size}`;
    this.byId.set(file.id, file);
    return file;
  }

  // A parameter: an upload, attach://NAME of another part, or the id of what was sent before.
  take(kind, parameters, name, value = parameters.text(name)) {
    const upload = parameters.file(name) ?? (value.startsWith('attach://') ? parameters.file(value.slice(9)) : undefined);
    if (upload) return this.add(kind, upload);
    if (!value) throw badRequest(`there is no ${kind} in the request`);
    if (/^https?:/.test(value)) throw badRequest('failed to get HTTP URL content');
    const file = this.byId.get(value);
    if (!file) throw badRequest(wrongId);
    if (file.kind !== kind) throw badRequest(`can't use file of type ${file.kind} as ${kind}`);
    return file;
  }

  get(id) {
    const file = this.byId.get(id);
    if (!file) throw badRequest('invalid file_id');
    if (file.bytes.length > limits.downloadBytes) throw badRequest('file is too big');
    return file;
  }

  atPath(path) {
    return [...this.byId.values()].find((file) => file.path === path);
  }
}

export const describeFile = (file) => ({ file_id: file.id, file_unique_id: file.uniqueId, file_size: file.bytes.length });
