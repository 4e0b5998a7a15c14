import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { binding } from '../../src/native/load';
import * as stm from '../../src/index';
import { idOf, wrap } from '../../src/tensor/tensor';
import { handlesKept } from '../support/handles';
import { here } from '../support/devices';

const dropGrad = (x: stm.Tensor) => {
  x.grad = undefined;
};
const fail = (x: stm.Tensor) => wrap(binding.testFail(idOf(x, 'fail')));
const mistake = (name: string, code: string, message: RegExp) =>
  expect.objectContaining({ name, code, message: expect.stringMatching(message) });

test('nested arrays, typed arrays and host arrays become tensors of their dtype', async () => {
  expect(
    await stm
      .tensor([
        [1, 2, 3],
        [4, 5, 6],
      ])
      .array(),
  ).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(await stm.tensor(Float64Array.of(1, 2)).data()).toEqual(Float64Array.of(1, 2));
  expect(await stm.tensor({ data: Int32Array.of(1, 2, 3, 4), shape: [2, 2] }).array()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(await stm.tensor([true, false]).array()).toEqual([true, false]);
  expect(await stm.tensor(3).item()).toBe(3);
  expect(stm.tensor([]).shape).toEqual([0]);
});

test('what cannot be a tensor is refused with what was given', () => {
  expect(() => stm.tensor([[1, 2], [3]])).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /depth 1, expected nested arrays of numbers of shape \[2, 2\]/),
  );
  expect(() => stm.tensor([1.5], { dtype: 'i32' })).toThrowError(
    mistake('DTypeError', 'ERR_STM_DTYPE', /the value 1.5, expected whole numbers/),
  );
  expect(() => stm.tensor([2], { dtype: 'bool' })).toThrowError(mistake('DTypeError', 'ERR_STM_DTYPE', /the value 2/));
  expect(() => stm.tensor({ data: new Float32Array(3), shape: [2, 2] })).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /got 3 values, expected 4 for shape \[2, 2\]/),
  );
  expect(() => stm.tensor([1], { requireGrad: true } as object)).toThrowError(
    mistake('OptionError', 'ERR_STM_OPTION', /requiresGrad/),
  );
  expect(() => stm.zeros([2, -1])).toThrowError(
    mistake('OptionError', 'ERR_STM_OPTION', /expected extents of 0 or more/),
  );
  expect(() => stm.zeros([2], { device: 'cuda:7' })).toThrowError(
    mistake('DeviceError', 'ERR_STM_DEVICE', /got device 'cuda:7', expected one of: cpu/),
  );
});

test('a script sees shape, dtype and device, but no values, when it prints a tensor', () => {
  const w = stm.tensor([[1, 2]], { requiresGrad: true });
  expect(inspect(stm.tensor([[1, 2]]))).toBe(`Tensor f32[1, 2] on ${here}`);
  expect(inspect(w.mul(2))).toBe(`Tensor f32[1, 2] on ${here}, requires grad`);
  expect(`${w}`).toBe(`f32[1, 2] on ${here}`);
});

test('typed arrays are copied at the call, and reads are copies', async () => {
  const values = Float32Array.of(1, 2);
  const x = stm.tensor(values);
  values.fill(9);
  const read = await x.data();
  expect(read).toEqual(Float32Array.of(1, 2));
  read.fill(7);
  expect(await x.data()).toEqual(Float32Array.of(1, 2));
});

test('gradients accumulate until they are dropped', async () => {
  const w = stm.tensor([1, 2], { requiresGrad: true });
  w.mul(3).sum().backward();
  w.mul(3).sum().backward();
  expect(await w.grad?.data()).toEqual(Float32Array.of(6, 6));
  dropGrad(w);
  expect(w.grad).toBeUndefined();
});

test.each(['i32', 'bool'] as const)(
  'a gradient of %s is refused: clipping would read and write it as numbers of 32 bits',
  (dtype) => {
    const x = stm.ones([1000], { dtype });
    expect(() => (x.grad = stm.ones([1000], { dtype }))).toThrow(/^grad: got tensor .*, expected f32 or f64\./);
  },
);

