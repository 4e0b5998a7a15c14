import { expect, test } from 'vitest';
import * as stm from 'stmnet';
import { defineFunction, scope, tensor, type Tensor } from 'stmnet';
import { binding } from '../../src/native/load';
import { idOf } from '../../src/tensor/tensor';
import { describeDevices } from '../support/devices';

// What a user's function may do while native code is waiting for it.

const inUse = expect.objectContaining({
  name: 'GraphError',
  code: 'ERR_STM_GRAPH_IN_USE',
  message: expect.stringMatching(/has not returned yet[\s\S]*Fix: /),
});
const of = (...values: number[]): Float32Array => Float32Array.from(values);

/** Twice its input; `during` runs before backward gives its gradient. */
const doubling = (during: (grad: Tensor) => void): ((x: Tensor) => Tensor) =>
  defineFunction({
    forward: (x: Tensor) => ({ output: x.mul(2), saved: undefined }),
    backward: (grad) => {
      during(grad);
      return [grad.mul(2)];
    },
  });

describeDevices('a backward of the user', () => {
  test.each([[{}], [{ retainGraph: true }]])('cannot walk the graph that is being walked, %j', async (inner) => {
    for (let round = 0; round < 50; round++) {
      const x = tensor([1, 2], { requiresGrad: true });
      let error: unknown;
      const f = doubling(() => {
        try {
          loss.backward(inner);
        } catch (thrown) {
          error = thrown;
        }
      });
      const loss: Tensor = f(x.mul(3)).sum();
      loss.backward({ retainGraph: round % 2 === 0 });
      expect(error).toEqual(inUse);
      expect(await x.grad?.data()).toEqual(of(6, 6));
    }
  });

  test('may dispose of everything it can reach, and make tensors in its place', async () => {
    for (let round = 0; round < 50; round++) {
      const x = tensor([1, 2], { requiresGrad: true }),
        middle = x.mul(3);
      const f = doubling(() => {
        expect(() => loss.backward()).toThrowError(inUse);
        for (const tensorOfGraph of [loss, middle]) tensorOfGraph.dispose();
        for (let i = 0; i < 50; i++) stm.ones([2]);
      });
      const loss: Tensor = f(middle).sum();
      loss.backward();
      expect(await x.grad?.data()).toEqual(of(6, 6));
    }
  });

  test('may walk another graph, to the same leaf or another', async () => {
    const x = tensor([1, 2], { requiresGrad: true }),
      other = tensor([5], { requiresGrad: true });
    const f = doubling(() => {
      stm.enableGrad(() => x.square().sum()).backward();
      stm.enableGrad(() => other.mul(7)).backward();
    });
    f(x).sum().backward();
    expect(await x.grad?.data()).toEqual(of(2 + 2, 4 + 2));
    expect(await other.grad?.data()).toEqual(of(7));
  });

  test('that throws leaves the gradients of all leaves as they were', async () => {
    const leaves = [1, 2, 3].map((value) => tensor([value], { requiresGrad: true }));
    const [a, b, c] = leaves as [Tensor, Tensor, Tensor];
    b.grad = tensor([10]);
    let broken = true;
    const f = doubling(() => {
      if (broken) throw new Error('mine');
    });
    const loss = f(a).add(b.mul(4)).add(f(c).mul(b)).sum();
    expect(() => loss.backward({ retainGraph: true })).toThrow('mine');
    expect(a.grad).toBeUndefined();
    expect(await b.grad.data()).toEqual(of(10));
    expect(c.grad).toBeUndefined();
    broken = false;
    loss.backward(); // what was kept is whole
    expect(await a.grad?.data()).toEqual(of(2));
    expect(await b.grad.data()).toEqual(of(10 + 4 + 6));
    expect(await c.grad?.data()).toEqual(of(4));
    expect(() => loss.backward()).toThrowError(expect.objectContaining({ code: 'ERR_STM_GRAPH_RELEASED' }));
  });

  test.each([
    ['too few gradients', () => []],
    ['a gradient of another shape', () => [stm.zeros([3])]],
    ['no array', () => 7],
    ['no tensor', () => [{ id: 1 }]],
  ])('that returns %s leaves them too', (_, result) => {
    const x = tensor([1], { requiresGrad: true }),
      y = tensor([1], { requiresGrad: true });
    const f = defineFunction({
      forward: (input: Tensor) => ({ output: input.mul(2), saved: undefined }),
      backward: () => result() as [],
    });
    expect(() => f(x).add(y).sum().backward()).toThrow(/Fix: /);
    expect([x.grad, y.grad]).toEqual([undefined, undefined]);
  });

  test('may change gradients meanwhile: what it did comes before what backward adds', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    x.grad = tensor([100, 100]);
    doubling(() => {
      x.grad = undefined;
    })(x)
      .sum()
      .backward();
    expect(await x.grad?.data()).toEqual(of(2, 2));
    doubling(() => {
      x.grad = tensor([5, 5]);
    })(x)
      .sum()
      .backward();
    expect(await x.grad?.data()).toEqual(of(7, 7));
  });

  test('may change its gradient in place without changing that of others', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const spoiling = doubling((grad) => void grad.mul_(100));
    const y = x.mul(1);
    y.add(spoiling(y)).add(y).sum().backward(); // one gradient on its way to three
    expect(await x.grad?.data()).toEqual(of(202, 202));
  });

  test('that changes what an earlier op has saved is found out', () => {
    const w = tensor([1, 2], { requiresGrad: true }),
      x = tensor([3, 4]);
    const loss = doubling(() => void x.add_(1))(w.mul(x)).sum();
    expect(() => loss.backward()).toThrowError(
      expect.objectContaining({ code: 'ERR_STM_STALE', message: expect.stringMatching(/saved by mul/) }),
    );
    expect(w.grad).toBeUndefined();
  });

  test('inside another is called once for each walk', async () => {
    const x = tensor([3], { requiresGrad: true });
    let calls = 0;
    const inner = doubling(() => {
      calls++;
    });
    const outer = doubling(
      () =>
        inner(tensor([1], { requiresGrad: true })).requiresGrad ||
        stm.enableGrad(() => inner(tensor([1], { requiresGrad: true })).backward()),
    );
    outer(x).backward();
    expect(calls).toBe(1);
    expect(await x.grad?.data()).toEqual(of(2));
  });

  test('runs without recording, whatever it switches on', async () => {
    const x = tensor([3], { requiresGrad: true });
    let during: boolean | undefined;
    const f = doubling(() => {
      during = stm.isGradEnabled();
      binding.setGradEnabled(true);
    });
    f(f(x)).backward();
    expect(during).toBe(false);
    expect(stm.isGradEnabled()).toBe(true);
    expect(x.grad?.requiresGrad).toBe(false);
    expect(await x.grad?.data()).toEqual(of(4));
  });
});

