import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Linear, SGD, AdamW } from 'stmnet';
import { LanguageModel, type LanguageFitOptions } from '../../src/tasks';
import {
  languageAveraging,
  languageOptimizer,
  languageSchedule,
  readLanguageFitOptions,
} from '../../src/tasks/language-fit-options';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('language-fit', (made) => (folder = made));

const read = (options: LanguageFitOptions) => readLanguageFitOptions(options, { names: [], fix: () => '' });
const validation = 'four for a boy, three for a girl, two for sorrow, one for joy.\n';
const text = 'One for sorrow, two for joy, three for a girl, four for a boy.\n'.repeat(4);

describe('how a LanguageModel is trained', () => {
  it('is AdamW by default, SGD with rates of its own where it is asked for', () => {
    expect(read({})).toMatchObject({ optimizer: 'adamw', learningRate: 4e-3, weightDecay: 0.01, clipGradNorm: 1 });
    const sgd = { learningRate: 20, weightDecay: 0, clipGradNorm: 0.25 };
    expect(read({ optimizer: 'sgd' })).toMatchObject(sgd);
    expect(read({ optimizer: 'nt-asgd', validation })).toMatchObject({ ...sgd, nonMonotoneInterval: 5 });
    expect(read({ optimizer: 'nt-asgd', validation, patience: 7 })).toMatchObject({ patience: 7 });
    expect(read({ optimizer: 'sgd', validation, patience: 1 })).toMatchObject({ patience: 1 });
    const own = { learningRate: 30, weightDecay: 1.2e-6, clipGradNorm: 0.3, nonMonotoneInterval: 3 };
    expect(read({ optimizer: 'nt-asgd', validation, ...own })).toMatchObject(own);
    const parameters = new Linear({ inFeatures: 1, outFeatures: 1 }).parameters();
    expect(languageOptimizer(parameters, read({}))).toBeInstanceOf(AdamW);
    const made = languageOptimizer(parameters, read({ optimizer: 'sgd', weightDecay: 0.1 }));
    expect(made).toBeInstanceOf(SGD);
    expect(made.groups[0]).toMatchObject({ learningRate: 20, weightDecay: 0.1, momentum: 0 });
    expect(languageAveraging(read({ optimizer: 'sgd' }))).toEqual([]);
    expect(languageAveraging(read({ optimizer: 'nt-asgd', validation }))[0]?.identity?.()).toMatchObject({
      nonMonotoneInterval: 5,
    });
  });

  /** The learning rate of each of so many steps, two an epoch. */
  const ratesOf = (options: LanguageFitOptions, steps = 8): number[] => {
    const optimizer = new SGD(new Linear({ inFeatures: 1, outFeatures: 1 }).parameters(), { learningRate: 8 });
    const schedule = languageSchedule(optimizer, read(options), { epoch: 2, total: steps });
    return Array.from({ length: steps }, () => {
      const rate = optimizer.groups[0]?.learningRate ?? 0;
      schedule.step();
      return rate;
    });
  };

  it('multiplies the learning rate after an epoch, or lets it fall along a cosine, or stay', () => {
    expect(ratesOf({ optimizer: 'sgd', learningRateDecay: 0.5 })).toEqual([8, 8, 4, 4, 2, 2, 1, 1]);
    expect(ratesOf({ optimizer: 'sgd', learningRateDecay: 0.5, decayAfter: 3 })).toEqual([8, 8, 8, 8, 8, 8, 4, 4]);
    expect(ratesOf({ learningRateDecay: 0.5, decayAfter: 2 })).toEqual([8, 8, 8, 8, 4, 4, 2, 2]);
    expect(ratesOf({ optimizer: 'nt-asgd', validation })).toEqual(Array(8).fill(8));
    expect(ratesOf({})[4]).toBeCloseTo(4, 10);
  });

  it.each<[object, string]>([
    [{ optimizer: 'asgd' }, "expected one of 'adamw', 'sgd', 'nt-asgd'"],
    [{ optimizer: 'nt-asgd' }, "got optimizer: 'nt-asgd' without validation"],
    [{ optimizer: 'sgd', nonMonotoneInterval: 5 }, "got nonMonotoneInterval: 5 with optimizer: 'sgd'"],
    [{ optimizer: 'nt-asgd', validation, nonMonotoneInterval: 0 }, 'got nonMonotoneInterval: 0'],
    [{ optimizer: 'nt-asgd', validation, patience: 6 }, "got patience: 6 with optimizer: 'nt-asgd' and nonMonotone"],
    [{ optimizer: 'nt-asgd', validation, patience: 2, nonMonotoneInterval: 1 }, 'expected patience of at least 3'],
    [{ decayAfter: 4 }, 'got decayAfter: 4 without learningRateDecay'],
    [{ learningRateDecay: 1.2 }, 'got learningRateDecay: 1.2, expected a number in (0, 1]'],
    [{ learningRateDecay: 0 }, 'got learningRateDecay: 0'],
    [{ learningRateDecay: 0.5, decayAfter: 0.5 }, 'got decayAfter: 0.5'],
    [{ non_monotone_interval: 5 }, 'write nonMonotoneInterval'],
  ])('refuses %o', async (options, message) => {
    await expect(new LanguageModel().fit(text, options)).rejects.toThrow(message);
  });
});

