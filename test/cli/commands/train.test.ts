import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  dayColumns,
  dayTexts,
  interrupted,
  quickTraining,
  smallNetwork,
  stmnet,
  trainDays,
  writeDays,
} from '../../support/cli';
import { scratchFolder } from '../../support/scratch';
import { visits } from '../../support/visits';

let folder = '';
scratchFolder('cli-train', (made) => (folder = made));

const train = (...args: readonly string[]): ReturnType<typeof stmnet> => stmnet(['train', 'classify', ...args]);

test('trains on a table without a header, says what it held back, and leaves a run folder', () => {
  const output = join(folder, 'run');
  const data = writeDays(folder);
  const args = ['--data', data, ...dayColumns, ...smallNetwork, ...quickTraining, '--output', output, '--test', data];
  const { code, stdout, stderr } = train(...args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain(
    `54 examples of ${data} to train on, 6 examples held back for validation (10 % of each label`,
  );
  expect(stderr).toMatch(/epoch 12\/12: loss 0\.\d+, accuracy \d\.\d+, f1 \d\.\d+ \| validation loss/);
  expect(stderr).toContain(`Next:\n  stmnet predict ${output} "…"      stmnet evaluate ${output} --data FILE `);
  expect(stdout).toMatch(
    /^test on 60 examples of \S+days\.tsv:\nloss +0\.0\d+\naccuracy +1\.0000\nF1 +1\.0000\n\nlabel +precision +recall /,
  );
  for (const file of ['model.safetensors', 'config.json', 'history.csv', 'history.json', 'report.html', 'checkpoints'])
    expect(existsSync(join(output, file)), file).toBe(true);
  const evaluations = readFileSync(join(output, 'evaluation.json'), 'utf8');
  expect([...evaluations.matchAll(/"part": ?"(\w+)"/g)].map(([, part]) => part)).toEqual(['validation', 'test']);
  expect(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))).toMatchObject({
    task: 'classify',
    options: { hiddenSize: 8, pooling: 'max' },
    training: { epochs: 12, seed: 1, learningRate: 0.03 },
    source: { data, validationSplit: 0.1, settings: { header: false, labelColumn: '0', textColumn: '1' } },
  });
});

test('reads named columns, JSON Lines and a validation file; --quiet and --json leave JSON alone', () => {
  const csv = join(folder, 'days.csv');
  writeFileSync(csv, `note,label,message\n${dayTexts.map(([label, text]) => `x,${label},"${text}"\n`).join('')}`);
  const jsonl = join(folder, 'days.jsonl');
  writeFileSync(jsonl, dayTexts.map(([label, message]) => `${JSON.stringify({ label, message })}\n`).join(''));
  const output = join(folder, 'run');
  const columns = ['--data', csv, '--validation', jsonl, '--text-column', 'message'];
  const once = ['--output', output, '--json', '--quiet', '--epochs', '1', '--seed', '4'];
  const { code, stdout, stderr } = train(...columns, ...smallNetwork, ...once);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    task: 'classify',
    output,
    model: join(output, 'model.safetensors'),
    epochs: 1,
    epoch: { epoch: 1, validation: { accuracy: expect.any(Number) } },
  });
});

test('Ctrl-C leaves a checkpoint and says how to go on, which --resume does to the same bits', async () => {
  const whole = trainDays(folder, '--epochs', '40');
  const parts = join(folder, 'parts');
  const data = ['--data', join(folder, 'days.tsv'), ...dayColumns];
  const args = [...data, ...smallNetwork, ...quickTraining, '--epochs', '40', '--output', parts];
  const { code, stderr } = await interrupted(['train', 'classify', ...args], 'epoch 2/40:');
  expect(code).toBe(130);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => !line.startsWith('epoch ')).slice(1)).toEqual([
    'stops after the running step; Ctrl-C again stops at once',
    expect.stringMatching(/^stmnet: interrupted, with .* To go on: stmnet train classify .*parts --resume$/),
  ]);
  expect(lines.at(-1)).toContain(
    `interrupted, with a checkpoint in ${parts}, and a model of what it learned so far, which stmnet predict asks.`,
  );
  expect(existsSync(join(parts, 'model.safetensors'))).toBe(false);
  const begun = stmnet(['predict', parts, 'a day']);
  expect(begun).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(good|bad)\t/) });
  expect(begun.stderr).toMatch(/^stmnet: warning: .* stands after epoch [12] of 40\. Using .* --resume goes on\n$/);
  expect(train(...args, '--resume').stderr).toMatch(/goes on in epoch \d+ of 40, after step \d+/);
  const model = (run: string): Buffer => readFileSync(join(run, 'model.safetensors'));
  expect(model(parts).equals(model(whole))).toBe(true);
  expect(existsSync(join(parts, 'unfinished.safetensors'))).toBe(false);
  expect(stmnet(['predict', parts, 'a day'])).toMatchObject({ code: 0, stderr: '' });
});

