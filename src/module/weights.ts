/** What there is to know of a module whose weights are counted. */
export interface Weighed<Tensor> {
  readonly isQuantized: boolean;
  parameters(): readonly Tensor[];
  namedBuffers(): Iterable<readonly [string, Tensor]>;
  modulesInside(): readonly Weighed<Tensor>[];
}

/**
 * The weights of a module, each once: its parameters, and the buffers that stand for them in layers of 8 bits. So a
 * quantised model has as many weights as the one that it was made of; scales, which belong to how a weight is written,
 * are none.
 */
export function weightsOf<Tensor>(module: Weighed<Tensor>): Tensor[] {
  const weights = new Set(module.parameters());
  for (const layer of module.modulesInside())
    if (layer.isQuantized)
      for (const [name, buffer] of layer.namedBuffers()) if (!name.endsWith('_scale')) weights.add(buffer);
  return [...weights];
}

/** How many numbers tensors have. */
export const numbersIn = (tensors: readonly { readonly size: number }[]): number =>
  tensors.reduce((sum, { size }) => sum + size, 0);
