import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dayColumns, dayTexts, quickTraining, stmnet, writeDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('cli-train-language', (made) => (folder = made));

test('a classifier begins with a language model, by its run folder; its training is repeated, and gone on with', () => {
  const [texts, language] = [join(folder, 'texts.txt'), join(folder, 'language')];
  writeFileSync(texts, dayTexts.map(([, text]) => `${text}\n`).join(''));
  const small = ['--tokens', 'words', '--hidden-size', '12', '--embedding-dim', '8', '--steps', '8', '--epochs', '1'];
  const lm = ['--data', texts, '--format', 'lines', ...small, '--output', language];
  expect(stmnet(['train', 'lm', ...lm])).toMatchObject({ code: 0 });

  const [data, output] = [writeDays(folder), join(folder, 'run')];
  const classify = (...args: readonly string[]): ReturnType<typeof stmnet> => stmnet(['train', 'classify', ...args]);
  const args = ['--data', data, ...dayColumns, ...quickTraining, '--language-model', language, '--dropout', '0.1'];
  const parts = ['--rate-factors', 'features=0.5,encoder=0.8', '--freeze-parts', 'features=2,encoder=1'];
  const { code, stdout } = classify(...args, ...parts, '--output', output, '--test', data);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/\naccuracy +(?:1\.0|0\.9)\d+\n/) });
  expect(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))).toMatchObject({
    options: { languageModel: language, hiddenSize: 12, embeddingDim: 8, bidirectional: false },
    training: { rateFactors: { features: 0.5, encoder: 0.8 }, freezeParts: { features: 2, encoder: 1 } },
  });
  const again = join(folder, 'again');
  expect(classify('--config', output, '--output', again).stdout).toBe(stdout);
  expect(classify('--output', output, '--resume')).toMatchObject({ code: 0 });

  for (const [flag, value, told] of [
    [
      '--freeze-parts',
      'features,encodr',
      'got "encodr" in --freeze-parts, expected a part of the model that has parameters: feat',
    ],
    ['--freeze-parts', 'encodr', 'write encoder, if that is what you mean by encodr'],
    ['--rate-factors', 'encodr=0.1', 'got "encodr" in --rate-factors'],
    ['--freeze-parts', 'features=0', 'got features: 0 in --freeze-parts, expected names of parts of the model, or for'],
    ['--rate-factors', 'features', 'expected a factor for each part, as features=0.1,encoder=0.3.'],
  ] as const)
    expect(classify(...args, flag, value, '--output', join(folder, 'wrong')).stderr, value).toContain(told);
  const wrong = classify(...args, '--hidden-size', '64', '--output', join(folder, 'wrong'));
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('got --hidden-size 64 beside --language-') });

  const quick = ['--data', data, ...dayColumns, '--language-model', language, '--batch-size', '8', '--epochs', '1'];
  const tuned = stmnet(['tune', 'classify', ...quick, '--trials', '2', '--output', join(folder, 'search')]);
  expect({ code: tuned.code, stderr: tuned.stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('looks for --learning-rate, --dropout; trial 1 has the defaults'),
  });
  expect(tuned.stdout).toMatch(/--learning-rate \S+ --dropout/);
  expect(stmnet(['compare', 'classify', ...quick])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got --language-model, whose cell and size all models would have'),
  });
});
