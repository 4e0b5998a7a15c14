import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dayColumns, interrupted, stmnet, writeDays } from '../../support/cli';
import { chartsIn, pageText } from '../../support/run-folder';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('cli-tune', (made) => (folder = made));

const argsOf = (output: string): string[] => {
  const fixed = ['--hidden-size', '4', '--embedding-dim', '8', '--batch-size', '8', '--epochs', '3', '--trials', '4'];
  return ['tune', 'classify', '--data', writeDays(folder), ...dayColumns, ...fixed, '--output', output];
};
const resultsOf = (output: string): { trial: number; epochs: number; value: number; loss: number }[] =>
  (JSON.parse(readFileSync(join(output, 'tune.json'), 'utf8')) as { results: [] }).results;

test('searches by halving, writes the best as a configuration that train takes, and draws a page', () => {
  const output = join(folder, 'search');
  const { code, stdout, stderr } = stmnet(argsOf(output));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/round 1 of 2: 4 trials of 1 epoch\n {2}trial 1: accuracy \S+ {2}the defaults/);
  expect(stderr).toContain('round 2 of 2: 2 trials of 3 epochs\n');
  expect(stderr).toMatch(/ trial 2: accuracy \d\.\d{4} {2}--learning-rate [\d.]+ --cell \w+ .*--dropout [\d.]+ {2}/);
  const results = resultsOf(output);
  expect(results.map(({ epochs }) => epochs)).toEqual([1, 1, 1, 1, 3, 3]);
  const best = results.slice(4).toSorted((a, b) => b.value - a.value || a.loss - b.loss)[0]?.trial;
  expect(stdout).toMatch(new RegExp(`^trial +accuracy +time +settings\n${best} `));
  const config = JSON.parse(readFileSync(join(output, 'best.json'), 'utf8')) as { options: object };
  expect(config).toMatchObject({
    task: 'classify',
    options: { hiddenSize: 4, embeddingDim: 8 },
    training: { epochs: 3 },
  });
  const charts = chartsIn(pageText(join(output, 'tune.html')));
  const all = charts.get('All trials');
  const lines = all?.kind === 'parallel' ? all.lines : [];
  expect(lines.find(({ name }) => name === 'Trial 1')?.values).toEqual([0.003, 'lstm', 0.5, expect.any(Number)]);
  expect(readdirSync(join(output, 'trials', '001-1'))).not.toContain('checkpoints');
  const run = join(folder, 'run');
  const train = ['train', 'classify', '--data', join(folder, 'days.tsv'), ...dayColumns, '--output', run, '--quiet'];
  expect(stmnet([...train, '--config', join(output, 'best.json')])).toMatchObject({ code: 0, stderr: '' });
});

test.each([
  ['config.json', 'a training'],
  ['compare.json', 'a comparison'],
])('a folder with %s is left as it is', (file, what) => {
  const output = join(folder, 'other');
  mkdirSync(output);
  writeFileSync(join(output, file), '{}');
  const { code, stderr } = stmnet(argsOf(output));
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `stmnet: ${output} holds ${what} already. Fix: name another folder as --output.\n`,
  });
  expect(readdirSync(output)).toEqual([file]);
});

test('goes on after a stop as if there had been none, and refuses another search in its folder', async () => {
  const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
  expect(stmnet(argsOf(whole)).code).toBe(0);
  const { code, stderr } = await interrupted(argsOf(parts), 'trial 2:');
  expect(code).toBe(130);
  expect(stderr).toContain('\nstops after the running step; Ctrl-C again stops at once\nstmnet: interrupted; ');
  expect(stderr).not.toContain('Trainer.fit');
  const kept = /interrupted; (\d) trainings are kept in .*\. To go on: the same command/.exec(stderr)?.[1];
  expect([2, 3]).toContain(Number(kept)); // the signal may come while the third is measured
  expect(resultsOf(parts)).toHaveLength(Number(kept));
  expect(existsSync(join(parts, 'best.json'))).toBe(false);
  expect(stmnet(argsOf(parts)).code).toBe(0);
  const figures = (output: string): unknown =>
    resultsOf(output).map(({ trial, epochs, loss }) => ({ trial, epochs, loss }));
  expect(figures(parts)).toEqual(figures(whole));
  const mixed = stmnet(['train', 'classify', '--data', 'days.tsv', '--output', parts]);
  expect(mixed).toMatchObject({ code: 1, stderr: expect.stringContaining(`${parts} holds a search already. Fix:`) });
  const other = stmnet([...argsOf(parts), '--seed', '9']);
  expect(other).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'tune.json is of a search that began with --seed 1, not --seed 9. ' +
        'Fix: give the same, or name another folder as --output.\n',
    ),
  });
});

/** Epochs and state of each trial, as the page has them. */
const statesIn = (output: string): Readonly<Record<string, string>> => {
  const rows = pageText(join(output, 'tune.html')).matchAll(/<th scope="row"[^>]*>(\d+)<\/th>(.*?)<\/tr>/g);
  const cells = (row: string): string[] => [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell = '']) => cell);
  return Object.fromEntries(
    Array.from(rows, ([, trial, row = '']) => [trial, `${cells(row).at(-3)} ${cells(row).at(-1)}`]),
  );
};

