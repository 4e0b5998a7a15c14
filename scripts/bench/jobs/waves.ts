import { tensor, type Tensor } from 'stmnet';

/** The same numbers on every side: sin(step · i), in the order of the tensor's elements. */
export function wave(shape: readonly number[], step: number, options: { requiresGrad?: boolean } = {}): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    { data: Float32Array.from({ length: count }, (_, i) => Math.sin(step * i)), shape: [...shape] },
    options,
  );
}

/** Up to `most` numbers of a tensor, equally far from each other, the first among them. */
export async function samples(values: Tensor, most = 97): Promise<number[]> {
  const data = await values.data();
  const stride = Math.max(1, Math.floor(data.length / most));
  return Array.from({ length: Math.min(most, data.length) }, (_, i) => Number(data[i * stride]));
}