test('a run is not written over, and one that is at its end stays as it is', () => {
  const run = trainDays(folder, '--epochs', '2');
  const model = readFileSync(join(run, 'model.safetensors'));
  const args = ['--data', join(folder, 'days.tsv'), ...dayColumns, ...smallNetwork, ...quickTraining];
  const again = train(...args, '--epochs', '2', '--output', run);
  expect(again).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: ${run} holds a training already. ` +
      'Fix: add --resume to go on with it, or name another folder as --output.\n',
  });
  expect(train(...args, '--epochs', '2', '--output', run, '--resume').stderr).toMatch(
    /nothing to train: .* of the end of epoch 2, .*; to train longer, begin anew in another folder, with more epochs/,
  );
  expect(readFileSync(join(run, 'model.safetensors')).equals(model)).toBe(true);
});

test('a training is not taken up again with other options, which are named', () => {
  const run = trainDays(folder, '--epochs', '1');
  const args = ['--data', join(folder, 'days.tsv'), ...dayColumns, ...smallNetwork, ...quickTraining];
  const resumed = (...more: readonly string[]): string => {
    const { code, stderr } = train(...args, '--epochs', '1', '--output', run, '--resume', ...more);
    expect(code).toBe(1);
    return stderr.slice(stderr.indexOf('stmnet: ')).replaceAll(run, 'RUN');
  };
  expect(resumed('--hidden-size', '16', '--no-lowercase', '--batch-size', '4')).toBe(
    'stmnet: got --hidden-size 16, --no-lowercase, --batch-size 4 for the training that RUN holds, ' +
      'expected what it began with, --hidden-size 8, --lowercase, --batch-size 8.\n' +
      '  Fix: pass the same to go on with it, or begin anew in another folder.\n',
  );
  expect(resumed('--epochs', '3')).toContain(
    'expected what it began with, --epochs 1.\n  Fix: pass the same for the same examples, as the learning rate',
  );
  expect(resumed('--seed', '7', '--delimiter', ';')).toBe(
    "stmnet: RUN holds a training that began with --seed 1 (no --delimiter), not --seed 7 --delimiter ';'. " +
      'Fix: give the same, or name another folder as --output.\n',
  );
  expect(resumed('--validation', 'other.tsv')).toContain(
    'began with --validation-split 0.1 --seed 1 (no --validation), not (no --validation-split) (no --seed) --val',
  );
});

test('a training is taken up again with a default that is typed, and with any options where it has not begun', () => {
  const run = trainDays(folder, '--epochs', '1');
  const args = ['--data', join(folder, 'days.tsv'), ...dayColumns, ...smallNetwork, ...quickTraining];
  const resume = [...args, '--epochs', '1', '--output', run, '--resume'];
  expect(train(...resume, '--format', 'auto')).toMatchObject({ code: 0 });
  for (const left of ['checkpoints', 'model.safetensors']) rmSync(join(run, left), { recursive: true });
  expect(train(...resume, '--hidden-size', '4', '--seed', '3')).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'))).toMatchObject({ options: { hiddenSize: 4 } });
});

test('--resume without data goes on with those of the run, and their columns', () => {
  const run = trainDays(folder, '--epochs', '2');
  const model = readFileSync(join(run, 'model.safetensors'));
  rmSync(join(run, 'model.safetensors'));
  const { code, stderr } = train('--output', run, '--resume');
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing to train: ') });
  expect(stderr).toContain('; to train longer, begin anew in another folder, with more epochs\n');
  expect(readFileSync(join(run, 'model.safetensors')).equals(model)).toBe(true);
  expect(train('--output', run, '--resume', '--hidden-size', '16').stderr).toContain(
    'stmnet: got --hidden-size 16 for the training that',
  );
  rmSync(join(run, 'config.json'));
  expect(train('--output', run, '--resume')).toMatchObject({ code: 2, stderr: expect.stringContaining('no --data') });
});

test('a training is not taken up in the folder of another task', () => {
  const run = trainDays(folder, '--epochs', '1');
  const text = join(folder, 'days.txt');
  writeFileSync(text, 'one day after the other. '.repeat(400));
  const { code, stderr } = stmnet(['train', 'lm', '--data', text, '--output', run, '--resume', '--quiet']);
  expect(code).toBe(1);
  expect(stderr).toContain('which holds a training of the task "classify", expected one of the task "lm".');
});

test('how a configuration says that its data are read is looked at, too', () => {
  const run = trainDays(folder, '--epochs', '1');
  const file = join(run, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { source: { settings: object } };
  const told = (settings: object): string => {
    writeFileSync(file, JSON.stringify({ ...config, source: { ...config.source, settings } }));
    const { code, stderr } = train('--config', file, '--output', join(folder, 'by-settings'), '--quiet');
    expect(code).toBe(1);
    return stderr;
  };
  expect(told({ textColum: '1' })).toContain('source.settings.textColum');
  expect(told({ labelColumn: 3 })).toContain('source.settings.labelColumn: 3');
});

test('a training that patience has ended says so when it is resumed, and what can be typed', () => {
  const run = trainDays(folder, '--learning-rate', '0.5', '--patience', '1', '--epochs', '30');
  const args = ['--data', join(folder, 'days.tsv'), ...dayColumns, ...smallNetwork, ...quickTraining, '--output', run];
  const again = train(...args, '--learning-rate', '0.5', '--patience', '1', '--epochs', '30', '--resume');
  expect(again.code).toBe(0);
  expect(again.stderr).toMatch(
    /^stmnet: warning: got a training that ended early, .*\n {2}Fix: to train on, begin anew in another folder\.$/m,
  );
});

test('takes a configuration, before which options go, and refuses keys that nothing reads', () => {
  const run = trainDays(folder, '--epochs', '1');
  const data = join(folder, 'days.tsv');
  const again = join(folder, 'again');
  const args = ['--data', data, ...dayColumns, '--quiet', '--output', again];
  expect(train(...args, '--config', join(run, 'config.json'), '--hidden-size', '4')).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect(JSON.parse(readFileSync(join(again, 'config.json'), 'utf8'))).toMatchObject({
    options: { hiddenSize: 4, embeddingDim: 8, dropout: 0.1 },
    training: { epochs: 1, batchSize: 8, output: again },
  });
  const odd = join(folder, 'odd.json');
  const refused = (config: unknown): string => {
    writeFileSync(odd, JSON.stringify(config));
    const { code, stderr } = train(...args, '--output', join(folder, 'other'), '--config', odd);
    expect(code).toBe(1);
    return stderr.replace(odd, 'FILE');
  };
  expect(refused({ options: { hiddensize: 4 } })).toBe(
    'stmnet: FILE has options.hiddensize, which nothing reads. Fix: write hiddenSize, if that is meant.\n',
  );
  expect(refused({ optons: {} })).toContain('FILE has optons, which nothing reads. Fix: write options');
  expect(refused({ task: 'tag' })).toContain(
    'FILE is a configuration of the task tag, expected that of a training of classify',
  );
  expect(refused({ training: { epochs: 0 } })).toBe(
    'stmnet: FILE has training.epochs: 0. Expected a whole number of at least 1.\n',
  );
  expect(refused({ options: { cell: 'lsmt' } })).toContain('FILE has options.cell: "lsmt". Expected one of lstm, gru');
  expect(refused({ options: { lowercase: 'no' } })).toContain('options.lowercase: "no". Expected true or false.');
  writeFileSync(odd, '{');
  expect(train(...args, '--output', join(folder, 'other'), '--config', odd).stderr).toMatch(
    /^stmnet: got \S+odd\.json, which is no JSON: .*\n {2}Fix: mend it, or name another configuration\.\n$/,
  );
});

test('the configuration of a run alone repeats it, data and columns included', () => {
  const [run, again] = [trainDays(folder, '--epochs', '2', '--validation-split', '0.2'), join(folder, 'again')];
  expect(train('--config', run, '--output', again, '--quiet')).toMatchObject({ code: 0, stderr: '' });
  const model = (of: string): Buffer => readFileSync(join(of, 'model.safetensors'));
  expect(model(again).equals(model(run))).toBe(true);
  const sourceOf = (of: string): unknown =>
    (JSON.parse(readFileSync(join(of, 'config.json'), 'utf8')) as { source: unknown }).source;
  expect(sourceOf(again)).toEqual(sourceOf(run));
  // Of other data only how they are read stays the same.
  const [other, third] = [writeDays(folder, 'other.tsv'), join(folder, 'third')];
  const tested = train('--config', run, '--test', other, '--output', join(folder, 'tested'), '--quiet');
  expect(tested).toMatchObject({ code: 0 });
  const args = ['--config', join(folder, 'tested'), '--data', other, '--output', third, '--validation-split', '0.1'];
  expect(train(...args, '--quiet')).toMatchObject({ code: 0, stderr: '' });
  expect(sourceOf(third)).toEqual({
    data: other,
    validationSplit: 0.1,
    seed: 1,
    settings: { header: false, labelColumn: '0', textColumn: '1' },
  });
});

test('takes the configuration of a run folder, and says where none is', () => {
  const run = trainDays(folder, '--epochs', '1');
  const again = join(folder, 'again');
  const configured = (config: string): ReturnType<typeof train> =>
    train('--data', join(folder, 'days.tsv'), ...dayColumns, '--quiet', '--output', again, '--config', config);
  expect(configured(join(folder, 'none.json')).stderr).toMatch(
    /^stmnet: .*none\.json is not there\. Fix: name a config/,
  );
  expect(configured(folder).stderr).toMatch(/^stmnet: .* is a folder without config\.json\. Fix: name a configuration/);
  expect(configured(run)).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(readFileSync(join(again, 'config.json'), 'utf8'))).toMatchObject({ options: { hiddenSize: 8 } });
});

test.each([
  [
    ['--hiden-size', '4'],
    'got --hiden-size, which is no option of stmnet train classify. Fix: write --hidden-size, if that is meant.',
  ],
  [
    ['--hidden-size', '0'],
    'got --hidden-size 0, expected a whole number of at least 1. Fix: write such a value, or leave --hidden-size out.',
  ],
  [
    ['--dropout', '1'],
    'got --dropout 1, expected a number in [0, 1). Fix: write such a value, or leave --dropout out.',
  ],
  [['--cell', 'lsmt'], 'got --cell lsmt, expected one of lstm, gru, rnn. Fix: write lstm, if that is meant.'],
  [
    ['--class-weights', 'ham'],
    'got --class-weights ham, expected balanced, or a weight for each label: ham=1,spam=6. ' +
      'Fix: write such a value, or leave --class-weights out.',
  ],
  [
    ['more'],
    'got more behind stmnet train classify, expected options alone. Fix: leave it out; a value with blanks in it ' +
      'stands in quotes.',
  ],
])('a mistake in how it is called ends with 2: %j', (args, message) => {
  const { code, stdout, stderr } = train('--data', 'x.csv', '--output', 'run', ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toBe(`stmnet: ${message}\n`);
});

test('a task or an output that is not named ends with 2, too', () => {
  expect(stmnet(['train', 'clasify'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Fix: write classify, if that is meant.'),
  });
  expect(train('--data', 'x.csv')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got no --output, expected --output <folder>: '),
  });
  expect(train('--output', 'run')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^stmnet: got no --data, nor a --config.* Fix: add --data <file>, or name the run folder of /,
    ),
  });
});

test('what is wrong with the data is said in a line or two, and nothing is written', () => {
  const data = writeDays(folder);
  const output = join(folder, 'run');
  const refused = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = train('--output', output, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n').length).toBeLessThan(5);
    expect(existsSync(output)).toBe(false);
    return stderr;
  };
  expect(refused('--data', join(folder, 'none.csv'))).toMatch(/got .*none\.csv, which is not there, expected a table/);
  const named = join(folder, 'named.csv');
  writeFileSync(named, 'lable,text\nbad,a day\n');
  expect(refused('--data', named)).toContain(`which ${named} does not have, expected one of the columns lable, text.`);
  expect(refused('--data', data, '--no-header', '--label-column', '7')).toContain('expected a number from 0 to 1');
  writeFileSync(named, 'label,text\nbad,a day\n,another\n');
  expect(refused('--data', named)).toContain(`got an empty label in ${named}, line 3`);
  writeFileSync(named, Buffer.from([0, 1, 2, 3, 10, 255, 254]));
  expect(refused('--data', named)).toContain('got binary data in');
  writeFileSync(named, 'label,text\nbad,a day\nbad,a night\n');
  expect(refused('--data', named)).toContain('got examples that all have the label "bad"');
});

test('the help has three examples, and says what is left out', () => {
  const { code, stdout } = train('--help');
  expect(code).toBe(0);
  expect(stdout.match(/^ {2}\$ stmnet train classify /gm)).toHaveLength(3);
  expect(stdout).toMatch(/--hidden-size <n> +width of a state \(default: 128\)/);
  expect(stdout).toMatch(/--no-lowercase +keep capital letters\n/);
  expect(stdout).toMatch(/--no-header +the first line is a row like the others\n/);
});

test.each([
  ['tag', 'sentences.conll'],
  ['lm', 'book.txt'],
  ['events', 'purchases.csv'],
])('the examples of train %s read what it reads: %s', (task, data) => {
  const { stdout } = stmnet(['train', task, '--help']);
  expect(stdout.match(new RegExp(`\\$ stmnet train ${task} --data ${data} `, 'g'))).toHaveLength(2);
});

test('a language model tells tokens, and perplexity beside the loss; a precision without effect is warned of', () => {
  const [data, output] = [join(folder, 'text.txt'), join(folder, 'language')];
  writeFileSync(data, 'a line of a text that goes on\n'.repeat(60));
  const args = ['--data', data, '--output', output, '--hidden-size', '8', '--epochs', '2', '--precision', 'tf32'];
  const { code, stderr } = stmnet(['train', 'lm', ...args]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('1,650 tokens to learn from, 150 to validate on; 15 in the vocabulary\n');
  expect(stderr.match(/^stmnet: warning: .*$/gm)).toEqual([
    'stmnet: warning: --precision tf32 changes nothing on the cpu, which computes in fma or bf16',
  ]);
  const figures = [...stderr.matchAll(/loss (\d\.\d+), perplexity (\d+\.\d+)/g)].map((match) => match.map(Number));
  expect(figures).toHaveLength(4); // of two epochs and their validations
  for (const [, loss = 0, perplexity = 0] of figures) expect(perplexity / Math.exp(loss)).toBeCloseTo(1, 3);
});

test('the test of events is told with its customers, as the examples are', () => {
  const data = join(folder, 'visits.csv');
  const lines = visits.map(({ customer, date, price }) => `${[customer, date, price].join(',')}\n`);
  writeFileSync(data, `customer,date,price\n${lines.join('')}`);
  const small = ['--horizon', '20', '--hidden-size', '4', '--epochs', '1', '--validation-split', '0'];
  const args = ['--data', data, '--test', data, ...small, '--output', join(folder, 'events')];
  const { code, stdout, stderr } = stmnet(['train', 'events', ...args]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const told = `${visits.length} rows of 40 customers of ${data}`;
  expect(stderr).toContain(`${told}, none held back\n${told} are for the test at the end\n`);
  expect(stdout).toMatch(new RegExp(`^test on ${told}:\nloss `));
});

test('--resume of nothing says that it begins a training, and a model without checkpoints is kept', () => {
  const run = join(folder, 'anew');
  const data = ['--data', writeDays(folder), ...dayColumns, ...smallNetwork, ...quickTraining, '--epochs', '2'];
  const args = [...data, '--learning-rate', '500', '--output', run, '--resume'];
  const { code, stderr } = train(...args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(new RegExp(`^${run} holds no training yet: beginning one\n54 examples`));
  expect(stderr).toMatch(/\nthe loss grew from \S+ to \S+: a smaller --learning-rate keeps a training from that\n\n/);
  expect(train(...args).stderr).not.toContain('holds no training yet');
  rmSync(join(run, 'checkpoints'), { recursive: true });
  expect(train(...args)).toEqual({
    code: 1,
    stdout: '',
    stderr: `stmnet: ${run} holds a model, but no checkpoint to go on from. Fix: name another folder as --output.\n`,
  });
  const quiet = train(...data, '--output', join(folder, 'quiet'), '--resume', '--quiet');
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
});
