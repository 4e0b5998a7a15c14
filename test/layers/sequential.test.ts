import { expect, test } from 'vitest';
import {
  concat,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  manualSeed,
  Module,
  noGrad,
  OptionError,
  Recurrent,
  Residual,
  Sequential,
  tensor,
  TimeDistributed,
  Trainer,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { handlesKept } from '../support/handles';

const words = tensor([[1, 2, 3, 0, 1, 4], [4, 3, 2, 1, 0, 0]], { dtype: 'i32' }); // prettier-ignore

const model = (): Sequential => {
  manualSeed(1);
  return new Sequential(
    new Embedding({ numEmbeddings: 5, embeddingDim: 3 }),
    new LSTM({ inputSize: 3, hiddenSize: 4, numLayers: 2 }),
    new Dropout({ p: 0.5 }),
    new Sequential(new GRU({ inputSize: 4, hiddenSize: 4 }), new Linear({ inFeatures: 4, outFeatures: 5 })),
  );
};

test('with a state, pieces come to what the whole comes to', async () => {
  const layers = model().eval();
  const whole = layers.forward(words) as Tensor;
  const first = layers.forward(words.slice([0, 0], [null, 2]), undefined);
  const second = layers.forward(words.slice([0, 2], [null, 6]), first.state);
  expect(Object.keys(first.state)).toEqual(['1', '3']);
  const joined = concat([first.output as Tensor, second.output as Tensor], 1);
  const [found, expected] = await Promise.all([joined.data(), whole.data()]);
  expected.forEach((value, index) => expect(found[index]).toBeCloseTo(value, 6));
  const anew = layers.forward(words.slice([0, 2], [null, 6]), undefined);
  expect(await (anew.output as Tensor).data()).not.toEqual(await (second.output as Tensor).data());
});

test('a Trainer carries its state', async () => {
  const layers = model();
  const trainer = new Trainer({ model: layers, loss: new CrossEntropyLoss(), carryState: true });
  const piece = (from: number, to: number): { input: Tensor; target: Tensor } => ({
    input: words.slice([0, from], [null, to]),
    target: words.slice([0, from], [null, to]),
  });
  const whole = await trainer.evaluate([piece(0, 6)]);
  const handles = handlesKept();
  const pieces = [piece(0, 2), piece(2, 3), piece(3, 6)];
  expect((await trainer.evaluate(pieces)).loss).toBeCloseTo(whole.loss, 6);
  expect(handlesKept() - handles).toBe(2 * pieces.length);
  expect(layers.training).toBe(true);
});

test.each([
  ['LSTM', () => new LSTM({ inputSize: 4, hiddenSize: 4 })],
  ['LSTM', () => new LSTM({ inputSize: 4, hiddenSize: 2, bidirectional: true })],
  ['Recurrent', () => new Recurrent(new GRUCell({ inputSize: 4, hiddenSize: 4 }))],
])('a recurrent layer whose state cannot be reached is named: %s', (name, make) => {
  const hidden = new Sequential(new Residual(make()));
  const call = (): unknown => noGrad(() => hidden.forward(tensor([[[1, 2, 3, 4]]]), undefined)); // prettier-ignore
  expect(call).toThrow(OptionError);
  expect(call).toThrow(
    'Sequential.forward: got a state for layer 0, whose ' +
      `${name} cannot get it through Residual, expected recurrent ` +
      'layers in the Sequential itself, or modules that return { output, state }.\n' +
      '  Fix: write a Module whose forward(input, state) passes the state on.',
  );
});

test('a module of one’s own takes its state and returns it', async () => {
  class Sum extends Module {
    forward(x: Sequence, before?: Tensor): { output: Tensor; state: Tensor } {
      const total = (x as Tensor).sum();
      const state = before === undefined ? total : before.add(total);
      return { output: (x as Tensor).add(state), state };
    }
  }
  const layers = new Sequential(new Sum(), new TimeDistributed(new Linear({ inFeatures: 1, outFeatures: 1 })));
  const x = tensor([[[1], [2]]]); // prettier-ignore
  const { state } = layers.forward(x, layers.forward(x, undefined).state);
  expect(await (state['0'] as Tensor).item()).toBe(6);
});
