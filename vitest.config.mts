import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { environment } from './scripts/toolchain.mjs';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const source = (path: string): string => at(`./src/${path}`);

/** The suites of `describeDevices`. */
export const deviceSuites = [
  'tensor/**/*',
  'module/**/*',
  'layers/**/*',
  'losses/**/*',
  'optimizers/**/*',
  'metrics/**/*',
  'training/**/*',
  'decoding/decoding-devices',
  'golden',
  'guide/gpu',
].map((path) => `test/${path}.test.ts`);

/** The CUDA back end on libraries that stand for CUDA (`npm run build:standin`), if it is built: no GPU is needed. */
const [plugin, libraries] = ['libstmnet_cuda_standin.so', 'libcuda_standin.so'].map((name) =>
  at(`./build/standin/${name}`),
);
const standin = {
  STMNET_TEST_DEVICE: 'cuda',
  STMNET_REQUIRE_CUDA: '1',
  STMNET_CUDA_PLUGIN: plugin ?? '',
  STMNET_CUBLAS_LIB: libraries ?? '',
  STMNET_CUDNN_LIB: libraries ?? '',
  STMNET_CACHE_DIR: at('./build/cache'),
  STMNET_NUM_THREADS: '1',
};

export default defineConfig({
  resolve: {
    // The guides and examples import the package by its name; here that is the source, so that what is tested is what
    // is written.
    alias: [
      { find: /^stmnet\/(\w+)$/, replacement: source('$1/index.ts') },
      { find: /^stmnet$/, replacement: source('index.ts') },
    ],
  },
  test: {
    setupFiles: ['test/support/seed.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'cpu', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, 'test/gpu/**'] },
      }, // vitest.gpu.config.mts
      ...(existsSync(standin.STMNET_CUDA_PLUGIN)
        ? [
            {
              extends: true as const,
              test: {
                name: 'cuda-standin',
                include: [...deviceSuites, 'test/gpu/**/*.test.ts'],
                setupFiles: ['test/support/seed.ts', 'test/gpu/setup.ts'],
                env: standin,
              },
            },
          ]
        : []),
    ],
    pool: 'forks',
    env: { PATH: environment().PATH ?? '' }, // some tests compile
    execArgv: ['--expose-gc'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'build/vitest.json' }]],
  },
});
