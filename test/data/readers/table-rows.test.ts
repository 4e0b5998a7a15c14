import { expect, test } from 'vitest';
import { readTable, type TableOptions } from 'stmnet';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();
const rowsOf = (contents: string, options: TableOptions = {}): Promise<object[]> =>
  readTable(file('table.csv', contents), options);
const refused = (contents: string, options: TableOptions = {}): Promise<string> =>
  refusal(readTable(file('table.csv', contents), options));

test('rows are not read from lines that end with CR alone', async () => {
  const message = 'readTable: got CR and nowhere an LF in table.csv, line 1, expected lines that end with LF or CR LF.';
  for (const options of [{}, { header: false }, { quote: false as const }, { skipLines: 1 }])
    expect(await refused('a,b\r1,2\r3,4\r', options)).toContain(message);
  expect(await refused('"a","b"\r"1","2"')).toContain(message);
  expect(await rowsOf('"a\rb",""', { header: false })).toEqual([{ 0: 'a\rb', 1: '' }]);
  expect(await refused('a,b\r1,"2\n3"\r4,5\r')).toContain(
    'got CR and an LF only within quotes in table.csv, line 1, expected lines that end with LF or CR LF.',
  );
  expect(await rowsOf('"a\rb","c\nd"', { header: false })).toEqual([{ 0: 'a\rb', 1: 'c\nd' }]);
  expect(await rowsOf('a 5" disk,b\r\n7" x,"y\rz"')).toEqual([{ 'a 5" disk': '7" x', b: 'y\rz' }]);
  expect(await rowsOf('a,b\r\n1,"2\r3"')).toEqual([{ a: '1', b: '2\r3' }]);
});
