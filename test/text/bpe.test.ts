import { describe, expect, test } from 'vitest';
import { BPETokenizer, HuggingFaceTokenizer, OptionError, TextVectorizer } from 'stmnet';
import { definitionOf } from './hugging-face-definition';

/** A text of drawn words, some more frequent than others, in several scripts. */
function corpus(words: number, seed = 1): string {
  let state = seed;
  const next = (): number => (state = (16_807 * state) % (2 ** 31 - 1));
  const syllables = ['ba', 'na', 'ter', 'ing', 'ö', 'при', '語', 'x', 'st', 'e', "'s", '42', '.', '😀', '  ', '\n'];
  const parts = Array.from({ length: words }, () =>
    Array.from({ length: 1 + (next() % 4) }, () => syllables[Math.floor(((next() % 256) / 256) ** 2 * 16)]).join(''),
  );
  return parts.join(' ');
}

const texts = Array.from({ length: 20 }, (_, i) => corpus(400, i + 1));
const trained = BPETokenizer.train(texts, { vocabularySize: 600 });

describe('training', () => {
  test('merges the most frequent pair, of equals the older tokens', () => {
    // hug hug pug hugs bun: "ug" 4, then "hug" 3; then "Ġhug" in " hug" and " hugs" 2, and no more of 2
    const { options } = BPETokenizer.train(['hug hug pug hugs bun'], { vocabularySize: 300 });
    expect(options.merges).toEqual(['u g', 'h ug', 'Ġ hug']);
    expect(BPETokenizer.train(['hug hug pug hugs bun'], { vocabularySize: 258 }).options.merges).toEqual([
      'u g',
      'h ug',
    ]);
    expect(BPETokenizer.train(['abab abab'], { minFrequency: 3 }).options.merges).toEqual(['a b']);
    expect(BPETokenizer.train(['aaaa aaaa'], { minFrequency: 2 }).options.merges[0]).toBe('a a');
    expect(BPETokenizer.train([]).tokens).toHaveLength(256);
  });

  test('is the same as counting all pairs anew for each merge', () => {
    const words = new Map<string, number>();
    const pattern = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
    for (const text of texts) for (const word of text.match(pattern) ?? []) words.set(word, (words.get(word) ?? 0) + 1);
    const split = Array.from(words, ([word, count]) => ({ ids: [...Buffer.from(word)], count }));
    const merges: number[][] = [];
    const byText = new Map(trained.tokens.map((token, id) => [token, id]));
    while (merges.length < 60) {
      const counts = new Map<string, number>();
      for (const { ids, count } of split)
        ids.slice(1).forEach((id, i) => counts.set(`${ids[i]} ${id}`, (counts.get(`${ids[i]} ${id}`) ?? 0) + count));
      const ranked = [...counts].map(([pair, count]) => ({ pair: pair.split(' ').map(Number), count }));
      ranked.sort((a, b) => b.count - a.count || a.pair[0]! - b.pair[0]! || a.pair[1]! - b.pair[1]!);
      const [left = 0, right = 0] = ranked[0]?.pair ?? [];
      const made = byText.get(`${trained.tokens[left]}${trained.tokens[right]}`) ?? -1;
      merges.push([left, right]);
      for (const word of split) {
        const merged: number[] = [];
        for (let i = 0; i < word.ids.length; i++) {
          const isPair = word.ids[i] === left && word.ids[i + 1] === right;
          merged.push(isPair ? made : (word.ids[i] ?? 0));
          if (isPair) i++;
        }
        word.ids = merged;
      }
    }
    expect(trained.options.merges.slice(0, 60)).toEqual(
      merges.map(([left = 0, right = 0]) => `${trained.tokens[left]} ${trained.tokens[right]}`),
    );
  });

  test('reads texts of any kind, in the form that is asked for', async () => {
    const asynchronously = (async function* (): AsyncGenerator<string> {
      for (const text of texts) yield await Promise.resolve(text);
    })();
    expect((await BPETokenizer.train(asynchronously, { vocabularySize: 600 })).tokens).toEqual(trained.tokens);
    const small = BPETokenizer.train(['HUG hug'], { lowercase: true });
    expect(small.tokenize('Hug')).toEqual(['hug']);
    expect(() => BPETokenizer.train('a text' as never)).toThrow('Fix: pass an array: [text]');
    expect(() => BPETokenizer.train([1 as never])).toThrow('got 1 as text, expected a string');
    expect(() => BPETokenizer.train(texts, { vocabularySize: 256 })).toThrow('expected more than the 256 bytes');
    expect(() => BPETokenizer.train(texts, { vocabSize: 300 } as object)).toThrow('write vocabularySize');
  });

  test('of 1 MB takes seconds', () => {
    const large = [corpus(200_000, 99)];
    expect(large[0]?.length).toBeGreaterThan(1_000_000);
    const start = process.cpuUsage();
    expect(BPETokenizer.train(large, { vocabularySize: 4000 }).tokens.length).toBe(4000);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(10);
  });
});

