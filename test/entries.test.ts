// The entry points that package.json exports, as a user's process sees them: the built package, by its name.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript } from './support/child';

const root = join(__dirname, '..');
const { exports, typesVersions, main, types } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
const nameOf = (entry: string): string => entry.replace(/^\./, 'stmnet');

describe.each(entries)('the entry point %s', (entry) => {
  const base = join('dist', entry, 'index');

  it('has a source, and files for both systems of modules, with types', () => {
    expect(existsSync(join(root, 'src', entry, 'index.ts'))).toBe(true);
    expect(exports[entry]).toEqual({
      import: { types: `./${base}.d.mts`, default: `./${base}.mjs` },
      require: { types: `./${base}.d.ts`, default: `./${base}.js` },
    });
  });

  it('has its types also where nobody knows exports', () => {
    if (entry === '.') expect([main, types]).toEqual([`${base}.js`, `${base}.d.ts`]);
    else expect(typesVersions['*'][entry.replace('./', '')]).toEqual([`./${base}.d.ts`]);
  });

  it('gives the same things to both systems of modules', () => {
    const name = JSON.stringify(nameOf(entry));
    const { stdout, stderr } = runScript(`
      const required = require(${name});
      import(${name}).then((imported) => {
        const odd = Object.keys(required).filter((key) => imported[key] !== required[key]);
        console.log(odd.length === 0 ? 'the same' : odd.join());
      });`);
    expect(stdout + stderr).toBe('the same\n');
  });
});

it('lists no types for what is no entry point', () => {
  expect(Object.keys(typesVersions['*']).map((name) => `./${name}`)).toEqual(entries.filter((entry) => entry !== '.'));
});

describe("require('stmnet')", () => {
  const loaded = (script: string): string[] => {
    const print = `console.log(JSON.stringify(Object.keys(require.cache)
      .map((file) => require('node:path').relative(process.cwd(), file).split(require('node:path').sep).join('/'))));`;
    const { stdout, stderr } = runScript(script + print);
    return stderr === '' ? JSON.parse(stdout) : [stderr];
  };
  const foldersOf = (files: readonly string[]): string[] =>
    [...new Set(files.flatMap((file) => /^dist\/([^/]+)\//.exec(file)?.[1] ?? []))].sort();

  it('loads the folders of the public surface, and none of the other entry points', () => {
    const folders = 'data files io layers losses metrics module native optimizers tensor text training'.split(' ');
    expect(foldersOf(loaded(`require('stmnet');`))).toEqual(folders);
    expect(foldersOf(loaded(`require('stmnet'); require('stmnet/datasets');`))).toContain('datasets');
  });

  it('loads no package', () => {
    const files = loaded(`require('stmnet');`).filter((file) => !file.startsWith('dist/') && !file.endsWith('.node'));
    expect(files).toEqual([]);
  });
});
