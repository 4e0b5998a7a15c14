import { expect, test } from 'vitest';
import { compile, emptyCache, memory, ones, scope, setMaxMemory, synchronize, tensor } from 'stmnet';
import { binding } from '../../src/native/load';
import { idOf, wrap } from '../../src/tensor/tensor';
import { describeDevices } from '../support/devices';

// A file of its own, so a process of its own: no other test's tensors lie in the cache.
describeDevices('memory that is kept for later', (device) => {
  const megabyte = 2 ** 20;
  /** A tensor of so many bytes that nobody writes to, given up once it is there. */
  const touch = async (bytes: number): Promise<void> => {
    wrap(binding.testAllocate(bytes, device)).dispose();
    await synchronize();
  };

  test('is counted, and given back by emptyCache()', async () => {
    const kept = ones([1000]);
    await touch(10 * megabyte);
    expect(memory().cachedBytes).toBeGreaterThanOrEqual(10 * megabyte);
    const { usedBytes } = memory();
    await emptyCache();
    expect(memory().cachedBytes).toBe(0);
    expect(memory().usedBytes).toBe(usedBytes);
    expect(await kept.sum().item()).toBe(1000);
  });

  test('emptyCache() leaves the report of a fault to the reads', async () => {
    const lost = tensor([1]);
    wrap(binding.testFail(idOf(lost, 'test')));
    await emptyCache();
    await expect(synchronize()).rejects.toThrowError(/asked to fail/);
  });

  test('follows what tensors needed lately, however many sizes there were', async () => {
    await emptyCache();
    let most = 0;
    for (let i = 0; i < 400; i++) {
      await touch((1 + (i % 50)) * megabyte + i * 4096); // 10 GB in 400 sizes, 50 MB at a time
      most = Math.max(most, memory().cachedBytes);
    }
    expect(most).toBeLessThan(170 * megabyte);
  });

  test('is not kept for ever by a peak that has passed', async () => {
    await touch(512 * megabyte);
    expect(memory().cachedBytes).toBeGreaterThanOrEqual(512 * megabyte);
    for (let i = 0; i < 64; i++) await touch(400 * megabyte);
    await touch(megabyte);
    for (let i = 0; i < 2100; i++) wrap(binding.testAllocate(8 * megabyte, device)).dispose();
    await synchronize();
    expect(memory().cachedBytes).toBeLessThan(100 * megabyte);
  });

  test('a limit counts it', async () => {
    await emptyCache();
    const { usedBytes } = memory();
    await touch(32 * megabyte);
    setMaxMemory(usedBytes + 40 * megabyte);
    await touch(36 * megabyte);
    expect(memory().usedBytes + memory().cachedBytes).toBeLessThanOrEqual(usedBytes + 40 * megabyte);
    setMaxMemory(0);
  });

  test('emptyCache() is refused in a step of compile()', () => {
    const step = compile(() => void emptyCache());
    expect(step).toThrowError(expect.objectContaining({ code: 'ERR_STM_RECORDING' }));
    scope(() => ones([1]));
  });
});
