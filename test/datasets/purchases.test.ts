import { describe, expect, it } from 'vitest';
import { AUROC } from 'stmnet';
import { simulatePurchases } from '../../src/datasets';

const one = {
  share: 1,
  gap: 20,
  regularity: 1,
  lifetime: 300,
  spend: 10,
  channels: { web: 1 },
  categories: { gift: 1 },
};

describe('simulatePurchases', () => {
  it('gives the same purchases for the same seed, in time, and others for another one', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => simulatePurchases({ customers: 50, seed }));
    expect(again).toEqual(first);
    expect(other?.rows).not.toEqual(first?.rows);
    const dates = first?.rows.map(({ date }) => date) ?? [];
    expect(dates).toEqual([...dates].sort());
    expect(first?.cutOff).toBe('2024-12-30'); // the 730th day from 2023-01-01 on
    expect(first?.rows[0]).toEqual({
      customer: expect.stringMatching(/^c\d+$/) as string,
      date: expect.stringMatching(/^2023-01-\d\d$/) as string,
      amount: expect.any(Number) as number,
      channel: expect.stringMatching(/^(store|web|app)$/) as string,
      category: expect.stringMatching(/^(grocery|household|gift)$/) as string,
    });
    expect([...(first?.probabilities.keys() ?? [])]).toEqual(Array.from({ length: 50 }, (_, at) => `c${at + 1}`));
  });

  it('says how probable it was: so many buy, those more often who are likelier to', async () => {
    const { rows, cutOff, probabilities } = simulatePurchases({ customers: 3000, seed: 5 });
    const buyers = new Set(rows.filter(({ date }) => date > cutOff).map(({ customer }) => customer));
    const customers = [...probabilities].map(([customer, chance]) => ({ chance, bought: buyers.has(customer) }));
    for (const [from, to] of [
      [0, 0.1],
      [0.1, 0.3],
      [0.3, 0.6],
      [0.6, 1],
    ] as const) {
      // prettier-ignore
      const bin = customers.filter(({ chance }) => chance >= from && chance < to);
      const expected = bin.reduce((sum, { chance }) => sum + chance, 0);
      const deviation = Math.sqrt(bin.reduce((sum, { chance }) => sum + chance * (1 - chance), 0));
      expect(bin.length).toBeGreaterThan(100);
      expect(Math.abs(bin.filter(({ bought }) => bought).length - expected)).toBeLessThan(3 * deviation);
    }
    const auroc = new AUROC();
    auroc.update(
      customers.map(({ chance }) => chance),
      customers.map(({ bought }) => Number(bought)),
    );
    expect(await auroc.compute()).toBeGreaterThan(0.75);
    expect(await auroc.compute()).toBeLessThan(0.85);
  });

  it('draws gaps and amounts around the means of their kind', () => {
    const kind = { ...one, regularity: 50, lifetime: 1e9 }; // they stay for ever, and buy by the clock
    const { rows } = simulatePurchases({ customers: 300, days: 1, horizon: 1000, kinds: [kind], seed: 3 });
    const rate = (rows.length - 300) / (300 * 1000);
    expect(rate * 20).toBeGreaterThan(0.9); // rates of shape 3: 1 / √(3 · 300) = 0.03
    expect(rate * 20).toBeLessThan(1.1);
    const mean = rows.reduce((sum, { amount }) => sum + amount, 0) / rows.length;
    expect(mean / 10).toBeGreaterThan(0.9);
    expect(mean / 10).toBeLessThan(1.1);
  });

  it('lets nobody buy who is certainly gone, and everybody who is due', () => {
    const steady = { ...one, regularity: 200, lifetime: 1e9 };
    const due = simulatePurchases({ customers: 40, days: 500, horizon: 200, kinds: [steady], seed: 2 });
    const counts = new Map<string, number>();
    for (const { customer, date } of due.rows)
      if (date <= due.cutOff) counts.set(customer, (counts.get(customer) ?? 0) + 1);
    const known = [...counts]
      .filter(([, count]) => count > 5)
      .map(([customer]) => due.probabilities.get(customer) ?? 0);
    expect(known.length).toBeGreaterThan(10);
    expect(Math.min(...known)).toBeGreaterThan(0.999);
    const lost = simulatePurchases({ customers: 40, kinds: [{ ...one, lifetime: 1e-3 }], seed: 2 });
    expect(lost.rows).toHaveLength(40);
    expect(Math.max(...lost.probabilities.values())).toBeLessThan(1e-3);
  });

  it.each<[object, string]>([
    [{ customers: 0 }, 'customers: 0'],
    [{ custommers: 5 }, 'custommers'],
    [{ kinds: [] }, 'kinds: []'],
    [{ kinds: [{ ...one, gap: -1 }] }, 'simulatePurchases: kinds[0]: got gap: -1'],
    [{ kinds: [{ ...one, regularity: 1.5 }] }, 'regularity: 1.5'],
    [{ kinds: [{ ...one, channels: {} }] }, 'channels'],
    [{ seed: -1 }, 'seed: -1'],
  ])('refuses %o', (options, message) => {
    expect(() => simulatePurchases(options)).toThrow(message);
  });
});
