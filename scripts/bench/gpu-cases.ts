import type { MathMode } from 'stmnet';
import { shapes, type RecurrentShape } from './shapes';

/**
 * What a step is: `train` forward, backward and the update by SGD; `gradients` forward and backward alone; `infer`
 * forward; `latency` forward and the output read back before the next step; `language` a whole language-model step:
 * embedding, LSTM with carried state, decoder, cross-entropy, clipping, SGD.
 */
export type GpuKind = 'train' | 'gradients' | 'infer' | 'latency' | 'language';

/** One row of the table. */
export interface GpuCase extends RecurrentShape {
  readonly kind: GpuKind;
  /** Words; of a language model alone. */
  readonly vocabulary: number;
  /** Of a language model: before, between and after the layers. */
  readonly dropout: number;
  /** Whether launches take longer than the work: where `compile` is worth most. */
  readonly launchBound: boolean;
}

/** Sides that take turns. */
export type GpuSide = 'eager' | 'compiled' | 'torch' | 'torchGraph';

export const sides: readonly GpuSide[] = ['eager', 'compiled', 'torch', 'torchGraph'];
export const modes: readonly MathMode[] = ['fma', 'tf32', 'bf16', 'f16'];
export const kinds: readonly GpuKind[] = ['train', 'gradients', 'infer', 'latency', 'language'];

const shape = (
  name: string,
  about: string,
  [T, N, D, H, L]: [number, number, number, number, number],
): RecurrentShape => ({ name, about, T, N, D, H, L, bidirectional: false });

const more: readonly RecurrentShape[] = [
  shape('large', 'large language model', [35, 20, 1500, 1500, 2]),
  shape('deepbench', 'DeepBench, 1,024', [25, 128, 1024, 1024, 1]),
  shape('awd', 'AWD-LSTM', [70, 80, 1150, 1150, 3]),
  shape('long-32', 'long and narrow, three layers', [1314, 20, 344, 32, 3]),
  shape('long-168', 'long, 168', [2058, 62, 168, 168, 1]),
  shape('long-152', 'long, four layers', [1981, 45, 152, 152, 4]),
];
const streaming = shape('streaming', 'streaming, one step', [1, 1, 512, 512, 2]);
const language: readonly (readonly [RecurrentShape, number])[] = [
  [shape('PTB-small', 'small language model, whole step', [20, 20, 200, 200, 2]), 0],
  [shape('PTB-medium', 'medium language model, whole step', [35, 20, 650, 650, 2]), 0.5],
  [shape('PTB-large', 'large language model, whole step', [35, 20, 1500, 1500, 2]), 0.65],
];
const launchBound = ['S1', 'S2', 'streaming', 'PTB-small'];

/** Names of the shapes, in the table's order. */
export const gpuShapes: readonly string[] = [
  ...shapes.filter(({ name }) => !['S7', 'S8'].includes(name)),
  ...more,
  streaming,
  ...language.map(([one]) => one),
].map(({ name }) => name);

/**
 * Steps from which a sequence is long: a row of it takes as long as several others, so these come last, where a limit
 * may cut them off.
 */
const long = 1000;

/**
 * Rows of these shapes and kinds, kind after kind, those of long sequences after all others. `tiny` makes every extent
 * small, to try the benchmark itself.
 */
export function gpuCases(names: readonly string[], wanted: readonly GpuKind[], tiny: boolean): GpuCase[] {
  const small = (size: number, most: number): number => (tiny ? Math.min(size, most) : size);
  const row = (kind: GpuKind, { T, N, D, H, ...one }: RecurrentShape, dropout = 0): GpuCase => ({
    ...one,
    kind,
    T: small(T, 4),
    N: small(N, 3),
    D: small(D, 8),
    H: small(H, 8),
    dropout,
    vocabulary: small(10_000, 20),
    launchBound: launchBound.includes(one.name),
  });
  const recurrent = [...shapes.filter(({ name }) => !['S7', 'S8'].includes(name)), ...more, streaming];
  const shapesOf = (kind: GpuKind): (readonly [RecurrentShape, number])[] => {
    if (kind === 'language') return [...language];
    return (kind === 'latency' ? [streaming] : recurrent).map((one) => [one, 0] as const);
  };
  const rows = wanted.flatMap((kind) =>
    shapesOf(kind)
      .filter(([one]) => names.includes(one.name))
      .map(([one, dropout]) => ({ one, kind, dropout })),
  );
  const ordered = [...rows.filter(({ one }) => one.T < long), ...rows.filter(({ one }) => one.T >= long)];
  return ordered.map(({ one, kind, dropout }) => row(kind, one, dropout));
}
