import { describe, expect, it } from 'vitest';
import { busyTicks, othersBetween, processTicksOf, usageNow } from '../../scripts/bench/turns/load';

describe('the load of a machine', () => {
  it('is what is neither idle nor waiting, with what a hypervisor took', () => {
    expect(busyTicks('cpu  10 2 30 400 50 6 7 8 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n')).toBe(63);
  });

  it('reads the times of a process whose name has blanks and brackets', () => {
    const fields = ['S', ...Array<number>(10).fill(0), 40, 2, 1, 2, 9];
    const line = `12 (a) b (c) ${fields.join(' ')}\n`;
    expect(processTicksOf(line)).toBe(42);
    expect(processTicksOf(line, true)).toBe(45);
  });

  it('is what others used of it, on average over the spans that are known', () => {
    const from = { wall: 10, all: 5, own: 1 };
    const to = { wall: 20, all: 15, own: 4 };
    expect(othersBetween([[from, to]])).toBeCloseTo(0.7, 12);
    expect(othersBetween([[undefined, to]])).toBe(0);
    expect(othersBetween([])).toBe(0);
  });

  it('takes ended processes for idle', () => {
    const usage = usageNow([2 ** 30]);
    if (process.platform === 'linux') expect(usage?.own).toBe(0);
    else expect(usage).toBeUndefined();
  });
});
