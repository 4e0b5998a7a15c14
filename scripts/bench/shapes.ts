/** One recurrent stack on one batch: T time, N batch, D inputSize, H hiddenSize, L numLayers. */
export interface RecurrentShape {
  readonly name: string;
  readonly about: string;
  readonly T: number;
  readonly N: number;
  readonly D: number;
  readonly H: number;
  readonly L: number;
  readonly bidirectional: boolean;
}

const shape = (
  name: string,
  about: string,
  [T, N, D, H, L]: [number, number, number, number, number],
  bidirectional = false,
): RecurrentShape => ({ name, about, T, N, D, H, L, bidirectional });

/** The shapes that the engine is measured on. */
export const shapes: readonly RecurrentShape[] = [
  shape('S1', 'character language model', [64, 32, 128, 256, 1]),
  shape('S2', 'small language model', [20, 20, 200, 200, 2]),
  shape('S3', 'medium language model', [35, 20, 650, 650, 2]),
  shape('S4', 'classifier', [100, 64, 128, 128, 1], true),
  shape('S5', 'two layers of 512', [50, 64, 512, 512, 2]),
  shape('S6', 'wide, 1024', [25, 64, 1024, 1024, 1]),
  shape('S7', 'streaming, one step', [1, 1, 512, 512, 2]),
  shape('S8', 'one sequence', [100, 1, 256, 256, 1]),
];

/** Those that a train step is measured on. */
export const trainedShapes: readonly string[] = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6'];

/**
 * Multiplications and additions of the products of one forward pass with `gates` gates; a train step has three times as
 * many.
 */
export function forwardFlop({ T, N, D, H, L, bidirectional }: RecurrentShape, gates: number): number {
  const directions = bidirectional ? 2 : 1;
  let flop = 0;
  for (let layer = 0; layer < L; ++layer)
    flop += directions * 2 * gates * H * ((layer === 0 ? D : directions * H) + H) * T * N;
  return flop;
}
