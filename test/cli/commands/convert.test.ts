import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadSafetensors, saveSafetensors } from 'stmnet';
import { stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-convert');
let run = '';
beforeAll(() => {
  run = trainDays(folder, '--epochs', '2');
});
const convert = (...args: readonly string[]): ReturnType<typeof stmnet> => stmnet(['convert', run, ...args]);
const answer = (model: string): string => stmnet(['predict', model, 'a lovely day', '--json']).stdout;

test('writes weights under the names of PyTorch, and takes them back, renamed, to answer alike', async () => {
  const weights = join(folder, 'weights.safetensors');
  expect(convert('--to-pytorch', weights)).toMatchObject({ code: 0, stdout: `${weights}: 11 tensors\n` });
  const state = await loadSafetensors(weights);
  expect(state['encoder.1.weight_ih_l0_reverse']?.shape).toEqual([32, 8]);
  const renamed = join(folder, 'renamed.safetensors');
  const names = Object.entries(state).map(([name, tensor]) => [name.replace('encoder.1.', 'rnn.'), tensor] as const);
  await saveSafetensors(renamed, Object.fromEntries(names));
  const model = join(folder, 'model.safetensors');
  expect(convert('--from-pytorch', renamed, '--rename', 'rnn.=encoder.1.', '--output', model).code).toBe(0);
  expect(answer(model)).toBe(answer(run));
  expect(convert('--from-pytorch', renamed, '--output', join(folder, 'other.safetensors'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('rnn.weight_ih_l0'),
  });
  expect(convert('--from-pytorch', renamed, '--output', model)).toMatchObject({
    code: 1,
    stderr: `stmnet: ${model} is there already. Fix: name another --output, or remove it.\n`,
  });
});

test('writes over nothing, least of all the model itself', () => {
  const model = join(run, 'model.safetensors');
  const before = readFileSync(model);
  expect(convert('--to-pytorch', model)).toMatchObject({
    code: 1,
    stderr: `stmnet: ${model} is there already. Fix: name another --to-pytorch, or remove it.\n`,
  });
  expect(readFileSync(model).equals(before)).toBe(true);
});

test('refuses a renaming of nothing, and says which names there are', () => {
  const weights = join(folder, 'own.safetensors');
  expect(convert('--to-pytorch', weights).code).toBe(0);
  const output = join(folder, 'none.safetensors');
  const renamed = (...rename: readonly string[]): ReturnType<typeof stmnet> =>
    convert('--from-pytorch', weights, '--output', output, ...rename.flatMap((one) => ['--rename', one]));
  expect(renamed('encoder.1.=encoder.1.', 'rnn.=encoder.1.', 'lstm=x')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: no name in ${weights} begins with rnn. or lstm, which --rename names. Names begin with ` +
      'features.words., encoder.1., head.. Fix: rename one of these, or leave it out.\n',
  });
  expect(existsSync(output)).toBe(false);
  expect(renamed('encoder.=encoder.').code).toBe(0);
});

test('says what was given in place of a state dict, or of a run', () => {
  const taken = (path: string): string => convert('--from-pytorch', path, '--output', join(folder, 'x')).stderr;
  expect(taken(run)).toMatch(/run is a folder\. Expected a state dict as safetensors\. Fix: write one in Python: /);
  expect(taken(join(folder, 'days.tsv'))).toMatch(/days\.tsv is a table divided by tabs .*\. Expected a state dict/);
  const weights = join(folder, 'alone.safetensors');
  expect(convert('--to-pytorch', weights).code).toBe(0);
  expect(stmnet(['predict', weights, 'a day']).stderr).toBe(
    `stmnet: ${weights} holds tensors alone, as PyTorch writes them. Expected a run folder or a model file. ` +
      `Fix: put them into a model by stmnet convert RUN --from-pytorch ${weights} --output MODEL.\n`,
  );
  const checkpoint = join(run, 'checkpoints', readdirSync(join(run, 'checkpoints'))[0]!);
  expect(stmnet(['predict', checkpoint, 'a day']).stderr).toMatch(
    /is a checkpoint of a training\. Expected a run folder or a model file\. Fix: name the run folder, .*run\.\n$/,
  );
});

test('wants one direction', () => {
  expect(convert()).toMatchObject({ code: 2, stderr: expect.stringContaining('neither or both') });
  expect(convert('--from-pytorch', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('without --output'),
  });
});
