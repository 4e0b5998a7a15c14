import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TrainerCallback } from '../../src/index';
import { TextClassifier } from '../../src/tasks';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('unfinished-model', (made) => (folder = made));

const texts = Array.from({ length: 24 }, (_, at) => ({
  text: `a ${['fine', 'dull'][at % 2]} day`,
  label: ['good', 'bad'][at % 2] ?? '',
}));
/** The labels of those are the other ones, so that the first epoch is the best. */
const validation = texts.map(({ text, label }) => ({ text, label: label === 'good' ? 'bad' : 'good' }));
const settings = { epochs: 4, batchSize: 8, learningRate: 3e-2, seed: 3, progress: false } as const;
const make = (): TextClassifier => new TextClassifier({ hiddenSize: 8, embeddingDim: 8 });
const chancesOf = async (classifier: TextClassifier): Promise<unknown> =>
  (await classifier.predict('a day')).probabilities;

it.each(['best', 'last'] as const)('an interrupted training leaves what it learned, by keep: %s', async (keep) => {
  const output = join(folder, keep);
  const classifier = make();
  const seen: unknown[] = [];
  const interrupts: TrainerCallback = {
    onEpochEnd: async ({ epoch }) => {
      seen.push(await chancesOf(classifier));
      if (epoch === 3) throw new Error('interrupted');
    },
  };
  const fit = (callbacks: TrainerCallback[]) =>
    classifier.fit(texts, { ...settings, keep, validation, output, callbacks, resume: callbacks.length === 0 });
  await expect(fit([interrupts])).rejects.toThrow('interrupted');
  const left = await TextClassifier.load(join(output, 'unfinished.safetensors'));
  expect(await chancesOf(left)).toEqual(seen[keep === 'best' ? 0 : 2]);
  expect(existsSync(join(output, 'model.safetensors'))).toBe(false);
  await fit([]);
  expect(existsSync(join(output, 'unfinished.safetensors'))).toBe(false);
  expect(existsSync(join(output, 'model.safetensors'))).toBe(true);
});

it('changes nothing about what is learned', async () => {
  const [written, alone] = [make(), make()];
  await written.fit(texts, { ...settings, output: join(folder, 'written') });
  await alone.fit(texts, settings);
  expect(await chancesOf(written)).toEqual(await chancesOf(alone));
});