const regularized = {
  hiddenSize: 16,
  embeddingDim: 8,
  numLayers: 2,
  steps: 8,
  tieWeights: true,
  dropout: 0.2,
  hiddenDropout: 0.1,
  inputDropout: 0.1,
  variationalDropout: true,
  embeddingDropout: 0.1,
  weightDrop: 0.2,
  activationRegularization: 2,
  temporalActivationRegularization: 1,
};
const asked = {
  optimizer: 'nt-asgd',
  nonMonotoneInterval: 1,
  learningRate: 10,
  epochs: 24,
  batchSize: 4,
  seed: 2,
} as const;

async function trained(more: LanguageFitOptions = {}): Promise<{ model: LanguageModel; losses: number[] }> {
  const model = new LanguageModel(regularized);
  const history = await model.fit(text, { ...asked, validation, progress: false, ...more });
  return { model, losses: history.validations.map(({ validation: { loss } }) => loss) };
}

describe('NT-ASGD with all regularisation', () => {
  it('averages once a validation is worse, and goes on from a checkpoint bit for bit, before and after', async () => {
    const whole = await trained({ output: join(folder, 'whole') });
    const { nonMonotoneInterval: _, ...others } = asked;
    const plain = new LanguageModel(regularized);
    const { validations } = await plain.fit(text, { ...others, optimizer: 'sgd', validation, progress: false });
    const apart = validations.findIndex(({ validation: { loss } }, at) => loss !== whole.losses[at]);
    // Averaging begins behind the first validation that is worse than one more than one before it.
    const begun = whole.losses.findIndex((loss, at) => loss > Math.min(...whole.losses.slice(0, Math.max(0, at - 1))));
    expect([apart, begun < 20]).toEqual([begun + 1, true]);
    const perEpoch = Math.ceil(Math.floor(text.length / 4) / 8);
    for (const step of [3, perEpoch * (begun + 3) + 2]) {
      const output = join(folder, `broken-${step}`);
      const stop = {
        onStep: ({ steps }: { steps: number }): void => {
          if (steps === step) throw new Error('stopped');
        },
      };
      await expect(trained({ output, callbacks: [stop] })).rejects.toThrow('stopped');
      const resumed = await trained({ output, resume: true });
      expect(resumed.losses).toEqual(whole.losses);
      expect(await resumed.model.evaluate(text)).toEqual(await whole.model.evaluate(text));
    }
    const config = JSON.parse(readFileSync(join(folder, 'whole', 'config.json'), 'utf8')) as { training: object };
    expect(config.training).toMatchObject({ optimizer: 'nt-asgd', weightDecay: 0, clipGradNorm: 0.25 });
    const loaded = await LanguageModel.load(join(folder, 'whole', 'model.safetensors'));
    expect(await loaded.evaluate(text)).toEqual(await whole.model.evaluate(text));
    expect(loaded.options).toEqual(whole.model.options);
    const odd = trained({ output: join(folder, 'whole'), resume: true, nonMonotoneInterval: 2 });
    await expect(odd).rejects.toThrow('nonMonotoneInterval: 2 for the training that');
  });
});
