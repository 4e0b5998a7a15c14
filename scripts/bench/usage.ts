import { always, type Benchmarks } from './arguments';
import type { BenchmarkOptions } from './benchmark';
import { turnOptions } from './turns/sides';

/** What `npm run bench` takes; with names, what these benchmarks take. */
export function usageText(names: readonly string[], benchmarks: Benchmarks): string {
  return names.length === 0 ? usageOfAll(benchmarks) : names.map((name) => usageOf(name, benchmarks)).join('\n\n');
}

function usageOf(name: string, benchmarks: Benchmarks): string {
  const { summary = '', options = {} } = benchmarks.get(name) ?? {};
  return [`npm run bench -- ${name} [options]`, `  ${summary}`, ...shown({ ...always, ...options })].join('\n');
}

function usageOfAll(benchmarks: Benchmarks): string {
  return [
    'npm run bench -- NAME… [options]       measures, several in processes of their own',
    'npm run bench -- NAME --help           the options of NAME',
    'npm run bench -- --all [options]       all but gpu; an option goes to those that have it',
    'npm run bench -- --tables FILE [PAGE]  what --json wrote, as Markdown for a page, docs/performance.md if left out',
    "npm run bench -- --plots FILE [PAGE]   what scaling measured, as SVG in the folder of the page's name",
    '  every NAME',
    ...shown(always),
    '  those that take turns with others',
    ...shown(turnOptions),
    '  NAME',
    ...[...benchmarks].map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`),
  ].join('\n');
}

const shown = (options: BenchmarkOptions): string[] =>
  Object.entries(options).map(
    ([option, { default: value, description }]) =>
      `      --${option.padEnd(14)}${description}; ${value === '' ? 'none' : value} if left out`,
  );
