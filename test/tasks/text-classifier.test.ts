import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { load, loadExtras, save, Linear, Sequential } from '../../src/index';
import { TextClassifier, type TextClassifierOptions } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('text-classifier', (made) => (folder = made));

const GOOD = ['fine', 'lovely', 'great', 'happy', 'warm'];
const BAD = ['awful', 'dull', 'cold', 'broken', 'sad'];
const pick = (words: readonly string[], at: number): string => words[at % words.length] ?? '';
/** Texts that are good or bad by one word among others. */
const texts = Array.from({ length: 60 }, (_, at) => {
  const label = at % 3 === 0 ? 'bad' : 'good';
  return { text: `this was a ${pick(label === 'bad' ? BAD : GOOD, at)} day, number ${at}`, label };
});
const small: TextClassifierOptions = { hiddenSize: 8, embeddingDim: 8, dropout: 0.1 };
const quick = { epochs: 20, batchSize: 8, learningRate: 2e-2, seed: 3, progress: false } as const;

async function trained(options: TextClassifierOptions = {}): Promise<TextClassifier> {
  const classifier = new TextClassifier({ ...small, ...options });
  await classifier.fit(texts, quick);
  return classifier;
}

describe('TextClassifier', () => {
  it.each<TextClassifierOptions>([
    {},
    { cell: 'gru', pooling: 'attention', tokens: 'both' },
    { cell: 'rnn', pooling: 'last', numLayers: 2, normalization: 'layer', residual: true },
    { numLayers: 2, bidirectional: false, pooling: 'mean', normalization: 'batch', classWeights: 'balanced' },
    { tokens: 'characters', hiddenSize: 24 },
    { numLayers: 2, labelSmoothing: 0.1, classWeights: { good: 1, bad: 2 } },
  ])('learns texts, and answers alike after save and load: %o', async (options) => {
    const classifier = await trained(options);
    const { accuracy, f1, confusion, labels } = await classifier.evaluate(texts);
    expect({ accuracy, f1, confusion, labels }).toEqual({
      accuracy: 1,
      f1: 1,
      confusion: [
        [20, 0],
        [0, 40],
      ],
      labels: ['bad', 'good'],
    });
    const path = join(folder, 'days.safetensors');
    await classifier.save(path);
    const again = await TextClassifier.load(path);
    const asked = ['what a lovely day', 'a sad one', ''];
    expect(await again.predict(asked)).toEqual(await classifier.predict(asked));
    expect(again.options).toEqual(classifier.options);
    const { label, probability } = await again.predict('what a lovely day');
    const [first] = await classifier.predict(asked);
    expect(label).toBe(first?.label);
    expect(probability).toBeCloseTo(first?.probability ?? 0, 5);
  });

  it('says how probable each label is', async () => {
    const { label, probability, probabilities } = await (await trained()).predict('a dull day');
    expect(label).toBe('bad');
    expect(probability).toBe(probabilities['bad']);
    expect(Object.keys(probabilities)).toEqual(['bad', 'good']);
    expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  it('learns several labels a text, or none', async () => {
    const examples = texts.map(({ text, label }, at) => ({
      text: at % 2 === 0 ? `${text} at sea` : text,
      labels: [...(label === 'bad' ? ['bad'] : []), ...(at % 2 === 0 ? ['sea'] : [])],
    }));
    const classifier = new TextClassifier({ ...small, multiLabel: true });
    await classifier.fit(examples, { ...quick, epochs: 40 });
    const { accuracy, f1, classes, confusion } = await classifier.evaluate(examples);
    expect({ accuracy, f1, confusion }).toEqual({ accuracy: 1, f1: 1, confusion: undefined });
    expect(classes['sea']).toMatchObject({ precision: 1, recall: 1, support: 30 });
    expect(await classifier.predict(['an awful day at sea', 'a fine day'])).toMatchObject([
      { labels: ['bad', 'sea'] },
      { labels: [] },
    ]);
  });

  it('reads characters where texts are names, and words elsewhere', async () => {
    const names = ['Anna', 'Otto', 'Ana Bo', 'Ole', 'Per', 'Kim'].map((text, at) => ({ text, label: String(at % 2) }));
    const classifier = new TextClassifier(small);
    await classifier.fit(names, { ...quick, epochs: 1 });
    expect(classifier.model?.options.features.words).toBeGreaterThan(names.length);
    expect(classifier.model?.options.features.characters).toBeUndefined();
    await classifier.save(join(folder, 'names.safetensors'));
    expect(await loadExtras(join(folder, 'names.safetensors'))).toMatchObject({
      task: 'classify',
      labels: ['0', '1'],
      tokenizer: { options: { unit: 'grapheme' } },
    });
  });

  it('gives the same weights for the same seed, and goes on with the same model', async () => {
    const [one, two] = [await trained(), await trained()];
    expect(await one.predict('an odd day')).toEqual(await two.predict('an odd day'));
    const model = one.model;
    await one.fit(texts, quick);
    expect(one.model).toBe(model);
    expect(await one.predict('an odd day')).not.toEqual(await two.predict('an odd day'));
  });

  it('counts labels that training never saw as wrong, and names them', async () => {
    const classifier = await trained();
    const known = await classifier.evaluate(texts);
    const evaluation = await classifier.evaluate([...texts, ...Array(20).fill({ text: 'no day', label: 'odd' })]);
    expect(evaluation).toMatchObject({ accuracy: 0.75, unknownLabels: ['odd'], labels: ['bad', 'good', 'odd'] });
    expect(evaluation.loss).toBeCloseTo(known.loss, 5);
    expect(known).not.toHaveProperty('unknownLabels');
    const swapped = texts.slice(0, 2).map(({ text, label }) => ({ text: String(label), label: text }));
    await expect(classifier.evaluate(swapped)).rejects.toThrow(
      /none of which is known to the model, expected labels of its training: "bad", "good"\.\n {2}Fix: look at which/,
    );
  });

  it('examines examples for a report', async () => {
    const classifier = await trained();
    const odd = { text: 'what an awful day', label: 'good' };
    const { part, figures, confusion, perClass, calibration, examples, labels, lengths } = await classifier.examine(
      [...texts, odd],
      'validation',
    );
    expect(part).toBe('validation');
    expect(figures).toMatchObject({ accuracy: 60 / 61 });
    expect(confusion).toEqual({
      labels: ['bad', 'good'],
      counts: [
        [20, 0],
        [1, 40],
      ],
    });
    expect(perClass?.map(({ label, support }) => [label, support])).toEqual([
      ['bad', 20],
      ['good', 41],
    ]);
    expect(calibration?.reduce((sum, { count }) => sum + count, 0)).toBe(61);
    expect(examples?.worst).toMatchObject([{ ...odd, predicted: 'bad' }]);
    expect(examples?.uncertain).toHaveLength(20);
    expect(labels).toEqual([
      { label: 'bad', count: 20 },
      { label: 'good', count: 41 },
    ]);
    expect(lengths?.filter(({ count }) => count > 0)).toEqual([
      { from: 4, to: 5, count: 1 },
      { from: 8, to: 9, count: 60 },
    ]);
  });

  it('weighs classes alike after save and load', async () => {
    const classifier = await trained({ classWeights: { good: 1, bad: 50 } });
    const path = join(folder, 'weighed.safetensors');
    await classifier.save(path);
    const { loss } = await (await TextClassifier.load(path)).evaluate(texts);
    expect(loss).toBeCloseTo((await classifier.evaluate(texts)).loss, 6);
    const alike = await trained();
    expect(Math.abs(loss - (await alike.evaluate(texts)).loss)).toBeGreaterThan(1e-4);
  });

  /** Labels as a careless hand writes them. */
  const blanked = texts.map(({ text, label }, at) => ({
    text,
    label: ['', ' ', '\t'][at % 3] + label + ' '.repeat(at % 2),
  }));

  it('takes no blanks around a label for a part of it', async () => {
    const classifier = new TextClassifier(small);
    await classifier.fit(blanked, { ...quick, validation: blanked });
    expect(classifier.labels).toEqual(['bad', 'good']);
    for (const examples of [blanked, texts]) {
      const { accuracy, labels, unknownLabels } = await classifier.evaluate(examples);
      expect({ accuracy, labels, unknownLabels }).toEqual({ accuracy: 1, labels: ['bad', 'good'] });
    }
    expect((await classifier.robustness(blanked, { characterRates: [], epsilons: [] }))[0]).toMatchObject({
      accuracy: 1,
    });
    const weighted = new TextClassifier({ ...small, classWeights: { ' good': 1, 'bad ': 2 } });
    await weighted.fit(blanked, { ...quick, epochs: 1 });
    expect(weighted.labels).toEqual(['bad', 'good']);
    const several = new TextClassifier({ ...small, multiLabel: true });
    await several.fit(
      blanked.map(({ text, label }) => ({ text, labels: [label] })),
      { ...quick, epochs: 1 },
    );
    expect(several.labels).toEqual(['bad', 'good']);
  });

  it('evaluates by the labels of a file of an older version, which has their blanks', async () => {
    const path = join(folder, 'blanks.safetensors');
    await (await trained()).save(path);
    const extras = await loadExtras(path);
    const { model } = await TextClassifier.load(path);
    if (model) await save(model, path, { extras: { ...extras, labels: [' bad', 'good '], positive: ' bad' } });
    const older = await TextClassifier.load(path);
    for (const examples of [
      texts,
      blanked,
      texts.map(({ text, label }) => ({ text, label: label === 'bad' ? ' bad' : 'good ' })),
    ]) {
      const { accuracy, f1, labels, unknownLabels } = await older.evaluate(examples);
      expect({ accuracy, f1, labels, unknownLabels }).toEqual({ accuracy: 1, f1: 1, labels: [' bad', 'good '] });
    }
    expect(await older.predict('a dull day')).toMatchObject({ label: ' bad' });
    if (model) await save(model, path, { extras: { ...extras, labels: [' bad', 'bad'], positive: 'bad' } });
    const both = await (
      await TextClassifier.load(path)
    ).evaluate([
      { text: 'a dull day', label: 'bad ' },
      { text: 'a fine day', label: ' bad' },
    ]);
    expect(both.confusion?.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual([1, 1]);
  });

  it('has learned nothing where fit was refused', async () => {
    const classifier = new TextClassifier(small);
    await expect(classifier.fit(texts, { ...quick, patience: 2 })).rejects.toThrow('patience');
    await expect(classifier.predict('a day')).rejects.toThrow('learned nothing yet');
    await classifier.fit(texts, quick);
    expect(await classifier.predict('a day')).toEqual(await (await trained()).predict('a day'));
  });

  it('reads a very long word, and short texts beside a long one', async () => {
    const classifier = await trained({ tokens: 'both' });
    const long = 'x'.repeat(50_000);
    expect(await classifier.predict(long)).toEqual(await classifier.predict(long.slice(0, 50)));
    const asked = ['a fine day', Array(400).fill('dull').join(' '), 'a sad day'];
    const together = await classifier.predict(asked);
    for (const [place, text] of asked.entries()) {
      const { label, probability } = await classifier.predict(text);
      expect(together[place]?.label).toBe(label);
      expect(together[place]?.probability).toBeCloseTo(probability, 5);
    }
  });

  it('leaves no tensor to the collector when asked', async () => {
    const classifier = await trained();
    await classifier.predict(['a fine day', 'a sad day']);
    const before = handlesKept();
    await classifier.predict(['a fine day', 'a sad day']);
    expect(handlesKept()).toBe(before);
  });

  it('leaves a run folder, and goes on from it bit for bit', async () => {
    const fit = async (output: string, epochs: number, resume = false): Promise<TextClassifier> => {
      const classifier = new TextClassifier(small);
      await classifier.fit(texts, {
        ...quick,
        validation: texts.slice(0, 9),
        output: join(folder, output),
        resume,
        epochs,
      });
      return classifier;
    };
    await fit('whole', 4);
    expect(readdirSync(join(folder, 'whole')).sort()).toEqual([
      'checkpoints',
      'config.json',
      'evaluation.json',
      'history.csv',
      'history.json',
      'model.safetensors',
      'report.html',
      'tensorboard',
    ]);
    const config: unknown = JSON.parse(readFileSync(join(folder, 'whole', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: 'classify', options: { hiddenSize: 8 }, training: { epochs: 4, seed: 3 } });
    const loaded = await TextClassifier.load(join(folder, 'whole', 'model.safetensors'));
    const again = await fit('whole', 4, true);
    expect(await again.predict('a cold day')).toEqual(await loaded.predict('a cold day'));
    await expect(fit('whole', 4)).rejects.toThrow('resume');
  });

  it('begins with pretrained vectors, and leaves them as they are if so told', async () => {
    const vectors = join(folder, 'vectors.txt');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(vectors, 'day 1 2 3\nfine 4 5 6\n');
    const classifier = await trained({ vectors, freeze: true });
    const weight = classifier.model?.features.words.weight;
    expect(weight?.shape[1]).toBe(3);
    const rows = (await weight?.array()) as number[][];
    expect(rows).toContainEqual([1, 2, 3]);
    expect(rows).toContainEqual([4, 5, 6]);
  });
});

describe('bad input to a TextClassifier', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ pooling: 'median' }, 'pooling: "median"'],
    [{ classWeights: { good: -1 } }, 'classWeights'],
    [{ classWeights: { good: Infinity } }, 'a finite number of at least 0 for each label'],
    [{ vectors: 3 }, 'vectors: 3'],
    [{ dropout: 1.5 }, 'dropout'],
  ])('options %o', (options, message) => {
    expect(() => new TextClassifier(options)).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no array', 'texts', '"texts" as examples'],
    ['a text alone', ['a text'], '"a text" in example 0'],
    ['no label', [{ text: 'a', label: 'b' }, { text: 'a' }], 'no label in example 1'],
    ['a number', [{ text: 7, label: 'b' }], 'text: 7 in example 0'],
    ['one label', [{ text: 'a', label: 'b' }], 'all have the label "b"'],
  ])('examples: %s', async (_, examples, message) => {
    await expect(new TextClassifier(small).fit(examples as [], quick)).rejects.toThrow(message);
  });

  it.each<[object, string]>([
    [{ resume: true }, 'resume without output'],
    [{ patience: 2 }, 'patience: 2 without validation'],
    [{ epoch: 3 }, 'epoch'],
    [{ output: 7 }, '7'],
  ])('fit with %o', async (options, message) => {
    await expect(new TextClassifier(small).fit(texts, { progress: false, ...options })).rejects.toThrow(message);
  });

  it('weights of other labels', async () => {
    await expect(trained({ classWeights: { good: 1, evil: 2 } })).rejects.toThrow('classWeights of evil');
    await expect(trained({ classWeights: { good: 1 } })).rejects.toThrow('classWeights without bad');
    const twice = { good: 1, bad: 2, ' bad': 3 };
    await expect(trained({ classWeights: twice })).rejects.toThrow('classWeights that name bad twice');
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new TextClassifier(small);
    for (const asked of [fresh.predict('a'), fresh.evaluate(texts), fresh.save(join(folder, 'x'))])
      await expect(asked).rejects.toThrow('learned nothing yet');
    const classifier = await trained();
    await expect(classifier.predict(['a', 7] as string[])).rejects.toThrow('7 as text 1');
    await expect(classifier.predict(undefined as never)).rejects.toThrow('undefined as text 0');
    expect(await classifier.predict([])).toEqual([]);
  });

  it('files of no task, and of another one', async () => {
    const path = join(folder, 'other.safetensors');
    await save(new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 })), path);
    await expect(TextClassifier.load(path)).rejects.toThrow('a model without a task');
    await save(await load(path), path, { extras: { task: 'tag', options: {} } });
    await expect(TextClassifier.load(path)).rejects.toThrow('Fix: read it by Tagger.load(path)');
  });
});
