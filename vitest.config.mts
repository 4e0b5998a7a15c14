import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { environment } from './scripts/toolchain.mjs';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // The guides and examples import the package by its name; here that is the source, so that what is tested is what is written.
    alias: [
      { find: /^stmnet\/datasets$/, replacement: source('datasets/index.ts') },
      { find: /^stmnet$/, replacement: source('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/gpu/**'], // vitest.gpu.config.mts
    pool: 'forks',
    env: { PATH: environment().PATH ?? '' }, // some tests compile
    execArgv: ['--expose-gc'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'build/vitest.json' }]],
  },
});
