import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LanguageModel, TextClassifier, type LanguageModelOptions } from '../../src/tasks';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('language-model', (made) => (folder = made));

const text = 'One for sorrow, two for joy, three for a girl, four for a boy.\n'.repeat(6);
const small: LanguageModelOptions = { hiddenSize: 8, embeddingDim: 4, steps: 16 };
const quick = { epochs: 1, batchSize: 2, seed: 3, progress: false } as const;

async function trained(training: object = {}): Promise<LanguageModel> {
  const model = new LanguageModel(small);
  await model.fit(text, { ...quick, ...training });
  return model;
}

/** Trained once for the tests that only ask it. */
let known: LanguageModel;
beforeAll(async () => void (known = await trained()));

describe('bad input to a LanguageModel', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ tokens: 'letters' }, 'tokens: "letters"'],
    [{ tieWeights: true, embeddingDim: 64 }, 'tieWeights with embeddingDim: 64 and hiddenSize: 512'],
    [{ hiddenDropout: 0.2 }, 'hiddenDropout: 0.2 with one layer, expected several layers'],
    [{ numLayers: 2, hiddenDropout: 1 }, 'hiddenDropout: 1'],
    [{ inputDropout: -0.1 }, 'inputDropout: -0.1'],
    [{ embeddingDropout: 1 }, 'embeddingDropout: 1'],
    [{ weightDrop: 1.5 }, 'weightDrop: 1.5'],
    [{ variationalDropout: 0.5 }, 'variationalDropout: 0.5, expected true or false'],
    [{ activationRegularization: -2 }, 'activationRegularization: -2'],
    [{ activationRegularisation: 2 }, 'write activationRegularization'],
    [{ temporalActivationRegularization: Number.NaN }, 'temporalActivationRegularization: NaN'],
    [{ initRange: 0 }, 'initRange: 0, expected a finite number above 0'],
    [{ tokens: 'bytes', minFrequency: 2 }, "minFrequency: 2 with tokens: 'bytes'"],
    [{ tokens: 'bpe', minFrequency: 2 }, "minFrequency: 2 with tokens: 'bpe'"],
    [{ tokens: 'bytes', vocabularySize: 200 }, 'vocabularySize: 200'],
    [{ dropout: 1 }, 'dropout'],
    [{ steps: 0 }, 'steps: 0'],
  ])('options %o', (options, message) => {
    expect(() => new LanguageModel(options)).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['nothing', null, 'null as examples'],
    ['an empty one', '', 'an empty text'],
    ['empty ones', ['', ''], '2 empty texts'],
    ['one character', 'a', 'a text of one token'],
    ['a number', ['a', 7], '7 in example 1'],
  ])('texts: %s', async (_, texts, message) => {
    const model = new LanguageModel(small);
    await expect(model.fit(texts as string, quick)).rejects.toThrow(message);
    expect(model.model).toBeUndefined(); // the next text is the first that it learns from
    if (message !== 'a text of one token') await expect(known.evaluate(texts as string)).rejects.toThrow(message);
  });

  it.each<[object, string]>([
    [{ resume: true }, 'resume without output'],
    [{ validation: '' }, 'an empty text'],
    [{ validation: 'a' }, 'validation of one token'],
    [{ batchSize: 5000 }, 'batchSize: 5000'],
    [{ epoch: 3 }, 'epoch'],
  ])('fit with %o', async (options, message) => {
    await expect(trained(options)).rejects.toThrow(message);
  });

  it.each<[object, string]>([
    [{ temperature: Number.NaN }, 'temperature: NaN'],
    [{ topP: 0 }, 'topP: 0'],
    [{ topK: 0 }, 'topK: 0'],
    [{ length: 0 }, 'length: 0'],
    [{ length: 2.5 }, 'length: 2.5'],
    [{ length: Number.POSITIVE_INFINITY }, 'length: Infinity'],
    [{ prompt: 7 }, 'prompt: 7'],
    [{ stop: '' }, 'stop: ""'],
    [{ stop: ['a', 7] }, 'stop: ["a", 7]'],
    [{ seed: -1 }, 'seed: -1'],
    [{ maxLength: 3 }, 'maxLength'],
  ])('generate with %o', async (options, message) => {
    const model = known;
    expect(() => model.generate(options)).toThrow(`LanguageModel.generate: got`);
    expect(() => model.generate(options)).toThrow(message);
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new LanguageModel(small);
    for (const asked of [fresh.predict('a'), fresh.evaluate('ab'), fresh.save(join(folder, 'x')), fresh.generateText()])
      await expect(asked).rejects.toThrow('learned nothing yet');
    expect(() => fresh.generate()).toThrow('learned nothing yet');
    await expect(known.predict(['a', 7] as string[])).rejects.toThrow('7 as text 1');
    const path = join(folder, 'rhyme.safetensors');
    await known.save(path);
    await expect(TextClassifier.load(path)).rejects.toThrow('Fix: read it by LanguageModel.load(path)');
  });
});
