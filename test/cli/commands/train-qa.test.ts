import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stmnet } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';
import { stories } from '../../support/stories';

let folder = '';
scratchFolder('cli-qa', (made) => (folder = made));

test('trains on questions, and evaluates, predicts and inspects what it has learned', () => {
  const [data, output] = [join(folder, 'stories.jsonl'), join(folder, 'run')];
  writeFileSync(data, stories.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const size = ['--hidden-size', '16', '--embedding-dim', '16', '--dropout', '0'];
  const quick = ['--epochs', '40', '--batch-size', '16', '--learning-rate', '0.02'];
  const trained = stmnet(['train', 'qa', '--data', data, ...size, ...quick, '--output', output]);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('108 examples of ');
  expect(stmnet(['evaluate', output, '--data', data]).stdout).toMatch(/^loss +\d\.\d+\naccuracy +(0\.9\d+|1\.0000)\n/);
  const question = 'Mary went to the office. John went to the garden. Where is Mary?';
  expect(stmnet(['predict', output, question]).stdout).toMatch(/^office\t\d\.\d{4}\tWhere is Mary\?\n$/);
  const asked = stmnet(['predict', output, '--data', data, '--json']);
  const [first = ''] = asked.stdout.split('\n');
  expect(JSON.parse(first)).toMatchObject({ answer: stories[0]?.answer, input: { question: stories[0]?.question } });
  const piped = stmnet(['predict', output, '-'], {}, { input: `${question}\n` });
  expect(piped.stdout).toMatch(/^office\t\d\.\d{4}\tWhere is Mary\?\n$/);
  const stranger = stmnet(['predict', output, 'Mary went to the office. Where is Zorro?']);
  expect(stranger).toMatchObject({ code: 0, stderr: 'never seen in training, and read as unknown: "Zorro"\n' });
  expect(stmnet(['predict', output, ''])).toMatchObject({ code: 1, stdout: '' });
  const cellar = join(folder, 'cellar.jsonl');
  writeFileSync(cellar, `${JSON.stringify({ story: 'Al sat.', question: 'Who sat?', answer: 'cellar' })}\n`);
  const unseen = stmnet(['evaluate', output, '--data', cellar]).stdout;
  expect(unseen).toMatch(/^accuracy +0\.0000$/m);
  expect(unseen).toContain('Not in the training, and so counted as wrong: cellar\n');
  expect(stmnet(['inspect', output]).stdout).toMatch(/task +qa \(QuestionAnswerer\)/i);
});

test('the examples of its help read what it reads', () => {
  const { stdout } = stmnet(['train', 'qa', '--help']);
  expect(stdout.match(/\$ stmnet train qa --data questions\.jsonl /g)).toHaveLength(2);
});
