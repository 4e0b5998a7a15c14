import { describe, expect, it } from 'vitest';
import {
  abs,
  cast,
  clamp,
  floorDivide,
  full,
  maskedFill,
  maximum,
  minimum,
  neg,
  noGrad,
  ones,
  padConstant,
  pow,
  remainder,
  rpow,
  rsub,
  scatterAdd,
  tensor,
  where,
  zeros,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../../support/devices';

const [least, greatest] = [-(2 ** 31), 2 ** 31 - 1];
const i32 = (...values: number[]): Tensor => tensor(values, { dtype: 'i32' });
const outside = /outside -2\^31\.\.2\^31-1/;

describeDevices('whole numbers that an i32 does not hold', () => {
  it('are an error at the next read, whichever op makes them', async () => {
    const made: Record<string, () => Tensor> = {
      'add a number': () => i32(greatest).add(1),
      add: () => i32(greatest).add(i32(1)),
      'sub a number': () => i32(least).sub(1),
      sub: () => i32(least).sub(i32(1)),
      rsub: () => rsub(i32(least), 0),
      'mul a number': () => i32(65536).mul(65536),
      mul: () => i32(65536).mul(i32(32768)),
      neg: () => neg(i32(least)),
      abs: () => abs(i32(least)),
      'pow a number': () => i32(10).pow(10),
      pow: () => i32(-2).pow(i32(32)),
      rpow: () => rpow(i32(31), 2),
      'a negative power': () => i32(2).pow(i32(-1)),
      'floorDivide by -1': () => floorDivide(i32(least), -1),
      'floorDivide by 0': () => floorDivide(i32(1), i32(0)),
      'remainder by 0': () => remainder(i32(1), i32(0)),
      add_: () => noGrad(() => i32(greatest).add_(1)),
      mul_: () => noGrad(() => i32(greatest).mul_(i32(2))),
      scatterAdd: () => scatterAdd(i32(greatest), 0, i32(0), i32(1)),
      'a view': () =>
        tensor(
          [
            [greatest, 0],
            [0, 0],
          ],
          { dtype: 'i32' },
        )
          .transpose(0, 1)
          .add(1),
      broadcast: () => tensor([[greatest], [0]], { dtype: 'i32' }).add(i32(0, 1)),
      'the last of many': () =>
        zeros([100_003], { dtype: 'i32' })
          .add(tensor(Int32Array.from({ length: 100_003 }, (_, i) => (i === 100_002 ? greatest : 0))))
          .add(1),
    };
    for (const [name, make] of Object.entries(made)) await expect(make().data(), name).rejects.toThrow(outside);
    for (const value of [NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31) - 1, 1e10, 1e300]) {
      await expect(tensor([0, value], { dtype: 'f64' }).cast('i32').data(), String(value)).rejects.toThrow(outside);
    }
    await expect(tensor([1e10]).cast('i32').data()).rejects.toThrow(/^cast: got a result outside/);
  });

  it('are all that is refused: the bounds themselves are right', async () => {
    const same = async (x: Tensor, ...values: number[]): Promise<void> =>
      expect(await x.data()).toEqual(Int32Array.from(values));
    await same(i32(greatest - 1, least).add(1), greatest, least + 1);
    await same(i32(-1).sub(least), greatest);
    await same(i32(least + 1).sub(1), least);
    await same(i32(65536, -65536).mul(32767), 65536 * 32767, -65536 * 32767);
    await same(i32(-65536).mul(32768), least);
    await same(neg(i32(greatest, 0, 5)), -greatest, 0, -5);
    await same(abs(i32(-greatest, 0, 5)), greatest, 0, 5);
    await same(i32(-2, 2, 3, -1, 0, 7).pow(i32(31, 30, 19, 1001, 0, 0)), least, 2 ** 30, 3 ** 19, -1, 1, 1);
    await same(i32(1, -1, -1).pow(i32(-5, -5, -4)), 1, -1, 1);
    await same(tensor([2147483647.9, -2147483648.9, -0.9], { dtype: 'f64' }).cast('i32'), greatest, least, 0);
    await same(scatterAdd(i32(greatest, 0), 0, i32(0, 0, 1), i32(1, -1, 7)), greatest, 7);
  });

  it('leave the tensors beside them as they were', async () => {
    const x = i32(greatest, 1),
      bad = x.add(1);
    await expect(bad.data()).rejects.toThrow(outside);
    expect(await x.data()).toEqual(Int32Array.of(greatest, 1));
    expect(await x.sub(1).data()).toEqual(Int32Array.of(greatest - 1, 0));
  });

  it('are refused at the call where they are given', () => {
    const mistake = (name: string, message: RegExp) =>
      expect.objectContaining({ name, message: expect.stringMatching(message) });
    for (const value of [1.5, NaN, Infinity, 2 ** 31, 2 ** 40]) {
      expect(() => full([1], value, { dtype: 'i32' })).toThrowError(
        mistake('DTypeError', /^full: got \S+ for dtype i32, expected a whole number of 32 bits/),
      );
      expect(() => i32(1).add(value)).toThrowError(
        mistake('OptionError', /^add: got \S+ with i32\[1\] on \S+, expected an integer of 32 bits/),
      );
      expect(() => noGrad(() => i32(1).fill_(value))).toThrowError(mistake('OptionError', /^fill_: got/));
    }
    expect(() => i32(2).pow(-1)).toThrowError(
      mistake('OptionError', /^pow: got i32\[1\] on \S+ to the power of -1, expected 0 or more for whole numbers/),
    );
    expect(() => floorDivide(i32(2), 0)).toThrowError(
      mistake('OptionError', /^floorDivide: got i32\[1\] on \S+ to be divided by 0/),
    );
    expect(() => remainder(i32(2), 0)).toThrowError(
      mistake('OptionError', /^remainder: got i32\[1\] on \S+ to be divided by 0/),
    );
    expect(() =>
      ones([1])
        .expand([2 ** 31 + 1])
        .argmax(),
    ).toThrowError(mistake('ShapeError', /^argmax: got 2147483649 elements .* expected at most 2\^31/s));
    expect(() =>
      ones([1])
        .expand([2 ** 31 + 1])
        .sort(0),
    ).toThrowError(mistake('ShapeError', /^sort: got 2147483649 elements/));
  });
});

