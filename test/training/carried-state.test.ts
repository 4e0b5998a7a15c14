import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  Adam,
  concat,
  crossEntropy,
  CrossEntropyLoss,
  DataLoader,
  Embedding,
  GRU,
  Linear,
  LSTM,
  manualSeed,
  MeanAbsoluteError,
  memory,
  Module,
  mseLoss,
  MSELoss,
  noGrad,
  ones,
  SGD,
  tensor,
  Trainer,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { handlesKept } from '../support/handles';

const quiet = { progress: false } as const;

interface State {
  h: Tensor;
  c: Tensor;
}

class LanguageModel extends Module {
  embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 4 });
  lstm = new LSTM({ inputSize: 4, hiddenSize: 6 });
  head = new Linear({ inFeatures: 6, outFeatures: 5 });

  forward(words: Sequence, state?: State): { output: Sequence; state: State } {
    const { output, ...next } = this.lstm.forward(this.embedding.forward(words), state);
    return { output: this.head.forward(output), state: next };
  }
}

/** Two rows of a text, in consecutive pieces. */
const text = [0, 1].map((row) => Int32Array.from({ length: 25 }, (_, t) => (row + t * t) % 5));
const pieces = (length: number): { input: Tensor; target: Tensor }[] =>
  Array.from({ length: 24 / length }, (_, piece) => {
    const cut = (from: number): Tensor =>
      tensor(
        text.map((row) => Array.from(row).slice(piece * length + from, piece * length + from + length)),
        { dtype: 'i32' },
      );
    return { input: cut(0), target: cut(1) };
  });

test('an evaluation in pieces is that of the whole, and begins anew each time', async () => {
  manualSeed(1);
  const model = new LanguageModel();
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), carryState: true, metrics: [new Accuracy()] });
  const whole = await trainer.evaluate(pieces(24));
  for (const length of [1, 3, 8]) {
    const figures = await trainer.evaluate(pieces(length));
    expect(figures.loss).toBeCloseTo(whole.loss, 5);
    expect(figures.accuracy).toBe(whole.accuracy);
  }
  const plain = new Trainer({ model, loss: (output, target) => crossEntropy(output.output, target) });
  expect((await plain.evaluate(pieces(3))).loss).not.toBeCloseTo(whole.loss, 3);
  const outputs = await trainer.predict(pieces(8));
  const last = noGrad(() => model.forward(pieces(24)[0]?.input ?? tensor([[0]])).output as Tensor).slice([0, 16]);
  const [expected, found] = await Promise.all([last.data(), (outputs[2] as Tensor).data()]);
  expected.forEach((value, index) => expect(found[index]).toBeCloseTo(value, 5));
});

test.each([false, true])('training carries the state without its history (compile: %s)', async (compile) => {
  const run = async (byHand: boolean): Promise<number[]> => {
    manualSeed(3);
    const model = new LanguageModel();
    const optimizer = new SGD(model.parameters(), { learningRate: 0.2 });
    if (!byHand) {
      const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, carryState: true, compile });
      return (await trainer.fit(pieces(4), { epochs: 3, validation: pieces(8), ...quiet })).train('loss');
    }
    const losses: number[] = [];
    for (let epoch = 0; epoch < 3; epoch++) {
      let state: State | undefined;
      let sum = 0;
      for (const { input, target } of pieces(4)) {
        const { output, state: next } = model.forward(input, state);
        const loss = crossEntropy(output, target);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        sum += await loss.item();
        state = { h: next.h.detach(), c: next.c.detach() };
      }
      losses.push(sum / 6);
    }
    return losses;
  };
  const [found, expected] = [await run(false), await run(true)];
  expected.forEach((loss, epoch) => expect(found[epoch]).toBeCloseTo(loss, compile ? 5 : 6));
});

test('a forward of one’s own gets the state last; a recurrent layer is a model with state', async () => {
  manualSeed(2);
  const gru = new GRU({ inputSize: 1, hiddenSize: 2 });
  const loss = (output: Sequence, target: Sequence): Tensor => mseLoss(output, target);
  const short = new Trainer({ model: gru, loss, carryState: true });
  const custom = new Trainer({
    model: gru,
    carryState: true,
    forward: (model, { x }: { x: Tensor; y: Tensor }, state) => model.forward(x, state),
    loss: (output, { y }) => mseLoss(output, y),
  });
  const x = [0, 1, 2].map((piece) => tensor([[[piece], [piece + 0.5]]])); // prettier-ignore
  const y = tensor([[[0, 1], [1, 0]]]); // prettier-ignore
  const figures = await short.evaluate(x.map((input) => ({ input, target: y })));
  expect(await custom.evaluate(x.map((input) => ({ x: input, y })))).toEqual(figures);
  const whole = { input: concat(x, 1), target: concat([y, y, y], 1) };
  const joined = await short.evaluate([whole]);
  expect(figures.loss).toBeCloseTo(joined.loss, 6);
});

