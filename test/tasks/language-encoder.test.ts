import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExtras, tensor, type EpochRecord, type Tensor } from 'stmnet';
import { LanguageModel, TextClassifier, type LanguageModelOptions, type TextClassifierOptions } from '../../src/tasks';
import { LanguageText, type LanguageTextParts } from '../../src/tasks/language-text';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('language-encoder', (made) => (folder = made));

const texts = Array.from({ length: 24 }, (_, at) => {
  const label = at % 3 === 0 ? 'bad' : 'good';
  return { text: `It was a ${label === 'bad' ? 'dull' : 'fine'} day,\nnumber ${at}.`, label };
});
const lines = texts.map(({ text }) => text);
const quick = { epochs: 1, batchSize: 8, seed: 3, progress: false } as const;

/** Trains a language model for an epoch, and saves it. */
async function saved(name: string, options: LanguageModelOptions, asOneText = false): Promise<string> {
  const model = new LanguageModel({ hiddenSize: 12, embeddingDim: 6, steps: 8, ...options });
  await model.fit(asOneText ? lines.join('\n') : lines, { ...quick, batchSize: 2 });
  const path = join(folder, `${name}.safetensors`);
  await model.save(path);
  return path;
}

/** A classifier that has learned its labels, and whose weights are those it began with. */
async function begun(options: TextClassifierOptions): Promise<TextClassifier> {
  const classifier = new TextClassifier(options);
  await classifier.fit(texts, { ...quick, learningRate: 0 });
  return classifier;
}

const numbers = async (values: unknown): Promise<number[]> => Array.from(await (values as Tensor).data());

