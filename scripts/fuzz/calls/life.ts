// Calls about tensors' lives: factories, gradients, scopes, functions of the user's own, compiled steps, the random
// state.
import { inspect } from 'node:util';
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import { garbage, spoiled, spoiledOptions } from './garbage';
import { Pool } from './pool';
import { affordable, anything, number, type CallMaker } from './tensors';

const dtypes = ['f32', 'f64', 'i32', 'bool'] as const;
/** What callbacks of the fuzzer throw: it must come out as it went in. */
export class OwnError extends Error {}

const factories: Readonly<Record<string, CallMaker>> = {
  full: (draw) => ({
    name: 'full',
    run: stm.full,
    args: spoiled(draw, [draw.shape(), number(draw), spoiledOptions(draw, { dtype: draw.pick(dtypes) })]).map(
      affordable,
    ),
  }),
  filled: (draw) => {
    const name = draw.pick(['zeros', 'ones'] as const);
    const options = spoiledOptions(draw, { dtype: draw.pick(dtypes), requiresGrad: draw.chance(0.3) });
    return { name, run: stm[name], args: spoiled(draw, [draw.shape(), options]).map(affordable) };
  },
  arange: (draw) => ({
    name: 'arange',
    run: stm.arange,
    args: spoiled(draw, [draw.whole(-3, 3), draw.whole(-3, 9), draw.pick([1, 2, 0.5, -1])]).map(affordable),
  }),
  eye: (draw) => ({ name: 'eye', run: stm.eye, args: spoiled(draw, [draw.whole(0, 5)]).map(affordable) }),
  random: (draw) => {
    const name = draw.pick(['rand', 'randn'] as const);
    return {
      name,
      run: stm[name],
      args: spoiled(draw, [draw.shape(), spoiledOptions(draw, { dtype: draw.pick(dtypes) })]).map(affordable),
    };
  },
  randint: (draw) => ({
    name: 'randint',
    run: stm.randint,
    args: spoiled(draw, [draw.whole(-3, 3), draw.whole(-1, 5), draw.shape()]).map(affordable),
  }),
  tensor: (draw) => {
    const sources = [
      1,
      [1, 2],
      [
        [1, 2],
        [3, 4],
      ],
      [[], []],
      true,
      [true, false],
      new Float32Array(3),
      new Int16Array(2),
      { data: new Int32Array(4), shape: [2, 2] },
      { data: new Float64Array(4), shape: [2, 3] },
      [[1], [2, 3]],
      [1, [2]],
    ];
    const options = spoiledOptions(draw, { dtype: draw.pick(dtypes) });
    return {
      name: 'tensor',
      run: stm.tensor,
      args: spoiled(draw, [draw.pick<unknown>(sources), options]).map(affordable),
    };
  },
  /** Extents that no machine has, beside an empty axis or not. */
  huge: (draw, pool) => {
    const extent = draw.pick([2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1]);
    const empty = stm.zeros(draw.shuffled([0, ...draw.many(draw.whole(0, 3), () => extent)]), {
      dtype: draw.pick(dtypes),
    });
    const names = [
      'sum',
      'mean',
      'max',
      'argmax',
      'cumsum',
      'sort',
      'softmax',
      'abs',
      'clone',
      'flatten',
      'layerNorm',
      'oneHot',
      'squeeze',
      'unfold',
      'split',
      'expand',
    ] as const;
    const name = draw.pick(names);
    const run: unknown = Reflect.get(stm, name);
    const extraOf = (): unknown[] => {
      switch (name) {
        case 'oneHot':
        case 'split':
          return [extent];
        case 'expand':
          return [[extent, extent]];
        case 'unfold':
          return [0, extent, { dilation: extent }];
        default:
          return [draw.whole(-2, 2)];
      }
    };
    const extra = extraOf();
    if (typeof run !== 'function') throw new Error(`fuzz: there is no ${name}`);
    const x = draw.chance(0.8) ? empty : pool.any();
    return {
      name: `huge ${name}`,
      run: (...args: unknown[]): unknown => Reflect.apply(run, undefined, args),
      args: [x, ...extra],
    };
  },
};

/** One value of the total that can be differentiated, or the tensor itself. */
const rootOf = (x: Tensor): Tensor => (Pool.sizeOf(x) === 1 ? x : x.sum());

const gradients: Readonly<Record<string, CallMaker>> = {
  backward: (draw, pool) => {
    const options = draw.pick<() => unknown>([
      () => ({}),
      () => ({}),
      () => ({ retainGraph: true }),
      () => ({ gradient: pool.any() }),
      () => garbage(draw),
    ])();
    const whole = draw.chance(0.8);
    return {
      name: 'backward',
      run: (x: Tensor, o: object) => (whole ? rootOf(x) : x).backward(o),
      args: [pool.float(), options],
    };
  },
  grad: (_, pool) => ({ name: 'grad', run: (x: Tensor) => x.grad, args: [pool.any()] }),
  setGrad: (draw, pool) => ({
    name: 'set grad',
    run: (x: Tensor, value: Tensor) => {
      x.grad = value;
    },
    args: [pool.any(), draw.chance(0.8) ? pool.any() : garbage(draw)],
  }),
  requiresGrad: (draw, pool) => ({
    name: 'requiresGrad_',
    run: (x: Tensor, flag: boolean) => x.requiresGrad_(flag),
    args: [pool.any(), draw.chance(0.9) ? draw.chance(0.7) : garbage(draw)],
  }),
  dispose: (_, pool) => ({ name: 'dispose', run: (x: Tensor) => x.dispose(), args: [pool.any()] }),
  properties: (_, pool) => ({
    name: 'properties',
    run: (x: Tensor) =>
      void [
        x.shape,
        x.dtype,
        x.device,
        x.rank,
        x.size,
        x.isLeaf,
        x.isContiguous,
        x.requiresGrad,
        String(x),
        inspect(x),
      ],
    args: [pool.any()],
  }),
  detach: (_, pool) => ({ name: 'detach', run: (x: Tensor) => x.detach(), args: [pool.any()] }),
  to: (draw, pool) => ({
    name: 'to',
    run: (x: Tensor, device: string) => x.to(device),
    args: [pool.any(), draw.chance(0.8) ? 'cpu' : garbage(draw)],
  }),
};