describe('what begins anew', () => {
  const made = (): { trainer: Trainer; losses: () => Promise<number[]> } => {
    manualSeed(4);
    const model = new LanguageModel();
    const optimizer = new SGD(model.parameters(), { learningRate: 0 });
    const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, carryState: true });
    const losses = async (): Promise<number[]> => Promise.all(pieces(8).map((piece) => trainer.step(piece).item()));
    return { trainer: trainer as unknown as Trainer, losses };
  };

  test('resetState, and each epoch', async () => {
    const { trainer, losses } = made();
    const first = await losses();
    const second = await losses();
    expect(second[0]).not.toBeCloseTo(first[0] ?? 0, 4);
    trainer.resetState();
    expect(await losses()).toEqual(first);
    const history = await trainer.fit(pieces(8), { epochs: 2, ...quiet });
    expect(history.train('loss')[0]).toBe(history.train('loss')[1]);
  });

  test('a batch of another number of rows', async () => {
    const { trainer } = made();
    const rows = new DataLoader(
      [0, 1, 2].map((row) => ({ input: Int32Array.of(row, 1, 2), target: Int32Array.of(1, 2, 3) })),
      { batchSize: 2 },
    );
    const [first, second] = [...rows];
    const { loss } = await trainer.evaluate(rows);
    const alone = await Promise.all(
      [first, second].map(async (batch) => trainer.evaluate(batch === undefined ? [] : [batch])),
    );
    expect(loss).toBeCloseTo((2 * (alone[0]?.loss ?? 0) + (alone[1]?.loss ?? 0)) / 3, 6);
  });
});

test('a model may return the state that it began with', async () => {
  class Delayed extends Module {
    gru = new GRU({ inputSize: 1, hiddenSize: 2 });

    forward(x: Sequence, state?: { h: Tensor }): { output: Tensor; h: Tensor } {
      return { output: state?.h ?? zeros([1, 1, 2]), h: this.gru.forward(x, state).h };
    }
  }
  manualSeed(1);
  const model = new Delayed();
  const trainer = new Trainer({ model, loss: new MSELoss(), carryState: true, metrics: [new MeanAbsoluteError()] });
  const target = zeros([1, 1, 2]);
  const batches = [1, 2, 3].map((value) => ({ input: tensor([[[value]]]), target })); // prettier-ignore
  const outputs = await Promise.all((await trainer.predict(batches)).map((output) => output.data()));
  const states: Float32Array[] = [new Float32Array(2)];
  let state: { h: Tensor } | undefined;
  for (const { input } of batches) {
    const { h } = noGrad(() => model.gru.forward(input, state));
    states.push((await h.data()) as Float32Array);
    state = { h };
  }
  expect(outputs).toEqual(states.slice(0, 3));
  const { meanAbsoluteError } = await trainer.evaluate(batches);
  const sum = states.slice(0, 3).reduce((total, h) => total + Math.abs(h[0] ?? 0) + Math.abs(h[1] ?? 0), 0);
  expect(meanAbsoluteError).toBeCloseTo(sum / 6, 6);
});

test('a number beside the rows of a batch does not count as its rows', async () => {
  manualSeed(2);
  const gru = new GRU({ inputSize: 1, hiddenSize: 2 });
  const trainer = new Trainer({
    model: gru,
    carryState: true,
    forward: (model, { x }: { scale: Tensor; x: Tensor }, state) => model.forward(x, state),
    loss: (output, { scale }) => output.mul(scale).mean(),
  });
  const batch = (rows: number): { scale: Tensor; x: Tensor } => ({ scale: tensor(1), x: ones([rows, 2, 1]) });
  const [two, one] = [await trainer.evaluate([batch(2)]), await trainer.evaluate([batch(1)])];
  expect((await trainer.evaluate([batch(2), batch(1)])).loss).toBeCloseTo((2 * two.loss + one.loss) / 3, 6);
});

test('a bad batch does not spoil those after it', async () => {
  const lstm = new LSTM({ inputSize: 1, hiddenSize: 2 });
  const trainer = new Trainer({
    model: lstm,
    loss: new MSELoss(),
    optimizer: new Adam(lstm.parameters()),
    carryState: true,
  });
  const piece = (value: number): { input: Tensor; target: Tensor } => ({
    input: tensor([[[value]], [[0.5]]]), // prettier-ignore
    target: tensor([[[0, 0]], [[0, 0]]]), // prettier-ignore
  });
  const batches = [piece(1), piece(Number.NaN), piece(1), piece(2)];
  const history = await trainer.fit(batches, { epochs: 2, onNaN: 'skip', ...quiet });
  expect(history.epochs.map(({ skipped }) => skipped)).toEqual([1, 1]);
  expect(history.epochs.every(({ train }) => Number.isFinite(train.loss))).toBe(true);
});

test('memory stays flat', async () => {
  const model = new LanguageModel();
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, carryState: true });
  const batches = pieces(4);
  await trainer.fit(batches, { epochs: 2, validation: batches, ...quiet });
  const [handles, bytes] = [handlesKept(), memory().usedBytes];
  await trainer.fit(batches, { epochs: 5, validation: batches, ...quiet });
  expect(handlesKept()).toBe(handles);
  expect(memory().usedBytes).toBeLessThanOrEqual(bytes); // fewer, where what an earlier test left was collected
});

test('a model without state is refused', async () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  const trainer = new Trainer({ model: model as Module, loss: new MSELoss(), carryState: true } as never);
  const given = String(ones([1, 1]));
  await expect(trainer.evaluate([{ input: [[1]], target: [[1]] }] as never)).rejects.toThrow(
    `Trainer: the output of the model: got ${given}, expected { output, state } or { output, h, c }, ` +
      'since carryState is on.\n' +
      '  Fix: write forward(input, state) so that it starts from state, undefined at first, and returns what ' +
      'it ends with.',
  );
});
