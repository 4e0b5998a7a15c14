import { expect, test } from 'vitest';
import { prelude, runScript } from '../../support/child';

test('a file larger than memory is streamed', { timeout: 120_000 }, () => {
  const script = `
    const { closeSync, mkdtempSync, openSync, rmSync, writeSync } = require('node:fs');
    const { join } = require('node:path');
    const { tmpdir } = require('node:os');
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-large-'));
    const path = join(folder, 'large.csv');
    const row = (i) => i + ',"' + 'a text, in quotes '.repeat(12) + '"\\n';
    const out = openSync(path, 'w');
    writeSync(out, 'id,text\\n');
    let [rows, bytes] = [0, 0];
    while (bytes < 100e6) {
      let piece = '';
      for (let i = 0; i < 2000; i++) piece += row(rows++);
      bytes += writeSync(out, piece);
    }
    closeSync(out);
    (async () => {
      let [sum, most] = [0, 0];
      for await (const { id } of stm.streamTable(path, { types: { id: 'integer' } })) {
        sum += id;
        if (id % 5000 === 0) most = Math.max(most, process.memoryUsage().rss);
      }
      console.log(JSON.stringify({ right: sum === rows * (rows - 1) / 2, most }));
    })().finally(() => rmSync(folder, { recursive: true }));
  `;
  const { stdout, stderr, code } = runScript(prelude + script, {
    environment: { NODE_OPTIONS: '--max-old-space-size=48' },
    timeout: 100_000,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { right, most } = JSON.parse(stdout) as { right: boolean; most: number };
  expect(right).toBe(true);
  expect(most).toBeLessThan(300e6);
});

test('a few columns, or copies of a few rows, do not keep the whole file', { timeout: 120_000 }, () => {
  const script = `
    const { closeSync, mkdtempSync, openSync, rmSync, writeSync } = require('node:fs');
    const { join } = require('node:path');
    const { tmpdir } = require('node:os');
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-columns-'));
    const path = join(folder, 'columns.csv');
    const out = openSync(path, 'w');
    writeSync(out, 'id,text\\n');
    const words = 'words of a text '.repeat(250);
    for (let i = 0; i < 25_000; i++) writeSync(out, 'number-of-customer-' + i + ',' + words + '\\n');
    closeSync(out);
    (async () => {
      const rows = await stm.readTable(path, { columns: ['id'] });
      const kept = [];
      for await (const row of stm.streamTable(path)) if (row.id.endsWith('00')) kept.push(structuredClone(row));
      console.log(JSON.stringify([rows.length, rows.at(-1), kept.length, kept.at(-1).id]));
    })().finally(() => rmSync(folder, { recursive: true }));
  `;
  const { stdout, stderr, code } = runScript(prelude + script, {
    environment: { NODE_OPTIONS: '--max-old-space-size=48' }, // of a file of 100 MB
    timeout: 100_000,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual([25_000, { id: 'number-of-customer-24999' }, 249, 'number-of-customer-24900']);
});