test('a native call without the tensors it is told of is an error', () => {
  const x = idOf(tensor([1]), 'test');
  const nothing = [undefined] as unknown as number[];
  for (const call of [
    () => binding.onBackward(nothing, [x], [], () => []),
    () => binding.onBackward([x], nothing, [], () => []),
    () => binding.onBackward([x], [x], [], undefined as unknown as () => []),
  ]) {
    expect(call).toThrowError(expect.objectContaining({ name: 'OptionError' }));
  }
});

test('an accessor that shrinks the data while the shape is read finds what is left', () => {
  const buffer = Reflect.construct(ArrayBuffer, [4096, { maxByteLength: 4096 }]) as ArrayBuffer & {
    resize(bytes: number): void;
  };
  const shape = [0];
  Object.defineProperty(shape, 0, { get: () => (buffer.resize(16), 1024) });
  expect(() => binding.fromArray(new Float32Array(buffer), shape, 'cpu')).toThrowError(
    expect.objectContaining({ name: 'ShapeError', message: expect.stringMatching(/got 4 values, expected 1024/) }),
  );
});

test('an array that says it is long and holds nothing costs nothing', () => {
  const ids: number[] = [];
  ids.length = 2 ** 32 - 1;
  expect(() => binding.concat(ids, 0)).toThrowError(expect.objectContaining({ name: 'OptionError' }));
});

test('an accessor in what a scope returns may dispose of it', () => {
  const kept = scope(() => {
    const x = stm.ones([2]),
      y = stm.ones([3]);
    return {
      x,
      y,
      get z() {
        x.dispose();
        return 1;
      },
    };
  });
  expect(() => kept.x.sum()).toThrowError(expect.objectContaining({ name: 'DisposedError' }));
  expect(kept.y.shape).toEqual([3]);
});

test('a tensor that is its own gradient, or whose gradient has it for one, is let go', async () => {
  const collect = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) {
      gc?.();
      scope(() => Array.from({ length: 64 }, () => void stm.zeros([1])));
      await stm.synchronize();
    }
    return stm.memory().usedBytes;
  };
  const cycles = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const x = stm.ones([1 << 14], { requiresGrad: true }),
        y = stm.ones([1 << 14], { requiresGrad: true }),
        z = stm.ones([1 << 14], { requiresGrad: true });
      x.grad = x;
      y.grad = z;
      z.grad = y;
      z.grad.grad = y;
    }
  };
  cycles(4);
  const before = await collect();
  cycles(100);
  expect(await collect()).toBe(before);
});

test('a gradient that was set shares the elements of what it was set to', async () => {
  const x = tensor([1, 2], { requiresGrad: true }),
    g = tensor([3, 4]);
  x.grad = g;
  g.mul_(10);
  expect(await x.grad.data()).toEqual(of(30, 40));
});