test('gradients of two leaves never share memory', async () => {
  const a = stm.tensor([1, 2], { requiresGrad: true }),
    b = stm.tensor([1, 2], { requiresGrad: true });
  a.add(b).sum().backward();
  a.grad?.mul_(10);
  expect(await b.grad?.data()).toEqual(Float32Array.of(1, 1));
});

test('an output used twice gets the sum of both gradients', async () => {
  const x = stm.tensor([2, 3], { requiresGrad: true });
  const y = x.mul(x);
  y.add(y.mul(x)).sum().backward(); // x² + x³
  expect(await x.grad?.data()).toEqual(Float32Array.of(2 * 2 + 3 * 4, 2 * 3 + 3 * 9));
});

test('a second backward needs retainGraph', async () => {
  const w = stm.tensor([3], { requiresGrad: true });
  const once = w.square().sum();
  once.backward();
  expect(() => once.backward()).toThrowError(mistake('GraphError', 'ERR_STM_GRAPH_RELEASED', /retainGraph: true/));
  dropGrad(w);
  const twice = w.square().sum();
  twice.backward({ retainGraph: true });
  twice.backward();
  expect(await w.grad?.item()).toBe(12);
});

test('backward takes the gradient of a tensor of any shape, and refuses what does not fit', async () => {
  const w = stm.tensor([1, 2], { requiresGrad: true });
  expect(() => w.mul(2).backward()).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /got f32\[2\] on (cpu|cuda:0), expected one element/),
  );
  w.mul(2).backward({ gradient: stm.tensor([1, 10]) });
  expect(await w.grad?.data()).toEqual(Float32Array.of(2, 20));
  expect(() => w.mul(2).backward({ gradient: stm.tensor([1]) })).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /got gradient f32\[1\]/),
  );
  expect(() => stm.tensor([1]).backward()).toThrowError(
    mistake('GraphError', 'ERR_STM_NO_GRAPH', /depends on no tensor with requiresGrad/),
  );
});

test('a saved tensor that was changed in place is named with its writer', () => {
  const w = stm.tensor([1, 2], { requiresGrad: true });
  const x = stm.tensor([5, 5]);
  const loss = w.mul(x).sum();
  x.add_(1);
  expect(() => loss.backward()).toThrowError(
    mistake('GraphError', 'ERR_STM_STALE', /saved by mul at version 0, but add_ has changed it in place/),
  );
  expect(w.grad).toBeUndefined();
});

test('in-place ops refuse what the graph follows, and work in noGrad', async () => {
  const w = stm.tensor([1, 2], { requiresGrad: true });
  expect(() => w.sub_(1)).toThrowError(mistake('GraphError', 'ERR_STM_IN_PLACE', /noGrad/));
  stm.noGrad(() => w.sub_(stm.tensor([1])));
  expect(await w.data()).toEqual(Float32Array.of(0, 1));
});

test('in-place ops on overlapping views see the values from before', async () => {
  const x = stm.tensor([
    [1, 2],
    [3, 4],
  ]);
  x.add_(x.transpose(0, 1));
  expect(await x.array()).toEqual([
    [2, 5],
    [5, 8],
  ]);
});

test('noGrad records nothing, detach stops gradients', () => {
  const w = stm.tensor([1], { requiresGrad: true });
  expect(stm.noGrad(() => w.mul(2)).requiresGrad).toBe(false);
  expect(w.mul(2).detach().requiresGrad).toBe(false);
  expect(stm.isGradEnabled()).toBe(true);
  expect(() =>
    stm.noGrad(() => {
      throw new Error('mine');
    }),
  ).toThrow('mine');
  expect(stm.isGradEnabled()).toBe(true);
  expect(() => stm.noGrad(async () => 1)).toThrowError(mistake('OptionError', 'ERR_STM_OPTION', /async function/));
});

