import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeviceError, defaultDevice, devices, setDefaultDevice, type DeviceInfo } from 'stmnet';

let printed: unknown[][] = [];
const before = defaultDevice();
const cuda = devices().find(({ name }) => name.startsWith('cuda'));

beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void printed.push(values));
});
afterEach(() => {
  vi.restoreAllMocks();
  setDefaultDevice(before);
});

const listed = (): DeviceInfo[] => printed[0]?.[0] as DeviceInfo[];

test.skipIf(cuda?.available !== true)('a GPU', { timeout: 120_000 }, async () => {
  const { accuracy, model } = await import('./scripts/gpu');
  expect(listed().find(({ name }) => name === 'cuda:0')).toMatchObject({
    available: true,
    cudnn: expect.stringMatching(/^9\./),
    memory: expect.any(Number),
  });
  expect(model.parameters().map(({ device }) => device)).toEqual(model.parameters().map(() => 'cuda:0'));
  expect(accuracy).toBeGreaterThan(0.85);
});

test.skipIf(cuda?.available === true)('without a GPU the script says why there is none', async () => {
  const error = await import('./scripts/gpu').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeviceError);
  expect(String(error)).toMatch(
    /setDefaultDevice: got device 'cuda', expected one of: cpu\. No CUDA device: .*\.\n {2}Fix: /,
  );
  expect(listed().find(({ name }) => name === 'cuda')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/Fix: /),
  });
});