test('more trials train what as many had trained at once, and keep what is done; fewer are refused', () => {
  const [whole, grown] = [join(folder, 'whole'), join(folder, 'grown')];
  const six = ['--trials', '6'];
  expect(stmnet([...argsOf(whole), ...six]).code).toBe(0);
  expect(stmnet([...argsOf(grown), '--trials', '2']).code).toBe(0);
  expect(statesIn(grown)).toEqual({ 1: '3 finished', 2: '3 finished' });
  const more = stmnet([...argsOf(grown), ...six]);
  expect(more.code).toBe(0);
  expect(more.stderr).not.toMatch(/trial 1: .*trial 1: /s);
  const figures = (output: string): string[] =>
    resultsOf(output).map(({ trial, epochs, loss }) => JSON.stringify({ trial, epochs, loss }));
  expect(figures(grown)).toEqual(expect.arrayContaining(figures(whole)));
  // The page has the trials as far as they went, those of the smaller search too, and the best of best.json.
  const last = resultsOf(grown).filter(({ epochs }) => epochs === 3);
  const states = Object.entries(statesIn(grown));
  expect(states).toHaveLength(6);
  expect(states.filter(([, state]) => state === '3 finished').map(([trial]) => Number(trial))).toEqual(
    last.map(({ trial }) => trial).toSorted((a, b) => a - b),
  );
  const best = last.toSorted((a, b) => b.value - a.value || a.loss - b.loss)[0]?.trial;
  expect(more.stdout).toMatch(new RegExp(`settings\n${best} `));
  expect(pageText(join(grown, 'tune.html'))).toContain(`<dd class="note">trial ${best}</dd>`);
  expect(stmnet(argsOf(grown))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('began with --trials 6, of which there can be more, but not fewer'),
  });
});

test('a search begins with a configuration, draws all but what was typed, and belongs to its data', () => {
  const [output, file] = [join(folder, 'configured'), join(folder, 'given.json')];
  const configure = (training: object): void => writeFileSync(file, JSON.stringify({ training }));
  const args = [...argsOf(output), '--epochs', '1', '--trials', '2', '--config', file];
  configure({ learningRate: 0.02, weightDecay: 0.1 });
  const { code, stderr } = stmnet(args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain(`looks for --learning-rate, --cell, --dropout; trial 1 has those of ${file}\n`);
  expect(stderr).toMatch(/trial 2: .*--learning-rate \S+ --cell \w+ --dropout/);
  const { training } = JSON.parse(readFileSync(join(output, 'trials', '001-1', 'config.json'), 'utf8')) as {
    training: object;
  };
  expect(training).toMatchObject({ learningRate: 0.02, weightDecay: 0.1 });
  const best = JSON.parse(readFileSync(join(output, 'best.json'), 'utf8')) as object;
  expect(best).toMatchObject({
    training: { weightDecay: 0.1 },
    source: { data: join(folder, 'days.tsv'), settings: { header: false } },
  });
  const refused = (differ: string): object => ({ code: 1, stderr: expect.stringContaining(differ) as string });
  expect(stmnet([...args, '--validation-split', '0.2'])).toMatchObject(refused('not --validation-split 0.2.'));
  const test = join(folder, 'days.tsv');
  expect(stmnet([...args, '--test', test])).toMatchObject(refused(`began with (no --test), not --test ${test}.`));
  expect(stmnet([...args, '--weight-decay', '0.1', '--cell', 'lstm'])).toMatchObject(
    refused('began with (no --cell), not --cell lstm.'),
  );
  appendFileSync(test, 'bad\tone more cold day\n');
  expect(stmnet(args)).toMatchObject(refused(`is of a search that began with other examples of train`));
  writeDays(folder);
  configure({ learningRate: 0.02, weightDecay: 0.2 });
  expect(stmnet(args)).toMatchObject(refused('began with --weight-decay 0.1, not --weight-decay 0.2.'));
});

test('a trial of a figure NaN is behind the others, and is none that failed', () => {
  const output = join(folder, 'odd');
  const [args, file] = [[...argsOf(output), '--epochs', '1', '--trials', '3'], join(output, 'tune.json')];
  expect(stmnet(args).code).toBe(0);
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { results: object[] };
  const valued = (values: (number | null)[]): string => {
    const results = kept.results.map((result, at) => ({ ...result, value: values[at], loss: at }));
    writeFileSync(file, JSON.stringify({ ...kept, results }));
    const { code, stdout, stderr } = stmnet(args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return [...stdout.matchAll(/^\d(?= )/gm)].join('');
  };
  expect(valued([0.25, null, 0.75])).toBe('312');
  expect(valued([null, 0, null])).toBe('213');
  expect(valued([null, null, null])).toBe('123'); // by their losses
  writeFileSync(file, JSON.stringify({ ...kept, results: [{ trial: 1 }] }));
  expect(stmnet(args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${file} is damaged: results[0].epochs is undefined, expected a number. Fix:`),
  });
});

test('a search with nothing left to look for is refused', () => {
  const all = ['--learning-rate', '0.01', '--cell', 'gru', '--dropout', '0'];
  const { code, stderr } = stmnet([...argsOf(join(folder, 'none')), ...all]);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'stmnet: got all of --learning-rate, --cell, --hidden-size, --embedding-dim, --dropout, which leaves nothing',
    ),
  });
});

test('a trial that its settings did not make fail is tried again', () => {
  const output = join(folder, 'disk');
  const args = [...argsOf(output), '--epochs', '1', '--trials', '1'];
  mkdirSync(output);
  writeFileSync(join(output, 'trials'), ''); // where the folders of the trials are to be
  const { code, stderr } = stmnet(args);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/of which the system says E/) });
  expect(resultsOf(output)).toEqual([]);
  rmSync(join(output, 'trials'));
  expect(stmnet(args).code).toBe(0);
});

test('the help has flags, and says how many epochs the last round has', () => {
  const text = stmnet(['tune', 'classify', '--help']).stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain('better settings of --learning-rate, --cell, --hidden-size, --embedding-dim, --dropout;');
  expect(text).toContain('how often to go through the examples (default: 9, those of the last round)');
});