describe('a classifier that begins with a language model', () => {
  it.each<[string, LanguageModelOptions, boolean]>([
    ['words of documents', { tokens: 'words' }, false],
    ['characters of one text, two layers', { tokens: 'characters', numLayers: 2 }, true],
    ['two layers, locked dropout', { tokens: 'characters', numLayers: 2, variationalDropout: true }, true],
    ['bytes, GRU', { tokens: 'bytes', cell: 'gru' }, false],
    ['tied vectors', { tokens: 'words', embeddingDim: 12, tieWeights: true }, false],
  ])('gives the states that the language model has: %s', async (name, options, asOneText) => {
    const file = await saved(name, options, asOneText);
    const [language, classifier] = [await LanguageModel.load(file), await begun({ languageModel: file })];
    const model = classifier.model?.eval();
    const parts = await loadExtras<LanguageTextParts & Record<string, unknown>>(file);
    const indices = new LanguageText(parts as LanguageTextParts).prompt(lines[2] ?? '');
    const input = tensor([Array.from(indices)], { dtype: 'i32' });
    const expected = language.model?.eval().recurrent.forward(language.model.embedding.forward(input));
    const states = model?.encoder.forward(model.features.forward({ words: input }));
    expect(await numbers(states)).toEqual(await numbers(expected));
    // The scores of a text are those of these states.
    const scores = model?.head.forward(model.pool.forward(states as Tensor));
    const probabilities = Object.values((await classifier.predict(lines[2] ?? '')).probabilities);
    const softmax = await numbers(scores?.softmax(-1));
    probabilities.forEach((one, at) => expect(one).toBeCloseTo(softmax[at] ?? Number.NaN, 6));
  });

  it('has the sizes of the language model, answers alike after save and load, and learns', async () => {
    const words = await saved('words', { tokens: 'words' });
    const classifier = new TextClassifier({ languageModel: words, dropout: 0.1 });
    expect(classifier.options).toMatchObject({ hiddenSize: 128, bidirectional: false, lowercase: false });
    const output = join(folder, 'run');
    await classifier.fit(texts, { ...quick, epochs: 12, learningRate: 3e-2, output });
    const sizes = { cell: 'lstm', hiddenSize: 12, embeddingDim: 6, numLayers: 1, languageModel: words };
    expect(classifier.options).toMatchObject(sizes);
    expect(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))).toMatchObject({ options: sizes });
    expect((await classifier.evaluate(texts)).accuracy).toBe(1);
    const again = await TextClassifier.load(join(output, 'model.safetensors'));
    expect(again.options).toEqual(classifier.options);
    expect(await again.predict(['a fine day', ''])).toEqual(await classifier.predict(['a fine day', '']));
    const repeated = new TextClassifier(classifier.options);
    await repeated.fit(texts, { ...quick, epochs: 12, learningRate: 3e-2 });
    expect(await repeated.predict('a dull day')).toEqual(await classifier.predict('a dull day'));
  });

  it('is kept as it is for a while, learns part by part, and goes on bit for bit', async () => {
    const words = await saved('words', { tokens: 'words' });
    const vectors = (await LanguageModel.load(words)).model?.embedding.weight;
    const training = {
      ...quick,
      learningRate: 3e-2,
      rateFactors: { features: 0.1, encoder: 0.5 },
      freezeParts: { features: 3, encoder: 1 },
    };
    const fitted = async (output: string, epochs: number, broken?: number): Promise<TextClassifier> => {
      const classifier = new TextClassifier({ languageModel: words });
      const callbacks = [
        {
          onEpochEnd({ epoch, learningRates }: EpochRecord) {
            const [first = 0] = learningRates;
            [1, 0.1, 0.5].forEach((factor, at) => expect(learningRates[at]).toBeCloseTo(factor * first, 12));
            if (epoch === broken) throw new Error('broken off');
          },
        },
      ];
      await classifier.fit(texts, { ...training, epochs, output: join(folder, output), resume: true, callbacks });
      return classifier;
    };
    const early = await fitted('early', 3);
    expect(await numbers(early.model?.features.words.weight)).toEqual(await numbers(vectors));
    const late = await fitted('late', 5);
    expect(await numbers(late.model?.features.words.weight)).not.toEqual(await numbers(vectors));
    for (const epoch of [2, 4]) await expect(fitted('resumed', 5, epoch)).rejects.toThrow('broken off');
    expect(await (await fitted('resumed', 5)).predict(lines)).toEqual(await late.predict(lines));
    expect(JSON.parse(readFileSync(join(folder, 'late', 'config.json'), 'utf8'))).toMatchObject({
      training: { rateFactors: training.rateFactors, freezeParts: training.freezeParts },
    });
    await expect(new TextClassifier().fit(texts, { ...quick, freezeParts: ['encodr'] })).rejects.toThrow(
      'got "encodr" in freezeParts, expected a part of the model that has parameters: features, encoder, head, or one',
    );
  });

  it('reads backwards too, by weights of its own, and takes a run folder', async () => {
    const run = join(folder, 'language');
    const language = new LanguageModel({ tokens: 'words', hiddenSize: 12, embeddingDim: 6, steps: 8 });
    await language.fit(lines, { ...quick, batchSize: 2, output: run });
    const classifier = await begun({ languageModel: run, bidirectional: true });
    const [from, to] = [language.model?.recurrent.stateDict() ?? {}, classifier.model?.encoder.stateDict() ?? {}];
    expect(await numbers(to['1.weight_hh_l0'])).toEqual(await numbers(from['0.weight_hh_l0']));
    expect(await numbers(to['1.weight_hh_l0_reverse'])).not.toEqual(await numbers(from['0.weight_hh_l0']));
  });

  it('refuses options that do not go with it', async () => {
    const words = await saved('words', { tokens: 'words' });
    for (const [options, told] of [
      [{ tokens: 'characters' }, 'tokens: "characters" beside languageModel, expected tokens: "auto", as the language'],
      [{ vectors: 'x.txt' }, 'vectors: "x.txt" beside languageModel, expected no vectors'],
      [{ residual: true }, 'residual: true beside languageModel, expected residual: false'],
    ] as const)
      expect(() => new TextClassifier({ languageModel: words, ...options })).toThrow(`TextClassifier: got ${told}`);
    await expect(begun({ languageModel: words, hiddenSize: 64 })).rejects.toThrow(
      `TextClassifier.fit: got hiddenSize: 64 beside languageModel, expected 12, which ${words} has.\n  Fix: leave hid`,
    );
    const narrow = await saved('narrow', { numLayers: 2, tieWeights: true });
    await expect(begun({ languageModel: narrow })).rejects.toThrow(
      /of tied weights, whose last layer has the width 6 and the others 12, expected a language model whose layers/,
    );
    const deep = await saved('deep', { numLayers: 2 });
    await expect(begun({ languageModel: deep, bidirectional: true })).rejects.toThrow(/of 2 layers, expected a lang/);
    await expect(begun({ languageModel: join(folder, 'none') })).rejects.toThrow(/TextClassifier\.fit: .*none/);
    const other = join(folder, 'other.safetensors');
    await (await begun({})).save(other);
    await expect(begun({ languageModel: other })).rejects.toThrow('which holds the task "classify", expected the task');
  });
});
