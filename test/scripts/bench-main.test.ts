import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchReport } from '../../scripts/bench/report';
import { root } from '../../scripts/toolchain.mjs';
import { scratchFolder } from '../support/scratch';

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the benchmarks without any peer. */
const bench = (...args: string[]): Ran => benchBeside(join(root, 'no-python'), ...args);

/** Runs them with another Python. */
function benchBeside(python: string, ...args: string[]): Ran {
  const program = join(root, 'build', 'js', 'scripts', 'bench', 'main.js');
  return spawnSync(process.execPath, ['--expose-gc', program, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, STMNET_PYTHON: python },
  });
}

const quick = ['--rounds', '1', '--burst', '1', '--threads', '1'];
const alone = [...quick, '--peer', join(root, 'no-peers')];

/** What stays of what was not held without the one that a busy machine decides. */
const withoutLag = (stderr: string): string => stderr.replace(/^not held: a timer is .*\n/m, '');

const folder = scratchFolder('bench');

describe('npm run bench', () => {
  it('lists benchmarks and common options, and the options of one', () => {
    const { status, stdout } = bench();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}recurrent +a train step and inference/m);
    expect(stdout).toMatch(/^ {6}--rounds +bursts of each side; 7 if left out$/m);
    expect(bench('--help')).toMatchObject({ status: 0, stdout, stderr: '' });
    const one = bench('startup', '--help');
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(one.stdout).toMatch(/^npm run bench -- startup \[options\]\n {2}milliseconds of require/);
    expect(one.stdout).toMatch(/^ {6}--rounds +processes of each side; 15 if left out$/m);
  });

  it('names what there is where it is asked for something else', () => {
    const { status, stderr } = bench('recurent');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^bench: got the benchmark 'recurent', expected one of: recurrent, /);
    expect(stderr).toMatch(/^ {2}Fix: npm run bench -- recurrent, if that is meant$/m);
    const rows = bench('recurrent', '--rows', 'lstm train S9');
    expect(rows.status).toBe(1);
    expect(rows.stderr).toMatch(/^bench: --rows: got 'lstm train S9', expected parts of: lstm train S1, /);
  });

  it.each([
    [['startup', '--json', join(folder, 'nix', 'x.json')], /^bench: --json: got '.*x\.json', expected .* ENOENT/],
    [['startup', '--json', folder], /^bench: --json: got '.*', expected a file that can be written: EISDIR/],
    [['startup', 'op-call', '--json', folder], /^bench: --json: got /],
    [['--all', '--package', join(root, 'README.md')], /^bench: --package: got '.*README\.md', which is no tarball/],
    [['op-call', '--package', join(folder, 'none.tgz')], /^bench: --package: got '.*none\.tgz', which is not there/],
    [['--tables', join(folder, 'none.json')], /^bench: got '.*none\.json', expected a file .*: ENOENT/],
    [['--tables', join(root, 'README.md')], /^bench: got '.*README\.md', expected a file .*: Unexpected token/],
    [['--plots', join(root, 'package.json')], /^bench: got '.*', expected a file .*: it has no suites or machine/],
    [['--tables'], /^bench: got --tables without a value/],
  ])('says before it measures what is wrong with %j', (args, said) => {
    const { status, stdout, stderr } = bench(...args);
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/^ {2}Fix: .+$/m);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  it('leaves a file for figures as it is until it has them', () => {
    const [old, fresh] = [join(folder, 'old.json'), join(folder, 'fresh.json')];
    writeFileSync(old, 'old');
    for (const file of [old, fresh]) expect(bench('op-call', '--rounds', '0', '--json', file).status).toBe(1);
    expect(readFileSync(old, 'utf8')).toBe('old');
    expect(existsSync(fresh)).toBe(false);
  });

  it('measures without peers, writes figures, and makes Markdown of them', () => {
    const file = join(folder, 'figures.json');
    const { status, stdout, stderr } = bench('recurrent', ...alone, '--rows', 'lstm read S8', '--json', file);
    expect(withoutLag(stderr)).toBe('');
    expect(status).not.toBeNull();
    expect(stdout).toMatch(/^no PyTorch \(.*no-python: spawn .* ENOENT\): npm run bench:peers$/m);
    expect(stdout).toMatch(/^no onnxruntime-node \(/m);
    const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
    expect(report.suites['recurrent']?.options).toMatchObject({ rounds: '1', rows: 'lstm read S8', threads: '1' });
    expect(report.suites['recurrent']?.figures).toMatchObject({ threads: 1, rows: [{ row: 'lstm read S8' }] });
    expect(report.versions).toMatchObject({ node: process.version, stmnet: '0.1.0' });
    const tables = bench('--tables', file);
    expect(tables.stdout).toMatch(/^### recurrent$/m);
    expect(tables.stdout).toMatch(/^\| lstm read S8/m);
  });

  it('names the versions of all that starts', () => {
    const [python, file] = [join(folder, 'python'), join(folder, 'startup.json')];
    const told = JSON.stringify({ load: 1, result: 2, versions: { torch: '9.8.7' } });
    writeFileSync(python, `#!/bin/sh\necho '${told}'\n`, { mode: 0o755 });
    expect(benchBeside(python, 'startup', '--rounds', '1', '--json', file).stdout).toMatch(/^PyTorch: loaded +1\.0 /m);
    expect(bench('--tables', file).stdout).toMatch(/; node v[^;]*, stmnet 0\.1\.0, torch 9\.8\.7\.$/m);
    const { suites } = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
    expect(suites['startup']?.figures).toMatchObject({ PyTorch: [{ load: 1, result: 2 }] });
  });

  it.each(['recurrent', 'lm-step', 'classifier-step'])('says that Keras is not there for %s', (name) => {
    const rows = { recurrent: ['--rows', 'gru computed S7'], 'lm-step': ['--rows', 'PTB-small'] }[name] ?? [];
    const small = name === 'recurrent' ? [] : ['--vocabulary', '30'];
    const { stdout } = bench(name, ...alone, ...rows, ...small);
    expect(stdout).toMatch(/^no Keras \(JAX\) \(.*no-python: spawn .* ENOENT\): npm run bench:peers$/m);
    expect(stdout).not.toMatch(/^Keras/m);
  });

  it.each([
    ['cells', '--rows', 'zoneout', '--batch', '2', '--steps', '3', '--features', '4', '--hidden', '5'],
    ['lm-step', '--rows', 'PTB-small', '--vocabulary', '30', '--layers', '1'],
    ['classifier-step', '--batch', '2', '--vocabulary', '30', '--hidden', '4'],
    ['seq2seq-step', '--batch', '2', '--tokens', '20', '--embedding', '4', '--hidden', '4', '--layers', '1'],
    ['elementwise', '--rows', '10k', '--ops', 'tanh,softmax'],
    ['streaming', '--size', '8', '--pauses', '0'],
    ['quantized', '--sizes', '8,12'],
    ['scaling', '--rows', 'batch 1,steps 1', '--axes', 'batch,vocabulary'],
  ])('measures %s', (name, ...args) => {
    const { status, stdout, stderr } = bench(name, ...alone, ...args);
    expect(withoutLag(stderr)).toBe('');
    expect(status).not.toBeNull();
    expect(stdout).not.toMatch(/NaN|failed/);
    expect(stdout).toMatch(/^stmnet: .* 1 threads$/m);
  });

  it('runs several, says which did not hold, and goes on behind one that fails', () => {
    const file = join(folder, 'all.json');
    const { status, stdout } = bench('streaming', 'cells', '--threads', 'none', '--json', file);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^streaming: it ended with exit code 1$/m);
    expect(stdout).toMatch(/^cells: it ended with exit code 1$/m);
    expect(Object.keys((JSON.parse(readFileSync(file, 'utf8')) as BenchReport).failed)).toEqual(['streaming', 'cells']);
  });
});
