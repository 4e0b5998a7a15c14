import { spawnSync } from 'node:child_process';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prelude, runScript } from '../support/child';
import { rawFile } from './safetensors-file';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('memory');

/** Leaves a child `bytes` of room, says what becomes of `work`, and then that a sum is right. */
const script = (work: string, bytes: number): string => `${prelude}
  const { execFileSync } = require('node:child_process');
  const status = require('node:fs').readFileSync('/proc/self/status', 'utf8');
  const size = Number(/VmSize:\\s+(\\d+)/.exec(status)[1]) * 1024;
  execFileSync('prlimit', ['--as=' + (size + ${bytes}), '--pid', String(process.pid)]);
  (async () => {
    const error = await (${work}).then(() => undefined, (reason) => reason);
    console.log(error?.name, error?.code, error?.message);
    console.log(await stm.tensor([1, 2]).sum().item());
  })();
`;

describe.skipIf(spawnSync('prlimit', ['--version']).status !== 0)('where memory is short', () => {
  test('a file that does not fit is an error that says so', async () => {
    const path = join(folder, 'large.safetensors');
    const head = rawFile({ x: { dtype: 'F32', shape: [2 ** 28], data_offsets: [0, 2 ** 30] } });
    await writeFile(path, head);
    await truncate(path, head.length + 2 ** 30);
    const { stdout, code } = runScript(script(`stm.loadSafetensors(${JSON.stringify(path)})`, 2 ** 29));
    expect(stdout).toBe(
      `NativeError ERR_STM_OUT_OF_MEMORY loadSafetensors: got no memory for 1073741824 bytes of ${path}, ` +
        'expected room for all of the file.\n  Fix: free memory first, or split the file.\n3\n',
    );
    expect([code, await readdir(folder)]).toEqual([0, ['large.safetensors']]);
  });
});
