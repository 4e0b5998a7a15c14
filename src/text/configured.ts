import { TextVectorizer } from './text-vectorizer';
import type { Configured } from './tokenizer';
import { Vocabulary } from './vocabulary';

/** Whether something is a text object: a vectorizer, a vocabulary, or a tokenizer, of the user's own too. @internal */
export function hasConfig(value: unknown): value is Configured {
  if (value instanceof TextVectorizer || value instanceof Vocabulary) return true;
  if (typeof value !== 'object' || value === null) return false;
  return ['tokenize', 'join', 'config'].every((name) => typeof Reflect.get(value, name) === 'function');
}