describe('pieces', () => {
  test('are those that Hugging Face finds with the same merges', () => {
    const theirs = new HuggingFaceTokenizer({ definition: definitionOf(trained) });
    expect(theirs.tokens).toEqual(trained.tokens);
    for (const text of [
      ...texts,
      "I'll  call\t\n now!!! 12 ½ été e\u0301",
      'naïve 語語語 😀😀',
      '   ',
      'a'.repeat(500),
    ])
      expect(trained.tokenize(text)).toEqual(theirs.tokenize(text));
  });

  test('put together are the text, whatever it is', () => {
    for (const text of [...texts, '', ' a  b ', '\u0000\u{10ffff}\r\n', 'x'.repeat(5000)])
      expect(trained.join(trained.tokenize(text))).toBe(text.normalize('NFC'));
    expect(trained.join(['Ã'])).toBe('\ufffd');
    expect(trained.join(['<unk>', 'b', '語'])).toBe('<unk>b語');
    expect(Array.from(trained.bytes(['Ã', 'Ġ', '語']))).toEqual([0xc3, 0x20, ...Buffer.from('語')]);
    expect(trained.tokenize('banana banana').length).toBeLessThan(7);
  });

  test('of a word of a million characters are found, too', () => {
    expect(trained.join(trained.tokenize('bana'.repeat(250_000)))).toBe('bana'.repeat(250_000));
  });

  test('of a long text are those of its parts', () => {
    const text = `${`${texts.join('\n')} \t\n  `.repeat(20)}x`;
    expect(text.length).toBeGreaterThan(600_000);
    const theirs = new HuggingFaceTokenizer({ definition: definitionOf(trained) });
    expect(trained.tokenize(text)).toEqual(theirs.tokenize(text));
    const huge = `x${'😀'.repeat(200_000)}`; // no place to cut it but between the halves of a character
    expect(trained.join(trained.tokenize(huge))).toBe(huge);
  });

  test('have indices in a vectorizer, special tokens behind them', () => {
    const text = TextVectorizer.fit([], { tokenizer: trained, end: '</s>' });
    expect(text.vocabulary.tokens.slice(-3)).toEqual(['<pad>', '<unk>', '</s>']);
    expect(text.vocabulary.tokens.slice(0, 600)).toEqual(trained.tokens);
    expect(text.decode(text.encode("Call 語's!"))).toBe("Call 語's!");
    expect(text.paddingIdx).toBe(600);
  });
});

test('a tokenizer is plain data, which is looked at', () => {
  const { class: name, options } = JSON.parse(JSON.stringify(trained.config()));
  expect(name).toBe('BPETokenizer');
  const copy = new BPETokenizer(options);
  expect(copy.tokens).toEqual(trained.tokens);
  for (const text of texts) expect(copy.tokenize(text)).toEqual(trained.tokenize(text));
  for (const merges of [['a'], ['a b c'], ['a bc'], ['a b', 'a b'], ['ab c', 'a b'], [' a'], ['a  b'], ['']]) {
    expect(() => new BPETokenizer({ merges }), JSON.stringify(merges)).toThrow(OptionError);
    expect(() => new BPETokenizer({ merges })).toThrow('expected two tokens that are there before it');
  }
  expect(() => new BPETokenizer({ merges: [1] as never })).toThrow('got merges: [1], expected an array of merges');
  expect(() => new BPETokenizer({} as never)).toThrow('got merges: undefined');
  // Two ways to one token.
  expect(new BPETokenizer({ merges: ['a b', 'b c', 'ab c', 'a bc'] }).tokens.slice(256)).toEqual(['ab', 'bc', 'abc']);
});
