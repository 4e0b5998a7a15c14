import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { entryOf } from '../../../src/tasks/catalogue';
import { writeWav } from '../../support/recordings';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('catalogue-speech', (made) => (folder = made));

const entry = entryOf('stmnet', 'speech');
const files = (): readonly [string, string] => {
  mkdirSync(join(folder, 'wav'), { recursive: true });
  const paths = ['one.wav', 'two, too.wav'].map((name) => join(folder, 'wav', name));
  for (const path of paths) writeWav(path, new Float32Array(800).fill(0.1));
  return paths as [string, string];
};
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const read = (from: string | Readable, settings: object = {}): Promise<readonly unknown[]> =>
  entry.examples({ from, settings: { ...settings } });
const refused = (from: string | Readable, settings: object = {}): Promise<string> =>
  read(from, settings).then(String, String);
const asked = async (from: string | Readable, settings: object = {}): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const input of entry.inputs({ from, settings: { ...settings } })) all.push(input);
  return all;
};

test('reads tables and JSON Lines, whose paths begin where they lie', async () => {
  const [one, two] = files();
  const expected = [
    { path: one, transcript: 'one' },
    { path: two, transcript: 'two too' },
  ];
  expect(await read(written('a.csv', 'path,text\nwav/one.wav,one\n"wav/two, too.wav",two too\n'))).toEqual(expected);
  expect(
    await read(written('a.tsv', `one\t${one}\ntwo too\t${two}\n`), { header: false, pathColumn: '1', textColumn: '0' }),
  ).toEqual(expected);
  const lines = `{"file":"wav/one.wav","said":"one"}\n{"file":${JSON.stringify(two)},"said":"two too"}\n`;
  expect(await read(written('a.jsonl', lines), { pathColumn: 'file', textColumn: 'said' })).toEqual(expected);
});

test('asks about the recordings of a list, with or without what is said, and about paths', async () => {
  const [one, two] = files();
  expect(await asked(written('b.csv', 'path\nwav/one.wav\nwav/../wav/one.wav\n'))).toEqual([one, one]);
  expect(await asked(written('b.jsonl', '{"path":"wav/one.wav"}\n'))).toEqual([one]);
  expect(await asked(Readable.from([Buffer.from(`${one}\n${two}\n`)]))).toEqual([one, two]);
  expect(await asked(written('b.txt', `${one}\n`), { format: 'paths' })).toEqual([one]);
  expect(entry.inputOf(one)).toBe(one);
  await expect(asked(written('list.txt', `${one}\n${one}\n${one}\n`))).rejects.toThrow(
    'pass --format paths if each line is the path of a WAV file',
  );
});

test('names recordings that are not there, and lines that are no list', async () => {
  files();
  const table = written('c.csv', 'path,text\nwav/one.wav,one\nwav/gone.wav,x\nelse.wav,y\n');
  const message = await refused(table);
  expect(message).toMatch(/got 2 of 3 recordings of .*c.csv, no files: /);
  expect(message).toMatch(/wav\/gone\.wav \(line 3\); .*else\.wav \(line 4\), expected paths of WAV files/);
  await expect(asked(table)).rejects.toThrow('gone.wav (line 3)');
  await expect(asked(written('c2.csv', 'path\n""\n'))).rejects.toThrow('(line 2), expected paths of WAV files');
  expect(await refused(written('d.csv', 'file,text\nwav/one.wav,one\n'))).toContain(
    'the column "path" (--path-column)',
  );
  expect(await refused(written('d.jsonl', '{"path":"wav/one.wav"}\n'))).toContain(
    'line 1, expected an object with path',
  );
  expect(await refused(Readable.from(['a.wav\n']))).toContain('got --format paths for examples to learn from');
});

test('makes an input of so many frames, and tells an answer in columns', () => {
  const task = entry.make({ sampleRate: 16_000 });
  const input = entry.inputOfLength(50, task) as { samples: Float32Array; sampleRate: number };
  expect([input.samples.length, input.sampleRate]).toEqual([49 * 160, 16_000]);
  expect(entry.row('a.wav', { text: 'one', score: Math.log(0.25) })).toEqual({
    text: 'one',
    probability: expect.closeTo(0.25, 10) as number,
    path: 'a.wav',
  });
  expect(entry.holdBack([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.1, 1, {})?.validation).toHaveLength(1);
  expect(entry.holdBack([1], 0.1, 1, {})).toBeUndefined();
});