const scopes: Readonly<Record<string, CallMaker>> = {
  scope: (draw, pool) => {
    const kind = draw.whole(0, 3);
    const inner = (a: Tensor): unknown => {
      const b = a.mul(2);
      if (kind === 0) return [b, { c: b.neg() }];
      return kind === 1 ? a : b;
    };
    return {
      name: 'scope',
      run: (x: Tensor) => stm.scope(() => stm.scope(() => inner(x.add(1)))),
      args: [pool.float()],
    };
  },
  asyncScope: (_, pool) => ({
    name: 'scope of a promise',
    run: (x: Tensor) => stm.scope(() => Promise.resolve(x.add(1))),
    args: [pool.float()],
  }),
  noGrad: (_, pool) => ({
    name: 'noGrad',
    run: (x: Tensor) => stm.noGrad(() => stm.enableGrad(() => stm.noGrad(() => x.exp().detach()))),
    args: [pool.float()],
  }),
  throwing: (_, pool) => {
    const run = (x: Tensor): void =>
      stm.scope(() =>
        stm.noGrad(() => {
          x.add(1);
          throw new OwnError();
        }),
      );
    return { name: 'scope that throws', run, args: [pool.float()] };
  },
};

/** What the backward of a user's function does, rightly or wrongly. */
const backwards = (nested: () => void): Readonly<Record<string, (gradient: Tensor, saved: Tensor) => unknown>> => ({
  right: (gradient) => [gradient.mul(2)],
  nothing: () => [undefined],
  saved: (_, saved) => [saved],
  empty: () => [],
  noList: () => 3,
  throws: () => {
    throw new OwnError();
  },
  same: (gradient) => [gradient],
  disposed: (gradient) => {
    gradient.dispose();
    return [gradient];
  },
  nested: (gradient) => {
    nested();
    return [gradient.mul(2)];
  },
});

const functions: Readonly<Record<string, CallMaker>> = {
  defineFunction: (draw, pool) => {
    let root: Tensor | undefined;
    let depth = 0;
    const nested = (): void => {
      if (depth++ > 0) return;
      try {
        root?.backward();
      } finally {
        root?.dispose();
        draw.many(20, () => stm.ones([]));
      }
    };
    const table = backwards(nested);
    const [kind, retains] = [draw.pick(Object.keys(table)), draw.chance(0.5)];
    const fn = stm.defineFunction({
      forward: (x: Tensor) => ({ output: x.mul(2), saved: [x] }),
      backward: (gradient, [x]) => table[kind]?.(gradient, x ?? gradient) as Tensor[],
    });
    const run = (x: Tensor): Tensor => {
      const y = fn(x);
      root = y.sum().add(y.mean());
      try {
        root.backward(retains ? { retainGraph: true } : {});
      } finally {
        root = undefined; // a graph that is kept by its own backward would never go
      }
      return y;
    };
    return { name: `defineFunction ${kind}`, run, args: [pool.float()] };
  },
  compile: (draw, pool) => {
    const weight = pool.view([3, 2], 'f32').detach().requiresGrad_(true);
    const trains = draw.chance(0.5);
    const step = (x: Tensor): Tensor => {
      const y = stm.matmul(x, weight).tanh().sum();
      if (trains) {
        weight.grad = undefined;
        y.backward();
      }
      return y;
    };
    const run = (x: Tensor, times: number): Tensor | undefined => {
      const compiled = stm.compile(step);
      let result: Tensor | undefined;
      for (let time = 0; time < times; time++) result = compiled(x);
      compiled.clear();
      return result;
    };
    return {
      name: 'compile',
      run,
      args: spoiled(draw, [pool.view([draw.whole(0, 4), 3]).detach(), draw.whole(1, 4)])
        .map((arg, at) => (at === 1 && !(typeof arg === 'number' && arg < 10) ? 1 : arg))
        .map(affordable),
    };
  },
  randomState: (draw) => {
    const state = draw.chance(0.7) ? undefined : spoiledOptions(draw, { seed: number(draw), offset: number(draw) });
    const run = (given: stm.RandomState | undefined): void => {
      const before = stm.getRandomState();
      try {
        stm.setRandomState(given ?? before);
        stm.manualSeed(1);
      } finally {
        stm.setRandomState(before);
      }
    };
    return { name: 'random state', run, args: [state] };
  },
  memory: () => ({ name: 'memory', run: () => void [stm.memory(), stm.devices(), stm.numThreads()], args: [] }),
  read: (draw, pool) => ({
    name: 'read',
    run: (x: Tensor) => draw.pick([() => x.data(), () => x.array(), () => x.item()])(),
    args: [anything(draw, pool)].map((x) => (x instanceof stm.Tensor ? x : pool.any())),
  }),
};

export const lifeCalls: readonly CallMaker[] = [factories, gradients, scopes, functions].flatMap((family) =>
  Object.values(family),
);
