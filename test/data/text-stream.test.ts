import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  Adam,
  CosineAnnealingLR,
  CrossEntropyLoss,
  Embedding,
  Linear,
  LSTM,
  manualSeed,
  memory,
  Module,
  TextStream,
  Trainer,
  type LSTMState,
  type Tensor,
} from 'stmnet';

const text = (length: number): number[] => Array.from({ length }, (_, i) => i);
const pieces = async (stream: TextStream): Promise<unknown[]> =>
  Promise.all(Array.from(stream, async ({ input, target }) => [await input.array(), await target.array()]));

describe('a TextStream', () => {
  test('gives the rows of the drawing in its docstring', async () => {
    const stream = new TextStream(text(13), { batchSize: 2, steps: 4 });
    expect(await pieces(stream)).toEqual([
      [
        [
          [0, 1, 2, 3],
          [6, 7, 8, 9],
        ],
        [
          [1, 2, 3, 4],
          [7, 8, 9, 10],
        ],
      ],
      [
        [
          [4, 5],
          [10, 11],
        ],
        [
          [5, 6],
          [11, 12],
        ],
      ],
    ]);
    expect([stream.length, stream.batchSize]).toEqual([2, 2]);
    const [first] = stream;
    expect([first?.input.dtype, first?.target.dtype]).toEqual(['i32', 'i32']);
  });
  test.each([
    [1000, 7, 35],
    [997, 20, 1],
    [50, 49, 8],
    [101, 10, 10],
    [30, 1, 100],
  ])('of %i tokens in %i rows every token is predicted once, less than one step is left out', async (count, N, T) => {
    const batches = (await pieces(new TextStream(text(count), { batchSize: N, steps: T }))) as [
      number[][],
      number[][],
    ][];
    const inputs = Array.from({ length: N }, (_, row) => batches.flatMap(([input]) => input[row] ?? []));
    const targets = Array.from({ length: N }, (_, row) => batches.flatMap(([, target]) => target[row] ?? []));
    const read = N * Math.floor((count - 1) / N);
    expect([inputs.flat(), targets.flat()]).toEqual([text(read), text(read + 1).slice(1)]);
    expect(count - 1 - read).toBeLessThan(N);
    for (const [input] of batches.slice(0, -1)) expect(input[0]).toHaveLength(T);
  });
  test('takes what tokenizers give, and copies no Int32Array', async () => {
    const tokens = Int32Array.from(text(9));
    const stream = new TextStream(tokens, { batchSize: 2, steps: 4 });
    expect(await pieces(new TextStream(Uint8Array.from(text(9)), { batchSize: 2, steps: 4 }))).toEqual(
      await pieces(stream),
    );
    tokens[0] = 70;
    expect(await stream[Symbol.iterator]().next().value?.input.array()).toEqual([
      [70, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });
  test('goes on where it was; other tokens, rows or steps are refused', async () => {
    const make = (options: object = {}, tokens = text(200)): TextStream =>
      new TextStream(tokens, { batchSize: 3, steps: 10, ...options });
    const stopped = make();
    let left = 3;
    for (const batch of stopped) if (batch.input.size > 0 && --left === 0) break;
    const resumed = make();
    resumed.loadState(stopped.state());
    expect(await pieces(resumed)).toEqual((await pieces(make())).slice(3));
    expect(() => make({ steps: 11 }).loadState(stopped.state())).toThrow(/steps 10, here 11/);
    expect(() => make({ batchSize: 2 }).loadState(stopped.state())).toThrow(/batchSize 3, here 2/);
    const other = text(200).with(150, 3);
    expect(() => make({}, other).loadState(stopped.state())).toThrow(/content "\w+", here "\w+"/);
  });
  test('mistakes', () => {
    const make =
      (tokens: unknown, options: object = { batchSize: 4, steps: 8 }) =>
      () =>
        new TextStream(tokens as number[], options as { batchSize: number; steps: number });
    expect(make(text(4))).toThrow(
      'TextStream: got 4 tokens for batchSize: 4, expected at least 5: one for each row, and what comes after the ' +
        'last.\n  Fix: use smaller batches, or a longer text.',
    );
    expect(make([1, 2, 2.5, 4, 5, 6])).toThrow('TextStream: got the token 2.5 at place 2, expected whole numbers');
    expect(make(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n))).toThrow(
      'TextStream: got the token 1n at place 0, expected whole numbers of 32 bits.\n' +
        '  Fix: pass numbers: Int32Array.from(tokens, Number).',
    );
    expect(make([1, '2', 3, 4, 5, 6])).toThrow('got the token "2" at place 1');
    expect(make([1, 2, 2 ** 31, 4, 5, 6])).toThrow(/got the token 2147483648 at place 2/);
    expect(make('to be or not to be')).toThrow(/got tokens "to be or not to be", expected an array of whole numbers/);
    expect(make(text(9), { batchSize: 4 })).toThrow(/got steps: undefined/);
    expect(make(text(9), { batchSize: 4, steps: 8, shuffle: true })).toThrow(/got an option shuffle/);
    expect(make(text(9), { batchSize: 4, bptt: 8 })).toThrow(/Fix: write steps/);
  });
});

class LanguageModel extends Module {
  embedding = new Embedding({ numEmbeddings: 3, embeddingDim: 8 });
  lstm = new LSTM({ inputSize: 8, hiddenSize: 32 });
  decoder = new Linear({ inFeatures: 32, outFeatures: 3 });
  forward(input: Tensor, state?: LSTMState): { output: Tensor } & LSTMState {
    const { output, ...next } = this.lstm.forward(this.embedding.forward(input), state);
    return { output: this.decoder.forward(output), ...next };
  }
}

describe('a Trainer with carryState on a TextStream', () => {
  // What comes after a 0 is told by the token before it, in the piece before.
  const tokens = Array.from({ length: 1205 }, (_, i) => [1, 0, 2, 0][i % 4] ?? 0);
  const stream = (): TextStream => new TextStream(tokens, { batchSize: 4, steps: 1 });

  test('learns what lies further back than its steps, and lets go of each batch', async () => {
    manualSeed(5);
    const model = new LanguageModel();
    const optimizer = new Adam(model.parameters(), { learningRate: 0.01 });
    const schedule = new CosineAnnealingLR(optimizer, { tMax: 8 });
    const loss = new CrossEntropyLoss();
    const trainer = new Trainer({ model, loss, optimizer, schedule, clipGradNorm: 1, carryState: true });
    await trainer.fit(stream(), { epochs: 1, progress: false });
    const before = memory().handles;
    const history = await trainer.fit(stream(), { epochs: 7, progress: false });
    expect(memory().handles).toBeLessThanOrEqual(before);
    expect(history.last?.train.loss).toBeLessThan(0.1); // without the state ln 2 / 2 = 0.35 at best
    expect((await trainer.evaluate(stream())).loss).toBeLessThan(0.1);
  });

  test('goes on from the middle of an epoch, state and all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stmnet-text-stream-'));
    const make = (): Trainer<LanguageModel> => {
      manualSeed(5);
      const model = new LanguageModel();
      const optimizer = new Adam(model.parameters(), { learningRate: 0.02 });
      return new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, carryState: true });
    };
    const pieces = (): TextStream => new TextStream(tokens, { batchSize: 4, steps: 35 });
    const weights = async ({ model }: Trainer<LanguageModel>): Promise<unknown> =>
      Promise.all(Object.values(model.stateDict()).map((x) => x.data()));
    try {
      const whole = make();
      await whole.fit(pieces(), { epochs: 3, progress: false });
      const options = { epochs: 3, progress: false, checkpoints: { folder, everySteps: 2 } };
      const onStep = ({ steps }: { steps: number }): void => {
        if (steps === 13) throw new Error('stopped');
      };
      await expect(make().fit(pieces(), { ...options, callbacks: [{ onStep }] })).rejects.toThrow('stopped');
      const resumed = make();
      await resumed.fit(pieces(), { ...options, resume: true });
      expect(resumed.steps).toBe(27);
      expect(await weights(resumed)).toEqual(await weights(whole));
      const longer = new TextStream(tokens, { batchSize: 4, steps: 36 });
      await expect(make().fit(longer, { ...options, resume: true })).rejects.toThrow(/steps/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
