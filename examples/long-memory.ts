// What must be remembered over a hundred steps: the problems that LSTM was made for. An epoch is 2,000 fresh sequences;
// a problem is solved when all of one were right.
// `node dist/examples/long-memory.js --problem order --gradients` draws how the gradient goes back through the steps;
// `--problem copy --hidden 128 --rate 2e-3 --epochs 60` takes a few minutes.
import { Accuracy, Adam, CrossEntropyLoss, DataLoader, HostMetric, IterableDataset, LSTM, LastStep } from 'stmnet';
import { GradientReport, Linear, MSELoss, Sequential, Trainer, init, manualSeed, type HostNumbers } from 'stmnet';
import { addingProblem, copyTask, temporalOrder } from 'stmnet/datasets';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    problem: { type: 'string', default: 'adding' },
    seed: { type: 'string', default: '1' },
    hidden: { type: 'string', default: '64' },
    rate: { type: 'string', default: '5e-3' },
    epochs: { type: 'string', default: '37' },
    gradients: { type: 'boolean', default: false },
  },
});

/** How many sums are near enough. */
class Near extends HostMetric<number[]> {
  readonly name = 'accuracy';
  protected count({ data }: HostNumbers, target: HostNumbers): number[] {
    return Array.from(data, (sum, row) => Number(Math.abs(sum - (target.data[row] ?? 0)) < 0.04));
  }
  protected result(parts: readonly number[][]): number {
    return parts.flat().reduce((sum, near) => sum + near, 0) / parts.flat().length;
  }
}

const [steps, sequences, hiddenSize] = [100, 2000, Number(flags.hidden)];
const [mse, nats] = [new MSELoss(), new CrossEntropyLoss()];
const problems = {
  adding: { draw: addingProblem, features: 2, last: [new LastStep()], outputs: 1, loss: mse, right: new Near() },
  order: { draw: temporalOrder, features: 8, last: [new LastStep()], outputs: 4, loss: nats, right: new Accuracy() },
  copy: { draw: copyTask, features: 10, last: [], outputs: 10, loss: nats, right: new Accuracy() },
};

async function main(): Promise<void> {
  if (!Object.hasOwn(problems, flags.problem)) throw new Error(`expected --problem ${Object.keys(problems).join('|')}`);
  manualSeed(Number(flags.seed));
  const { draw, features, last, outputs, loss, right } = problems[flags.problem as keyof typeof problems];
  const lstm = init.setChronoBias(new LSTM({ inputSize: features, hiddenSize }), { maxSteps: steps });
  const model = new Sequential(lstm, ...last, new Linear({ inFeatures: hiddenSize, outFeatures: outputs }));
  const optimizer = new Adam(model.parameters(), { learningRate: Number(flags.rate) });
  const trainer = new Trainer({ model, loss, optimizer, metrics: [right], clipGradNorm: 1 });
  const data = new IterableDataset<object>((_, { seed }) => draw({ sequences, steps, seed }), { length: sequences });
  const { epochs } = await trainer.fit(new DataLoader(data, { batchSize: 8 }), {
    epochs: Number(flags.epochs),
    callbacks: [
      { onEpochEnd: ({ train }, run) => (train['accuracy'] === 1 ? run.stop() : undefined) },
      ...(flags.gradients ? [new GradientReport({ print: true })] : []),
    ],
  });
  const accuracy = epochs.at(-1)?.train['accuracy'];
  console.log(JSON.stringify({ solved: Number(accuracy === 1), accuracy, sequences: epochs.length * sequences }));
}

void main();