test('a fault rejects the next read once; what came of it always rejects; the rest stays usable', async () => {
  const good = stm.tensor([1, 2]);
  const bad = fail(good),
    after = bad.add(good);
  await expect(good.data()).rejects.toMatchObject({
    name: 'NativeError',
    code: 'ERR_STM_NATIVE',
    op: 'fail',
    message: 'fail: asked to fail',
  });
  await expect(good.data()).resolves.toEqual(Float32Array.of(1, 2));
  await expect(after.data()).rejects.toMatchObject({ op: 'fail' });
  await expect(stm.synchronize()).resolves.toBeUndefined();
});

test('a poisoned gradient leaves the parameter as it was', async () => {
  const w = stm.tensor([1, 2], { requiresGrad: true });
  w.mul(fail(stm.tensor([1, 1])))
    .sum()
    .backward();
  stm.noGrad(() => {
    if (w.grad) w.sub_(w.grad);
  });
  await expect(stm.synchronize()).rejects.toMatchObject({ op: 'fail' });
  expect(await w.data()).toEqual(Float32Array.of(1, 2));
});

test('a request for more memory than there is rejects and leaves the rest usable', async () => {
  const x = wrap(binding.testAllocate(2 ** 40, here));
  await expect(stm.synchronize()).rejects.toMatchObject({
    code: 'ERR_STM_OUT_OF_MEMORY',
    message: expect.stringMatching(/asked for 1099511627776 bytes/),
  });
  expect(() => x.data()).toThrowError(mistake('OptionError', 'ERR_STM_OPTION', /at most 4294967232 bytes/));
  expect(await stm.tensor([1]).add(1).item()).toBe(2);
});

test('a disposed tensor says so', () => {
  const x = stm.tensor([1]);
  x.dispose();
  x.dispose();
  expect(() => x.add(1)).toThrowError(mistake('DisposedError', 'ERR_STM_DISPOSED', /disposed, expected a live one/));
  expect(inspect(x)).toBe('Tensor (disposed)');
});

test('something else than a tensor is named', () => {
  const mul = stm.mul as (a: unknown, b: unknown) => unknown;
  expect(() => mul({ id: 'seven' }, 2)).toThrowError(
    mistake(
      'OptionError',
      'ERR_STM_OPTION',
      /^mul: got { id } as a, expected a Tensor\.\n {2}Fix: make a tensor of numbers by tensor\(x\)\.$/,
    ),
  );
});

test('item wants one element', async () => {
  await expect(stm.tensor([1, 2]).item()).rejects.toThrowError(
    mistake('OptionError', 'ERR_STM_OPTION', /got f32\[2\] on (cpu|cuda:0), expected one element/),
  );
});

test('user-defined functions get gradients where they are asked, in the middle of a graph', async () => {
  const calls: string[] = [];
  const cube = stm.defineFunction({
    forward: (x: stm.Tensor) => ({ output: x.pow(3), saved: x }),
    backward: (grad, x) => {
      calls.push(`${grad}`);
      return [grad.mul(x.square()).mul(3)];
    },
  });
  const x = stm.tensor([1, 2], { requiresGrad: true });
  cube(x.mul(2)).sum().backward(); // 8 x³
  expect(await x.grad?.data()).toEqual(Float32Array.of(24, 96));
  expect(calls).toEqual([`f32[2] on ${here}`]);
  const wrong = stm.defineFunction({
    forward: (y: stm.Tensor) => ({ output: y.mul(1), saved: 0 }),
    backward: () => [stm.tensor([1, 2, 3])],
  });
  expect(() => wrong(x).sum().backward()).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /got gradient f32\[3\] on (cpu|cuda:0) from a user-defined function/),
  );
  const throwing = stm.defineFunction({
    forward: (y: stm.Tensor) => ({ output: y.mul(1), saved: 0 }),
    backward: () => {
      throw new RangeError('mine');
    },
  });
  expect(() => throwing(x).sum().backward()).toThrow('mine');
});

