import { describe, expect, test } from 'vitest';
import {
  Bidirectional,
  concat,
  flip,
  GRU,
  GRUCell,
  Linear,
  load,
  LSTM,
  LSTMCell,
  Module,
  pad,
  PaddedSequence,
  randn,
  Recurrent,
  save,
  Sequential,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { join } from 'node:path';
import { expectGradients, spreadArray } from '../support/gradients';
import { differences, tensorDifferences } from '../support/near';
import { scratchFolder } from '../support/scratch';

const sizes = { inputSize: 3, hiddenSize: 5 };
const lengths = [4, 0, 2, 1];

/** A cell of a user's: a running mean with one parameter, whose output is not its state. */
class Leaky extends Module {
  readonly input = new Linear({ inFeatures: 3, outFeatures: 2, dtype: 'f64' });
  forward(x: Tensor, state?: { mean: Tensor }): { output: Tensor; state: { mean: Tensor } } {
    const now = this.input.forward(x);
    const mean = state === undefined ? now : state.mean.mul(0.9).add(now.mul(0.1));
    return { output: mean.tanh(), state: { mean } };
  }
}

/** A layer and a Recurrent of a cell with its weights. */
function pair(): [layer: LSTM, recurrent: Recurrent<{ h: Tensor; c: Tensor }>] {
  const [layer, cell] = [new LSTM(sizes), new LSTMCell(sizes)];
  for (const [name, parameter] of layer.namedParameters()) Reflect.set(cell, name.replace('_l0', ''), parameter);
  return [layer, new Recurrent(cell)];
}

describe('a cell of the package', () => {
  test('gives what its layer gives', async () => {
    const [layer, recurrent] = pair();
    const x = randn([4, 4, 3]);
    const [expected, got] = [layer.forward(x), recurrent.forward(x)];
    expect(await tensorDifferences(got.output, expected.output, 1e-6)).toEqual([]);
    expect(await tensorDifferences(got.state.c, expected.c.squeeze(0), 1e-6)).toEqual([]);
  });

  test.each([[lengths], [[0, 0, 0, 0]], [[3, 3, 3, 3]], [[4, 4, 4, 4]]])('over rows of %j steps', async (all) => {
    const [layer, recurrent] = pair();
    const data = randn([4, 4, 3]);
    const x = new PaddedSequence(data, all);
    const state = { h: randn([4, 5]), c: randn([4, 5]) };
    const [expected, got] = [
      layer.forward(x, { h: state.h.unsqueeze(0), c: state.c.unsqueeze(0) }),
      recurrent.forward(x, state),
    ];
    expect(got.output.lengths).toEqual(all);
    expect(await tensorDifferences(got.output.values, expected.output.values, 1e-6)).toEqual([]);
    expect(await tensorDifferences(got.state.h, expected.h.squeeze(0), 1e-6)).toEqual([]);
    expect(await tensorDifferences(got.state.c, expected.c.squeeze(0), 1e-6)).toEqual([]);
  });

  test('takes a state whose parts come in another order', async () => {
    const [, recurrent] = pair();
    const x = new PaddedSequence(randn([2, 3, 3]), [3, 0]);
    const [h, c] = [randn([2, 5]), randn([2, 5])];
    const { state } = recurrent.forward(x, { c, h });
    expect(await tensorDifferences(state.h.select(0, 1), h.select(0, 1), 0)).toEqual([]);
    expect(await tensorDifferences(state.c.select(0, 1), c.select(0, 1), 0)).toEqual([]);
  });

  test('goes in both directions in a Bidirectional', async () => {
    const layer = new GRU({ ...sizes, bidirectional: true });
    const [ahead, back] = [new GRUCell(sizes), new GRUCell(sizes)];
    for (const [name, parameter] of layer.namedParameters())
      Reflect.set(name.endsWith('_reverse') ? back : ahead, name.replace(/_l0(_reverse)?/, ''), parameter);
    const x = new PaddedSequence(randn([4, 4, 3]), lengths);
    const both = new Bidirectional(new Recurrent(ahead), new Recurrent(back));
    expect(await tensorDifferences(both.forward(x).values, layer.forward(x).output.values, 1e-6)).toEqual([]);
  });
});

describe("a cell of the user's", () => {
  test('carries a state of its own form', async () => {
    const cell = new Leaky();
    const recurrent = new Recurrent(cell);
    const x = randn([2, 3, 3], { dtype: 'f64' });
    const { output, state } = recurrent.forward(x);
    let expected: { output: Tensor; state: { mean: Tensor } } | undefined;
    for (let step = 0; step < 3; step++) {
      expected = cell.forward(x.select(1, step), expected?.state);
      expect(await tensorDifferences(output.select(1, step), expected.output, 0)).toEqual([]);
    }
    expect(await tensorDifferences(state.mean, expected?.state.mean ?? zeros([]), 0)).toEqual([]);
  });

  test('sees no padding: each row gives what it gives alone', async () => {
    const recurrent = new Recurrent(new Leaky());
    const rows = lengths.map((length) => randn([length, 3], { dtype: 'f64' }));
    const padded = concat(
      rows.map((row) =>
        concat(
          [row, tensor(new Float64Array((5 - (row.shape[0] ?? 0)) * 3).fill(Number.NaN)).reshape([-1, 3])],
          0,
        ).unsqueeze(0),
      ),
      0,
    );
    const { output, state } = recurrent.forward(new PaddedSequence(padded, lengths));
    for (const [row, alone] of rows.entries()) {
      const length = lengths[row] ?? 0;
      const own = recurrent.forward(alone.unsqueeze(0));
      const real = output.values.select(0, row);
      expect(await tensorDifferences(real.slice([0], [length]), own.output.squeeze(0), 1e-12)).toEqual([]);
      expect(await tensorDifferences(real.slice([length]), zeros([5 - length, 2], { dtype: 'f64' }), 0)).toEqual([]);
      const mean = length === 0 ? zeros([1, 2], { dtype: 'f64' }) : own.state.mean;
      expect(await tensorDifferences(state.mean.select(0, row), mean.squeeze(0), 1e-12)).toEqual([]);
    }
  });

  test('has gradients, of which none comes from padding', async () => {
    const recurrent = new Recurrent(new Leaky());
    await expectGradients(
      (x) => {
        const { output, state } = recurrent.forward(new PaddedSequence(x, lengths));
        return concat([output.values.reshape([-1]), state.mean.reshape([-1])], 0);
      },
      [spreadArray([4, 4, 3])],
    );
  });

  test('is saved and loaded in a Sequential', async () => {
    const model = new Sequential(
      new Recurrent(new Leaky()),
      new Linear({ inFeatures: 2, outFeatures: 1, dtype: 'f64' }),
    );
    const file = join(scratchFolder('recurrent'), 'leaky.safetensors');
    await save(model, file);
    const loaded = await load(file, { classes: { Leaky } });
    const x = randn([2, 3, 3], { dtype: 'f64' });
    const values = (built: Module): Tensor => (built as Sequential).forward(x) as Tensor;
    expect(await tensorDifferences(values(loaded), values(model), 0)).toEqual([]);
  });

  test('goes on step by step in a stream', async () => {
    const recurrent = new Recurrent(new Leaky());
    const x = randn([1, 3, 3], { dtype: 'f64' });
    const { output } = recurrent.forward(x);
    const stream = recurrent.createStream();
    for (let step = 0; step < 3; step++) {
      const told = (await stream.step(x.select(1, step).squeeze(0))) as { data: Float64Array };
      expect(differences(told.data, await output.select(1, step).data(), 1e-12)).toEqual([]);
    }
    stream.reset();
  });

  test('that forgets parts of its state, or rows, is told', () => {
    class Forgets extends Module {
      #calls = 0;
      forward(x: Tensor): Record<string, Tensor> & { h: Tensor } {
        return this.#calls++ === 0 ? { h: x, c: x } : { h: x };
      }
    }
    const x = new PaddedSequence(zeros([2, 3, 1]), [3, 1]);
    expect(() => new Recurrent(new Forgets()).forward(x)).toThrow(
      /from Forgets after .*, expected a state of the same form after each step.\n {2}Fix: return all/,
    );
    class Sums extends Module {
      forward(x: Tensor): { h: Tensor } {
        return { h: x.sum(0) };
      }
    }
    expect(() => new Recurrent(new Sums()).forward(zeros([2, 3, 1]))).toThrow(
      'expected [2, …], a row for each of the step',
    );
    class Nothing extends Module {
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(() => new Recurrent(new Nothing() as never).forward(zeros([2, 3, 1]))).toThrow(
      'from Nothing, expected a state { h, … } or { output, state }, of which h or output is a tensor.',
    );
  });
});

test('an input without steps leaves the state as it is', async () => {
  const [, recurrent] = pair();
  const state = { h: randn([2, 5]), c: randn([2, 5]) };
  const { output, state: after } = recurrent.forward(zeros([2, 0, 3]), state);
  expect(output.shape).toEqual([2, 0, 5]);
  expect(await tensorDifferences(after.h, state.h, 0)).toEqual([]);
  expect(recurrent.forward(pad([[], []], { dtype: 'f32' }).map((x) => x.reshape([2, 0, 3]))).output.shape).toEqual([
    2, 0, 5,
  ]);
});

test('an input without rows, or without an axis of steps, is told', () => {
  const [, recurrent] = pair();
  expect(() => recurrent.forward(zeros([3]))).toThrow('expected [N, T, …] with at least one row');
  expect(() => recurrent.forward(zeros([0, 2, 3]))).toThrow('expected [N, T, …] with at least one row');
  expect(() => recurrent.forward(flip(zeros([2, 2, 4]), [1]))).toThrow('LSTMCell.forward: got input f32[2, 4]');
  expect(() => new Recurrent((() => 1) as never)).toThrow('Recurrent: got a function as cell, expected a Module');
});
