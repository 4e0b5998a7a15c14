// npm run results -- NAME [--runs 1,2,3] [flags of the example]: runs an example with each seed, or on each split, and
// prints what it reached beside what it must reach; writes that into docs/results.md. Exits with 1 if one is missed.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { median } from './bench/statistics';
import { readArguments } from './results-arguments';
import { resultRow, withRows, type Goal } from './results-table';

const root = join(__dirname, '..', '..', '..');
const page = join(root, 'docs', 'results.md');

/** What an example must reach, in the median of its runs. */
interface Study {
  /** By the names of the figures in its last line. */
  readonly goals: Readonly<Record<string, Goal>>;
  /** The example. Default: that of the study's name. */
  readonly example?: string;
  /** What the example is told beside. Default: nothing. */
  readonly flags?: readonly string[];
  /** What its runs differ in. Default: the seed. */
  readonly over?: 'seed' | 'split';
  /** The runs. Default: 1, 2 and 3. */
  readonly runs?: readonly string[];
}

const studies: Readonly<Record<string, Study>> = {
  'sms-spam': { goals: { accuracy: { least: 0.987, peer: 0.9875 }, f1: { least: 0.95, peer: 0.951 } } },
  'sms-spam-splits': {
    example: 'sms-spam',
    over: 'split',
    runs: ['1', '2', '3', '4', '5', '6'],
    goals: { accuracy: { least: 0.99 }, f1: { least: 0.96 } },
  },
  'ud-ewt-pos': { goals: { accuracy: { least: 0.94, peer: 0.944 } } },
  snips: { goals: { accuracy: { least: 0.973, peer: 0.976 }, entityF1: { least: 0.885, peer: 0.887 } } },
  tinyshakespeare: { runs: ['1'], goals: { nats: { most: 1.47, peer: 1.43 } } },
  'language-model': { runs: ['1'], goals: { nats: { most: 1.47, peer: 1.43 } } },
  names: { goals: { accuracy: { least: 0.83, peer: 0.835 } } },
  'classify-sms-spam': {
    example: 'classify',
    flags: ['--set=sms-spam'],
    goals: { accuracy: { least: 0.987, peer: 0.9875 }, f1: { least: 0.95, peer: 0.951 } },
  },
  'classify-names': { example: 'classify', flags: ['--set=names'], goals: { accuracy: { least: 0.83, peer: 0.835 } } },
  'classify-snips': { example: 'classify', flags: ['--set=snips'], goals: { accuracy: { least: 0.973, peer: 0.976 } } },
  'tag-ud-ewt-pos': { example: 'tagger', goals: { accuracy: { least: 0.94, peer: 0.944 } } },
  'tag-snips': {
    example: 'tagger',
    flags: ['--set=snips'],
    goals: { labelAccuracy: { least: 0.973, peer: 0.976 }, entityF1: { least: 0.885, peer: 0.887 } },
  },
  fsdd: { example: 'speech', goals: { charErrorRate: { most: 0.05 }, accuracy: { least: 0.96 } } },
  cmudict: {
    example: 'translate',
    runs: ['1'],
    goals: { phonemeError: { most: 0.09 }, wordError: { most: 0.36 } },
  },
  // How much better attention makes it, the same model without it beside.
  'anki-eng-fra': {
    example: 'translate',
    flags: ['--set=anki-eng-fra'],
    goals: { bleu: { least: 15 }, without: { least: 0 }, gain: { least: 3 } },
  },
  // Perplexities of one model with each regulariser; `gain` is by which part all of them make it smaller.
  'wikitext-2-partial': {
    example: 'regularized-language-model',
    runs: ['1'],
    goals: {
      none: { least: 0 },
      variationalDropout: { least: 0 },
      embeddingDropout: { least: 0 },
      weightDrop: { least: 0 },
      ar: { least: 0 },
      tar: { least: 0 },
      ntAsgd: { least: 0 },
      all: { least: 0 },
      gain: { least: 0.1 },
    },
  },
  // Weston et al. (2015), an LSTM on 1,000 questions of each task: 50, 20, 20, 61 and 70 %.
  babi: {
    example: 'answers',
    runs: ['1'],
    goals: {
      task1: { least: 0.5 },
      task2: { least: 0.2 },
      task3: { least: 0.2 },
      task4: { least: 0.61 },
      task5: { least: 0.7 },
      attention1: { least: 0.95 },
    },
  },
  spans: {
    goals: { exactMatch: { least: 0.94 }, f1: { least: 0.97 }, story1: { least: 0.95 }, story2: { least: 0.3 } },
  },
  // The AUC of an attack by the loss, 0.5 of a model that tells nothing, and the accuracy on names that were held out.
  'membership-leak': {
    goals: {
      neither: { least: 0.56 },
      dropout: { most: 0.57 },
      decay: { most: 0.55 },
      both: { most: 0.54 },
      neitherAccuracy: { least: 0.66 },
      dropoutAccuracy: { least: 0.66 },
      decayAccuracy: { least: 0.64 },
      bothAccuracy: { least: 0.62 },
    },
  },
  // Hochreiter and Schmidhuber (1997) solved it within 74,000 sequences.
  'adding-problem': { example: 'long-memory', goals: { solved: { least: 1 }, sequences: { most: 74_000 } } },
  'temporal-order': {
    example: 'long-memory',
    flags: ['--problem=order'],
    goals: { solved: { least: 1 }, sequences: { most: 31_390 } },
  },
  'copy-task': {
    example: 'long-memory',
    flags: ['--problem=copy', '--hidden=128', '--rate=2e-3', '--epochs=170'],
    goals: { accuracy: { least: 0.99 } },
  },
  // Persistence comes to 0.0343 on ETTh1; `ahead` is the part of its squared error that the model does without.
  ett: { example: 'forecast', flags: ['--set=ett'], goals: { scaledMse: { most: 0.034 }, ahead: { least: 0 } } },
  'beijing-pm25': {
    example: 'forecast',
    flags: ['--set=beijing-pm25'],
    goals: { rmse: { most: 23.54 }, ahead: { least: 0 } },
  },
  'airline-passengers': {
    example: 'forecast',
    flags: ['--set=airline-passengers'],
    goals: { rmse: { most: 47 }, ahead: { least: 0 } },
  },
  // The ROC-AUC of the true probability is 0.81 to 0.83: how far behind that, and how far ahead of the regression.
  'purchase-intent': { goals: { auroc: { least: 0.79 }, behind: { most: 0.01 }, ahead: { least: 0.01 } } },
};

