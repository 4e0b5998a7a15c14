import { execFileSync } from 'node:child_process';
import { wholeNumber, type Benchmark, type BenchmarkValues } from './benchmark';
import { median, quantile } from './statistics';
import { unpackPackage } from './tarball';

const limitMs = 100;

/** How long it takes to load the package in a fresh process. */
export const importTime: Benchmark = {
  summary: `milliseconds of require('stmnet') in a fresh process; the median must be below ${limitMs}`,
  options: {
    runs: { type: 'string', default: '15', description: 'processes' },
    package: { type: 'string', default: '', description: 'the tarball of a package, in place of the tree' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<boolean> {
  const runs = wholeNumber(values, 'runs');
  const tarball = values['package'] ?? '';
  const file = tarball === '' ? require.resolve('stmnet') : unpackPackage(tarball);
  const script = `
    const start = performance.now();
    require(${JSON.stringify(file)});
    const ms = performance.now() - start; // before stdout, which takes some milliseconds at its first use
    process.stdout.write(String(ms));`;
  const load = (): number => Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }));
  load(); // reads the files into the disk cache
  const times = Array.from({ length: runs }, load);
  const ms = median(times);
  console.log(
    `require('stmnet'): median ${ms.toFixed(1)} ms, fastest ${quantile(times, 0).toFixed(1)}, ` +
      `slowest ${quantile(times, 1).toFixed(1)} ms of ${runs} processes`,
  );
  console.log(JSON.stringify({ ms, times, limitMs }));
  if (ms < limitMs) return true;
  console.error(`import: got ${ms.toFixed(1)} ms, expected less than ${limitMs} ms.`);
  return false;
}
