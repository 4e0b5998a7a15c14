import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError, FormatError } from 'stmnet';
import { expect, test } from 'vitest';
import { readJson, writeJson } from '../../src/files/json-file';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('json-file');

test('what is written is read again, and a file that is not there holds nothing', async () => {
  const file = join(folder, 'data.json');
  expect(await readJson('test', file)).toBeUndefined();
  await writeJson('test', file, { a: [1, 'b'] });
  expect(readFileSync(file, 'utf8')).toBe('{\n  "a": [\n    1,\n    "b"\n  ]\n}\n');
  expect(await readJson('test', file)).toEqual({ a: [1, 'b'] });
  expect(readdirSync(folder)).toEqual(['data.json']);
});

test('a damaged file is told with what to do about it', async () => {
  const file = join(folder, 'damaged.json');
  writeFileSync(file, '{"a"');
  await expect(readJson('test', file)).rejects.toThrow(FormatError);
  await expect(readJson('test', file)).rejects.toThrow(
    /^test: got \S+damaged\.json, which is no JSON: .*, expected a whole file\.\n {2}Fix: restore it from a copy, or/,
  );
  await expect(readJson('test', file, 'mend it')).rejects.toThrow(/\n {2}Fix: mend it\.$/);
});

test('what the system refuses is told as such', async () => {
  await expect(readJson('test', folder)).rejects.toThrow(FileError);
  await expect(writeJson('test', join(folder, 'nowhere', 'data.json'), 1)).rejects.toMatchObject({ code: 'ENOENT' });
});
