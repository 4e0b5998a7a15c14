import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { stmnet } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';
import { dayAt, tides } from '../../support/tides';

const folder = scratchFolder('cli-forecast');
const rows = tides(80);
const tableOf = (given: typeof rows): string =>
  [
    'date,shop,sales,fair',
    ...given.map((row) => [row['date'], row['shop'], row['sales'], row['fair']].join(',')),
    '',
  ].join('\n');

const data = join(folder, 'sales.csv');
const run = join(folder, 'run');
const columns = ['--target', 'sales', '--series', 'shop', '--known', 'fair'];
const sizes = ['--window', '12', '--horizon', '4', '--season', '8', '--hidden-size', '8', '--dropout', '0'];
const small = [...columns, ...sizes, '--learning-rate', '0.01'];

let trained: ReturnType<typeof stmnet> | undefined;
beforeAll(() => {
  writeFileSync(data, tableOf(rows));
  trained = stmnet(['train', 'forecast', '--data', data, ...small, '--epochs', '12', '--output', run]);
});

test('trains, and holds the last part of each series back', () => {
  const { code, stderr = '' } = trained ?? {};
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain(
    `144 rows of 2 series of ${data} to train on, 40 rows of 2 series held back for validation ` +
      '(the last 10 % in time, or a horizon, and the 12 rows before them)\n',
  );
  expect(stderr).toContain(
    'columns of numbers: fair; of categories: none; left out: none\nstep: 1 day; 0 of 144 steps filled\n',
  );
});

test('evaluates, with baselines beside', () => {
  const { code, stdout, stderr } = stmnet(['evaluate', run, '--data', data]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `160 rows of 2 series of ${data}\n` });
  expect(stdout).toMatch(/^loss +\d\.\d{4}\nscaled MSE +\d\.\d{4}\nscaled MAE +\d\.\d{4}\nRMSE +\d+\.\d{4}\nMAE +/);
  expect(stdout).toMatch(/^coverage +0\.\d{4}\nnominal coverage +0\.8000\ncount +130$/m);
  expect(stdout).toMatch(/^compared with +scaled MSE +scaled MAE +RMSE +MAE\npersistence( +\d+\.\d{4}){4}\n/m);
  expect(stdout).toMatch(/^seasonal naive \(8 steps\)( +\d+\.\d{4}){4}$/m);
  const { scaledMse, baselines } = JSON.parse(stmnet(['evaluate', run, '--data', data, '--json']).stdout);
  expect(scaledMse).toBeLessThan(baselines[0].figures.scaledMse);
});

test('tests back, trained anew before each fold', () => {
  const args = ['evaluate', run, '--data', data, '--folds', '2'];
  const { code, stdout, stderr } = stmnet([...args, '--size', '6']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `160 rows of 2 series of ${data}\n` });
  expect(stdout).toMatch(/^scaled MSE +\d\.\d{4}\nscaled MAE +/);
  expect(stdout).toMatch(/^ *fold from +loss +scaled MSE +scaled MAE +RMSE +MAE +coverage +nominal coverage +count$/m);
  expect(stdout).toMatch(new RegExp(`^${dayAt(68)}( +\\d+\\.\\d{4}){7} +6$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${dayAt(74)}( +\\d+\\.\\d{4}){7} +6$`, 'm'));
  expect(stdout).toMatch(/^persistence( +\d+\.\d{4}){4}\n/m);
  const { folds, rmse } = JSON.parse(stmnet([...args, '--json', '--quiet']).stdout) as {
    folds: { from: string; rmse: number; count: number }[];
    rmse: number;
  };
  expect(folds.map(({ from, count }) => [from, count])).toEqual([
    [dayAt(72), 2],
    [dayAt(76), 2],
  ]);
  expect(rmse).toBeCloseTo(
    folds.reduce((sum, fold) => sum + fold.rmse / 2, 0),
    6,
  );
  const model = join(run, 'model.safetensors');
  expect(stmnet(['evaluate', model, ...args.slice(2)])).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `stmnet: got --folds, which trains anew, for ${model}, which does not say how it was trained. ` +
      'Expected a run folder. Fix: name that of its training.\n',
  });
  const short = stmnet([...args.slice(0, -1), '30']);
  expect(short).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('take fewer or shorter folds') });
  const plain = stmnet(['evaluate', join(run, 'model.safetensors'), '--data', data, '--beam-size', '2']);
  expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('write one of --folds, --size') });
});

test('trains with a back-test before', () => {
  const quick = ['--data', data, ...small, '--epochs', '2', '--quiet'];
  const tested = (output: string, ...args: string[]) =>
    stmnet(['train', 'forecast', ...quick, '--output', join(folder, output), ...args]);
  const { code, stdout, stderr } = tested('tested', '--folds', '2');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^back-test:\nscaled MSE +/);
  expect(stdout).toMatch(new RegExp(`^${dayAt(72)} `, 'm'));
  const told = JSON.parse(tested('told', '--folds', '2', '--json').stdout) as { backtest: object };
  const again = JSON.parse(
    stmnet(['evaluate', join(folder, 'told'), '--data', data, '--folds', '2', '--json', '--quiet']).stdout,
  ) as object;
  expect(told.backtest).toEqual(again);
  const short = tested('short', '--folds', '30');
  expect(short).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('take fewer or shorter folds') });
  expect(JSON.parse(tested('plain', '--json').stdout)).not.toHaveProperty('backtest');
});

