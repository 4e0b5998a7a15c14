import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stmnet } from '../../support/cli';
import { contexts } from '../../support/contexts';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('cli-span', (made) => (folder = made));
const lines = (records: readonly object[]): string => records.map((one) => `${JSON.stringify(one)}\n`).join('');
const size = ['--hidden-size', '16', '--embedding-dim', '16', '--dropout', '0.1'];

test('trains on questions, and evaluates, predicts and inspects what it has learned', () => {
  const [data, output] = [join(folder, 'questions.jsonl'), join(folder, 'run')];
  writeFileSync(data, lines(contexts));
  const quick = ['--epochs', '30', '--batch-size', '16', '--learning-rate', '0.02'];
  const trained = stmnet(['train', 'span', '--data', data, ...size, ...quick, '--output', output]);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('144 examples of ');
  expect(trained.stderr).toContain('16 examples held back for validation (10 % of the contexts, drawn by seed 1)');
  const { stdout } = stmnet(['evaluate', output, '--data', data]);
  expect(stdout).toMatch(
    /^loss +\d\.\d+(?:e-\d)?\nexact match +(0\.9\d+|1\.0000)\nF1 +(0\.9\d+|1\.0000)\ncount +160\n$/,
  );
  const question = 'The anthem of Arland is Hoo. The capital of Freedonia is Glory. What is the capital of Freedonia?';
  expect(stmnet(['predict', output, question]).stdout).toMatch(/^Glory\t\d\.\d{4}\tWhat is the capital of Freed.*\n$/);
  const asked = stmnet(['predict', output, '--data', data, '--json']);
  const [first = ''] = asked.stdout.split('\n');
  const { answer, start, question: told, context } = contexts[0] ?? {};
  expect(JSON.parse(first)).toMatchObject({ answer, start, input: { question: told, context } });
  expect(stmnet(['inspect', output]).stdout).toMatch(/task +span \(SpanAnswerer\)/i);
});

test('an answer that is not in its context, and an empty context, are named by their lines', () => {
  const refused = (records: readonly object[]): string => {
    const data = join(folder, 'odd.jsonl');
    writeFileSync(data, lines(records));
    const args = ['--data', data, ...size, '--epochs', '1', '--validation-split', '0', '--output', join(folder, 'odd')];
    const { code, stderr } = stmnet(['train', 'span', ...args]);
    expect(code).toBe(1);
    return stderr.replaceAll(data, 'odd.jsonl');
  };
  const [one = {}, two = {}] = contexts;
  expect(refused([one, { ...two, answer: 'Nowhere', start: undefined }])).toContain(
    'got an answer that is not in its context, or not where start says in odd.jsonl, line 2, expected { context: ',
  );
  expect(refused([{ ...one, start: 1 }, two])).toContain('not where start says in odd.jsonl, line 1');
  expect(refused([one, two, { ...two, context: '' }])).toContain('got an empty context in odd.jsonl, line 3');
});

test('the examples of its help read what it reads', () => {
  const { stdout } = stmnet(['train', 'span', '--help']);
  expect(stdout.match(/\$ stmnet train span --data questions\.jsonl /g)).toHaveLength(2);
});
