import { describe, expect, it } from 'vitest';
import { devices, type Tensor } from 'stmnet';

/** The device under test. */
export const cuda = 'cuda:0';
const listed = devices();
const facts = listed.find(({ name, available }) => available && name === cuda);

/** Whether the device is one that computes on the CPU: fewer and smaller cases do there. */
export const standin = facts?.model?.includes('stand-in') ?? false;

/** Why no compiled step is a graph, where whoever runs the tests wants none. */
export const whyNoGraph = process.env['STMNET_CUDA_GRAPHS'] === '0' ? 'STMNET_CUDA_GRAPHS is 0' : undefined;

/**
 * Tests that need a CUDA device; skipped without one, under a title that says why. STMNET_REQUIRE_CUDA=1 turns that
 * into a failure.
 */
export function describeCuda(name: string, suite: () => void): void {
  const reason = listed.find(({ available }) => !available)?.reason?.split('\n')[0] ?? 'devices() lists none';
  const there = facts !== undefined;
  const chosen = there ? suite : (): void => it('finds a CUDA device', () => expect.fail(reason));
  describe.skipIf(!there && process.env['STMNET_REQUIRE_CUDA'] !== '1')(there ? name : `${name} (${reason})`, () => {
    chosen();
  });
}

/** Largest |got - expected| over the largest |expected|; infinite if a number is none. */
export function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a = Number.NaN, b = Number.NaN] = [got[i], expected[i]];
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
      continue;
    }
    const gap = Math.abs(a - b);
    most = Number.isFinite(gap) ? Math.max(most, gap) : Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(b));
  }
  return most / Math.max(largest, 1e-3);
}

/** ‖got - expected‖ / ‖expected‖; infinite if a number is none. */
export function euclidean(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < Math.max(got.length, expected.length); i++) {
    const [a = Number.NaN, b = Number.NaN] = [got[i], expected[i]];
    difference += (a - b) ** 2;
    norm += b ** 2;
  }
  return Number.isFinite(difference) ? Math.sqrt(difference / Math.max(norm, 1e-12)) : Number.POSITIVE_INFINITY;
}

/** Bits of a tensor as text, for comparisons that allow nothing. */
export const bits = async (x: Tensor): Promise<string> =>
  Buffer.from(new Uint8Array((await x.data()).buffer)).toString('hex');
