// One recurrent stack, forward and backward, on a device in a math mode, and on the CPU in f64.
import {
  GRU,
  isDeterministic,
  LSTM,
  manualSeed,
  mathMode,
  PaddedSequence,
  randn,
  RNN,
  setDeterministic,
  setMathMode,
  tensor,
  type DType,
  type HostArray,
  type MathMode,
  type Tensor,
} from 'stmnet';
import { cuda, distance, euclidean } from './cuda';

export type Cell = 'lstm' | 'projected' | 'gru' | 'tanh' | 'relu';
export const cells: readonly Cell[] = ['lstm', 'projected', 'gru', 'tanh', 'relu'];

/**
 * How far a result may be from the f64 reference, of its largest number: 16-bit modes round the operands of every
 * product.
 */
export const allowed: Record<MathMode | 'f64', number> = { f64: 1e-10, fma: 1e-5, tf32: 5e-3, f16: 1e-2, bf16: 3e-2 };

/**
 * A rounding may take a unit of relu over its kink, and then its whole gradient comes or goes: as norms of differences,
 * of the norm of the whole.
 */
const allowedPastKinks = 0.5;

/** What to compute. */
export interface Stack {
  cell: Cell;
  T: number;
  N: number;
  D: number;
  H: number;
  layers: number;
  bidirectional: boolean;
  bias: boolean;
  batchFirst: boolean;
  /** Undefined: a plain tensor. */
  lengths?: readonly number[] | undefined;
  /** Whether initial states are given. */
  state: boolean;
  /** Which gradients are asked for. */
  wanted: { x: boolean; state: boolean; weights: boolean };
  algo?: 'auto' | 'standard' | 'persistStatic' | 'persistDynamic' | 'persistStaticSmallH';
  /** What x and the upstream gradient hold past the lengths. Default: numbers like all others. */
  padding?: number;
}

/** In words, for messages. */
export const nameOf = ({ lengths, wanted, ...stack }: Stack): string =>
  `${JSON.stringify({
    ...stack,
    lengths: lengths?.join(' '),
    wanted: Object.entries(wanted)
      .filter(([, on]) => on)
      .map(([name]) => name)
      .join(' '),
  })}`;

type Layer = LSTM | GRU | RNN;

function layerOf(
  { cell, D, H, layers, bidirectional, bias, batchFirst, algo = 'auto' }: Stack,
  dtype: 'f32' | 'f64',
): Layer {
  const options = { inputSize: D, hiddenSize: H, numLayers: layers, bidirectional, bias, batchFirst, dtype, algo };
  if (cell === 'lstm') return new LSTM(options);
  if (cell === 'projected') return new LSTM({ ...options, projSize: Math.max(1, Math.floor((3 * H) / 4)) });
  return cell === 'gru' ? new GRU(options) : new RNN({ ...options, nonlinearity: cell });
}

const randomArray = async (shape: readonly number[]): Promise<HostArray> => ({
  data: Float32Array.from(await randn([...shape], { device: 'cpu' }).data()),
  shape: [...shape],
});

/** Inputs, upstream gradients and weights of a stack. The same for the same seed. */
interface Numbers {
  x: HostArray;
  h: HostArray;
  c: HostArray;
  upstream: { output: HostArray; h: HostArray; c: HostArray };
  weights: Record<string, Tensor>;
}

async function numbersOf(stack: Stack, seed: number): Promise<Numbers> {
  manualSeed(seed);
  const { cell, T, N, D, H, layers, bidirectional, batchFirst, lengths, padding } = stack;
  const K = bidirectional ? 2 : 1;
  const width = cell === 'projected' ? Math.max(1, Math.floor((3 * H) / 4)) : H;
  const sequence = (last: number): number[] => (batchFirst ? [N, T, last] : [T, N, last]);
  const [x, output] = [await randomArray(sequence(D)), await randomArray(sequence(K * width))];
  if (padding !== undefined && lengths !== undefined) {
    for (const [array, last] of [
      [x, D],
      [output, K * width],
    ] as const) {
      lengths.forEach((length, row) =>
        (array.data as Float32Array).fill(padding, (row * T + length) * last, (row + 1) * T * last),
      );
    }
  }
  const [h, c] = [await randomArray([layers * K, N, width]), await randomArray([layers * K, N, H])];
  const upstream = { output, h: await randomArray(h.shape), c: await randomArray(c.shape) };
  return {
    x,
    h,
    c,
    upstream,
    weights: layerOf({ ...stack, algo: 'auto' }, 'f32')
      .to('cpu')
      .stateDict(),
  };
}

