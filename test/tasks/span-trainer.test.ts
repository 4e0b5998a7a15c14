import { expect, test } from 'vitest';
import { answeredSpans } from '../../src/tasks/span-trainer';
import { placedWords } from '../../src/tasks/span-words';
import { TokenEncoder } from '../../src/tasks/token-encoder';

test('questions about a context share its numbers', async () => {
  const fitted = { minFrequency: 1, characters: false, lowercase: true };
  const tokens = TokenEncoder.fit([['Al', 'sat', '.', 'who', 'ran']], fitted);
  const context = 'Al sat.';
  const example = { context, answers: ['Al'], words: placedWords(context), span: { first: 0, last: 0 } };
  const [one, two, other] = await answeredSpans({ tokens }, [
    { ...example, question: 'who sat' },
    { ...example, question: 'AL' },
    { ...example, question: 'who', words: placedWords(context) },
  ]);
  expect(two?.context).toBe(one?.context);
  expect(other?.context).not.toBe(one?.context);
  expect(other?.context).toEqual(one?.context);
  expect(one).toMatchObject({ shared: Float32Array.of(0, 1, 0), first: 0, last: 0 });
  expect(two?.shared).toEqual(Float32Array.of(1, 0, 0));
  expect(one?.question).toEqual(tokens.encode(['who', 'sat']).words);
});