/** Python's `//` and `%`. */
const floored = (a: number, b: number): number => Math.floor(a / b);
const left = (a: number, b: number): number => ((a % b) + b) % b;

describeDevices('floorDivide and remainder', () => {
  const values = [-7, -6, -1, 0, 1, 6, 7],
    divisors = [-3, -2, 2, 3];

  it.each(['i32', 'f32', 'f64'] as const)('follow the sign of the divisor in %s', async (dtype) => {
    const a = tensor(values, { dtype });
    for (const b of divisors) {
      for (const other of [b, tensor([b], { dtype })]) {
        expect(Array.from(await floorDivide(a, other).data(), (x) => x + 0)).toEqual(
          values.map((x) => floored(x, b) + 0),
        );
        expect(Array.from(await remainder(a, other).data(), (x) => x + 0)).toEqual(values.map((x) => left(x, b) + 0));
      }
    }
  });

  it('are those of the exact quotient', async () => {
    expect(await floorDivide(tensor([1, -1, 5.5, 1e300], { dtype: 'f64' }), 0.1).data()).toEqual(
      Float64Array.of(9, -10, 54, Math.floor(1e300 / 0.1)),
    );
    const rest = await remainder(tensor([1, -1, 5.5], { dtype: 'f64' }), 0.1).data();
    expect(rest[0]).toBe(1 % 0.1);
    expect(rest[1]).toBe((-1 % 0.1) + 0.1);
    expect(rest[2]).toBe(5.5 % 0.1);
    expect(await floorDivide(tensor([1, -1, 0, Infinity, 1]), tensor([0, 0, 0, 1, -Infinity])).data()).toEqual(
      Float32Array.of(Infinity, -Infinity, NaN, NaN, -1),
    );
    expect(await remainder(tensor([1, -1, 5, -5]), tensor([0, Infinity, Infinity, -Infinity])).data()).toEqual(
      Float32Array.of(NaN, Infinity, 5, -5),
    );
  });

  it('have the gradients of a step function and of a line', async () => {
    const a = tensor([7, -7], { requiresGrad: true }),
      b = tensor([2, 2], { requiresGrad: true });
    remainder(a, b).sum().backward();
    expect(await a.grad?.data()).toEqual(Float32Array.of(1, 1));
    expect(await b.grad?.data()).toEqual(Float32Array.of(-3, 4));
    const c = tensor([7, -7], { requiresGrad: true });
    floorDivide(c, 2).add(remainder(c, 3)).sum().backward();
    expect(await c.grad?.data()).toEqual(Float32Array.of(1, 1));
  });
});

