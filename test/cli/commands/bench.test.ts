import { expect, test } from 'vitest';
import { stmnet } from '../../support/cli';

test('measures the layer forward, and with backward', () => {
  const { code, stdout } = stmnet(['bench', '--seconds', '0', '--json', '--quiet']);
  expect(code).toBe(0);
  const { layers } = JSON.parse(stdout) as { layers: { forwardMs: number; trainingMs: number; gflops: number }[] };
  expect(layers).toHaveLength(4);
  for (const { forwardMs, trainingMs, gflops } of layers) {
    expect(Math.min(forwardMs, trainingMs, gflops)).toBeGreaterThan(0);
  }
});
