import { noGrad } from '../tensor/grad-mode';
import { clone } from '../tensor/ops/elementwise';
import type { Module } from './module';
import { assign } from './state-dict';

/**
 * Calls the function, after which the model's buffers are as before: for a pass in training mode that the running
 * statistics of a BatchNorm1d are not to count.
 */
export function keepBuffers<T>(model: Module, fn: () => T): T {
  const kept = Array.from(model.buffers(), (buffer) => ({ buffer, values: noGrad(() => clone(buffer)) }));
  try {
    return fn();
  } finally {
    for (const { buffer, values } of kept) {
      assign(buffer, values);
      values.dispose();
    }
  }
}
