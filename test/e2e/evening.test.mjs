// A whole evening in chat, in English; evening_ru has the same in Russian.
import { Evening } from './lib/evening.mjs';
import { slow } from './lib/env.mjs';
import { talking } from './lib/talk.mjs';

talking('an evening in English', { timeout: 240_000 * slow }, (context) => new Evening(context, 'en').all());
