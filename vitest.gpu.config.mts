import { configDefaults, defineConfig } from 'vitest/config';
import base, { deviceSuites } from './vitest.config.mts';

// The tests that a GPU runs, on that device alone: see scripts/gpu/test.mjs.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: undefined,
    include: ['test/gpu/**/*.test.ts', ...deviceSuites],
    exclude: configDefaults.exclude,
    setupFiles: ['test/gpu/setup.ts', ...(process.env.STMNET_TEST_LINES ? ['./scripts/gpu/failures-setup.mjs'] : [])],
    maxWorkers: '50%',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', ...(process.env.STMNET_TEST_LINES ? ['./scripts/gpu/line-reporter.mjs'] : [])],
  },
});