test('what a user-defined function saves lives as long as the graph, and must not change', async () => {
  const scaled = stm.defineFunction({
    forward: (x: stm.Tensor) => {
      const factor = x.mul(0).add(3);
      return { output: x.mul(factor), saved: { factors: [factor], x } };
    },
    backward: (grad, { factors }) => [factors[0]?.mul(grad)],
  });
  const x = stm.tensor([1, 2], { requiresGrad: true });
  stm.scope(() => scaled(x).sum()).backward();
  expect(await x.grad?.data()).toEqual(Float32Array.of(3, 3));
  const loss = scaled(x).sum();
  stm.noGrad(() => x.fill_(10));
  expect(() => loss.backward()).toThrowError(mistake('GraphError', 'ERR_STM_STALE', /fill_ has changed it/));
});

test('a user-defined gradient is copied: changing it changes nothing else', async () => {
  const w = stm.tensor([1, 2]),
    x = stm.tensor([0, 0], { requiresGrad: true });
  stm
    .defineFunction({ forward: (y: stm.Tensor) => ({ output: y.mul(1), saved: 0 }), backward: () => [w] })(x)
    .sum()
    .backward();
  x.grad?.mul_(10);
  expect(await w.data()).toEqual(Float32Array.of(1, 2));
  const wrong = stm.defineFunction({
    forward: (y: stm.Tensor) => ({ output: y.mul(1), saved: 0 }),
    backward: () => [stm.tensor([1, 2], { dtype: 'f64' })],
  });
  expect(() => wrong(x).sum().backward()).toThrowError(
    mistake(
      'ShapeError',
      'ERR_STM_SHAPE',
      /got gradient f64\[2\] on (cpu|cuda:0) from a user-defined function, expected f32\[2\]/,
    ),
  );
});

test('shapes that overflow are refused', () => {
  expect(() => stm.ones([1, 1]).expand([2 ** 40, 2 ** 40])).toThrowError(
    mistake('ShapeError', 'ERR_STM_SHAPE', /at most 2\^40 elements/),
  );
  expect(() => stm.randint(-(2 ** 31), 2 ** 31, [1])).toThrowError(
    mistake('OptionError', 'ERR_STM_OPTION', /fewer than 2\^32/),
  );
});

test('scope and keep find tensors in Maps and Sets', async () => {
  const held = stm.scope(() => {
    const inside = stm.scope(() => ({ set: new Set([stm.tensor([1])]), map: new Map([['x', [stm.tensor([2])]]]) }));
    stm.keep(inside.map);
    return [inside.set];
  });
  const [[one] = []] = held.map((set) => [...set]);
  expect(await one?.data()).toEqual(Float32Array.of(1));
  const kept = new Map<string, stm.Tensor>();
  stm.scope(() => void stm.keep(kept.set('x', stm.tensor([3]))));
  expect(await kept.get('x')?.data()).toEqual(Float32Array.of(3));
});

test('scope keeps what it returns and lets go of the rest', async () => {
  const before = handlesKept();
  const { kept, list } = stm.scope(() => {
    const x = stm.tensor([1, 2]);
    return { kept: x.mul(2), list: [new stm.PaddedSequence(x.add(1).unsqueeze(0), [2])] };
  });
  expect(handlesKept()).toBe(before + 2);
  expect(await kept.data()).toEqual(Float32Array.of(2, 4));
  expect(await list[0]?.data()).toEqual(Float32Array.of(2, 3));
  kept.dispose();
  list[0]?.dispose();
  expect(() => stm.scope(async () => 1)).toThrowError(mistake('OptionError', 'ERR_STM_OPTION', /async function/));
  {
    using held = stm.tensor([1]);
    expect(held.shape).toEqual([1]);
  }
  expect(handlesKept()).toBe(before);
});

test('a chain of 200,000 nodes is freed without recursion, walked or not', async () => {
  const one = stm.tensor([1], { requiresGrad: true });
  const chain = () => {
    let x = one.mul(1);
    for (let i = 0; i < 200_000; i++) {
      const next = x.add(0);
      x.dispose();
      x = next;
    }
    return x;
  };
  chain().dispose();
  chain().backward();
  expect(await one.grad?.item()).toBe(1);
});
