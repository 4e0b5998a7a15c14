import { describe, expect, test } from 'vitest';
import { OptionError, TextVectorizer, Vocabulary } from 'stmnet';

const sentences = [
  ['b', 'a', 'b', 'c'],
  ['a', 'd', 'b', 'Z'],
];

describe('a vocabulary', () => {
  test('has what is frequent first, and equals as strings compare', () => {
    expect(Vocabulary.fit(sentences).tokens).toEqual(['b', 'a', 'Z', 'c', 'd']);
    expect(Vocabulary.fit(sentences.toReversed()).tokens).toEqual(['b', 'a', 'Z', 'c', 'd']);
  });

  test('leaves out what is rare, and what finds no room', () => {
    expect(Vocabulary.fit(sentences, { minFrequency: 2 }).tokens).toEqual(['b', 'a']);
    expect(Vocabulary.fit(sentences, { maxTokens: 4, specials: ['<pad>'], unknown: '<unk>' }).tokens).toEqual([
      '<unk>',
      '<pad>',
      'b',
      'a',
    ]);
    expect(Vocabulary.fit([['<s>', 'x', '<s>']], { specials: ['<pad>', '<s>'] }).tokens).toEqual(['<pad>', '<s>', 'x']);
  });

  test('gives indices for tokens and tokens for indices', () => {
    const vocabulary = Vocabulary.fit(sentences, { unknown: '<unk>' });
    expect(vocabulary.size).toBe(6);
    expect(vocabulary.encode(['b', 'nobody', 'd'])).toEqual(Int32Array.of(1, 0, 5));
    expect(vocabulary.decode(Int32Array.of(1, 0, 5))).toEqual(['b', '<unk>', 'd']);
    expect([vocabulary.has('b'), vocabulary.has('nobody'), vocabulary.has('toString')]).toEqual([true, false, false]);
    expect(() => vocabulary.at(6)).toThrow('Vocabulary.at: got index 6, expected a whole number in 0..5');
    expect(() => vocabulary.at(0.5)).toThrow(OptionError);
    expect(() => Vocabulary.fit(sentences).indexOf('nobody')).toThrow(
      'got "nobody", expected one of the 5 tokens, none of which stands for the others.\n' +
        "  Fix: learn from texts that have it, or name a token for the others: unknown: '<unk>'.",
    );
    expect(() => Vocabulary.fit(sentences).indexOf('constructor')).toThrow(OptionError);
  });

  test('is plain data', () => {
    const vocabulary = Vocabulary.fit([['__proto__', '\ud800', 'é\u2028']], { unknown: '<unk>' });
    const { class: name, options } = JSON.parse(JSON.stringify(vocabulary.config()));
    expect(name).toBe('Vocabulary');
    const copy = new Vocabulary(options);
    expect([copy.tokens, copy.unknown]).toEqual([vocabulary.tokens, '<unk>']);
    expect(copy.indexOf('__proto__')).toBe(vocabulary.indexOf('__proto__'));
  });
});

test('what is no vocabulary', () => {
  expect(() => new Vocabulary({ tokens: [] })).toThrow('Vocabulary: got tokens: [], expected an array of strings');
  expect(() => new Vocabulary({ tokens: ['a', 1] as never })).toThrow('got 1 as token 1');
  expect(() => new Vocabulary({ tokens: ['a', 'b', 'a'] })).toThrow(
    'got the token "a" twice, expected each token once',
  );
  expect(() => new Vocabulary({ tokens: ['a'], unknown: '<unk>' })).toThrow('expected one of the tokens');
  expect(() => Vocabulary.fit([])).toThrow(
    'Vocabulary.fit: got 0 texts with 0 tokens, none of which occurs more than 0 times, ' +
      'expected one at least that occurs 1 time.\n  Fix: look whether the texts are those that were meant.',
  );
  expect(() => Vocabulary.fit(sentences, { minFrequency: 4 })).toThrow(
    'got 2 texts with 5 tokens, none of which occurs more than 3 times, expected one at least that occurs 4 times.\n' +
      '  Fix: lower minFrequency.',
  );
  expect(() => Vocabulary.fit(sentences, { maxTokens: 1, unknown: '<unk>' })).toThrow(
    'got maxTokens: 1, expected more than the 1 special tokens',
  );
  const wrong: [() => unknown, string][] = [
    [
      () => Vocabulary.fit([['a']], { specials: '<pad>' as never }),
      'got specials: "<pad>", expected an array of strings',
    ],
    [() => Vocabulary.fit([['a']], { specials: [''] }), 'got specials: [""], expected an array of strings'],
    [() => Vocabulary.fit([[1, 2]] as never), 'got 1 as a token, expected a string.'],
    [() => Vocabulary.fit(42 as never), 'got 42, expected the tokens of each text.'],
    [() => Vocabulary.fit([null] as never), 'got null, expected the tokens of each text.'],
    [() => TextVectorizer.fit(null as never), 'got null as texts, expected an array of texts'],
  ];
  for (const [call, message] of wrong) expect(call).toThrow(message);
  expect(() => Vocabulary.fit(['a text'])).toThrow('got the text "a text", expected the tokens of each text');
  expect(() => Vocabulary.fit(sentences, { minCount: 2 } as object)).toThrow('got an option minCount');
});
