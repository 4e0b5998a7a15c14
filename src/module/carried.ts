import { isPlainObject } from '../tensor/options';

/** What a module with state returns, taken apart. */
export interface Carried {
  readonly output: unknown;
  /** What it ends with, and may begin the next call with. */
  readonly state: unknown;
}

/**
 * Output and state of what a module returns: { output, state }, or { output, ...state } as recurrent layers return.
 *
 * @returns undefined if it has no output, or no state
 */
export function carriedBy(result: unknown): Carried | undefined {
  if (!isPlainObject(result) || !('output' in result)) return undefined;
  const { output, state, ...rest } = result;
  if (state !== undefined) return { output, state };
  // c of every step, which an LSTM gives on request, is no state of it.
  const { cells, ...parts } = rest;
  const own = cells !== undefined && Object.keys(parts).sort().join() === 'c,h' ? parts : rest;
  return Object.keys(own).length > 0 ? { output, state: own } : undefined;
}
