import { expect, test } from 'vitest';
import {
  Adam,
  compile,
  DataLoader,
  getRandomState,
  Linear,
  LSTM,
  manualSeed,
  mathMode,
  noGrad,
  ones,
  PaddedSequence,
  Parameter,
  rand,
  setMathMode,
  SGD,
  tensor,
  zeros,
  type CompiledStep,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { batch, numbers, training, type Tagger } from '../support/tagger';

const bits = async (x: Tensor): Promise<number[]> => Array.from(await x.data());

async function stateOf({ model, optimizer }: ReturnType<typeof training>): Promise<unknown> {
  const named = [
    ...Object.entries(model.stateDict()),
    ...Object.entries(optimizer.stateDict().state),
    ...model.parameters().map((p, i) => [`grad ${i}`, p.grad ?? zeros([])] as const),
  ];
  return {
    values: await Promise.all(named.map(async ([name, x]) => [name, await bits(x)])),
    steps: optimizer.steps,
    rate: optimizer.learningRate,
    random: getRandomState(),
  };
}

async function train(
  steps: number,
  wrap: (step: ReturnType<typeof training>['step']) => ReturnType<typeof training>['step'],
  between?: (i: number, model: Tagger) => void,
): Promise<unknown> {
  const run = training(),
    step = wrap(run.step);
  const seen: unknown[] = [];
  for (let i = 0; i < steps; i++) {
    between?.(i, run.model);
    const { loss, norm } = step(...batch(i));
    run.schedule.step();
    seen.push(await bits(loss), await bits(norm), getRandomState().offset);
  }
  return { seen, state: await stateOf(run) };
}

describeDevices('compile', () => {
  test('50 compiled steps have the bits of 50 eager ones', async () => {
    let compiled: CompiledStep | undefined;
    const recorded = await train(50, (step) => {
      const result = compile(step);
      compiled = result;
      return result;
    });
    expect(recorded).toEqual(await train(50, (step) => step));
    expect(compiled?.recordings).toBe(2);
  });

  test('changes of mode between steps are followed', async () => {
    const modes = (i: number, model: Tagger): void => {
      if (i % 10 === 4) model.eval();
      if (i % 10 === 7) model.train();
      if (i === 23) model.dropout.eval();
    };
    expect(await train(40, (step) => compile(step), modes)).toEqual(await train(40, (step) => step, modes));
  });

  test('each kind of call has a recording of its own', async () => {
    let runs = 0;
    const compiled = compile((x: Tensor, factor: number, options: { shift: number; add: boolean }) => {
      runs++;
      return options.add ? x.mul(factor).add(options.shift) : x.mul(factor);
    });
    const call = async (x: Tensor, factor: number, shift = 0, add = true): Promise<[unknown, number]> => [
      await compiled(x, factor, { shift, add }).array(),
      runs,
    ];
    const x = tensor([1, 2]),
      y = tensor([[3, 4]]);
    expect(await call(x, 2)).toEqual([[2, 4], 1]);
    expect(await call(x, 2)).toEqual([[2, 4], 2]);
    expect(await call(tensor([5, 6]), 2)).toEqual([[10, 12], 2]);
    expect(await call(x, 3)).toEqual([[3, 6], 3]);
    expect(await call(x, 3)).toEqual([[3, 6], 4]);
    expect(await call(y, 2)).toEqual([[[6, 8]], 5]);
    expect(await call(x, 2, 1)).toEqual([[3, 5], 6]);
    expect(await call(x, 2, 1, false)).toEqual([[2, 4], 7]);
    expect(await call(x.cast('f64'), 2)).toEqual([[2, 4], 8]);
    expect(noGrad(() => compiled(x, 2, { shift: 0, add: true })).shape).toEqual([2]);
    expect([runs, compiled.recordings]).toEqual([9, 2]);
    expect(await call(x, 2)).toEqual([[2, 4], 9]);
    compiled.clear();
    expect(compiled.recordings).toBe(0);
    expect(await call(x, 2)).toEqual([[2, 4], 10]);
  });

  test('a result whose padding is known to be zero is such a one in every replay', async () => {
    const layer = new Linear({ inFeatures: 1, outFeatures: 2 });
    layer.loadStateDict({ weight: tensor([[2], [3]]), bias: tensor([1, 1]) });
    const compiled = compile((x: PaddedSequence) => layer.forward(x));
    for (let i = 0; i < 5; i++) {
      const y = compiled(
        new PaddedSequence(
          tensor([
            [[i], [7]],
            [[i], [7]],
          ]),
          [1, 2],
        ),
      );
      expect(y.isZeroPadded).toBe(true);
      expect(await y.values.array()).toEqual([
        [
          [2 * i + 1, 3 * i + 1],
          [0, 0],
        ],
        [
          [2 * i + 1, 3 * i + 1],
          [15, 22],
        ],
      ]);
    }
    expect(compiled.replays).toBeGreaterThan(0);
  });

  test('the math mode and the lengths of a sequence are a part of the kind; -0 is not 0', () => {
    const before = mathMode();
    let runs = 0;
    const compiled = compile((x: PaddedSequence, factor: number) => {
      runs++;
      return x.map((values) => values.mul(factor));
    });
    const call = (row: number[], zero: number): number => {
      compiled(new PaddedSequence(zeros([2, 3]), row), zero);
      return runs;
    };
    try {
      expect([call([1, 2], 0), call([1, 2], 0), call([1, 2], 0), call([2, 1], 0), call([1, 2], -0)]).toEqual([
        1, 2, 2, 3, 4,
      ]);
      setMathMode(before === 'fma' ? 'tf32' : 'fma');
      expect(call([1, 2], 0)).toBe(5);
    } finally {
      setMathMode(before);
    }
  });

  test('recordings that were not used for longest go', () => {
    let runs = 0;
    const compiled = compile(
      (x: Tensor) => {
        runs++;
        return x.add(1);
      },
      { maxRecordings: 2 },
    );
    const call = (size: number): number => {
      compiled(zeros([size]));
      return runs;
    };
    expect([call(1), call(1), call(2), call(2), call(1), call(3), call(3)]).toEqual([1, 2, 3, 4, 4, 5, 6]);
    expect(compiled.recordings).toBe(2);
    expect([call(1), call(3), call(2), call(2)]).toEqual([6, 6, 7, 8]);
    expect(compiled.recordings).toBe(2);
  });

  test('results of earlier calls are not overwritten, and have no history', async () => {
    const w = new Parameter(tensor([3]));
    const compiled = compile((x: Tensor) => ({ product: x.mul(w), sums: [x.sum(), undefined, 'as it is'] as const }));
    const results = [1, 2, 3, 4].map((value) => compiled(tensor([value])));
    expect(await Promise.all(results.map(({ product }) => product.item()))).toEqual([3, 6, 9, 12]);
    expect(await Promise.all(results.map(({ sums }) => sums[0].item()))).toEqual([1, 2, 3, 4]);
    expect(results.map(({ product, sums }) => [product.requiresGrad, sums[1], sums[2]])).toEqual(
      results.map(() => [false, undefined, 'as it is']),
    );
  });

  test('an inference sees weights that have changed since', async () => {
    manualSeed(3);
    const model = new LSTM({ inputSize: 3, hiddenSize: 4 }),
      head = new Linear({ inFeatures: 4, outFeatures: 2 });
    const plain = (x: Tensor): Tensor => head.forward(model.forward(x).output);
    const compiled = compile(plain);
    const x = numbers([2, 5, 3], 1);
    const same = async (): Promise<boolean> => {
      const [a, b] = [await bits(noGrad(() => compiled(x))), await bits(noGrad(() => plain(x)))];
      expect(a).toEqual(b);
      return true;
    };
    for (let i = 0; i < 3; i++) await same();
    for (const parameter of [...model.parameters(), ...head.parameters()]) {
      const before = await bits(noGrad(() => plain(x)));
      noGrad(() => parameter.add_(rand(parameter.shape)));
      await same();
      expect(await bits(noGrad(() => plain(x)))).not.toEqual(before);
    }
  });

  test('two recordings, and eager steps between them, go on from each other', async () => {
    const run = async (wrap: (step: (x: Tensor) => Tensor) => (x: Tensor) => Tensor): Promise<unknown> => {
      manualSeed(5);
      const layer = new Linear({ inFeatures: 3, outFeatures: 2 }),
        optimizer = new SGD(layer.parameters(), { learningRate: 0.1, momentum: 0.9 });
      const one = (x: Tensor): Tensor => {
        const loss = layer.forward(x).square().mean();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const first = wrap(one),
        second = wrap((x) => one(x.mul(2).dropout(0.5)));
      const seen: number[] = [];
      for (let i = 0; i < 12; i++) {
        const x = numbers([4, 3], i);
        for (const step of i % 4 === 3 ? [one, second] : [first, second, first]) seen.push(await step(x).item());
      }
      return [seen, await bits(layer.weight), optimizer.steps, getRandomState()];
    };
    expect(await run((step) => compile(step))).toEqual(await run((step) => step));
  });

  test('gradients add up over calls as they would in eager steps', async () => {
    const run = async (compiled: boolean): Promise<unknown> => {
      const w = new Parameter(tensor([1, 2])),
        optimizer = new SGD([w], { learningRate: 0.5 });
      const plain = (x: Tensor): Tensor => {
        const loss = x.mul(w).square().sum();
        loss.backward();
        return loss;
      };
      const step = compiled ? compile(plain) : plain;
      const seen: unknown[] = [];
      for (let i = 0; i < 24; i++) {
        seen.push(await step(tensor([i / 10, 1])).item(), await w.grad?.array());
        if (i % 4 !== 3) continue;
        optimizer.step();
        optimizer.zeroGrad();
        seen.push(await w.array(), w.grad);
      }
      return seen;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('a frozen parameter, options that change and a state that is loaded make a step of another kind', async () => {
    const run = async (compiled: boolean): Promise<unknown> => {
      const [a, b] = [new Parameter(tensor([1])), new Parameter(tensor([2]))],
        optimizer = new Adam([a, b], { learningRate: 0.1 });
      const plain = (x: Tensor): Tensor => {
        const loss = x.mul(a).mul(b).square().sum();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const step = compiled ? compile(plain) : plain;
      const seen: unknown[] = [];
      let saved = optimizer.stateDict();
      for (let i = 0; i < 30; i++) {
        if (i === 5) a.requiresGrad_(false);
        if (i === 12) a.requiresGrad_(true);
        const [group] = optimizer.groups;
        if (i === 17 && group !== undefined) group.weightDecay = 0.1;
        if (i === 20) optimizer.learningRate = 0.01;
        if (i === 15)
          saved = {
            ...optimizer.stateDict(),
            state: Object.fromEntries(
              Object.entries(optimizer.stateDict().state).map(([name, x]) => [name, x.clone()]),
            ),
          };
        if (i === 24) optimizer.loadStateDict(saved);
        seen.push(await step(tensor([1 + i / 10])).item(), await a.item(), await b.item(), optimizer.steps);
      }
      return seen;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('a model that moves to another device and back is followed', async () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 1 }),
      optimizer = new Adam(layer.parameters(), { learningRate: 0.1 });
    const home = layer.weight.device;
    const [one, other] = [ones([1, 2]), ones([1, 2], { device: 'cpu' })];
    const step = compile(() => {
      const loss = layer.forward(layer.weight.device === 'cpu' ? other : one).sum();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const losses: number[] = [];
    for (const device of [home, 'cpu', home]) {
      layer.to(device);
      for (let i = 0; i < 4; i++) losses.push(await step().item());
    }
    // each step moves two weights and a bias by 0.1
    losses.slice(1).forEach((loss, i) => expect((losses[i] ?? 0) - loss).toBeCloseTo(0.3, 4));
    expect(optimizer.steps).toBe(12);
  });

  test('what a step returns is a copy from the first call on, also of a tensor that later calls change', async () => {
    const count = zeros([1]);
    const compiled = compile(() => [count.add_(1), count.reshape([])]);
    const results = Array.from({ length: 4 }, () => compiled());
    for (const [i, pair] of results.entries())
      expect(await Promise.all(pair.map((x) => x.data()))).toEqual([Float32Array.of(i + 1), Float32Array.of(i + 1)]);
    results[0]?.[0]?.add_(10);
    expect(await count.item()).toBe(4);
  });

  test('a compiled step inside another becomes a part of it', async () => {
    const inner = compile((x: Tensor) => x.add(1)),
      outer = compile((x: Tensor) => inner(inner(x)).mul(2));
    for (let i = 0; i < 4; i++) expect(await outer(tensor([i])).item()).toBe((i + 2) * 2);
    expect([inner.recordings, outer.recordings]).toEqual([0, 1]);
  });

  test('data from the host and empty tensors', async () => {
    const compiled = compile((x: Tensor) => [
      x.add(tensor([1, 2, 3])),
      tensor([7]),
      zeros([0, 2]).add(1),
      x.slice([0], [0]),
    ]);
    for (let i = 0; i < 4; i++)
      expect(await Promise.all(compiled(tensor([i, i, i])).map((y) => y.array()))).toEqual([
        [i + 1, i + 2, i + 3],
        [7],
        [],
        [],
      ]);
    const empty = compile((x: Tensor) => x.sum());
    for (let i = 0; i < 4; i++) expect(await empty(zeros([0])).item()).toBe(0);
    const nothing = compile(() => undefined);
    for (let i = 0; i < 4; i++) expect(nothing()).toBeUndefined();
  });
});

test('a batch of rows does not replay what was recorded for one sequence', () => {
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3 });
  const step = compile((x: Tensor) => lstm.forward(x).output.sum());
  for (let i = 0; i < 3; i++) step(ones([4, 2])); // four steps of one sequence
  const [made] = [
    ...new DataLoader(
      Array.from({ length: 4 }, () => ({ input: [1, 2], target: 0 })),
      { batchSize: 4 },
    ),
  ];
  expect(() => step((made as { input: Tensor }).input)).toThrow(/expected \[N, T, 2\]/);
});
