import { expect, test } from 'vitest';
import { findOrphans } from '../../scripts/mirror';

test('a test is named after a file of its folder, a part of it, or the folder', () => {
  const sources = ['src/index.ts', 'src/io/model-file.ts', 'src/tensor/ops/reduce.ts'];
  const orphans = (...tests: string[]): string[] => findOrphans([...sources, ...tests]);
  expect(orphans('test/io/model-file.test.ts', 'test/io/model-file-identity.test.ts')).toEqual([]);
  expect(orphans('test/io/io-limits.test.ts', 'test/tensor/ops/ops-squares.test.ts')).toEqual([]);
  expect(orphans('test/io/model.test.ts', 'test/io/model-files.test.ts', 'test/tensor/ops/sums.test.ts')).toEqual([
    'test/io/model.test.ts',
    'test/io/model-files.test.ts',
    'test/tensor/ops/sums.test.ts',
  ]);
});

test('what is no test, or about no folder of src, may have any name', () => {
  expect(findOrphans(['src/io/a.ts', 'test/io/files.ts', 'test/guide/gpu.test.ts', 'test/memory.test.ts'])).toEqual([]);
});
