import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binariesOf, parts, prebuilds, sizeFault } from '../../scripts/gpu-bundle-contents.mjs';
import { root } from '../../scripts/toolchain.mjs';

/** The files of a part, from the repository's root. */
function filesOf(part: string): string[] {
  if (statSync(join(root, part)).isFile()) return [part];
  return readdirSync(join(root, part), { recursive: true, encoding: 'utf8' }).map((name) => join(part, name));
}

describe('the bundle for a GPU', () => {
  it('has files that are there', () => {
    expect(parts.filter((part) => !existsSync(join(root, part)))).toEqual([]);
  });

  it('has binaries that run on other machines, never those that were built for this one', () => {
    const [all, without] = [binariesOf(), binariesOf({ sources: true })];
    const plugin = join(prebuilds, 'libstmnet_cuda.so');
    expect(all).toEqual({
      [join(prebuilds, 'stmnet.node')]: 'build/Release/stmnet.node',
      'build/gpu/cuda-probe': 'build/gpu/cuda-probe',
      [plugin]: 'build/Release/libstmnet_cuda.so',
    });
    expect(Object.keys(without)).toEqual(Object.keys(all).filter((name) => name !== plugin));
    const within = (path: string): boolean => parts.some((part) => path.startsWith(`${part}/`));
    expect(Object.values(all).filter((path) => within(path))).toEqual([]);
  });

  it('is small', () => {
    expect(sizeFault(52)).toBeUndefined();
    expect(sizeFault(52.1)).toBe('the archive has 52.1 MiB, expected at most 52.');
  });

  it('has all that its scripts and tests import', () => {
    const bundled = new Set(parts.flatMap((part) => filesOf(part)));
    const read = /^(scripts\/gpu\/|scripts\/toolchain|test\/|vitest).*\.m?[jt]s$/;
    const sources = [...bundled].filter((file) => read.test(file));
    expect(sources.length).toBeGreaterThan(50);
    const missing = sources.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return [...text.matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)'/gm)]
        .map(([, path = '']) => relative(root, join(root, dirname(file), path)))
        .filter((path) => !['', '.ts', '.mjs', '/index.ts'].some((end) => bundled.has(path + end)))
        .map((path) => `${file}: ${path}`);
    });
    expect(missing).toEqual([]);
  });
});
