import { expect, test } from 'vitest';
import {
  Adam,
  clipGradNorm,
  compile,
  GradScaler,
  OptionError,
  Parameter,
  SGD,
  ShapeError,
  tensor,
  type GradScalerOptions,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { spreadArray } from '../support/gradients';

const numbers = (shape: readonly number[], seed: number): Tensor => tensor(spreadArray(shape, seed), { dtype: 'f32' });

describeDevices('GradScaler', () => {
  const figures = async (scaler: GradScaler): Promise<unknown> => {
    const { state } = scaler.stateDict();
    return { scale: await state['scale']?.item(), tracker: await state['growth_tracker']?.item() };
  };

  /** Steps on losses that are sums of w · x, whose gradient is x; where `factors` is infinite, so is the gradient. */
  const train = async (
    factors: readonly number[],
    options: GradScalerOptions | undefined,
    compiled = false,
  ): Promise<unknown[]> => {
    const w = new Parameter(numbers([3, 2], 1)),
      b = new Parameter(tensor([0.5], { dtype: 'f64' }));
    const optimizer = new Adam([w, b], { learningRate: 0.1 });
    const scaler = options === undefined ? undefined : new GradScaler(options);
    const plain = (x: Tensor): Tensor => {
      const loss = x.mul(w).sum().add(b.cast('f32').sum());
      optimizer.zeroGrad();
      if (scaler === undefined) {
        loss.backward();
        clipGradNorm([w, b], { maxNorm: 1 });
        optimizer.step();
        return loss;
      }
      scaler.scale(loss).backward();
      scaler.unscale_(optimizer);
      clipGradNorm([w, b], { maxNorm: 1 });
      scaler.step(optimizer);
      scaler.update();
      return loss;
    };
    const step = compiled ? compile(plain) : plain;
    const seen: unknown[] = [];
    for (const [i, factor] of factors.entries()) {
      step(numbers([3, 2], i + 2).mul(factor));
      seen.push({
        w: await w.data(),
        b: await b.data(),
        ...(scaler === undefined ? {} : { scaler: await figures(scaler) }),
        step: await optimizer.stateDict().state['0.step']?.data(),
      });
    }
    return seen;
  };

  test('while gradients are finite, nothing differs from a training without it', async () => {
    const factors = [1, 2, 3, 4, 5];
    const plain = await train(factors, undefined),
      scaled = await train(factors, { growthInterval: 2 });
    scaled.forEach((given, i) => expect(given).toMatchObject(plain[i] as object));
    expect(scaled.map((given) => (given as { scaler: unknown }).scaler)).toEqual(
      [
        [65_536, 1],
        [131_072, 0],
        [131_072, 1],
        [262_144, 0],
        [262_144, 1],
      ].map(([scale, tracker]) => ({ scale, tracker })),
    );
  });

  test('a step with an infinite gradient, or NaN, changes nothing but the scale', async () => {
    const seen = (await train([1, Infinity, 1, NaN, 1, 1], {
      initialScale: 8,
      growthFactor: 4,
      backoffFactor: 0.25,
      growthInterval: 2,
    })) as { w: Float32Array; b: Float64Array; scaler: object; step: Float64Array }[];
    expect(seen.map(({ scaler }) => scaler)).toEqual(
      [
        [8, 1],
        [2, 0],
        [2, 1],
        [0.5, 0],
        [0.5, 1],
        [2, 0],
      ].map(([scale, tracker]) => ({ scale, tracker })),
    );
    expect(seen.map(({ step }) => step[0])).toEqual([1, 1, 2, 2, 3, 4]);
    expect([seen[1]?.w, seen[1]?.b, seen[3]?.w]).toEqual([seen[0]?.w, seen[0]?.b, seen[2]?.w]);
    expect(seen[2]?.w).not.toEqual(seen[1]?.w);
    for (const { w } of seen) for (const value of w) expect(value).toBeGreaterThan(-3);
  });

  test('a compiled step has the bits of an eager one, infinite gradients and all', async () => {
    const factors = [1, 2, Infinity, 3, 1, 1, NaN, NaN, 2, 5, 1, 1];
    const options = { growthInterval: 3 };
    expect(await train(factors, options, true)).toEqual(await train(factors, options));
  });

  test('update may stay outside of the compiled step', async () => {
    const w = new Parameter(tensor([8])),
      optimizer = new SGD([w], { learningRate: 1 }),
      scaler = new GradScaler({ initialScale: 4, growthInterval: 2 });
    const step = compile((x: Tensor) => {
      optimizer.zeroGrad();
      scaler.scale(x.mul(w).sum()).backward();
      scaler.step(optimizer);
    });
    for (let i = 0; i < 5; i++) {
      step(tensor([i === 3 ? Infinity : 1]));
      scaler.update();
    }
    expect([await w.item(), await scaler.getScale().item(), optimizer.steps]).toEqual([4, 4, 5]);
  });

  test('the scale stays finite', async () => {
    const scaler = new GradScaler({ initialScale: 2 ** 127, growthInterval: 1 });
    const w = new Parameter(tensor([0])),
      optimizer = new SGD([w]);
    w.grad = tensor([0]);
    scaler.step(optimizer);
    scaler.update();
    expect(await scaler.getScale().item()).toBe(2 ** 127);
  });

  test('without unscale_, step divides; parameters without gradients stay out of it', async () => {
    const w = new Parameter(tensor([1, 2])),
      frozen = new Parameter(tensor([3])),
      optimizer = new SGD([w, frozen], { learningRate: 1 });
    const scaler = new GradScaler({ initialScale: 16 });
    const loss = w.sum();
    expect(await scaler.scale(loss).item()).toBe(48);
    scaler.scale(loss).backward();
    scaler.step(optimizer);
    scaler.update();
    expect([await w.array(), await frozen.array(), await w.grad?.array(), optimizer.steps]).toEqual([
      [0, 1],
      [3],
      [1, 1],
      1,
    ]);
  });

  test('one optimizer of two that fails makes the scale smaller for both, and only its step is left out', async () => {
    const [a, b] = [new Parameter(tensor([1])), new Parameter(tensor([1]))];
    const [first, second] = [new SGD([a], { learningRate: 1 }), new SGD([b], { learningRate: 1 })];
    const scaler = new GradScaler({ initialScale: 4 });
    scaler.scale(a.mul(Infinity).sum().add(b.sum())).backward();
    scaler.step(first);
    scaler.step(second);
    scaler.update();
    expect([await a.item(), await b.item(), await scaler.getScale().item()]).toEqual([1, 0, 2]);
  });

  test('its state goes on where it was', async () => {
    const [one, other] = [new GradScaler({ initialScale: 32 }), new GradScaler()];
    other.loadStateDict(one.stateDict());
    expect(await figures(other)).toEqual({ scale: 32, tracker: 0 });
    const dict = one.stateDict();
    expect(() => other.loadStateDict({ ...dict, state: {} })).toThrow(/expected scale and growth_tracker/);
    expect(() => other.loadStateDict({ ...dict, state: { ...dict.state, scale: tensor([1, 2]) } })).toThrow(ShapeError);
    expect(() => other.loadStateDict({ ...dict, state: { ...dict.state, extra: tensor([1]) } })).toThrow(/extra/);
  });
});

test('without enabled it is the optimizer alone', async () => {
  const w = new Parameter(tensor([1])),
    optimizer = new SGD([w], { learningRate: 1 }),
    scaler = new GradScaler({ enabled: false });
  const loss = w.sum();
  expect(scaler.scale(loss)).toBe(loss);
  loss.backward();
  scaler.unscale_(optimizer);
  scaler.step(optimizer);
  scaler.update();
  expect([await w.item(), optimizer.steps]).toEqual([0, 1]);
});

test('mistakes', () => {
  const optimizer = new SGD([new Parameter(tensor([1]))]),
    scaler = new GradScaler();
  expect(() => scaler.update()).toThrow(/GradScaler.update: got no gradients that were looked at/);
  scaler.unscale_(optimizer);
  expect(() => scaler.unscale_(optimizer)).toThrow(/GradScaler.unscale_: got an optimizer that was unscaled already/);
  scaler.step(optimizer);
  expect(() => scaler.step(optimizer)).toThrow(/GradScaler.step: got a second step/);
  expect(() => scaler.unscale_(optimizer)).toThrow(/was stepped already/);
  scaler.update();
  scaler.step(optimizer);
  expect(() => optimizer.step({ skp: 1 } as never)).toThrow(/SGD.step: got an option skp/);
  for (const options of [
    { initialScale: 0 },
    { growthFactor: 1 },
    { backoffFactor: 1 },
    { growthInterval: 0 },
    { enabled: 1 },
    { scale: 1 },
  ]) {
    expect(() => new GradScaler(options as GradScalerOptions)).toThrow(OptionError);
  }
});
