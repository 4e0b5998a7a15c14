// The op functions of src/tensor/ops/elementwise.ts, each with what it gives in plain TypeScript.
import * as stm from 'stmnet';
import type { HostArray, Tensor } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { bool, constant } from './inputs';
import { everywhere, unaryOps, type Elementwise } from './unary';

type Binary = Elementwise<(a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number>;

const binary = (run: Binary['run'], of: Binary['of'], domain = everywhere): Binary => ({ run, of, domain });
const without = (run: Binary['run'], of: (a: number, b: number) => number | boolean, domain = everywhere): Binary => ({
  run,
  of: (a, b) => Number(of(a, b)),
  domain,
  gradient: false,
});

const binaryOps: Readonly<Record<string, Binary>> = {
  add: binary(stm.add, (a, b) => a + b),
  sub: binary(stm.sub, (a, b) => a - b),
  mul: binary(stm.mul, (a, b) => a * b),
  div: binary(stm.div, (a, b) => a / b, [0.3, 2]),
  pow: binary(stm.pow, (a, b) => a ** b, [0.3, 2]),
  maximum: binary(stm.maximum, Math.max),
  minimum: binary(stm.minimum, Math.min),
  floorDivide: without(stm.floorDivide, (a, b) => Math.floor(a / b), [0.5, 9]),
  remainder: binary(stm.remainder, (a, b) => a - b * Math.floor(a / b), [0.5, 9]),
  eq: without(
    (a, b) => stm.eq(stm.round(a), stm.round(b)),
    (a, b) => Math.round(a) === Math.round(b),
  ),
  ne: without(
    (a, b) => stm.ne(stm.round(a), stm.round(b)),
    (a, b) => Math.round(a) !== Math.round(b),
  ),
  lt: without(stm.lt, (a, b) => a < b),
  le: without(stm.le, (a, b) => a <= b),
  gt: without(stm.gt, (a, b) => a > b),
  ge: without(stm.ge, (a, b) => a >= b),
};

const mapped = (fn: (x: number) => number | boolean) => (x: HostArray) =>
  generate(x.shape, (place) => Number(fn(at(x, place))));
const broadcast = (...shapes: readonly (readonly number[])[]): number[] => {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from(
    { length: rank },
    (_, axis) => shapes.map((shape) => shape[axis + shape.length - rank] ?? 1).find((extent) => extent !== 1) ?? 1,
  );
};
const both = (fn: (a: number, b: number) => number | boolean) => (a: HostArray, b: HostArray) =>
  generate(broadcast(a.shape, b.shape), (place) => Number(fn(at(a, place), at(b, place))));

const [rows, columns] = [133, 70];
/** The odd shapes of a function of one tensor; large are a matrix, and a vector that is longer than a block. */
const one = { shapes: [[[2, 3]], [[]], [[0, 2]], [[1, 1]]], large: [[[rows, columns]], [[70_001]]] };
/** Those of a function of two: of one shape, broadcast along each axis, and with a scalar. */
const two = {
  shapes: [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 1], [3]],
    [[], [2, 2]],
    [
      [0, 3],
      [1, 3],
    ],
    [
      [4, 1, 2],
      [1, 3, 1],
    ],
  ],
  large: [
    [
      [rows, columns],
      [rows, columns],
    ],
    [[rows, columns], [columns]],
    [[rows, 1], [columns]],
    [
      [5, 1, 24],
      [37, 1],
    ],
    [[], [rows, columns]],
  ],
};

const withNumbers: [name: string, run: (x: Tensor) => Tensor, fn: (x: number) => number][] = [
  ['add a number', (x) => x.add(2), (x) => x + 2],
  ['sub a number', (x) => x.sub(2), (x) => x - 2],
  ['mul a number', (x) => x.mul(2), (x) => x * 2],
  ['div a number', (x) => x.div(4), (x) => x / 4],
  ['pow a number', (x) => x.pow(3), (x) => x ** 3],
  ['maximum of a number', (x) => x.maximum(0.25), (x) => Math.max(x, 0.25)],
  ['minimum of a number', (x) => x.minimum(0.25), (x) => Math.min(x, 0.25)],
];

/** One that writes into its first operand, which is a copy here. */
const inPlace = (op: string, run: (a: Tensor, b: Tensor) => Tensor, of: (a: number, b: number) => number): OpCase => ({
  op,
  run: (a, b) => run(stm.clone(a), b),
  reference: (a, b) => generate(a.shape, (place) => of(at(a, place), at(b, place))),
  shapes: [
    [constant([2, 3]), constant([2, 3], [1, 3])],
    [constant([2, 3]), constant([3], [1, 3])],
    [constant([0, 3]), constant([1, 3], [1, 3])],
  ],
  large: [[constant([rows, columns]), constant([columns], [1, 3])]],
});

