import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prelude, runScript } from '../support/child';
import { standinEnvironment } from '../../scripts/standin';

const root = join(__dirname, '..', '..');

describe.skipIf(!existsSync(join(root, 'build', 'standin', 'standin_control.node')))(
  'the end of a process with a device (the stand-in)',
  () => {
    test('a device that is first used after the executors were stopped computes nothing', () => {
      const script = `
      process.on('exit', () => {
        for (let i = 0; i < 1000; i++) stm.full([10], i, { device: 'cuda' });
        const { queuedCommands, peakCommands, peakBytes } = stm.memory();
        console.log(JSON.stringify({ queuedCommands, peakCommands, peakBytes }));
      });`;
      const { code, signal, stdout, stderr } = runScript(prelude + script, { environment: standinEnvironment(root) });
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ queuedCommands: 0, peakCommands: 0, peakBytes: 0 });
    });
  },
);