describeDevices('bools are 0 or 1', () => {
  const m = (): Tensor => tensor([true, false, true, false]);

  it('whichever number is cast', async () => {
    expect(await tensor([NaN, 0.5, 256, -0, 1e-30, Infinity]).cast('bool').data()).toEqual(
      Uint8Array.of(1, 1, 1, 0, 1, 1),
    );
    expect(await i32(256, 0, -1).cast('bool').data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await full([2], 1, { dtype: 'bool' }).cast('f32').sum().item()).toBe(2);
  });

  it('also under maximum, clamp, where and padding', async () => {
    expect(await maximum(m(), 1).data()).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect(await minimum(m(), 0).data()).toEqual(Uint8Array.of(0, 0, 0, 0));
    expect(await clamp(m(), { min: 1 }).data()).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect(await where(m(), m(), 1).data()).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect(await padConstant(m(), [[1, 0]], 1).data()).toEqual(Uint8Array.of(1, 1, 0, 1, 0));
    expect(await maskedFill(m(), m(), 0).data()).toEqual(new Uint8Array(4));
  });

  it('other numbers are refused, as tensor() refuses them', () => {
    const calls: Record<string, (value: number) => unknown> = {
      full: (value) => full([4], value, { dtype: 'bool' }),
      fill_: (value) => noGrad(() => m().fill_(value)),
      maskedFill: (value) => maskedFill(m(), m(), value),
      padConstant: (value) => padConstant(m(), [[1, 1]], value),
      where: (value) => where(m(), m(), value),
      maximum: (value) => maximum(m(), value),
      minimum: (value) => minimum(m(), value),
      'clamp below': (value) => clamp(m(), { min: value }),
      'clamp above': (value) => clamp(m(), { max: value }),
      tensor: (value) => tensor([value], { dtype: 'bool' }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const value of [2, 5, 256, -1, 0.5, NaN])
        expect(() => call(value), `${name} ${value}`).toThrow(/expected 0(,| or) 1/);
    }
    expect(() => tensor(Uint8Array.of(1, 2))).toThrow(/expected 0, 1/);
  });
});

describe('numbers compared with f32', () => {
  it('are f32 too', async () => {
    const x = tensor([0.1, 0.7]);
    expect(await x.eq(0.1).array()).toEqual([true, false]);
    expect(await x.le(0.7).array()).toEqual([true, true]);
    expect(
      await clamp(tensor([1]), { max: 0.7 })
        .ge(0.7)
        .array(),
    ).toEqual([true]);
    expect(
      await cast(tensor([0.1, 0.7]), 'f64')
        .eq(0.1)
        .array(),
    ).toEqual([false, false]);
    expect(await i32(1, 2).lt(1.5).array()).toEqual([true, false]);
    expect(
      await pow(tensor([2, 3]), 2)
        .eq(9)
        .array(),
    ).toEqual([false, true]);
  });
});
