import { expect, test, vi } from 'vitest';
import {
  CrossEntropyLoss,
  DataLoader,
  GradientReport,
  GRU,
  History,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  MSELoss,
  pad,
  RNN,
  Sequential,
  SGD,
  tensor,
  Trainer,
  type Batch,
  type GradientRecord,
  type Module,
  type PaddedSequence,
  type TrainingRun,
  type TrainingStep,
} from 'stmnet';
import { differences } from '../../support/near';

const quiet = { epochs: 1, progress: false } as const;
const items = [5, 3, 4].map((length, row) => ({
  input: Array.from({ length }, (_, t) => [Math.sin(row + t), Math.cos(2 * t)]),
  target: row % 2,
}));

/** h_t = w · h_{t-1} + x_t, of which the last one is the output: the gradient at x_t is w to the power of T - t. */
function power(w: number): Sequential {
  const rnn = new RNN({ inputSize: 1, hiddenSize: 1, nonlinearity: 'relu', bias: false });
  rnn.loadStateDict({ weight_ih_l0: tensor([[1]]), weight_hh_l0: tensor([[w]]) });
  return new Sequential(rnn, new LastStep());
}

async function report(
  model: Module,
  batches: Batch[],
  options = {},
): Promise<{ found: GradientRecord; history: History }> {
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model: model as Sequential, loss: new MSELoss({ reduction: 'sum' }), optimizer });
  const history = await trainer.fit(batches, {
    ...quiet,
    callbacks: [new GradientReport({ print: false, ...options })],
  });
  const found = history.last?.gradients;
  if (found === undefined) throw new Error('expected gradients');
  return { found, history };
}

const ones = (steps: number, target: number): Batch => ({
  input: tensor([Array.from({ length: steps }, () => [1])]),
  target: tensor([[target]]),
});

test('norms along time are those of the gradients at the inputs, of real steps', async () => {
  manualSeed(4);
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 3 }),
    new GRU({ inputSize: 3, hiddenSize: 3, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Linear({ inFeatures: 6, outFeatures: 2 }),
  );
  const input = pad(items.map((item) => item.input));
  const values = tensor((await input.values.array()) as number[][][], { requiresGrad: true });
  const loss = new CrossEntropyLoss();
  const target = tensor(Int32Array.from(items, (item) => item.target));
  loss.forward(model.forward(input.map(() => values) as PaddedSequence) as never, target).backward();
  const gradient = (await values.grad?.array()) as number[][][];
  const expected = [0, 1, 2, 3, 4].map((t) => {
    const rows = items.map(({ input: steps }, row) => (steps.length > t ? (gradient[row]?.[t] ?? []) : undefined));
    const real = rows.filter((row) => row !== undefined);
    return Math.sqrt(real.flat().reduce((sum, x) => sum + x * x, 0) / real.length);
  });
  const norms = await Promise.all(
    [...model.namedParameters()].map(async ([name, { grad }]) => {
      const squares = Array.from((await grad?.data()) ?? []).map((x) => x * x);
      return [name, Math.sqrt(squares.reduce((sum, x) => sum + x, 0))] as const;
    }),
  );
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model, loss, optimizer });
  const callbacks = [new GradientReport({ print: false })];
  const loader = new DataLoader(items, { batchSize: 3 });
  const history = await trainer.fit(loader as never, { ...quiet, callbacks });
  const found = history.last?.gradients;
  expect(Object.keys(found?.steps ?? {})).toEqual(['0', '1']);
  expect(differences(found?.steps['0'] ?? [], expected, 1e-5)).toEqual([]);
  expect(Object.keys(found?.parameters ?? {})).toEqual(norms.map(([name]) => name));
  expect(
    differences(
      Object.values(found?.parameters ?? {}),
      norms.map(([, norm]) => norm),
      1e-5,
    ),
  ).toEqual([]);
  expect(found?.findings).toEqual([]);
});

test('a gradient that vanishes is named with layer and step', async () => {
  const { found, history } = await report(power(0.02), [ones(6, 0)]);
  const last = found.steps['0']?.[5] ?? 0;
  expect(
    differences(
      (found.steps['0'] ?? []).map((norm) => norm / last),
      [3.2e-9, 1.6e-7, 8e-6, 4e-4, 0.02, 1],
      1e-4,
    ),
  ).toEqual([]);
  expect(found.findings).toEqual([
    expect.stringMatching(
      /^the gradient in 0 vanishes: at step 2 of 6 it is 3\.\de-7, and at step 6 of 6 it is 2\.0$/u,
    ),
  ]);
  expect(History.fromJSON(JSON.stringify(history)).last?.gradients).toEqual(found);
});

test('a gradient that explodes is named with layer and step, and so is a parameter', async () => {
  const { found } = await report(power(10), [ones(6, 0)]);
  expect(found.findings).toEqual([
    expect.stringMatching(/^the gradient of 0\.weight_ih_l0 explodes: its norm is \d\.\de\+10$/u),
    expect.stringMatching(/^the gradient of 0\.weight_hh_l0 explodes: its norm is \d\.\de\+10$/u),
    expect.stringMatching(
      /^the gradient in 0 explodes: at step 1 of 6 it is 2\.2e\+10, and at step 6 of 6 it is 2\.2e\+5$/u,
    ),
  ]);
});

test('what is not finite is named where it begins', async () => {
  const batch = ones(4, 0);
  const model = power(1e30);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
  const callbacks = [new GradientReport({ print: false })];
  const history = await trainer.fit([batch], { ...quiet, callbacks, onNaN: 'ignore' });
  expect(history.last?.gradients?.findings.at(-1)).toMatch(/^the gradient in 0 is not finite: at step \d of 4 it is /u);
});

