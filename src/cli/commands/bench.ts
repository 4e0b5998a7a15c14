import { Command } from 'commander';
import { LSTM } from '../../layers/lstm';
import { devices, synchronize } from '../../tensor/device';
import { manualSeed } from '../../tensor/generator';
import { noGrad } from '../../tensor/grad-mode';
import { randn } from '../../tensor/ops/random';
import { sum } from '../../tensor/ops/reduce';
import { scope } from '../../tensor/scope';
import { parseValue } from '../descriptor-options';
import { addCommonOptions, addExamples, print, remark, tableText, type CommonOptions } from '../output';

/** Options of `stmnet bench`. */
interface BenchOptions extends CommonOptions {
  readonly device: string;
  readonly seconds: number;
}

/** Sizes of the layers: batch, steps, features, width of the state. */
const SIZES = [
  { batch: 1, steps: 100, hidden: 128 },
  { batch: 32, steps: 100, hidden: 128 },
  { batch: 32, steps: 100, hidden: 256 },
  { batch: 64, steps: 128, hidden: 512 },
] as const;

/** The command `stmnet bench`. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Measures how fast an LSTM layer is here: forward alone, and forward with backward, in f32.')
    .option('--device <name>', 'where to compute', 'cpu')
    .option('--seconds <x>', 'how long to measure each figure', (text) => Number(parseValue('number', text)), 0.5);
  addCommonOptions(command).action(bench);
  return addExamples(command, ['stmnet bench', 'stmnet bench --device cuda', 'stmnet bench --seconds 2 --json']);
}

async function bench({ device, seconds, ...common }: BenchOptions): Promise<void> {
  const about = devices().find(({ name }) => name === device);
  remark(common, [about?.model ?? device, about?.description].filter(Boolean).join(', '));
  manualSeed(1);
  const rows = [];
  for (const { batch, steps, hidden } of SIZES) {
    const model = new LSTM({ inputSize: hidden, hiddenSize: hidden }).to(device);
    const input = randn([batch, steps, hidden], { device });
    const forward = await median(device, seconds, () => noGrad(() => scope(() => void model.forward(input))));
    const training = await median(device, seconds, () =>
      scope(() => {
        sum(model.forward(input).output).backward();
        for (const parameter of model.parameters()) parameter.grad = undefined;
      }),
    );
    // Two products of 4 H × H for each step of each row, and twice as many backwards.
    const operations = 2 * 2 * 4 * hidden * hidden * steps * batch;
    rows.push({ batch, steps, hidden, forwardMs: forward, trainingMs: training, gflops: operations / forward / 1e6 });
    input.dispose();
  }
  if (common.json === true) return print(`${JSON.stringify({ device, layers: rows })}\n`);
  const heads = ['batch', 'steps', 'hidden', 'forward ms', 'with backward ms', 'GFLOP/s'];
  await print(tableText(heads, rows.map(cellsOf)));
}

const cellsOf = (row: Readonly<Record<string, number>>): string[] =>
  Object.values(row).map((value) => (Number.isInteger(value) ? String(value) : value.toFixed(2)));

/** Milliseconds of a call, the median of those that fit into the time, three at least. */
async function median(device: string, seconds: number, call: () => void): Promise<number> {
  call();
  await synchronize(device);
  const times: number[] = [];
  for (const end = performance.now() + 1000 * seconds; times.length < 3 || performance.now() < end;) {
    const begin = performance.now();
    call();
    await synchronize(device);
    times.push(performance.now() - begin);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
