import { PaddedSequence, valuesOf } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';

/** What is kept of a tensor or sequence that went through a module: its extents. */
export interface Extents {
  shape: readonly number[];
  padded: boolean;
}

/** Results are looked into this far: an object of states, a list of them. */
const maxDepth = 3;

/** Extents of a result: of its part `output` if it has one, else of all tensors and sequences in it. */
export function extentsOf(value: unknown, depth = 0): Extents[] {
  if (value instanceof Tensor || value instanceof PaddedSequence) {
    const gone = valuesOf(value).version === undefined; // a forward may dispose of what it was given
    return gone ? [] : [{ shape: value.shape, padded: value instanceof PaddedSequence }];
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > maxDepth) return [];
  const main: unknown = Reflect.get(value, 'output');
  return main === undefined
    ? Object.values(value).flatMap((part) => extentsOf(part, depth + 1))
    : extentsOf(main, depth + 1);
}

/** Extents of the first argument that has any, or whose own properties have. */
export function inputExtents(inputs: readonly unknown[]): Extents | undefined {
  for (const input of inputs) {
    const [found] = extentsOf(input, maxDepth);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As text, with their numbers: `[32, 50, 9]`. */
export const extentsText = (extents: readonly Extents[]): string | undefined =>
  extents.length > 0 ? extents.map(({ shape }) => `[${shape.join(', ')}]`).join(', ') : undefined;

/** Places of the axes of a batch and of time. */
interface Axes {
  batch?: number;
  time?: number;
}

/** Where a recurrent layer, which has `batchFirst`, and every other one see the batch and time. */
function axesOf({ shape, padded }: Extents, batchFirst: unknown): Axes {
  if (padded || batchFirst === undefined) return { batch: 0, time: 1 };
  if (shape.length === 2) return { time: 0 };
  return batchFirst === false ? { batch: 1, time: 0 } : { batch: 0, time: 1 };
}

/**
 * As text that holds for every batch: an axis that is as long as the batch of what went in is N, one as long as its
 * time is T.
 *
 * @param input       what went in, if that is known
 * @param batchFirst  the option of a recurrent layer, undefined for others
 */
export function symbolicText(
  extents: readonly Extents[],
  input: Extents | undefined,
  batchFirst: unknown,
): string | undefined {
  if (extents.length === 0) return undefined;
  const axes = input === undefined ? {} : axesOf(input, batchFirst);
  const name = ({ shape, padded }: Extents, extent: number, axis: number): string => {
    if (padded && axis < 2) return axis === 0 ? 'N' : 'T';
    if (extent !== input?.shape[axis]) return String(extent);
    if (axis === axes.batch) return 'N';
    // The second axis of a matrix [N, C] holds features.
    return axis === axes.time && (axis === 0 || shape.length > 2) ? 'T' : String(extent);
  };
  return extents.map((part) => `[${part.shape.map((extent, axis) => name(part, extent, axis)).join(', ')}]`).join(', ');
}
