import { describe, expect, it } from 'vitest';
import { sample, TokenSampler, tensor, zeros, type DecodeStep, type SampleOptions } from 'stmnet';
import { handlesKept } from '../support/handles';
import { scoreTables, type TreeState } from '../support/score-tables';

async function collect<State>(step: DecodeStep<State>, options: SampleOptions<State>): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of sample(step, options)) tokens.push(token);
  return tokens;
}

describe('sample', () => {
  it.each([{}, { temperature: 0.5, topK: 3 }, { temperature: 2, topP: 0.9 }, { temperature: 0 }])(
    'draws from the scores behind what it has drawn: %o',
    async (sampling) => {
      const lengths = new Set<number>();
      for (let seed = 0; seed < 8; seed++) {
        const tables = await scoreTables(seed);
        const options = { start: tables.start([0]), startToken: tables.startToken, maxLength: 5 };
        const found = await collect(tables.step, { ...options, endToken: 1, ...sampling, seed });
        const sampler = new TokenSampler({ ...sampling, seed });
        const wanted: number[] = [];
        while (wanted.length < 5) {
          const token = sampler.next(tables.at(0, wanted).next);
          if (token === 1) break;
          wanted.push(token);
        }
        expect(found).toEqual(wanted);
        lengths.add(found.length);
      }
      expect(lengths.size).toBeGreaterThan(1);
    },
  );

  it('goes on until the loop ends, and leaves nothing behind', async () => {
    const step: DecodeStep<{ h?: ReturnType<typeof zeros> }> = (_, { h = zeros([1, 3]) }) => ({
      scores: h,
      state: { h: h.add(0.1) },
    });
    const some = async (count: number): Promise<number> => {
      let left = count;
      for await (const token of sample(step, { start: {} })) if (--left === 0) return token;
      return -1;
    };
    expect(await some(3)).toBeLessThan(3);
    const before = handlesKept();
    expect(await some(200)).toBeGreaterThan(-1);
    expect(handlesKept()).toBe(before);
    const failing: DecodeStep<undefined> = () => ({ scores: tensor([[1, Number.NaN]]), state: undefined });
    await expect(collect(failing, {})).rejects.toThrow('TokenSampler.next: got the score NaN of token 1');
    expect(handlesKept()).toBe(before);
  });

  it('draws each token as often as it is probable', async () => {
    const scores = [0.5, 2, 1].map(Math.fround);
    const step: DecodeStep<undefined> = (_, state) => ({ scores: tensor([scores]), state });
    const counts = [0, 0, 0];
    for (const token of await collect(step, { seed: 3, maxLength: 6000 })) counts[token] = (counts[token] ?? 0) + 1;
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    for (const [token, count] of counts.entries())
      expect(Math.abs(count / 6000 - Math.exp(scores[token] ?? 0) / total)).toBeLessThan(0.02); // 3 deviations
  });

  it('reads what it is told to begin with', async () => {
    const read: unknown[] = [];
    const step: DecodeStep<TreeState | undefined> = async (tokens, state) => {
      read.push(await tokens.array());
      return { scores: zeros([1, 9]), state };
    };
    for (const options of [{}, { endToken: 4 }, { endToken: 4, startToken: 70 }])
      await collect(step, { maxLength: 1, ...options });
    expect(read).toEqual([[0], [4], [70]]);
  });

  it('refuses at the call what it is told, and in the loop what it is shown', async () => {
    const step: DecodeStep<undefined> = (_, state) => ({ scores: zeros([1, 3]), state });
    expect(() => sample(step, { topP: 0 })).toThrow('sample: got topP: 0');
    expect(() => sample(step, { topk: 3 } as object)).toThrow('an option topk');
    expect(() => sample(step, { maxLength: 0 })).toThrow('maxLength: 0');
    expect(() => sample(step, { startToken: -1 })).toThrow('startToken: -1');
    expect(() => sample(undefined as never, {})).toThrow('got undefined as step');
    await expect(collect(step, { endToken: 3, maxLength: 2 })).rejects.toThrow('got endToken: 3 with scores f32[1, 3]');
    const wide: DecodeStep<undefined> = (_, state) => ({ scores: zeros([2, 3]), state });
    await expect(collect(wide, {})).rejects.toThrow('scores f32[2, 3] on cpu for 1 token,');
  });
});
