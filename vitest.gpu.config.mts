import { configDefaults, defineConfig } from 'vitest/config';
import base from './vitest.config.mts';

// The tests that a GPU runs, on that device alone: see scripts/gpu/test.mjs.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/gpu/**/*.test.ts', 'test/tensor/**/*.test.ts', 'test/layers/**/*.test.ts', 'test/losses/**/*.test.ts', 'test/optimizers/**/*.test.ts', 'test/training/**/*.test.ts', 'test/golden.test.ts'],
    exclude: configDefaults.exclude,
    setupFiles: ['test/gpu/setup.ts'],
    maxWorkers: 4,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
