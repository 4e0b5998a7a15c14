// How do numbers go on in time? `npm run results -- ett`, `beijing-pm25` and `airline-passengers` run this with three
// seeds. Settings were chosen on what lies before the test part, which is read once, at the end.
import { join } from 'node:path';
import { readTable } from 'stmnet';
import { Forecaster } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    set: { type: 'string', default: 'airline-passengers' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
    steps: { type: 'string', default: '100000' }, // to learn from, the last ones
  },
});

const studies = {
  ett: {
    file: 'ETTh1.csv.gz',
    parts: ['2017-06-26', '2017-10-24', '2018-02-21'], // where validation and test begin, and the end: Informer's split
    options: { target: 'OT', window: 48, horizon: 24, scaling: 'window' },
    fit: { epochs: 3, learningRate: 1e-3 },
  },
  'beijing-pm25': {
    file: 'pollution.csv.gz',
    parts: ['2010-11-01', '2011-01-01', '2015'], // learns from 2010
    options: { target: 'pm2.5', window: 24, horizon: 1 },
    fit: { epochs: 6, learningRate: 1e-3 },
  },
  'airline-passengers': {
    file: 'airline-passengers.csv',
    parts: ['1957', '1957', '1961'], // learns from all of 96 months, without a validation
    options: { target: 'Passengers', window: 12, horizon: 1, anchor: 'season', logarithm: true, hiddenSize: 16 },
    fit: { epochs: 60, batchSize: 16 },
  },
} as const;

async function main(): Promise<void> {
  const { file, parts, options, fit } = studies[flags.set as keyof typeof studies];
  const table = await readTable(join(flags.data, flags.set, file), { missing: ['NA'] });
  const rows = table.map(({ Month, year, month = '', day = '', hour = '', No: _number, ...row }) => {
    const [at, on, within] = [hour, day, month].map((text) => String(text).padStart(2, '0'));
    return { date: Month ?? `${String(year)}-${within}-${on}T${at}:00`, ...row };
  });
  const [validation = 0, test = 0, end = 0] = parts.map((part) => rows.filter(({ date }) => date < part).length);
  const forecaster = new Forecaster(options);
  await forecaster.fit(rows.slice(Math.max(validation - Number(flags.steps), 0), validation), {
    ...(validation < test && { validation: rows.slice(validation - options.window, test) }),
    ...fit,
    ...(flags.epochs !== undefined && { epochs: Number(flags.epochs) }),
    seed: Number(flags.seed),
  });
  const { baselines, scaledMse, rmse, coverage } = await forecaster.evaluate(rows.slice(test - options.window, end));
  for (const { name, figures } of baselines) console.log(`${name}:`, figures);
  const ahead = 1 - scaledMse / (baselines[0]?.figures.scaledMse ?? 0);
  console.log(JSON.stringify({ scaledMse, rmse, ahead, coverage }));
}

void main();
