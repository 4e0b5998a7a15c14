import { beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { augmentCharacters, crossEntropy, loadExtras, tensor } from 'stmnet';
import { TextClassifier, type RobustnessRecord, type TextExample } from '../../src/tasks';
import { adversarialShift } from '../../src/tasks/adversarial-shift';
import { TextEncoder, type TextEncoderParts } from '../../src/tasks/text-encoder';
import { changedTexts, type ChangedTexts } from '../../src/tasks/changed-texts';
import { readRobustnessOptions, type RobustnessOptions } from '../../src/tasks/robustness-options';
import { mixedSeed } from '../../src/tensor/mixed-seed';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('robustness', (made) => (folder = made));

const versions = async (texts: readonly string[], options: RobustnessOptions): Promise<ChangedTexts[]> => {
  const all: ChangedTexts[] = [];
  for await (const one of changedTexts(texts, readRobustnessOptions('test', options))) all.push(one);
  return all;
};

describe('changedTexts', () => {
  const texts = ['What a lovely day, at the seaside!', 'Nothing to see here', ''];

  it('swaps, drops and inserts characters, text by text', async () => {
    const all = await versions(texts, { seed: 4, characterRates: [0, 0.3] });
    expect(all.map(({ change, amount }) => [change, amount])).toEqual([
      ['swap', 0],
      ['swap', 0.3],
      ['drop', 0],
      ['drop', 0.3],
      ['insert', 0],
      ['insert', 0.3],
    ]);
    for (const at of [0, 2, 4]) expect(all[at]?.texts).toEqual(texts);
    const dropped = texts.map((text, place) => augmentCharacters(text, { seed: mixedSeed(4, place), delete: 0.3 }));
    expect(all[3]?.texts).toEqual(dropped);
    expect(dropped[0]?.length).toBeLessThan(texts[0]?.length ?? 0);
    expect((await versions(texts, { seed: 4, characterRates: [0.3] }))[0]).toEqual(all[1]);
    expect((await versions(texts, { seed: 5, characterRates: [0.3] }))[0]).not.toEqual(all[1]);
  });

  it('puts synonyms in the place of words, and leaves all between them as it is', async () => {
    const synonyms = new Map([
      ['lovely', ['fine']],
      ['what', ['which']],
      ['day', ['hour']],
    ]);
    const [all] = await versions(texts, { characterRates: [], wordRates: [0.9], synonyms });
    expect(all).toEqual({
      change: 'synonyms',
      amount: 0.9,
      texts: ['Which a fine hour, at the seaside!', ...texts.slice(1)],
    });
    const [one] = await versions(texts, { characterRates: [], wordRates: [0.1], synonyms });
    const words = one?.texts[0]?.split(' ') ?? [];
    expect(words.filter((word, place) => word !== texts[0]?.split(' ')[place]).length).toBe(1);
  });
});

it('lets others have their turn while texts are changed', async () => {
  let turns = 0;
  let turn = setImmediate(function again() {
    turns++;
    turn = setImmediate(again);
  });
  const long = Array.from({ length: 60 }, () => 'a long text '.repeat(200));
  const synonyms = new Map([['long', ['large']]]);
  await versions(long, { characterRates: [0.1], wordRates: [0.1], synonyms });
  clearImmediate(turn);
  expect(turns).toBeGreaterThan(12); // of four versions, more than three each
});

describe('TextClassifier.robustness', () => {
  const pairs: readonly (readonly [string, string])[] = [
    ['fine', 'awful'],
    ['lovely', 'dull'],
    ['great', 'sad'],
  ];
  const texts = Array.from({ length: 48 }, (_, at) => {
    const [good, bad] = pairs[at % 3] ?? ['', ''];
    return at % 2 === 0 ? { text: `a ${good} day ${at}`, label: 'good' } : { text: `a ${bad} day ${at}`, label: 'bad' };
  });
  const synonyms = new Map(
    pairs.flatMap(([good, bad]): [string, string[]][] => [
      [good, [bad]],
      [bad, [good]],
    ]),
  );
  const none = { characterRates: [], epsilons: [] };
  let classifier: TextClassifier;
  beforeAll(async () => {
    classifier = new TextClassifier({ hiddenSize: 8, embeddingDim: 8, dropout: 0.1 });
    await classifier.fit(texts, { epochs: 20, batchSize: 8, learningRate: 3e-2, seed: 3, progress: false });
  });

  it('measures words that say the contrary, characters, and moved vectors', async () => {
    const rows = await classifier.robustness(texts, { ...none, synonyms, wordRates: [0.3] });
    expect(rows).toEqual([
      { change: 'none', amount: 0, accuracy: 1, f1: 1, changed: 0 },
      { change: 'synonyms', amount: 0.3, accuracy: 0, f1: 0, changed: 1 },
    ]);
    const noisy = await classifier.robustness(texts, { characterRates: [0.4], epsilons: [], seed: 2 });
    expect(noisy.map(({ change }) => change)).toEqual(['none', 'swap', 'drop', 'insert']);
    for (const { accuracy, changed } of noisy.slice(1)) {
      expect(accuracy).toBeLessThan(1);
      expect(changed).toBeCloseTo(1 - accuracy, 12); // of two labels, all of which were right
    }
    const asked = await versions(
      texts.map(({ text }) => text),
      { seed: 2, characterRates: [0.4] },
    );
    const said = await classifier.predict(asked[0]?.texts ?? []);
    expect(noisy[1]?.accuracy).toBe(said.filter(({ label }, at) => label === texts[at]?.label).length / texts.length);
  });

  it('moves the vectors of each text to where its label is improbable', async () => {
    const { model } = classifier;
    const slopes = async (): Promise<string> => String(await model?.head.weight.grad?.data());
    const slopesBefore = await slopes();
    const before = handlesKept();
    const rows = await classifier.robustness(texts, { characterRates: [], epsilons: [0, 6] });
    expect(handlesKept() - before).toBe(0);
    expect(rows.map(({ change, amount }) => [change, amount])).toEqual([
      ['none', 0],
      ['adversarial', 0],
      ['adversarial', 6],
    ]);
    const wrong = await wrongAlone(6);
    expect(wrong).toBeGreaterThan(3);
    expect(rows.map(({ accuracy }) => accuracy)).toEqual([1, 1, 1 - wrong / texts.length]);
    expect(model?.parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true);
    expect(await slopes()).toBe(slopesBefore);
    // Texts whose label training never saw say not where to: they are wrong as ever, and change nothing of the others.
    const more: TextExample[] = [{ text: 'a fine day 0', label: 'odd' }, ...texts, { text: 'x', label: 'other' }];
    const all = await classifier.robustness(more, { characterRates: [], epsilons: [0, 6] });
    const right = texts.length - wrong;
    expect(all.map(({ accuracy }) => accuracy)).toEqual([48 / 50, 48 / 50, right / 50]);
    expect(all[2]?.changed).toBe(wrong / 50);
  });

  /** How many texts are wrong, each by itself, once its vectors are moved. */
  async function wrongAlone(epsilon: number): Promise<number> {
    const { model, labels = [] } = classifier;
    if (model === undefined) throw new Error('no model');
    await classifier.save(join(folder, 'days.safetensors'));
    const parts = await loadExtras<TextEncoderParts & Record<string, unknown>>(join(folder, 'days.safetensors'));
    const encoder = new TextEncoder(parts);
    let wrong = 0;
    for (const { text, label } of texts) {
      const target = tensor([labels.indexOf(label)], { dtype: 'i32' });
      const vectors = model.features.forward({
        words: tensor([Array.from(encoder.encode(text).words)], { dtype: 'i32' }),
      });
      const moved = adversarialShift(model, vectors, epsilon, (at) => crossEntropy(model.scores(at), target));
      const said = await model.scores(moved).argmax(-1).item();
      wrong += Number(said !== labels.indexOf(label));
    }
    return wrong;
  }

  it('takes several labels a text', async () => {
    const several = texts.map(({ text, label }) => ({ text, labels: label === 'bad' ? [] : [label, 'day'] }));
    const multiple = new TextClassifier({ hiddenSize: 8, embeddingDim: 8, dropout: 0.1, multiLabel: true });
    await multiple.fit(several, { epochs: 20, batchSize: 8, learningRate: 3e-2, seed: 3, progress: false });
    const rows: RobustnessRecord[] = await multiple.robustness(several, { characterRates: [], epsilons: [0, 9] });
    expect(rows.slice(0, 2).map(({ accuracy }) => accuracy)).toEqual([1, 1]);
    expect(rows[2]?.accuracy).toBeLessThan(0.5);
    expect(rows[2]?.changed).toBeGreaterThan(0.5);
  });

  it('refuses what it cannot use', async () => {
    const refused = (options: object): Promise<unknown> => classifier.robustness(texts, options);
    await expect(refused({ characterRates: [1.5] })).rejects.toThrow(
      'TextClassifier.robustness: got characterRates: 1.5',
    );
    await expect(refused({ epsilons: 1 })).rejects.toThrow('got epsilons: 1, expected an array of numbers');
    await expect(refused({ synonyms: 'x.txt' })).rejects.toThrow('expected a Map of words');
    await expect(refused({ wordRates: [0.2] })).rejects.toThrow('got wordRates: [0.2] without synonyms, expected');
    await expect(new TextClassifier().robustness(texts)).rejects.toThrow('a task that has learned nothing yet');
  });
});
