import { LSTM, add, noGrad, scope, synchronize, tensor, zeros } from 'stmnet';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { quantile } from './statistics';

/** Nanoseconds that calls are to take less than. */
const limits: Readonly<Record<string, number>> = {
  'add in scope(): check, shape, command': 1000,
  'add in scope(), recorded for backward': 1700,
  'LSTM.forward in scope(), not recorded': 8000,
};

/** What one op call costs the JavaScript thread, without the op's own work. */
export const opCall: Benchmark = {
  summary: 'nanoseconds that one op call takes on the JavaScript thread',
  options: {
    calls: { type: 'string', default: '20000', description: 'calls of a round' },
    rounds: { type: 'string', default: '9', description: 'rounds, the fastest of which counts' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [calls, rounds] = [wholeNumber(values, 'calls', 100), wholeNumber(values, 'rounds')];
  const x = tensor([1]);
  const parameter = tensor([1], { requiresGrad: true });
  const layer = new LSTM({ inputSize: 4, hiddenSize: 4 });
  const input = zeros([1, 1, 4]);
  const plainly = (call: () => unknown) => (): void => {
    for (let i = 0; i < calls; ++i) call();
  };
  const inScopes = (call: () => unknown) => (): void => {
    for (let i = 0; i < calls / 100; ++i) {
      scope(() => {
        for (let k = 0; k < 100; ++k) call();
      });
    }
  };
  const cases: [string, () => void][] = [
    ['dtype: into C++ and back', plainly(() => x.dtype)],
    ['detach in scope(): a view, no command', inScopes(() => x.detach())],
    ['detach left to the garbage collector', plainly(() => x.detach())],
    ['add in scope(): check, shape, command', inScopes(() => add(x, x))],
    ['add in scope(), recorded for backward', inScopes(() => add(parameter, x))],
    ['add left to the garbage collector, recorded', plainly(() => add(parameter, x))],
    ['LSTM.forward in scope(), not recorded', inScopes(() => noGrad(() => layer.forward(input)))],
    ['LSTM.forward in scope(), recorded', inScopes(() => layer.forward(input))],
  ];
  const results: Record<string, number> = {};
  for (const [name, run] of cases) results[name] = await fastest(run, rounds, calls);
  return {
    tables: [
      {
        title: '',
        header: ['call', 'ns'],
        rows: Object.entries(results).map(([name, ns]) => [name, ns.toFixed(0)]),
        note: '',
      },
    ],
    figures: results,
    goals: Object.entries(limits).map(([call, limit]) => ({
      text: `${call}: below ${limit} ns`,
      got: `${(results[call] ?? Number.NaN).toFixed(0)} ns`,
      held: (results[call] ?? Number.NaN) < limit,
    })),
  };
}

/** Nanoseconds of a call in the fastest round; between rounds the queue is emptied and garbage collected. */
async function fastest(run: () => void, rounds: number, calls: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; ++round) {
    const start = process.hrtime.bigint();
    run();
    times.push(Number(process.hrtime.bigint() - start) / calls);
    globalThis.gc?.();
    await synchronize();
  }
  return quantile(times, 0);
}
