import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError, FormatError, OptionError } from 'stmnet';
import { writeReport } from 'stmnet/tasks';
import { expect, test } from 'vitest';
import { epochRecord, pageText, putFile, sectionsIn } from '../support/run-folder';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('report', (own) => (folder = own));

const page = async (options?: Parameters<typeof writeReport>[1]): Promise<string> =>
  pageText(await writeReport(folder, options));

test('the page of a run that has just begun has its configuration', async () => {
  putFile(folder, 'config.json', { task: 'classify', seed: 3, options: { cell: 'lstm' }, environment: { threads: 2 } });
  const text = await page({ running: true });
  expect(sectionsIn(text)).toEqual(['configuration', 'environment']);
  expect(text).toContain('<dt>cell</dt><dd>lstm</dd>');
  expect(text).toContain('<dt>seed</dt><dd>3</dd>');
  expect(text).toContain('<dt>threads</dt><dd>2</dd>');
  expect(text).toContain('Running: 0 epochs');
  expect(text).toMatch(/<body data-running /u);
});

test('a page that is not that of a running training does not load itself anew', async () => {
  putFile(folder, 'history.json', { epochs: [], validations: [] });
  const text = await page();
  expect(sectionsIn(text)).toEqual([]);
  expect(text).not.toMatch(/<body data-running/u);
  expect(text).toContain('Finished: 0 epochs');
});

test.each([
  [{ epochs: 2 }, undefined, 'Finished: 2 epochs'],
  [{ epochs: 5 }, undefined, 'Ended after 2 of 5 epochs'],
  [undefined, undefined, 'Finished: 2 epochs'],
  [{ epochs: 5 }, 'it is < good', 'Stopped after 2 of 5 epochs: it is &lt; good'],
])('of a training with %o, stopped by %s, it says %s', async (training, reason, expected) => {
  putFile(folder, 'config.json', { training });
  const stopped = reason === undefined ? {} : { stopped: { epoch: 2, step: 20, reason } };
  const epochs = [epochRecord(1, { loss: 2 }), epochRecord(2, { loss: 1 })];
  putFile(folder, 'history.json', { epochs, validations: [], ...stopped });
  expect(await page()).toContain(`${expected}</span>`);
});

test('nothing comes from elsewhere, and no text runs', async () => {
  const evil = '</script><img src=x onerror=alert(1)>\u2028';
  putFile(folder, 'config.json', { task: evil, [evil]: evil, options: { [evil]: [evil] } });
  const text = await page();
  expect(text).not.toContain(evil);
  expect(text.match(/<script/gu)).toHaveLength(1);
  expect(text).not.toMatch(/(src|href)="(?!data:|#)/u);
  const [, program = ''] = /<script>([^]*)<\/script>/u.exec(readFileSync(join(folder, 'report.html'), 'utf8')) ?? [];
  const hash = createHash('sha256').update(program).digest('base64');
  expect(text).toContain(`default-src &#39;none&#39;; script-src &#39;sha256-${hash}&#39;; style-src`);
});

test.each(['config.json', 'history.json', 'evaluation.json'])('a damaged %s is named', async (name) => {
  putFile(folder, 'config.json', {});
  for (const damaged of ['{ "epochs": [', '"text"', '{ "epochs": [{}], "validations": [] }']) {
    if (name === 'config.json' && damaged.endsWith('}')) continue; // any object is a configuration
    putFile(folder, name, damaged);
    const error = await writeReport(folder).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain(`writeReport: got ${join(folder, name)}, `);
  }
});

test('a folder of something else, or none, is refused', async () => {
  const error = await writeReport(folder).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FileError);
  expect(String(error)).toContain(`got ${folder}, which has neither config.json nor history.json`);
  writeFileSync(join(folder, 'file'), '');
  await expect(writeReport(join(folder, 'file'))).rejects.toBeInstanceOf(FileError);
  await expect(writeReport('')).rejects.toBeInstanceOf(OptionError);
  // @ts-expect-error: a name that there is not
  await expect(writeReport(folder, { runing: true })).rejects.toThrow('running');
});
