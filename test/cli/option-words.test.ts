import { Option } from 'commander';
import { expect, test } from 'vitest';
import { inFlags } from '../../src/cli/option-words';

const options = [
  '--epochs <n>',
  '--batch-size <n>',
  '--patience <n>',
  '--validation <file>',
  '--output <folder>',
  '--resume',
  '--tokens <kind>',
  '--header',
  '--no-header',
  '--tie-weights',
  '--numeric <a,b>',
  '--key <text>',
  '--time <text>',
  '--on-nan <what>',
  '--learning-rate <x>',
  '--clip-grad-norm <x>',
  '--delimiter <text>',
].map((flags) => new Option(flags));

test.each([
  ['got epochs: 0, expected 1 for epochs.', 'got --epochs 0, expected 1 for --epochs.'],
  ['got patience: 2 without validation, expected some.', 'got --patience 2 without --validation, expected some.'],
  ['got key, which is a folder, expected a file', 'got key, which is a folder, expected a file'],
  ['got resume without output, expected', 'got --resume without --output, expected'],
  ["pass onNaN: 'skip', or leave batchSize out", 'pass --on-nan skip, or leave --batch-size out'],
  ['pass header: false', 'pass --no-header'],
  ['pass tieWeights: false', 'pass no --tie-weights'],
  ['pass numeric: ["a", "b"]', 'pass --numeric a,b'],
  ["pass delimiter: ';'", "pass --delimiter ';'"],
  ['  Fix: fit(examples, { validation, patience: 3 }).', '  Fix: --validation <file> --patience 3.'],
  ["  Fix: name them: new EventClassifier({ key: 'who', time: 'at' }).", '  Fix: name them: --key who --time at.'],
  // What is not said of an option stays: words of the language, and fields of the data.
  ['the last epochs, and a text without labels', 'the last epochs, and a text without labels'],
  ['got key: "x" in row 3, expected', 'got key: "x" in row 3, expected'],
  ['some tokens: one to read', 'some tokens: one to read'],
  ['got gamma: 3', 'got gamma: 3'],
  // So do names of files.
  ['got output.csv, which is empty', 'got output.csv, which is empty'],
  ['in runs/batchSize-1 or batchSize.tsv', 'in runs/batchSize-1 or batchSize.tsv'],
  ['got runs/batchSize, expected', 'got runs/batchSize, expected'],
  ['got batchSize/x or a\\\\batchSize', 'got batchSize/x or a\\\\batchSize'],
])('%s', (message, told) => {
  expect(inFlags(message, options)).toBe(told);
});

test('of several ways to mend it those that can be typed are told', () => {
  expect(inFlags('got x.\n  Fix: rename one, or pass header: false, skipLines: 1 and columns.', options)).toBe(
    'got x.\n  Fix: rename one.',
  );
  expect(inFlags('got x.\n  Fix: make room; or await load(path, { model }), and go on.', options)).toBe(
    'got x.\n  Fix: make room.',
  );
  expect(inFlags('  Fix: make the folder first, by fs.mkdir(folder, { recursive: true }).', options)).toBe(
    '  Fix: make the folder first.',
  );
  expect(inFlags('  Fix: call load(path).', options)).toBe('  Fix: call load(path).');
});

test('what only who writes a program can see to is left out', () => {
  const rate = 'a smaller learningRate or clipGradNorm: 1 keeps a training from growing over';
  const first = 'look for sqrt, norm, log or division at 0 in the model and the loss';
  const rest =
    "onNaN: 'skip' leaves such batches out. The weights are those before, and trainer.history has the others.";
  expect(inFlags(`got NaN in batch 2 (step 2 of the trainer).\n  Fix: ${first}; ${rate}; ${rest}`, options)).toBe(
    'got NaN in batch 2 (step 2).\n  Fix: a smaller --learning-rate or --clip-grad-norm 1 keeps a training from ' +
      'growing over, or --on-nan skip leaves such batches out.',
  );
  expect(inFlags('  Fix: a smaller learningRate or a clipGradNorm below 1 keeps it from that.', options)).toBe(
    '  Fix: a smaller --learning-rate or a --clip-grad-norm below 1 keeps it from that.',
  );
  const spoiled = 'load weights saved before: NaN stands in x, which no step can mend';
  const look = 'look for NaN or infinity in the input and for log or division at 0; trainer.history has the epochs';
  expect(inFlags(`  Fix: ${spoiled}. Take a smaller learningRate; ${look}.`, options)).toBe(
    '  Fix: Take a smaller --learning-rate.',
  );
  expect(inFlags(`  Fix: ${look}.`, options)).toBe(`  Fix: ${look}.`);
});

test('a line has one Fix', () => {
  expect(inFlags("got 'cuda'.\n  Fix: no device: x is not there. Fix: install it.", options)).toBe(
    "got 'cuda'.\n  Fix: no device: x is not there. Install it.",
  );
  expect(inFlags('x is damaged. Fix: leave batchSize out.', options)).toBe(
    'x is damaged. Fix: leave --batch-size out.',
  );
});
