// Values by hand, and by the rules of conlleval, with those of seqeval for S, as a table of which pairs of tags end and
// begin an entity.
import { describe, expect, test } from 'vitest';
import { EntityF1Score, manualSeed, PaddedSequence, randint, tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

/** Pairs of prefixes between which an entity ends, and between which one begins, where the type stays. */
const ends = 'BB BS BO IB IS IO EE EI EO EB ES SB SI SE SS SO'.split(' ');
const begins = 'BB IB OB EB SB OI EI SI OE EE SE BS IS OS ES SS'.split(' ');

/** Entities as [type, first, last]. */
function entities(tags: readonly string[]): string[] {
  const found: string[] = [];
  let first = -1;
  const parts = [...tags, 'O'].map((tag) => tag.split('-') as [prefix: string, type?: string]);
  parts.forEach(([prefix, type = ''], at) => {
    const [last, lastType = ''] = parts[at - 1] ?? ['O'];
    const other = type !== lastType;
    if (last !== 'O' && (other || ends.includes(last + prefix))) found.push(`${lastType} ${first} ${at - 1}`);
    if (prefix !== 'O' && (other || begins.includes(last + prefix))) first = at;
  });
  return found;
}

const f1 = async (said: readonly (readonly string[])[], truth: readonly (readonly string[])[]): Promise<number> => {
  const metric = new EntityF1Score();
  metric.update(said, truth);
  return metric.compute();
};

describe('entities', () => {
  test('by hand: type and both ends have to be right', async () => {
    const metric = new EntityF1Score({ details: true });
    const truth = [['B-PER', 'I-PER', 'O', 'B-LOC'], ['B-ORG', 'O', 'B-PER']]; // prettier-ignore
    const said = [['B-PER', 'I-PER', 'O', 'B-PER'], ['B-ORG', 'I-ORG', 'B-PER']]; // prettier-ignore
    for (const [index, tags] of said.entries()) metric.update([tags], [truth[index] ?? []]); // in batches of one
    // Right: PER 0..1, PER 2. Said 4, there 4.
    expect([await metric.compute(), await metric.figures()]).toEqual([0.5, { precision: 0.5, recall: 0.5 }]);
    const report = await metric.report();
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      overall: { precision: 0.5, recall: 0.5, f1: 0.5, support: 4 },
      types: {
        LOC: { precision: 0, recall: 0, f1: 0, support: 1 },
        ORG: { precision: 0, recall: 0, f1: 0, support: 1 },
        PER: { precision: 2 / 3, recall: 1, f1: 0.8, support: 2 },
      },
    });
    expect(String(report).split('\n').at(-1)).toBe('overall     0.5000  0.5000  0.5000        4');
  });

  test('IOB1, IOB2, IOBES and BILOU say the same', async () => {
    const iob2 = ['B-A', 'I-A', 'B-A', 'O', 'B-B', 'B-A'];
    for (const tags of [
      ['I-A', 'I-A', 'B-A', 'O', 'I-B', 'I-A'],
      ['B-A', 'E-A', 'S-A', 'O', 'S-B', 'S-A'],
      ['B-A', 'L-A', 'U-A', 'O', 'U-B', 'U-A'],
    ])
      expect(await f1([tags], [iob2])).toBe(1);
    expect(await f1([['I-A', 'I-A', 'I-A', 'O', 'I-B', 'I-A']], [iob2])).toBe((2 * 2) / (3 + 4)); // two joined
  });

  test('by the table of conlleval, for any tags', async () => {
    manualSeed(11);
    const tags = ['O', 'B-x', 'I-x', 'E-x', 'S-x', 'B-y', 'I-y', 'E-y', 'S-y'];
    const drawn = await randint(0, tags.length, [2, 300, 12]).array();
    const [said, truth] = (drawn as number[][][]).map((rows) => rows.map((row) => row.map((at) => tags[at] ?? 'O')));
    if (said === undefined || truth === undefined) throw new Error('no tags');
    let [right, claimed, there] = [0, 0, 0];
    said.forEach((row, at) => {
      const [a, b] = [entities(row), entities(truth[at] ?? [])];
      right += a.filter((entity) => b.includes(entity)).length;
      claimed += a.length;
      there += b.length;
    });
    expect(right).toBeGreaterThan(50);
    expect(await f1(said, truth)).toBeCloseTo((2 * right) / (claimed + there), 14);
  });

  test('where nothing is found it is 0, where nothing was seen NaN; tags may have no type', async () => {
    expect(await f1([['O', 'O']], [['O', 'O']])).toBe(0);
    expect(await new EntityF1Score().compute()).toBeNaN();
    expect(await f1([['B', 'I', 'O', 'B']], [['B', 'I', 'O', 'O']])).toBeCloseTo(2 / 3, 14);
  });
});

describeDevices('entities of numbers', () => {
  const labels = ['O', 'B-PER', 'I-PER'];
  test('real steps count, and not the label to ignore', async () => {
    const metric = new EntityF1Score({ labels });
    const target = tensor([[1, -100, 2, 0], [0, 1, 2, 1]], { dtype: 'i32' }); // prettier-ignore
    const said = tensor([[1, 0, 2, 0], [0, 1, 1, 1]], { dtype: 'i32' }); // prettier-ignore
    metric.update(new PaddedSequence(said, [4, 2]), new PaddedSequence(target, [4, 2]));
    expect(await metric.compute()).toBe(1); // PER 0..2 without the ignored step, and PER 1
    metric.reset();
    const scores = tensor([[[0, 9, 1], [0, 1, 9], [Number.NaN, 0, 0]]]); // prettier-ignore
    metric.update(scores, [[1, 2, 2]]);
    expect(await metric.compute()).toBe(0); // NaN is no answer: the entity ends before
    metric.update(scores, [[1, 2, 0]]);
    expect((await metric.report()).overall).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5, support: 2 });
  });

  test('mistakes', async () => {
    const one = [[1]]; // prettier-ignore
    expect(() => new EntityF1Score().update(one, one)).toThrow('EntityF1Score: got numbers, and no labels');
    expect(() => new EntityF1Score({ labels: ['O', 'NOUN'] })).toThrow('EntityF1Score: got the tag "NOUN"');
    expect(() => new EntityF1Score().update([['X-A']], [['O']])).toThrow(/got the tag "X-A"/);
    expect(() => new EntityF1Score().update([['O', 'O']], [['O']])).toThrow('got 2 outputs and 1 targets');
    expect(() => new EntityF1Score().update(['O'], ['O'])).toThrow(/expected an array of tags for each sentence/);
    expect(() => new EntityF1Score({ labels }).update(one, one, { weight: [1] })).toThrow(/got a weight/);
    const odd = new EntityF1Score({ labels });
    odd.update(tensor([[1]], { dtype: 'i32' }), [[7]]); // prettier-ignore
    await expect(odd.compute()).rejects.toThrow('EntityF1Score: got the label 7, expected numbers in 0..2');
  });
});
