// npm run bench -- NAME [options]: one benchmark; without a name, what there is. They print what they measured; those
// with a limit that must hold exit with 1 when it does not.
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark';
import { cellVariants } from './cells';
import { dataSpeed } from './data';
import { eventLoop } from './event-loop';
import { gpuSpeed } from './gpu';
import { importTime } from './import';
import { memoryGrowth } from './memory';
import { opCall } from './op-call';
import { recurrentSpeed } from './recurrent';
import { seq2SeqStep } from './seq2seq-step';
import { serving } from './serve';
import { streaming } from './streaming';
import { textSpeed } from './text';

const benchmarks: ReadonlyMap<string, Benchmark> = new Map([
  ['recurrent', recurrentSpeed],
  ['cells', cellVariants],
  ['seq2seq-step', seq2SeqStep],
  ['gpu', gpuSpeed],
  ['data', dataSpeed],
  ['text', textSpeed],
  ['event-loop', eventLoop],
  ['memory', memoryGrowth],
  ['import', importTime],
  ['op-call', opCall],
  ['streaming', streaming],
  ['serve', serving],
]);

function usage(): string {
  const lines = [...benchmarks].flatMap(([name, { summary, options }]) => [
    `  ${name.padEnd(14)}${summary}`,
    ...Object.entries(options).map(
      ([option, { default: value, description }]) =>
        `      --${option.padEnd(12)}${description}; ${value === '' ? 'none' : value} if left out`,
    ),
  ]);
  return `npm run bench -- NAME [options]\n${lines.join('\n')}`;
}

async function main([name, ...rest]: readonly string[]): Promise<boolean> {
  if (name === undefined) {
    console.log(usage());
    return true;
  }
  const benchmark = benchmarks.get(name);
  if (benchmark === undefined) {
    throw new Error(
      `got the benchmark '${name}', expected one of: ${[...benchmarks.keys()].join(', ')}.\n` +
        `  Fix: npm run bench -- ${[...benchmarks.keys()][0]}`,
    );
  }
  const { values } = parseArgs({ args: rest, options: benchmark.options, allowPositionals: false });
  return benchmark.run(Object.fromEntries(Object.entries(values).map(([option, value]) => [option, String(value)])));
}

main(process.argv.slice(2)).then(
  (fine) => {
    process.exitCode = fine ? 0 : 1;
  },
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
