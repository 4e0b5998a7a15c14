import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultDevice, devices, setDefaultDevice } from 'stmnet';

/**
 * Runs a suite on each device present, as the default device of its tests. Without a CUDA device that suite is skipped and its title says so;
 * STMNET_REQUIRE_CUDA=1 turns the skip into a failure.
 *
 * @param suite  registers tests; make tensors inside them, not while registering
 */
export function describeDevices(name: string, suite: (device: string) => void): void {
  const present = devices().filter((device) => device.available).map((device) => device.name);
  for (const device of present) {
    describe(`${name} on ${device}`, () => {
      const before = defaultDevice();
      beforeAll(() => setDefaultDevice(device));
      afterAll(() => setDefaultDevice(before));
      suite(device);
    });
  }
  if (present.some((device) => device.startsWith('cuda'))) return;
  describe.skipIf(process.env['STMNET_REQUIRE_CUDA'] !== '1')(`${name} on cuda (devices() lists ${present.join(', ')})`, () => {
    it('finds a CUDA device, as STMNET_REQUIRE_CUDA=1 demands', () => expect.fail(`devices() lists ${present.join(', ')}`));
  });
}
