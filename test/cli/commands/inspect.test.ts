import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { Linear, saveSafetensors } from 'stmnet';
import { stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';
import { visits } from '../../support/visits';

/** What is read of `inspect --json`. */
interface Inspected {
  readonly parameters: number;
  readonly trainingBytes?: number;
  readonly layers: readonly { readonly parameters: number }[];
}

const folder = scratchFolder('cli-inspect');
let run = '';
beforeAll(() => {
  run = trainDays(folder, '--epochs', '1');
});

test('says layers, parameters, labels, vocabulary and memory', () => {
  const { code, stdout, stderr } = stmnet(['inspect', run, '--batch-size', '4', '--length', '10']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^encoder\.1 +LSTM +\[N, T, 16\] +1,152$/m);
  expect(stdout).toMatch(/^labels +bad, good$/m);
  expect(stdout).toMatch(/^vocabularies +words \d+$/m);
  expect(stdout).toMatch(/^training memory +\d+\.\d KiB$/m);
  expect(stdout).toMatch(/^prediction of +4 inputs of 10 tokens$/m);
});

test('needs more memory for a larger batch, and says so in JSON', () => {
  const bytes = (size: string): number => {
    const { stdout } = stmnet(['inspect', join(run, 'model.safetensors'), '--json', '--batch-size', size]);
    const facts = JSON.parse(stdout) as { predictionBytes: number; parameters: number; trainingBytes: number };
    expect(facts.trainingBytes).toBe(16 * facts.parameters);
    return facts.predictionBytes;
  };
  expect(bytes('64')).toBeGreaterThan(2 * bytes('8'));
});

test('measures a single input in all its length, and shows which axis is time', () => {
  const bytes = (length: string): number => {
    const { stdout } = stmnet(['inspect', run, '--json', '--batch-size', '1', '--length', length]);
    return (JSON.parse(stdout) as { predictionBytes: number }).predictionBytes;
  };
  expect(bytes('3')).toBeGreaterThan(bytes('2'));
  const { stdout } = stmnet(['inspect', run, '--batch-size', '1', '--length', '10']);
  expect(stdout).toMatch(/^prediction of +1 input of 10 tokens$/m);
  expect(stdout).toMatch(/^encoder\.1 +LSTM +\[N, T, 16\] +1,152$/m);
});

test('counts weights of 8 bits as those that they were made of, and trains none', () => {
  const output = join(folder, 'small.safetensors');
  expect(stmnet(['quantize', run, '--output', output])).toMatchObject({ code: 0 });
  const { parameters, layers } = JSON.parse(stmnet(['inspect', run, '--json']).stdout) as Inspected;
  const small = JSON.parse(stmnet(['inspect', output, '--json']).stdout) as Inspected;
  expect({ ...small, layers: small.layers.map((layer) => layer.parameters) }).toMatchObject({
    parameters,
    layers: layers.map((layer) => layer.parameters),
  });
  expect(small.trainingBytes).toBeUndefined();
  const { stdout } = stmnet(['inspect', output]);
  expect(stdout).toMatch(/^encoder\.1 +QuantizedLSTM +\[N, T, 16\] +1,152$/m);
  expect(stdout).toMatch(/ parameters, \d+ trainable, 1,056 of 8 bits$/m);
  expect(stdout).not.toContain('training memory');
});

test('shows the options as they are typed', () => {
  expect(stmnet(['inspect', run]).stdout).toMatch(/^options +--cell lstm --hidden-size 8 .* --dropout 0\.1 .*$/m);
});

test('lists the layers in JSON, each with its type, shape and parameters', () => {
  const { layers } = JSON.parse(stmnet(['inspect', run, '--json']).stdout) as { layers: { name: string }[] };
  expect(layers[0]).toEqual({ name: '', type: 'TextClassifierNetwork', outputShape: '[N, 2]', parameters: 0 });
  expect(layers.find(({ name }) => name === 'encoder.1')).toEqual({
    name: 'encoder.1',
    type: 'LSTM',
    outputShape: '[N, T, 16]',
    parameters: 1152,
  });
});

test('lists the tags of a tagger', () => {
  const [data, output] = [join(folder, 'tags.conll'), join(folder, 'tagger')];
  writeFileSync(data, 'Anna\tname\nsings\tverb\n\n'.repeat(40));
  const small = ['--hidden-size', '4', '--embedding-dim', '4', '--epochs', '1', '--quiet', '--output', output];
  expect(stmnet(['train', 'tag', '--data', data, ...small])).toMatchObject({ code: 0, stderr: '' });
  expect(stmnet(['inspect', output]).stdout).toMatch(/^tags +name, verb$/m);
});

test('shows the shapes of a language model as of its forward, the last step and those before', () => {
  const [data, output] = [join(folder, 'text.txt'), join(folder, 'lm')];
  writeFileSync(data, 'abcd abcd\n'.repeat(40));
  const small = ['--hidden-size', '4', '--embedding-dim', '4', '--epochs', '1', '--quiet', '--output', output];
  expect(stmnet(['train', 'lm', '--data', data, ...small])).toMatchObject({ code: 0, stderr: '' });
  const { stdout } = stmnet(['inspect', output]);
  expect(stdout).toMatch(/^head +Linear +\[N, T, 7\] +35$/m);
  expect(stdout).not.toContain('not run yet');
});

test('says which columns are read as what, as the training did, and predicts from no other table', () => {
  const data = join(folder, 'visits.csv');
  const lines = visits.map(({ customer, date, price, kind }, at) => [customer, date, price, kind, `b${at}`].join(','));
  writeFileSync(data, ['customer,date,price,kind,bill', ...lines, ''].join('\n'));
  const output = join(folder, 'events');
  const small = ['--horizon', '20', '--hidden-size', '4', '--epochs', '1', '--validation-split', '0'];
  const { code, stderr } = stmnet(['train', 'events', '--data', data, ...small, '--output', output]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('\ncolumns of numbers: price; of categories: kind; left out: bill\n');
  expect(stmnet(['inspect', output]).stdout).toMatch(
    /^columns +numeric \["price"\], categorical \["kind"\], leftOut \["bill"\]$/m,
  );
  const shown = stmnet(['inspect', output, '--batch-size', '3', '--length', '5']).stdout;
  expect(shown).toMatch(/^encoder\.1 +LSTM +\[N, T, 4\] +\d+$/m);
  expect(shown).toMatch(/^prediction of +3 inputs of 5 events$/m);
  expect(shown).not.toContain('not run yet');
  writeFileSync(data, 'customer,date,price\nc1,3,4\n');
  expect(stmnet(['predict', output, '--data', data])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('got rows without the column kind, expected the columns of the training'),
  });
});

test('lists the tensors of another file', async () => {
  const file = join(folder, 'state.safetensors');
  await saveSafetensors(file, new Linear({ inFeatures: 3, outFeatures: 2 }).stateDict());
  const { code, stdout } = stmnet(['inspect', file]);
  expect(code).toBe(0);
  expect(stdout).toBe('name    tensor     numbers\nweight  f32[2, 3]        6\nbias    f32[2]           2\n');
});
