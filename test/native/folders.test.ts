import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeFolder, packageFolder } from '../../src/native/folders';
import { runChild } from '../support/child';

const root = join(__dirname, '..', '..');

it('finds the code and the package, in the sources and in the bundle', () => {
  expect([codeFolder, packageFolder]).toEqual([join(root, 'src'), root]);
  const { stdout } = runChild(`console.log(JSON.stringify(moduleOf('native/folders')));`);
  expect(JSON.parse(stdout)).toEqual({ codeFolder: join(root, 'dist'), packageFolder: root });
});

it('is the only file of src/ that asks where it is: in the bundle all of them are in one place', () => {
  const files = readdirSync(codeFolder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const asks = /\b__dirname\b|(?<!createRequire\()\b__filename\b/;
  const asking = files.filter((file) => asks.test(readFileSync(join(codeFolder, file), 'utf8')));
  expect(asking).toEqual(['native/folders.ts']);
});
