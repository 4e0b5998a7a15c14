import { binding } from '../native/load';
import type { ErrorParts } from './errors';
import { keepRandomState } from './generator';

/**
 * Runs `fn` without computing: ops check their arguments and give tensors of the right shape and dtype, which take no
 * memory, and whatever was there before keeps its values. The random state is as before afterwards.
 *
 * Reading values inside `fn`, or waiting for the device, has everything computed after all: what is read is right. A
 * tensor that lives on without values rejects later reads, by a NativeError made of `later`.
 *
 * @param op     who asks for it, for that error
 * @param later  parts of that error
 */
export function dryRun<R>(op: string, later: ErrorParts, fn: () => R): R {
  return keepRandomState(() => {
    const { given, expected, fix } = later;
    const outermost = binding.beginDryRun(op, given, expected, fix);
    try {
      return fn();
    } finally {
      if (outermost) binding.endDryRun();
    }
  });
}
