// docs/architecture.md says what is there: its paths exist, its folders and arrows are those of scripts/layers.ts.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { typescriptLayers } from '../../scripts/layers';

const root = join(__dirname, '..', '..');
const text = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
const section = (title: string): string => text.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

it('draws the layers of src/ as the rule has them', () => {
  const drawn = /src\/ +(cli[^`]*?)\n\nnative/.exec(section('Who may know whom'))?.[1] ?? '';
  const rows = drawn.split('→').map((row) => row.split('|').map((folder) => folder.trim()));
  const sorted = (layers: readonly (readonly string[])[]): string[] => layers.map((row) => [...row].sort().join());
  expect(sorted(rows)).toEqual(sorted([...typescriptLayers].reverse()));
});

it('says what lives in each folder of src/, and which are to come', () => {
  const rows = [...section('Who may know whom').matchAll(/^\| `src\/(\w+)` \| (.*) \|$/gm)];
  expect(rows.map(([, folder = '']) => folder).sort()).toEqual(typescriptLayers.flat().sort());
  const missing = rows.filter(([, folder = '']) => !existsSync(join(root, 'src', folder)));
  expect(missing.map(([, folder]) => folder)).toEqual(
    rows.filter(([, , what = '']) => what.startsWith('to come')).map(([, folder]) => folder),
  );
});

it('names files that are there, on the walk of a batch', () => {
  const rows = [...section('The walk of a batch').matchAll(/^\| \d+ \|(.*?)\|(.*)\|$/gm)];
  expect(rows.length).toBeGreaterThan(19);
  for (const [row, files = '', what = ''] of rows) {
    let folder = '';
    for (const [, path = ''] of files.matchAll(/`([^`]+)`/g)) {
      const full = /^(src|native)\//.test(path) ? path : join(folder, path);
      expect(existsSync(join(root, full)), `${full} in: ${row}`).toBe(true);
      folder = dirname(full);
    }
    for (const [, name = ''] of what.matchAll(/`([^`]+\.(?:ts|h|cc))`/g))
      expect(isThere(name), `${name} in: ${row}`).toBe(true);
  }
});

/** A path, or the name of a file of src/ or native/. */
const isThere = (name: string): boolean =>
  existsSync(join(root, name)) ||
  ['src', 'native'].some((folder) =>
    readdirSync(join(root, folder), { recursive: true }).some((file) => String(file).endsWith(`/${name}`)),
  );