/** What a run came to. */
interface Run {
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

function run(name: string, flags: readonly string[]): Run {
  const started = performance.now();
  const script = join(root, 'dist', 'examples', `${name}.js`);
  const { status, stdout } = spawnSync(process.execPath, [script, ...flags], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`examples/${name}.ts ended with ${String(status)}`);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { figures: JSON.parse(last) as Run['figures'], seconds: (performance.now() - started) / 1000 };
}

function main(): boolean {
  const { name, runs: given, data, flags } = readArguments(process.argv.slice(2));
  const study = studies[name];
  if (study === undefined)
    throw new Error(
      `got '${name}', expected one of: ${Object.keys(studies).join(', ')}.\n` +
        `  Fix: npm run results -- ${Object.keys(studies)[0] ?? ''}`,
    );
  const { goals, example = name, flags: told = [], over = 'seed' } = study;
  const each = given ?? study.runs ?? ['1', '2', '3'];
  const runs = each.map((value) => run(example, [`--${over}=${value}`, ...told, ...data, ...flags]));
  const seconds = median(runs.map((one) => one.seconds));
  const processor = cpus()[0]?.model ?? 'unknown';
  const figures = Object.entries(goals).map(([figure, goal]) => {
    const reached = runs.map(({ figures: all }) => all[figure] ?? Number.NaN);
    return { figure, goal, reached, middle: median(reached) };
  });
  const rows = figures.map(({ figure, goal, reached }) =>
    resultRow({ name: [name, ...flags].join(' '), figure, goal, runs: each, reached, seconds, processor }),
  );
  console.log(rows.join('\n'));
  writeFileSync(page, withRows(readFileSync(page, 'utf8'), rows));
  return figures.every(({ goal, middle }) => ('least' in goal ? middle >= goal.least : middle <= goal.most));
}

try {
  process.exitCode = main() ? 0 : 1;
} catch (error) {
  console.error(`results: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
