// An error bears the name of the function that was called, not of one that it is made of.
import { describe, expect, test } from 'vitest';
import * as stm from 'stmnet';
import { bernoulli, keep, scope, StmnetError, tensor, zeros, type Tensor } from 'stmnet';
import { make } from '../support/ops/inputs';
import { opTable } from '../support/ops/table';

/** What `call` throws, if it is an error of the package. */
function mistake(call: () => unknown): StmnetError | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof StmnetError) return error;
    throw error;
  }
  return undefined;
}

/** Called on the result of another function in their rows. */
const notHere = [
  'contiguous',
  'fill_',
  'zero_',
  'eq',
  'ne',
  'isNaN',
  'isFinite',
  'ctcLoss',
  'add_',
  'sub_',
  'mul_',
  'div_',
  'copy_',
  'batchNorm',
  'uniform_',
  'normal_',
];

describe('a disposed tensor', () => {
  for (const [op, [row]] of Object.entries(opTable).filter(([name]) => !notHere.includes(name))) {
    test(op, () => {
      const inputs = make(row?.inputs ?? [], 1, 'cpu', 'f32').map((x) => x.detach());
      for (const place of inputs.keys()) {
        const gone = zeros([2]);
        gone.dispose();
        const error = mistake(() => row?.run(...inputs.map((x, at) => (at === place ? gone : x))));
        expect(error).toBeInstanceOf(stm.DisposedError);
        expect([error?.op, error?.message.startsWith(`${op}: got a tensor as `)]).toEqual([op, true]);
      }
    });
  }
});

const floats = zeros([2, 3]),
  whole = zeros([2, 3], { dtype: 'i32' }),
  bools = zeros([2, 3], { dtype: 'bool' }),
  four = zeros([4]);
const x = (value: unknown): never => value as never;
test.each<[string, () => unknown]>([
  ['sub', () => stm.sub(whole, 0.5)],
  ['sub', () => stm.sub(bools, 1)],
  ['div', () => stm.div(bools, 2)],
  ['add_', () => stm.add_(bools, 1)],
  ['sub_', () => stm.sub_(whole, 0.5)],
  ['mul_', () => stm.mul_(bools, 2)],
  ['div_', () => stm.div_(bools, 2)],
  ['add_', () => stm.add_(floats, four)],
  ['copy_', () => stm.copy_(floats, four)],
  ['fill_', () => stm.fill_(floats, x('a'))],
  ['logicalAnd', () => stm.logicalAnd(bools, four)],
  ['logicalOr', () => stm.logicalOr(bools, four)],
  ['maskedFill', () => stm.maskedFill(floats, floats, 1)],
  ['maskedFill', () => stm.maskedFill(floats, bools, x('a'))],
  ['logSumExp', () => stm.logSumExp(floats, 5)],
  ['logSumExp', () => stm.logSumExp(bools, 0)],
  ['flatten', () => stm.flatten(floats, 7)],
  ['stack', () => stm.stack([floats, floats], 9)],
  ['stack', () => stm.stack([floats, whole], 0)],
  ['stack', () => stm.stack([], 0)],
  ['conv1d', () => stm.conv1d(zeros([1, 3, 1]), zeros([1, 1, 1]), { bias: four })],
  ['conv1d', () => stm.conv1d(zeros([1, 3, 1]), zeros([1, 1, 1], { dtype: 'f64' }))],
  ['scaledDotProductAttention', () => stm.scaledDotProductAttention(whole, whole, whole)],
  ['scaledDotProductAttention', () => stm.scaledDotProductAttention(floats, floats, floats, { mask: floats })],
  ['zeros', () => zeros([-1])],
  ['ones', () => stm.ones([2], { dtype: x('f16') })],
  ['full', () => stm.full([2], 1, { dtype: 'i32', requiresGrad: true })],
  ['rand', () => stm.rand([2], { device: 'nowhere' })],
  ['tensor', () => tensor([1], { device: 'nowhere' })],
  ['tensor', () => tensor([1], { dtype: 'i32', requiresGrad: true })],
  ['arange', () => stm.arange(0, 2, 1, x({ dtyp: 1 }))],
  ['eye', () => stm.eye(-1)],
  ['onesLike', () => stm.onesLike(floats, { dtype: x('f16') })],
  ['to', () => floats.to('nowhere')],
  ['requiresGrad_', () => floats.requiresGrad_(x(1))],
])('%s', (op, call) => {
  const error = mistake(call);
  expect(error?.op).toBe(op);
  expect(error?.message).toMatch(new RegExp(`^${op}: got .*, expected .*\\.\\n {2}Fix: `));
  expect(error?.stack).toContain(error?.message);
});