test('it changes nothing in the training, and is drawn where it is asked for', async () => {
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  try {
    const train = async (callbacks: GradientReport[]): Promise<number[]> => {
      manualSeed(9);
      const model = new Sequential(new LSTM({ inputSize: 2, hiddenSize: 3 }), new LastStep());
      const trainer = new Trainer({
        model,
        loss: new CrossEntropyLoss(),
        optimizer: new SGD(model.parameters(), { learningRate: 0.5 }),
      });
      await trainer.fit(new DataLoader(items, { batchSize: 2 }) as never, { ...quiet, epochs: 3, callbacks });
      expect(trainer.history.epochs.map(({ gradients }) => gradients?.step)).toEqual(
        callbacks.length === 0 ? [undefined, undefined, undefined] : [1, undefined, 5],
      );
      const values = await Promise.all(model.parameters().map((parameter) => parameter.data()));
      return values.flatMap((value) => Array.from(value));
    };
    expect(await train([new GradientReport({ print: true, everyEpochs: 2 })])).toEqual(await train([]));
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(
      /^gradients of step 1: 0\.bias_\S+ [\d.e-]+, .*\n {2}0: [\d.e-]+ [▁-█]{5} [\d.e-]+, 5 steps\n$/u,
    );
  } finally {
    spy.mockRestore();
  }
});

test('a compiled step has no time steps, and is trained as ever', async () => {
  const model = power(0.5);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model, loss: new MSELoss({ reduction: 'sum' }), optimizer, compile: true });
  const batches = [ones(3, 0), ones(3, 0)];
  const callbacks = [new GradientReport({ print: false })];
  const history = await trainer.fit(batches, { ...quiet, epochs: 3, callbacks });
  const plain = await report(power(0.5), batches);
  for (const { gradients } of history.epochs)
    expect([gradients?.parameters, gradients?.steps]).toEqual([plain.found.parameters, {}]);
});

test('steps that overflow in f16 are passed over', async () => {
  const overflowing: number[] = [];
  const model = power(0.5);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({
    model,
    loss: new MSELoss({ reduction: 'sum' }),
    optimizer,
    precision: 'f16',
    clipGradNorm: 1e9,
  });
  const onStep = async (_: TrainingRun, { step }: TrainingStep): Promise<void> => {
    const grads = await Promise.all(model.parameters().map(async ({ grad }) => grad?.data()));
    if (!grads.every((grad) => grad?.every(Number.isFinite))) overflowing.push(step);
  };
  // On a device of f16 the loss, scaled by 65,536 in the first step, overflows until the scale is 16,384.
  const batches = [1e-3, 1e9, 0, 0, 0, 0].map((target) => ones(3, target));
  const history = await trainer.fit(batches, {
    ...quiet,
    epochs: 2,
    callbacks: [{ onStep }, new GradientReport({ print: false })],
  });
  const looked = history.epochs.map(({ gradients }) => gradients?.step);
  const firstFinite = (from: number): number | undefined =>
    [0, 1, 2, 3, 4, 5].map((step) => from + step).find((step) => !overflowing.includes(step));
  expect(looked).toEqual([firstFinite(1), firstFinite(7)]);
  for (const { gradients } of history.epochs)
    expect(Object.values(gradients?.parameters ?? {}).every(Number.isFinite)).toBe(true);
});

test('with f16 a parameter without a gradient does not hold the report back', async () => {
  const [body, head] = [new Linear({ inFeatures: 1, outFeatures: 1 }), new Linear({ inFeatures: 1, outFeatures: 1 })];
  body.requiresGrad_(false);
  const model = new Sequential(body, head);
  const optimizer = new SGD(head.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer, precision: 'f16' });
  const batches = [1, 2, 3].map((x) => ({ input: tensor([[x]]), target: tensor([[0.5]]) }));
  const history = await trainer.fit(batches, {
    ...quiet,
    epochs: 2,
    callbacks: [new GradientReport({ print: false })],
  });
  expect(history.epochs.map(({ gradients }) => gradients?.step)).toEqual([1, 4]);
  const norms = history.last?.gradients?.parameters ?? {};
  expect([norms['0.weight'], norms['0.bias']]).toEqual([Number.NaN, Number.NaN]);
  expect(Number.isFinite(norms['1.weight']) && Number.isFinite(norms['1.bias'])).toBe(true);
});

test.each([{ precision: 'f16' }, { accumulate: 2 }, { accumulate: 5 }] as const)(
  'there are no time steps where the gradients at inputs are not those of the step: %o',
  async (options) => {
    const model = power(0.5);
    const optimizer = new SGD(model.parameters(), { learningRate: 0 });
    const trainer = new Trainer({ model, loss: new MSELoss({ reduction: 'sum' }), optimizer, ...options });
    const callbacks = [new GradientReport({ print: false })];
    const history = await trainer.fit(
      Array.from({ length: 4 }, () => ones(3, 0)),
      { ...quiet, callbacks },
    );
    const { gradients } = history.epochs[0] ?? {};
    const batches = 'accumulate' in options ? Math.min(options.accumulate, 4) : 1;
    const plain = Object.values((await report(power(0.5), [ones(3, 0)])).found.parameters);
    expect(gradients?.steps).toEqual({});
    expect(
      differences(
        Object.values(gradients?.parameters ?? {}),
        plain.map((norm) => norm * batches),
        1e-2,
      ),
    ).toEqual([]);
  },
);

test('mistakes', () => {
  expect(() => new GradientReport({ everyEpochs: 0 })).toThrow('GradientReport: got everyEpochs: 0');
  expect(() => new GradientReport({ vanish: 1 } as never)).toThrow('GradientReport: got an option vanish');
});