const logical = (op: string, run: (a: Tensor, b: Tensor) => Tensor, of: (a: number, b: number) => boolean): OpCase => ({
  op,
  run,
  reference: both(of),
  shapes: [
    [bool([2, 3]), bool([2, 3])],
    [bool([4, 1]), bool([5])],
    [bool([]), bool([7])],
    [bool([0, 3]), bool([3])],
  ],
  large: [[bool([rows, columns]), bool([columns])]],
});

const casts: Readonly<Record<'f32' | 'f64' | 'i32' | 'bool', (x: number) => number>> = {
  f32: Math.fround,
  f64: (x) => x,
  i32: Math.trunc,
  bool: (x) => Number(x !== 0),
};

export const elementwiseOps: readonly OpCase[] = [
  ...Object.entries(unaryOps).map(([op, { of, ...row }]): OpCase => ({ op, ...row, reference: mapped(of), ...one })),
  ...Object.entries(binaryOps).map(([op, { of, ...row }]): OpCase => ({ op, ...row, reference: both(of), ...two })),
  ...withNumbers.map(([op, run, of]): OpCase => ({ op, run, reference: mapped(of), ...one, domain: everywhere })),
  logical('logicalAnd', stm.logicalAnd, (a, b) => a !== 0 && b !== 0),
  logical('logicalOr', stm.logicalOr, (a, b) => a !== 0 || b !== 0),
  {
    op: 'logicalNot',
    run: stm.logicalNot,
    reference: mapped((x) => x === 0),
    shapes: [[bool([2, 3])], [bool([])], [bool([0, 2])]],
    large: [[bool([rows, columns])]],
  },
  {
    op: 'isNaN',
    run: (x) => stm.isNaN(stm.log(x)),
    reference: mapped((x) => x < 0),
    ...one,
    domain: everywhere,
    gradient: false,
  },
  {
    op: 'isFinite',
    run: (x) => stm.isFinite(stm.log(stm.relu(x))),
    reference: mapped((x) => x > 0),
    ...one,
    domain: everywhere,
    gradient: false,
  },
  {
    op: 'where',
    run: (condition, a, b) => stm.where(condition, a, b),
    reference: (condition, a, b) =>
      generate(broadcast(condition.shape, a.shape, b.shape), (place) => at(at(condition, place) === 0 ? b : a, place)),
    shapes: [
      [bool([3]), [2, 3], [3]],
      [bool([3]), [2, 1], [2, 3]],
      [bool([2, 3]), [2, 3], []],
      [bool([2, 1]), [0, 2, 3], [3]],
    ],
    large: [[bool([rows, columns]), [rows, columns], [columns]]],
  },
  {
    op: 'maskedFill',
    run: (x, mask) => stm.maskedFill(x, mask, -7),
    reference: (x, mask) => generate(x.shape, (place) => (at(mask, place) === 0 ? at(x, place) : -7)),
    shapes: [
      [[2, 3], bool([2, 1])],
      [[2, 3], bool([2, 3])],
      [[0, 3], bool([3])],
    ],
    large: [[[rows, columns], bool([rows, columns])]],
  },
  ...(['f32', 'f64', 'i32', 'bool'] as const).map((dtype): OpCase => ({
    op: `cast to ${dtype}`,
    run: (x) => stm.cast(x, dtype),
    reference: mapped(casts[dtype]),
    ...one,
    domain: everywhere,
    gradient: dtype === 'f64', // f32 is too coarse for differences
  })),
  { op: 'contiguous', run: stm.contiguous, reference: mapped((x) => x), ...one },
  {
    op: 'contiguous of permuted axes',
    run: (x) => stm.contiguous(x.permute([2, 0, 1])),
    reference: (x) =>
      generate([x.shape[2] ?? 0, x.shape[0] ?? 0, x.shape[1] ?? 0], ([k = 0, i = 0, j = 0]) => at(x, [i, j, k])),
    shapes: [[[2, 3, 4]], [[0, 2, 3]]],
    large: [[[5, 37, 24]]],
  },
  inPlace('add_', stm.add_, (a, b) => a + b),
  inPlace('sub_', stm.sub_, (a, b) => a - b),
  inPlace('mul_', stm.mul_, (a, b) => a * b),
  inPlace('div_', stm.div_, (a, b) => a / b),
  inPlace('copy_', stm.copy_, (_, b) => b),
  inPlace(
    'fill_',
    (a) => stm.fill_(a, 2.5),
    () => 2.5,
  ),
  inPlace(
    'zero_',
    (a) => stm.zero_(a),
    () => 0,
  ),
];
