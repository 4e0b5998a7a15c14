import { tensor } from '../tensor/factories';
import { scatterAdd } from '../tensor/ops/indexing';
import { reshape } from '../tensor/ops/shape';
import type { Tensor } from '../tensor/tensor';

/**
 * The tokens that would repeat what a sequence already has: those that stand behind its last `size - 1` tokens
 * elsewhere in it.
 *
 * @internal
 */
export function repeating(tokens: readonly number[], size: number): number[] {
  const found = new Set<number>();
  const last = tokens.length - size + 1; // where the last size - 1 tokens begin
  for (let from = 0; from < last; from++) {
    let same = 0;
    while (same < size - 1 && tokens[from + same] === tokens[last + same]) same++;
    const next = tokens[from + size - 1];
    if (same === size - 1 && next !== undefined) found.add(next);
  }
  return [...found];
}

/** Scores [B, V] with -Infinity at some tokens of each row. @internal */
export function forbid(scores: Tensor, tokens: readonly (readonly number[])[]): Tensor {
  const [rows = 0, vocabulary = 0] = scores.shape;
  const places = tokens.flatMap((ofRow, row) => ofRow.map((token) => row * vocabulary + token));
  if (places.length === 0) return scores;
  const minus = tensor(new Float64Array(places.length).fill(Number.NEGATIVE_INFINITY), {
    dtype: scores.dtype,
    device: scores.device,
  });
  const flat = reshape(scores, [rows * vocabulary]);
  const at = tensor(Int32Array.from(places), { device: scores.device });
  return reshape(scatterAdd(flat, 0, at, minus), [rows, vocabulary]);
}