/** Results by name: output, states, gradients. */
export type Results = Record<string, ArrayLike<number>>;

/** Runs the stack forward and backward. */
export async function run(stack: Stack, seed: number, device: string, dtype: 'f32' | 'f64'): Promise<Results> {
  const numbers = await numbersOf(stack, seed);
  const layer = layerOf(stack, dtype).to('cpu');
  layer.loadStateDict(numbers.weights);
  layer.to(device);
  for (const parameter of layer.parameters()) parameter.requiresGrad_(stack.wanted.weights);
  const made = (array: HostArray, requiresGrad = false): Tensor =>
    tensor(
      { data: dtype === 'f64' ? Float64Array.from(array.data) : array.data, shape: array.shape },
      { device, dtype: dtype as DType, requiresGrad },
    );
  const x = made(numbers.x, stack.wanted.x);
  const [h, c] = [made(numbers.h, stack.wanted.state), made(numbers.c, stack.wanted.state)];
  const input = stack.lengths === undefined ? x : new PaddedSequence(x, stack.lengths);
  const lstm = layer instanceof LSTM;
  const initial = lstm ? { h, c } : { h };
  const state = stack.state ? initial : undefined;
  const result: { output: Tensor | PaddedSequence; h: Tensor; c?: Tensor } = Reflect.apply(
    Reflect.get(layer, 'forward'),
    layer,
    [input, state],
  );
  const output = result.output instanceof PaddedSequence ? result.output.values : result.output;
  const results: Record<string, Tensor | undefined> = { output, h: result.h, c: result.c };
  const gradients = stack.wanted.x || stack.wanted.weights || (stack.state && stack.wanted.state);
  if (gradients) {
    const parts = [
      [output, numbers.upstream.output],
      [result.h, numbers.upstream.h],
      ...(result.c === undefined ? [] : [[result.c, numbers.upstream.c]]),
    ] as [Tensor, HostArray][];
    const [first, ...others] = parts.map(([value, upstream]) => value.mul(made(upstream)).sum());
    if (first === undefined) throw new Error('no result');
    others.reduce((total, part) => total.add(part), first).backward();
    if (stack.wanted.x) results['d x'] = x.grad;
    if (stack.wanted.state && stack.state)
      Object.assign(results, { 'd h': h.grad, ...(lstm ? { 'd c': c.grad } : {}) });
    if (stack.wanted.weights)
      for (const [name, parameter] of layer.namedParameters()) results[`d ${name}`] = parameter.grad;
  }
  const entries = await Promise.all(
    Object.entries(results).flatMap(([name, value]) =>
      value === undefined ? [] : [value.data().then((data) => [name, data] as const)],
    ),
  );
  return Object.fromEntries(entries);
}

/** Runs `fn` in a math mode, deterministically or not, and puts both back. */
export async function within<R>(mode: MathMode, deterministic: boolean, fn: () => Promise<R>): Promise<R> {
  const before = [mathMode(), isDeterministic()] as const;
  setMathMode(mode);
  setDeterministic(deterministic);
  try {
    return await fn();
  } finally {
    setMathMode(before[0]);
    setDeterministic(before[1]);
  }
}

/** What of the stack's results on the device is not the CPU's in f64, a sentence each. */
export async function faultsOf(stack: Stack, seed: number, mode: MathMode | 'f64'): Promise<string[]> {
  const expected = await run(stack, seed, 'cpu', 'f64');
  const got = await within(mode === 'f64' ? 'fma' : mode, false, () =>
    run(stack, seed, cuda, mode === 'f64' ? 'f64' : 'f32'),
  );
  if (Object.keys(got).join() !== Object.keys(expected).join())
    return [`${nameOf(stack)}: got ${Object.keys(got).join()}, expected ${Object.keys(expected).join()}`];
  const kinks = stack.cell === 'relu' && !['fma', 'f64'].includes(mode);
  return Object.entries(expected).flatMap(([name, reference]) => {
    const loose = kinks && name.startsWith('d ');
    const [gap, most] = loose
      ? [euclidean(got[name] ?? [], reference), allowedPastKinks]
      : [distance(got[name] ?? [], reference), allowed[mode]];
    return gap <= most
      ? []
      : [`${nameOf(stack)}: ${name} differs by ${gap.toExponential(2)}, at most ${most} is allowed`];
  });
}
