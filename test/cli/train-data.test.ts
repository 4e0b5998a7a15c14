import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readTrainData } from '../../src/cli/train-data';
import { classify } from '../../src/tasks/catalogue/classify';
import { fileMaker } from '../support/text-file';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('train-data');
const file = fileMaker();
afterEach(() => void vi.restoreAllMocks());

test('a test that is learned from, or chosen by, is told of, by whatever path it is named', async () => {
  const data = file('days.csv', 'text,label\nsunny,good\nrainy,bad\n');
  const [linked, copied] = [join(folder, 'linked.csv'), join(folder, 'copied.csv')];
  symlinkSync(data, linked);
  copyFileSync(data, copied);
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const toldOf = async (tested: string | undefined, validation?: string): Promise<unknown[]> => {
    warn.mockClear();
    await readTrainData(classify, { data, validation, validationSplit: 0, test: tested, seed: 1 }, {});
    return warn.mock.calls.map(([message]) => message);
  };
  const says =
    'its figures tell how well the model knows these examples, not how good it is on others.\n' +
    '  Fix: pass another file as --test, or leave it out.';
  expect(await toldOf(data)).toEqual([`got --test ${data}, the file of --data: ${says}`]);
  expect(await toldOf(linked)).toEqual([`got --test ${linked}, the file of --data: ${says}`]);
  expect(await toldOf(copied, copied)).toEqual([`got --test ${copied}, the file of --validation: ${says}`]);
  expect([await toldOf(copied), await toldOf(undefined), await toldOf(copied, linked)]).toEqual([[], [], []]);
});
