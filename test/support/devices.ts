import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultDevice, devices, mathMode, setDefaultDevice, setMathMode } from 'stmnet';

/** The device that STMNET_TEST_DEVICE names, in full; undefined if the tests run on each device. */
const only = process.env['STMNET_TEST_DEVICE'] === 'cuda' ? 'cuda:0' : process.env['STMNET_TEST_DEVICE'];

/** The device that tests outside `describeDevices` run on, as tensors give it. */
export const here = only ?? 'cpu';

/**
 * Runs a suite on each device present, as the default device of its tests, with products in f32 throughout. Without a
 * CUDA device that suite is skipped and its title says why; STMNET_REQUIRE_CUDA=1 turns the skip into a failure.
 * STMNET_TEST_DEVICE=cuda runs it on that device alone.
 *
 * @param suite  registers tests; make tensors inside them, not while registering
 */
export function describeDevices(name: string, suite: (device: string) => void): void {
  const listed = devices();
  const present = listed
    .filter((device) => device.available && (only === undefined || device.name === only))
    .map((device) => device.name);
  for (const device of present) {
    describe(`${name} on ${device}`, () => {
      const before = [defaultDevice(), mathMode()] as const;
      beforeAll(() => {
        setDefaultDevice(device);
        setMathMode('fma');
      });
      afterAll(() => {
        setDefaultDevice(before[0]);
        setMathMode(before[1]);
      });
      suite(device);
    });
  }
  if (present.some((device) => device.startsWith('cuda') || device === only)) return;
  const reason =
    listed.find((device) => !device.available)?.reason?.split('\n')[0] ??
    `devices() lists ${listed.map((device) => device.name).join(', ')}`;
  describe.skipIf(process.env['STMNET_REQUIRE_CUDA'] !== '1' && only === undefined)(
    `${name} on ${only ?? 'cuda'} (${reason})`,
    () => {
      it('finds the device', () => expect.fail(reason));
    },
  );
}