test('what a scope has disposed of is told apart, and kept by keep()', async () => {
  const held: { state?: Tensor; kept?: Tensor; parts?: { h: Tensor }[] } = {};
  scope(() =>
    scope(() => {
      held.state = tensor([1]);
      held.kept = keep(tensor([2]));
      held.parts = keep([{ h: tensor([3]) }]);
    }),
  );
  expect(() => held.state?.add(1)).toThrow(
    'add: got a tensor as a that was disposed at the end of the scope, or the training step, that made it, ' +
      'expected a live one.\n' +
      '  Fix: return it from the scope; what goes from step to step, such as a recurrent state in a field, ' +
      'is kept by keep(): this.state = keep(detach(state)).',
  );
  expect(await held.kept?.item()).toBe(2);
  expect(await held.parts?.[0]?.h.item()).toBe(3);
  held.kept?.dispose();
  expect(() => held.kept?.shape).toThrow('shape: got a tensor that was disposed, expected a live one.');
  const step = stm.compile((input: Tensor) => keep(input.add(1)));
  expect(() => step(bernoulli(tensor([1])))).toThrow('compile: got keep() inside a compiled step');
});

describe('in a layer', () => {
  const opOf = (call: () => unknown): string | undefined => mistake(call)?.op;
  test('of the package an error bears the name of the layer', () => {
    const linear = new stm.Linear({ inFeatures: 3, outFeatures: 1 });
    expect(opOf(() => linear.forward(whole))).toBe('Linear.forward');
    expect(
      opOf(() => new stm.Embedding({ numEmbeddings: 2, embeddingDim: 1 }).forward(zeros([2], { dtype: 'bool' }))),
    ).toBe('Embedding.forward');
    expect(opOf(() => new stm.Dropout({ p: 0.5 }).forward(whole))).toBe('Dropout.forward');
    expect(opOf(() => new stm.ReLU().forward(bools))).toBe('ReLU.forward');
    expect(opOf(() => new stm.Sequential(new stm.ReLU(), linear).forward(whole))).toBe('ReLU.forward');
  });

  test("of the user's an op bears its own, also below a container", () => {
    class Mine extends stm.Module {
      forward(input: Tensor): Tensor {
        return input.matmul(four);
      }
    }
    expect(opOf(() => new Mine().forward(floats))).toBe('matmul');
    expect(opOf(() => new stm.Sequential(new Mine()).forward(floats))).toBe('matmul');
    class MyLinear extends stm.Linear {}
    expect(opOf(() => new MyLinear({ inFeatures: 3, outFeatures: 1 }).forward(whole))).toBe('linear');
  });
});

describe('a second backward through a released graph', () => {
  const loss = (x: Tensor): Tensor => x.mul(x).sum();
  const messageOf = (call: () => unknown): string => mistake(call)?.message ?? 'no error';
  const carried = (from: string): string =>
    `backward: got a loss that goes back to ${from} of an earlier forward pass, ` +
    'whose graph was released by its backward(), expected a graph that no backward() has walked.\n' +
    '  Fix: detach what one step hands to the next, as a recurrent state: state = detach(state). ' +
    'Of two losses of one forward pass take the sum, or pass retainGraph: true to the first backward().';

  test('of the same loss', () => {
    const used = loss(zeros([2], { requiresGrad: true }));
    used.backward();
    expect(messageOf(() => used.backward())).toBe(
      'backward: got a graph whose sum was released by an earlier backward(), expected an unused one.\n' +
        '  Fix: compute the loss again, add the losses and call backward once, ' +
        'or pass retainGraph: true the first time.',
    );
  });

  test('of a state that was not detached, which helps', () => {
    const lstm = new stm.LSTM({ inputSize: 1, hiddenSize: 2 });
    const run = (carry: (state: stm.LSTMState) => stm.LSTMState): void => {
      let state = lstm.zeroState({ batchSize: 2 });
      for (let step = 0; step < 3; step++) {
        const { output, h, c } = lstm.forward(stm.ones([2, 3, 1]), state);
        loss(output).backward();
        state = carry({ h, c });
      }
    };
    expect(messageOf(() => run((state) => state))).toBe(carried('the state of a recurrent layer'));
    expect(messageOf(() => run((state) => stm.detach(state)))).toBe('no error');
  });

  test('of what two losses share', () => {
    const shared = stm.exp(zeros([2], { requiresGrad: true }));
    const losses = [loss(shared), loss(shared)];
    losses[0]?.backward();
    expect(messageOf(() => losses[1]?.backward())).toBe(carried('exp'));
  });
});
