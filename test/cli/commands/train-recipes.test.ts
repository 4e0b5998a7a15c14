import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTrainConfig } from '../../../src/cli/train-config';
import { lm } from '../../../src/tasks/catalogue/lm';
import { readLanguageFitOptions } from '../../../src/tasks/language-fit-options';
import { stmnet } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('recipes', (made) => (folder = made));

const recipes = join(__dirname, '..', '..', '..', 'recipes', 'lm');
const names = readdirSync(recipes).map((file) => file.replace('.json', ''));
const ofClass = { names: [], fix: () => '' };

/** A recipe's options and those of its training, with what they come to. */
async function recipe(name: string) {
  const { options, training } = await readTrainConfig(join(recipes, `${name}.json`), lm);
  return {
    options: lm.make(options).options,
    training: readLanguageFitOptions({ ...training, validation: 'x' }, ofClass),
  };
}

test('there are those of Zaremba et al. and of AWD-LSTM', () => {
  expect(names.sort()).toEqual([
    'awd-lstm-ptb',
    'awd-lstm-wikitext-2',
    'zaremba-large',
    'zaremba-medium',
    'zaremba-small',
  ]);
});

describe('recipes of Zaremba et al. (2014)', () => {
  // Their gradients are of a sum over the steps of a piece: a rate of 1 is one of as many as there are steps of a mean.
  test.each([
    [
      'small',
      { hiddenSize: 200, steps: 20, dropout: 0, initRange: 0.1 },
      { clip: 5, decay: 1 / 2, after: 4, epochs: 13 },
    ],
    [
      'medium',
      { hiddenSize: 650, steps: 35, dropout: 0.5, initRange: 0.05 },
      { clip: 5, decay: 1 / 1.2, after: 6, epochs: 39 },
    ],
    [
      'large',
      { hiddenSize: 1500, steps: 35, dropout: 0.65, initRange: 0.04 },
      { clip: 10, decay: 1 / 1.15, after: 14, epochs: 55 },
    ],
  ])('%s', async (size, own, { clip, decay, after, epochs }) => {
    const { options, training } = await recipe(`zaremba-${size}`);
    const { hiddenSize, steps, dropout } = own;
    expect(options).toMatchObject({ ...own, embeddingDim: hiddenSize, numLayers: 2, inputDropout: dropout });
    expect(options).toMatchObject({ hiddenDropout: dropout, variationalDropout: false, tieWeights: false });
    expect(training).toMatchObject({ optimizer: 'sgd', learningRate: steps, decayAfter: after, epochs, batchSize: 20 });
    expect(training.clipGradNorm * steps).toBeCloseTo(clip, 3);
    expect(training.learningRateDecay).toBeCloseTo(decay, 5);
    expect(training.weightDecay).toBe(0);
  });
});

test('recipes of AWD-LSTM (Merity et al., 2017)', async () => {
  for (const [name, own, of] of [
    ['ptb', { hiddenDropout: 0.25, inputDropout: 0.4 }, { batchSize: 20, epochs: 500 }],
    ['wikitext-2', { hiddenDropout: 0.2, inputDropout: 0.65 }, { batchSize: 80, epochs: 750 }],
  ] as const) {
    const { options, training } = await recipe(`awd-lstm-${name}`);
    expect(options).toMatchObject({ ...own, embeddingDim: 400, hiddenSize: 1150, numLayers: 3, tieWeights: true });
    expect(options).toMatchObject({ variationalDropout: true, dropout: 0.4, embeddingDropout: 0.1, weightDrop: 0.5 });
    expect(options).toMatchObject({ activationRegularization: 2, temporalActivationRegularization: 1, steps: 70 });
    expect(training).toMatchObject({ ...of, optimizer: 'nt-asgd', nonMonotoneInterval: 5, learningRate: 30 });
    expect(training).toMatchObject({ clipGradNorm: 0.25, weightDecay: 1.2e-6 });
  }
});

test.each(names)('stmnet train lm --config %s trains', (name) => {
  const data = join(folder, 'text.txt');
  writeFileSync(data, 'one for sorrow , two for joy ,\nthree for a girl , four for a boy .\n'.repeat(30));
  const output = join(folder, name);
  const small = ['--embedding-dim', '6', '--hidden-size', '6', '--epochs', '1', '--steps', '10', '--batch-size', '4'];
  const file = join(recipes, `${name}.json`);
  const told = stmnet(['train', 'lm', '--config', file, '--data', data, '--output', output, '--quiet', ...small]);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  const given = JSON.parse(readFileSync(file, 'utf8')) as { training: object };
  const config = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8')) as { training: object };
  expect(config.training).toMatchObject({ ...given.training, epochs: 1, batchSize: 4 });
});

test('another optimizer that is typed leaves out what belongs to that of a recipe', async () => {
  const data = join(folder, 'other.txt');
  writeFileSync(data, 'one for sorrow , two for joy ,\nthree for a girl , four for a boy .\n'.repeat(30));
  const { training } = await readTrainConfig(join(recipes, 'awd-lstm-ptb.json'), lm);
  const rest = ['epochs', 'batchSize'];
  for (const [optimizer, kept] of [
    ['adamw', rest],
    ['sgd', [...rest, 'learningRate', 'clipGradNorm', 'weightDecay']],
  ] as const) {
    const output = join(folder, `other-${optimizer}`);
    const small = ['--embedding-dim', '6', '--hidden-size', '6', '--epochs', '1', '--steps', '10', '--batch-size', '4'];
    const args = ['--config', join(recipes, 'awd-lstm-ptb.json'), '--data', data, '--output', output, '--quiet'];
    expect(stmnet(['train', 'lm', ...args, ...small, '--optimizer', optimizer])).toMatchObject({ code: 0, stderr: '' });
    const config = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8')) as {
      training: Record<string, unknown>;
    };
    expect(config.training).not.toHaveProperty('nonMonotoneInterval');
    const same = Object.keys(training).filter((name) => config.training[name] === training[name]);
    expect([...same, ...rest].sort()).toEqual([...kept].sort());
  }
});

test('a search takes rates that go with the optimizer', () => {
  const rates = (optimizer?: string) => lm.searchBeside?.({ optimizer })[0];
  expect(rates()).toEqual({ name: 'learningRate', values: { low: 1e-3, high: 1e-2, scale: 'log' } });
  for (const optimizer of ['sgd', 'nt-asgd'])
    expect(rates(optimizer)).toEqual({ name: 'learningRate', values: { low: 3, high: 40, scale: 'log' } });
  const names = [undefined, 'sgd'].map((optimizer) => lm.searchBeside?.({ optimizer }).map(({ name }) => name));
  expect(names[1]).toEqual(names[0]);
});
