import { expect, test } from 'vitest';
import type { MathMode } from 'stmnet';
import { describeCuda, standin } from './cuda';
import { faultsOf, type Cell, type Stack } from './stacks';

const everything = { x: true, state: true, weights: true };
const base = {
  T: 9,
  N: 16,
  layers: 2,
  bidirectional: false,
  bias: true,
  batchFirst: true,
  state: true,
  wanted: everything,
} as const;
const algorithms = ['standard', 'persistStatic', 'persistDynamic', 'persistStaticSmallH'] as const;
const modes: readonly (MathMode | 'f64')[] = standin ? ['fma', 'bf16', 'f64'] : ['fma', 'tf32', 'f16', 'bf16', 'f64'];

/** An algorithm that cannot compute a stack says so before anything is computed. */
const refusal = /algo|persist/i;

describeCuda('cuDNN’s algorithms', () => {
  test.each(algorithms.flatMap((algo) => modes.map((mode) => [algo, mode] as const)))(
    '%s, %s: right, or refused with the reason',
    async (algo, mode) => {
      const [outcomes, faults]: [string[], string[]] = [[], []];
      for (const cell of ['lstm', 'gru', 'tanh'] as const satisfies readonly Cell[]) {
        for (const H of standin ? [16] : [16, 64, 128, 256, 512]) {
          const stack: Stack = { ...base, cell, D: H, H, algo };
          try {
            faults.push(...(await faultsOf(stack, H, mode)));
            outcomes.push(`${cell} ${H}: computed`);
          } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            outcomes.push(`${cell} ${H}: ${message.split('\n')[0]}`);
            expect(message).toMatch(refusal);
            expect(message).toContain('Fix:');
            expect(algo, message).not.toBe('standard');
          }
        }
      }
      if (!standin) console.log(`${algo} ${mode}\n  ${outcomes.join('\n  ')}`);
      expect(faults).toEqual([]);
    },
  );

  test.runIf(standin)('persistDynamic is compiled: NVRTC is in the process before cuDNN', async () => {
    expect(await faultsOf({ ...base, cell: 'lstm', D: 16, H: 16, algo: 'persistDynamic' }, 1, 'fma')).toEqual([]);
  });

  test.each(modes)('the one that is chosen, %s', async (mode) => {
    const faults: string[] = [];
    for (const cell of ['lstm', 'gru', 'tanh'] as const) {
      for (const [index, change] of [
        {},
        { layers: 1 },
        { bidirectional: true },
        { lengths: Array.from({ length: 16 }, (_, i) => (i * 5) % 10) },
        { N: 7 },
      ].entries()) {
        const stack: Stack = { ...base, cell, D: 32, H: standin ? 16 : 64, algo: 'auto', ...change };
        // It is chosen at the fourth use.
        for (let use = 1; use <= 5; use++) faults.push(...(await faultsOf(stack, 20 * use + index, mode)));
      }
    }
    expect(faults).toEqual([]);
  });

  test.each(algorithms.slice(1))('%s refuses lengths that differ, and says what to do', async (algo) => {
    await expect(
      faultsOf(
        { ...base, cell: 'lstm', D: 16, H: 16, algo, lengths: Array.from({ length: 16 }, (_, i) => i % 9) },
        1,
        'fma',
      ),
    ).rejects.toThrow(/length[^]*Fix:/);
  });
});
