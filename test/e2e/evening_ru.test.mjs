// A whole evening in chat, in Russian; evening has the same in English.
import { Evening } from './lib/evening.mjs';
import { slow } from './lib/env.mjs';
import { talking } from './lib/talk.mjs';

talking('вечер по-русски', { timeout: 240_000 * slow }, (context) => new Evening(context, 'ru').all());
