import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-quantize');
let run = '';
let data = '';
beforeAll(() => {
  run = trainDays(folder);
  data = join(folder, 'days.tsv');
});

const quantize = (...args: readonly string[]): ReturnType<typeof stmnet> => stmnet(['quantize', ...args]);

test('writes the model, and shows both beside each other', () => {
  const output = join(folder, 'small.safetensors');
  const { code, stdout, stderr } = quantize(run, '--output', output, '--data', data);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `60 examples of ${data}\n8 bits: encoder.1, head\n` });
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^ +f32 +8 bits$/);
  expect(lines[1]).toMatch(/^loss +0\.0\d+ +0\.0\d+$/);
  expect(lines[2]).toMatch(/^accuracy +1\.0000 +1\.0000$/);
  const sizes = [join(run, 'model.safetensors'), output].map((file) => statSync(file).size.toLocaleString('en'));
  expect(lines[4]?.split(/ {2,}/)).toEqual(['bytes of the file', ...sizes]);
  const header = readFileSync(output).toString('latin1');
  expect(header).toContain('"encoder.1.weight_hh_l0":{"dtype":"I8"');

  // the file is that of a task like any other, and gives what was measured
  const measured = stmnet([
    'evaluate',
    output,
    '--data',
    data,
    '--no-header',
    '--label-column',
    '0',
    '--text-column',
    '1',
  ]);
  expect(measured.stdout.split('\n')[0]?.split(/ +/)[1]).toBe(lines[1]?.split(/ +/)[2]);
  expect(stmnet(['predict', output, 'a sad day']).stdout).toMatch(/^bad\t0\.\d+\ta sad day\n$/);
});

test('prints JSON', () => {
  const output = join(folder, 'json.safetensors');
  const { code, stdout, stderr } = quantize(run, '--output', output, '--data', data, '--json', '--quiet');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    file: output,
    task: 'classify',
    quantized: ['encoder.1', 'head'],
    left: [],
    before: { accuracy: 1 },
    after: { accuracy: 1 },
  });
});

test('says what it left, and what it cannot do', () => {
  const small = join(folder, 'again.safetensors');
  expect(quantize(run, '--output', small).code).toBe(0);
  const once = quantize(small, '--output', join(folder, 'twice.safetensors'));
  expect(once).toMatchObject({ code: 1, stdout: '' });
  expect(once.stderr).toContain('got a model whose layers have 8 bits already');
  expect(existsSync(join(folder, 'twice.safetensors'))).toBe(false);
  expect(quantize(run, '--output', small).stderr).toContain(`${small} is there already. Fix: name another --output`);
});

test('an encoder and a decoder hand states of LSTMs on as before', () => {
  const [pairs, output] = [join(folder, 'pairs.tsv'), join(folder, 'pairs')];
  writeFileSync(
    pairs,
    Array.from({ length: 40 }, (_, at) => `${'abc'.repeat(1 + (at % 3))}\t${'xy'.repeat(1 + (at % 4))}\n`).join(''),
  );
  const read = ['--data', pairs, '--no-header', '--source-column', '0', '--target-column', '1'];
  const small = ['--hidden-size', '8', '--epochs', '1', '--validation-split', '0', '--quiet'];
  expect(stmnet(['train', 'seq2seq', ...read, ...small, '--output', output])).toMatchObject({ code: 0, stderr: '' });
  const result = quantize(output, '--output', join(folder, 'pair.safetensors'), '--data', pairs, '--json', '--quiet');
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const { quantized, before, after } = JSON.parse(result.stdout) as {
    quantized: string[];
    before: { loss: number };
    after: { loss: number };
  };
  expect(quantized).toEqual(['encoder', 'decoder', 'combine', 'head']);
  expect(Math.abs(after.loss - before.loss)).toBeLessThan(0.02);
  expect(after.loss).not.toBe(before.loss);
});
