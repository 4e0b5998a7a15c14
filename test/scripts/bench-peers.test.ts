import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/toolchain.mjs';

/** With a Python that is not there, so that nothing is installed by mistake. */
const peers = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(root, 'scripts', 'bench-peers.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, STMNET_PYTHON: join(root, 'no-python'), PATH: '' },
  });

test('--help says what npm run bench:peers does, and does nothing', () => {
  const { status, stdout, stderr } = peers('--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^npm run bench:peers\n {2}puts what npm run bench compares with into .*build.peers; takes /);
  expect(stdout).toMatch(/with torch 2\.13\.0, onnx [\d.]+, keras, jax, numpy,$/m);
});

test('an option that it does not have is said', () => {
  const { status, stderr } = peers('--halp');
  expect(status).toBe(2);
  expect(stderr).toBe("bench:peers: Unknown option '--halp'; expected --help.\n");
});
