import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { binding } from '../../src/native/load';
import * as stm from '../../src/index';

const root = path.join(__dirname, '../..');

const compile = (names: string) =>
  spawnSync(
    'g++',
    [
      '-std=c++20',
      '-fsyntax-only',
      '-DFMT_HEADER_ONLY',
      '-I',
      path.join(root, 'native'),
      '-isystem',
      path.join(root, 'build', 'third-party'),
      '-x',
      'c++',
      '-',
    ],
    {
      input: `
        #include "core/op_table.h"
        stm::Tensor f(const stm::Tensor& x, double y);
        void declare(stm::OpTable& ops) { ops.add("f", &f, {${names}}, "doc"); }`,
      encoding: 'utf8',
    },
  );

test('an op with one name for each parameter compiles', () => expect(compile('"x", "y"').stderr).toBe(''));
test.each(['"x"', '"x", "y", "z"'])('one with %s does not, and says why', (names) => {
  expect(compile(names).stderr).toContain('one name per parameter');
});

test('arguments of the wrong type name the argument, the value and the type', () => {
  const mistake = (call: () => unknown, message: RegExp) =>
    expect(call).toThrowError(
      expect.objectContaining({ name: 'OptionError', message: expect.stringMatching(message) }),
    );
  mistake(
    () => binding.full('two' as unknown as number[], 0, 'f32', 'cpu'),
    /full: got "two" as shape, expected an array of integers/,
  );
  mistake(
    () => binding.full([2], 0, 'f16' as 'f32', 'cpu'),
    /got "f16" as dtype, expected 'f32' \| 'f64' \| 'i32' \| 'bool'/,
  );
  mistake(() => binding.full([1, 1, 1, 1, 1, 1, 1], 0, 'f32', 'cpu'), /at most 6 axes/);
  mistake(() => binding.full([2 ** 30, 2 ** 30], 0, 'f32', 'cpu'), /at most 2\^40 elements/);
  mistake(() => binding.setNumThreads(1.5), /expected an integer/);
});

test('every native op is called by src', () => {
  const sources = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return sources(file);
      const written = file.endsWith('.ts') && !file.endsWith('.generated.ts');
      return written ? [readFileSync(file, 'utf8')] : [];
    });
  const texts = ['src', 'test'].flatMap((folder) => sources(path.join(root, folder)));
  // By name, or, where a family calls them as binding[op], by a name in quotes.
  const called = (text: string): (string | undefined)[] =>
    Array.from(
      text.matchAll(text.includes('binding[') ? /binding\s*\.(\w+)|'(\w+)'/g : /binding\s*\.(\w+)/g),
      ([, name, quoted]) => name ?? quoted,
    );
  const used = new Set(texts.flatMap(called));
  for (const name of Object.keys(binding)) {
    if (name === 'typings' || name === 'path') continue; // the generator's, and the loader's
    expect(used.has(name), `binding.${name} is called by src or test`).toBe(true);
  }
});

test('every generated method is there, and a function of the same name is exported', () => {
  const text = readFileSync(path.join(root, 'src', 'tensor', 'methods.generated.ts'), 'utf8');
  const names = Array.from(text.matchAll(/^install\('(\w+)'/gm), ([, name = '']) => name);
  expect(names.length).toBeGreaterThan(80);
  for (const name of names) expect(stm.Tensor.prototype, name).toHaveProperty(name);
  const ofLayers = [
    'gatedCells',
    'quantizeRows',
    'quantizedLinear',
    'quantizedRecurrent',
    'recurrent',
    'recurrentAhead',
  ];
  expect(names.filter((name) => !(name in stm))).toEqual(ofLayers);
});