test('predicts what comes behind the last value of each series, a line for each step', () => {
  const asked = join(folder, 'asked.csv');
  writeFileSync(asked, tableOf(rows.map((row) => (String(row['date']) < dayAt(76) ? row : { ...row, sales: '' }))));
  const { code, stdout, stderr } = stmnet(['predict', run, '--data', asked]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      'forecast: the 4 steps after the last value of each series; shop, date, sales, sales 0.1, sales 0.5, sales 0.9\n',
  });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  expect(lines.map(([shop, date]) => `${shop} ${date}`)).toEqual(
    ['north', 'south'].flatMap((shop) => [76, 77, 78, 79].map((day) => `${shop} ${dayAt(day)}`)),
  );
  for (const [, , ...numbers] of lines) expect(numbers.map(Number).every(Number.isFinite)).toBe(true);
  const [first] = stmnet(['predict', run, '--data', asked, '--json', '--quiet']).stdout.split('\n');
  expect(Object.keys(JSON.parse(first ?? ''))).toEqual([
    'shop',
    'date',
    'sales',
    'sales 0.1',
    'sales 0.5',
    'sales 0.9',
  ]);
  const late = stmnet(['predict', run, '--data', data]);
  expect(late).toMatchObject({ code: 1, stdout: '' });
  expect(late.stderr).toContain(`got no fair for ${dayAt(80)}, of which there is no row, expected columns known`);
});

test('a series that is too short is left out of the forecast with a warning, and so of the evaluation', () => {
  const file = join(folder, 'shorts.csv');
  const east = tides(3).slice(0, 3);
  const ahead = rows.map((row) => (String(row['date']) < dayAt(76) ? row : { ...row, sales: '' }));
  writeFileSync(file, tableOf([...east.map((row) => ({ ...row, shop: 'east' })), ...ahead]));
  const { code, stdout, stderr } = stmnet(['predict', run, '--data', file]);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(8);
  expect(stderr).toContain('got 1 of 3 series that are shorter than a window, 12 steps: series "east" of 3 steps.');
  const evaluated = stmnet(['evaluate', run, '--data', file]);
  writeFileSync(file, tableOf(ahead.filter((row) => ![1, 2, 3].includes(Number(String(row['date']).slice(-2)) % 4))));
  expect(stmnet(['predict', run, '--data', file]).stderr).toMatch(
    /\(\d+ %\), which are filled, as a step is 1 day\.\n {2}Fix: train on rows that are as far apart\.\n/,
  );
  expect(evaluated).toMatchObject({ code: 0, stderr: expect.stringContaining('series "east" of 3 steps.') });
});

test('inspects, and resumes', () => {
  const { code, stdout } = stmnet(['inspect', run]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^task +forecast \(Forecaster\)$/m);
  expect(stdout).toMatch(/^encoder\.1 +LSTM +\[N, T, 8\] +\d+$/m);
  expect(stdout).not.toContain('not run yet');
  const again = stmnet(['train', 'forecast', '--output', run, '--resume', '--quiet']);
  expect(again).toMatchObject({ code: 0, stderr: '' });
});

test('compares cells, and tunes', () => {
  const quick = ['--data', data, ...columns, ...sizes.slice(0, 6), '--epochs', '1', '--quiet'];
  const compared = stmnet(['compare', 'forecast', ...quick, '--cells', 'lstm,gru', '--hidden-sizes', '4']);
  expect(compared).toMatchObject({ code: 0, stderr: '' });
  expect(compared.stdout).toMatch(/^GRU-4 /m);
  const tuned = stmnet(['tune', 'forecast', ...quick, '--trials', '2', '--output', join(folder, 'search')]);
  expect(tuned).toMatchObject({ code: 0, stderr: '' });
  expect(tuned.stdout).toMatch(/^trial +scaled MSE +time +settings$/m);
});

test('what cannot be used is told with file and line', () => {
  const refused = (text: string, ...args: string[]): string => {
    const file = join(folder, 'odd.csv');
    writeFileSync(file, text);
    const { code, stderr } = stmnet(['train', 'forecast', '--data', file, ...args, '--output', join(folder, 'odd')]);
    expect(code).toBe(1);
    return stderr.replaceAll(file, 'odd.csv');
  };
  const text = readFileSync(data, 'utf8');
  expect(refused(text)).toContain(
    'got odd.csv without a column value, expected columns that say when and what (date, value) among date, shop',
  );
  expect(refused(text, '--target', 'sales')).toContain(
    `got date "${dayAt(0)}" twice: in odd.csv, line 2 and odd.csv, line 82, expected one row for each step of a `,
  );
  expect(refused(text, '--target', 'sales')).toContain(
    'or add them up; or name the column that says of which series a row is: --series shop.',
  );
  const three = text.split('\n').slice(0, 4).join('\n');
  expect(refused(three, ...columns, '--window', '1')).toContain(
    'Fix: take a shorter window or horizon, as --horizon 2',
  );
  expect(refused(text, '--target', 'sale')).toContain('--series and --target: sales seems to be one.');
  const words = text.replace(/^(2024-01-09,north),[^,]*/m, '$1,many');
  expect(refused(words, ...small)).toContain('got sales: "many" in odd.csv, line 10, expected a finite number');
  const odd = text.replace(/^2024-01-09,north/m, '2024-01-09T07:00,north');
  expect(refused(odd, ...small)).toContain(
    'got date "2024-01-09T07:00" in odd.csv, line 10 after "2024-01-08" in odd.csv, line 9, which is no whole number',
  );
  expect(refused(odd, ...small)).toContain('by --gaps join');
  expect(refused(text, ...columns, '--window', '90')).toContain(
    'got 2 series, the longest of 80 steps up to its last value, expected 102 steps at least',
  );
  expect(refused(text, ...small, '--quantiles', '0.5,2')).toContain('--quantiles 0.5,2');
});
