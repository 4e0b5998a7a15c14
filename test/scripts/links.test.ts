// Links and pictures of the pages here, and of those that are packed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/toolchain.mjs';
import { deadLinks } from '../package/links.mjs';

/** Their texts by path. */
const pagesOf = (paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));

const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...below('docs'), ...below('recipes')].filter((path) =>
  path.endsWith('.md'),
);

test('lead to files and headings that are there', () => {
  expect(deadLinks(pagesOf(pages), (path) => existsSync(join(root, path)))).toEqual([]);
});

test('lead from packed pages to packed files', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: readonly string[] };
  const packed = ['README.md', 'LICENSE', ...files];
  const isPacked = (path: string): boolean => packed.some((one) => path === one || path.startsWith(`${one}/`));
  const some = pages.filter(isPacked);
  expect(some).toContain('docs/guide.md');
  expect(deadLinks(pagesOf(some), (path) => existsSync(join(root, path)) && isPacked(path))).toEqual([]);
});

test('are told where they lead nowhere', () => {
  const text = [
    '# A page: its `name`',
    '[itself](#a-page-its-name), [nothing](#there), [up](../README.md#start), [gone](../README.md#gone)',
    '![picture](lost.svg), [address](https://a.example/lost.md), `[code](lost.md)`',
    '```\n[code](lost.md)\n```',
  ].join('\n');
  const has = (path: string): boolean => ['README.md', 'docs/page.md'].includes(path);
  expect(deadLinks({ 'docs/page.md': text, 'README.md': '## Start\n' }, has)).toEqual([
    'docs/page.md: #there',
    'docs/page.md: ../README.md#gone',
    'docs/page.md: lost.svg',
  ]);
});
