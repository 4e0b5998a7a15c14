// Reference values: scripts/metric-references.py texts (sacrebleu 2.6.0).
import { expect, test } from 'vitest';
import { BLEUScore, OptionError, type BLEUScoreOptions } from 'stmnet';
import { outputs, pairs, references } from '../support/text-data';

async function bleu(
  output: readonly string[],
  target: readonly string[] | readonly (readonly string[])[],
  options: BLEUScoreOptions = {},
  size = output.length,
): Promise<number> {
  const metric = new BLEUScore(options);
  for (let at = 0; at < output.length; at += size)
    metric.update(output.slice(at, at + size), target.slice(at, at + size) as string[]);
  return metric.compute();
}

test('BLEU is that of sacreBLEU, whatever the batch size', async () => {
  for (const size of [1, 2, 5]) {
    expect(await bleu(outputs, references, {}, size)).toBeCloseTo(28.547749899523062, 11);
    expect(await bleu(outputs, pairs, {}, size)).toBeCloseTo(54.29909806293646, 11);
  }
  expect(await bleu(outputs, references, { tokenize: 'char' })).toBeCloseTo(64.72457972254522, 11);
  expect(await bleu(outputs, references, { tokenize: 'none' })).toBeCloseTo(17.589739091462725, 11);
});

test('precisions of 0 are smoothed; without n-grams of a size it is 0', async () => {
  expect(await bleu(['Ein Haus am See'], ['Ein Haus an einem See'])).toBeCloseTo(27.534765745159184, 11);
  expect(await bleu(['the cat sat on it'], ['the cat lay at it'])).toBeCloseTo(23.643540225079384, 11);
  expect(await bleu(['a b'], ['a b'])).toBe(0);
  expect(await bleu(['x y z w v'], ['a b c d e'])).toBe(0);
  expect(await bleu([''], ['a b c d e'])).toBe(0);
  expect(await new BLEUScore().compute()).toBeNaN();
  expect(await bleu(['A b C d'], ['a B c D'], { lowercase: true })).toBeCloseTo(100, 10);
});

test('words are cut as by mteval-v13a: equal to what sacreBLEU’s Tokenizer13a gives, cut already', async () => {
  const cut = [
    ['It costs $1,000.50 - or 3-4 times more', 'It costs $ 1,000.50 - or 3 - 4 times more'],
    ['x-\ny\nz 5-6 a.b .5 1. 2,3 ,a x.', 'xy z 5 - 6 a . b . 5 1 . 2,3 , a x .'],
    ['<skipped>(a)[b]{c}~^_`\'"', '( a ) [ b ] { c } ~ ^ _ ` \' "'],
    ['日本語。テスト,x &quot;&lt;&gt;', '日本語。テスト , x " < >'],
    ['a\u3000b\u00a0c\u2028d', 'a b c d'],
  ];
  for (const [text = '', words = ''] of cut) {
    // Both sides are cut: what is cut already stays as it is, but for dashes behind digits.
    const [once, again] = [new BLEUScore(), new BLEUScore({ tokenize: 'none' })];
    once.update([text], [words]);
    again.update([words], [words]);
    expect(await once.compute(), text).toBeCloseTo(await again.compute(), 10);
    expect(await once.compute(), text).toBeCloseTo(100, 10);
  }
});

test('mistakes', async () => {
  const metric = new BLEUScore();
  expect(() => metric.update(['a'], [])).toThrow(
    'BLEUScore.update: got 1 outputs and 0 targets, expected one target for each output.',
  );
  expect(() => metric.update(['a'], [[]])).toThrow(/got no reference for "a"/);
  expect(() => metric.update([['a']] as unknown as string[], ['a'])).toThrow(/got \["a"\], expected texts/);
  expect(() => new BLEUScore({ tokenize: 'ja' as 'char' })).toThrow(OptionError);
  metric.update(['a'], ['a'], { weight: [2] });
  await expect(metric.compute()).rejects.toThrow('BLEUScore.update: got a weight, expected none');
});
