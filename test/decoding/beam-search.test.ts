import { describe, expect, it } from 'vitest';
import {
  beamSearch,
  greedySearch,
  isGradEnabled,
  PaddedSequence,
  Parameter,
  stack,
  tensor,
  zeros,
  type BeamSearchOptions,
  type DecodeStep,
  type StepResult,
  type Tensor,
} from 'stmnet';
import { turnsDuring } from '../support/event-loop';
import { handlesKept } from '../support/handles';
import { everything, roundedHypotheses, scoreTables, type Rules, type TreeState } from '../support/score-tables';

const ALL = 4 ** 5;

describe('a beam that leaves nothing out', () => {
  it.each<Rules>([
    { endToken: 1, maxLength: 5 },
    { endToken: 1, maxLength: 5, lengthPenalty: 0.6 },
    { endToken: 1, maxLength: 5, lengthPenalty: 2 },
    { endToken: 1, maxLength: 5, lengthPenalty: -1.5 },
    { endToken: 0, maxLength: 5, coveragePenalty: 0.4 },
    { endToken: 2, maxLength: 5, coveragePenalty: 3, lengthPenalty: 1 },
    { endToken: 1, maxLength: 5, minLength: 3, lengthPenalty: 0.5 },
    { endToken: 1, maxLength: 5, minLength: 5 },
    { endToken: 1, maxLength: 5, noRepeatNgramSize: 1, lengthPenalty: 3 },
    { endToken: 1, maxLength: 5, noRepeatNgramSize: 2, minLength: 4 },
    { endToken: 1, maxLength: 1 },
    { maxLength: 4 },
    { maxLength: 4, noRepeatNgramSize: 2, lengthPenalty: 1 },
    { maxLength: 4, coveragePenalty: 0.7 },
  ])('finds the best of all: %o', async (rules) => {
    for (const seed of [1, 2, 3]) {
      const tables = await scoreTables(seed);
      const { step, start, startToken } = tables;
      const search = { start: start([0]), startToken, ...rules, beamSize: ALL };
      const wanted = roundedHypotheses(everything(tables, 0, rules).slice(0, 6));
      const [found = []] = await beamSearch(step, { ...search, nBest: 6 });
      expect(roundedHypotheses(found)).toEqual(wanted.slice(0, found.length));
      expect(found).toHaveLength(Math.min(6, everything(tables, 0, rules).length));
      const [[best]] = (await beamSearch(step, search)) as [[(typeof found)[0]]];
      expect(roundedHypotheses([best])).toEqual(wanted.slice(0, 1));
    }
  });
});

/** The same search, written for one sentence with arrays. */
async function plainBeam(seed: number, rules: Rules, beamSize: number, nBest: number): Promise<unknown> {
  const { at } = await scoreTables(seed);
  const { endToken, maxLength, lengthPenalty = 0 } = rules;
  const penalised = (total: number, count: number): number => total / ((5 + count) / 6) ** lengthPenalty;
  let running = [{ tokens: [] as number[], total: 0 }];
  const ended: { tokens: number[]; score: number; logProbability: number; finished: boolean }[] = [];
  for (let count = 1; count <= maxLength; count++) {
    const next = running
      .flatMap(({ tokens, total }) =>
        Array.from(at(0, tokens).next, (own, token) => ({ tokens: [...tokens, token], total: total + own })),
      )
      .sort((a, b) => b.total - a.total);
    const cut = count === maxLength;
    for (const { tokens, total } of next.slice(0, beamSize))
      if (tokens.at(-1) === endToken)
        ended.push({
          tokens: tokens.slice(0, -1),
          score: penalised(total, count),
          logProbability: total,
          finished: true,
        });
    running = next.filter(({ tokens }) => tokens.at(-1) !== endToken).slice(0, beamSize);
    if (cut)
      for (const { tokens, total } of running)
        ended.push({ tokens, score: penalised(total, count), logProbability: total, finished: false });
  }
  return roundedHypotheses(ended.sort((a, b) => b.score - a.score).slice(0, nBest));
}

describe('beamSearch', () => {
  it.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [3, 3],
    [7, 4],
  ])('of %d hypotheses gives the same as with arrays, without going on to the end', async (beamSize, nBest) => {
    for (const seed of [4, 5, 6, 7])
      for (const lengthPenalty of [0, 0.8]) {
        const rules = { endToken: 2, maxLength: 5, lengthPenalty };
        const { step, start, startToken } = await scoreTables(seed);
        const [found = []] = await beamSearch(step, { start: start([0]), startToken, ...rules, beamSize, nBest });
        expect(roundedHypotheses(found)).toEqual(await plainBeam(seed, rules, beamSize, nBest));
      }
  });

  it.each([
    [1, 0],
    [2, 0],
    [2, 0.5],
    [5, 0],
    [5, 0.6],
    [40, 0],
    [40, 0.4],
  ])('gives each sentence of a batch what it gives it alone, beam %d, gaps %d', async (beamSize, gaps) => {
    const tables = await scoreTables(8, { sentences: 6, gaps });
    const options = {
      startToken: tables.startToken,
      endToken: 1,
      maxLength: 5,
      beamSize,
      nBest: Math.min(beamSize, 3),
    };
    const penalties = { lengthPenalty: 0.7, coveragePenalty: 0.3, noRepeatNgramSize: 2 };
    const order = [3, 0, 1, 2, 4, 5];
    const together = await beamSearch(tables.step, { start: tables.start(order), ...options, ...penalties });
    for (const [place, sentence] of order.entries()) {
      const alone = await beamSearch(tables.step, { start: tables.start([sentence]), ...options, ...penalties });
      expect(together[place]).toEqual(alone[0]);
    }
    expect(new Set(together.map(([best]) => best?.tokens.length)).size).toBeGreaterThan(1);
  });

  it('of one hypothesis is greedySearch', async () => {
    const tables = await scoreTables(9, { sentences: 5, dtype: 'f32' });
    const options = { startToken: tables.startToken, endToken: 3, maxLength: 5, minLength: 1 };
    const start = tables.start([0, 1, 2, 3, 4]);
    expect(await beamSearch(tables.step, { start, ...options, beamSize: 1 })).toEqual(
      (await greedySearch(tables.step, { start, ...options })).map((one) => [one]),
    );
  });

  it('tells the attention of each token, to places that are real', async () => {
    const tables = await scoreTables(10, { sentences: 2 });
    const step: DecodeStep<TreeState> = async (tokens, state) => {
      const told = await tables.step(tokens, state);
      const lengths = Array.from(await state.sentence.data(), (sentence) => (sentence === 0 ? 3 : 2));
      return { ...told, attention: new PaddedSequence(told.attention as Tensor, lengths) };
    };
    const options = { start: tables.start([0, 1]), startToken: 3, endToken: 1, maxLength: 4, beamSize: 3, nBest: 3 };
    const found = await beamSearch(step, { ...options, coveragePenalty: 0.5 });
    for (const [sentence, list] of found.entries()) {
      expect(list).toHaveLength(3);
      for (const { tokens, attention, score, logProbability, finished } of list) {
        const all = tokens.map((_, place) => tables.at(sentence, tokens.slice(0, place)).attention);
        const real = all.map((one) => Array.from(one.subarray(0, 3 - sentence)));
        expect(attention).toEqual(real);
        const looks = finished ? [...all, tables.at(sentence, tokens).attention] : all;
        const sums = [0, 1, 2].slice(0, 3 - sentence).map((i) => looks.reduce((sum, one) => sum + (one[i] ?? 0), 0));
        const coverage = sums.reduce((sum, x) => sum + Math.log(Math.min(x, 1)), 0);
        expect(score).toBeCloseTo(logProbability + 0.5 * coverage, 9);
      }
    }
  });

  it('fills a beam that is larger than the vocabulary as sequences become longer', async () => {
    const rows: number[] = [];
    const step: DecodeStep<undefined> = (tokens, state) => {
      rows.push(tokens.size);
      return { scores: zeros([tokens.size, 3]), state };
    };
    const [found = []] = await beamSearch(step, { endToken: 2, maxLength: 3, minLength: 3, beamSize: 10, nBest: 10 });
    expect(rows).toEqual([1, 2, 4]);
    expect(found.map(({ tokens }) => tokens.join('')).sort()).toEqual(
      ['000', '001', '010', '011', '100', '101', '110', '111'].sort(),
    );
  });

  it('goes without a state, and reads what it is told to begin with', async () => {
    const read: number[][] = [];
    const step: DecodeStep<undefined> = async (tokens) => {
      read.push(Array.from(await tokens.data()));
      return { scores: tensor([[0, 1]]).add(zeros([tokens.size, 1])), state: undefined };
    };
    const begin = async (options: Partial<BeamSearchOptions<undefined>>): Promise<number[] | undefined> => {
      read.length = 0;
      await beamSearch(step, { maxLength: 1, ...options });
      return read[0];
    };
    expect(await begin({})).toEqual([0]);
    expect(await begin({ endToken: 1 })).toEqual([1]);
    expect(await begin({ startToken: 7, batchSize: 3 })).toEqual([7, 7, 7]);
    expect(await begin({ startToken: Int32Array.of(5, 6) })).toEqual([5, 6]);
  });

  it('chooses rows of a state of another form by a function of the user', async () => {
    const tables = await scoreTables(11, { sentences: 2 });
    /** [2, B]: the node of each sentence over the sentence. */
    const step: DecodeStep<Tensor> = async (tokens, both) => {
      const [node, sentence] = [both.select(0, 0), both.select(0, 1)];
      const { scores, state } = await tables.step(tokens, { node, sentence });
      return { scores, state: stack([state.node, state.sentence], 0) };
    };
    const { node, sentence } = tables.start([0, 1]);
    const options = { startToken: tables.startToken, endToken: 1, maxLength: 5, beamSize: 3, nBest: 2 };
    const chosen: (readonly number[])[] = [];
    const selectRows = (state: Tensor, rows: readonly number[]): Tensor => {
      chosen.push(rows);
      return state.indexSelect(1, tensor(Int32Array.from(rows)));
    };
    const start = stack([node, sentence], 0);
    const found = await beamSearch(step, { start, ...options, batchSize: 2, selectRows });
    const wanted = await beamSearch(tables.step, { start: { node, sentence }, ...options });
    expect(found.map((list) => roundedHypotheses(list))).toEqual(wanted.map((list) => roundedHypotheses(list)));
    expect(chosen[0]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it('goes on while a longer hypothesis may still come to a higher score', async () => {
    const [ended, later] = [0.22, 1].map((going) => tensor([[Math.log(going), Math.log(1 - going + 1e-9)]]));
    /** Token 1 is the end: of probability 0.78 at first, and then none to speak of. */
    const step: DecodeStep<number> = (tokens, count) => ({
      scores: zeros([tokens.size, 1]).add((count === 0 ? ended : later) ?? 0),
      state: count + 1,
    });
    const options = { start: 0, startToken: 0, endToken: 1, maxLength: 10, beamSize: 2 };
    const [[short] = []] = await beamSearch(step, options);
    expect(short?.tokens).toEqual([]);
    const [[long] = []] = await beamSearch(step, { ...options, lengthPenalty: 3 });
    expect(long?.tokens).toEqual(new Array(10).fill(0));
  });

  it('cuts what nothing may follow', async () => {
    const step: DecodeStep<undefined> = (tokens) => ({ scores: zeros([tokens.size, 2]), state: undefined });
    const [found = []] = await beamSearch(step, { maxLength: 9, noRepeatNgramSize: 1, beamSize: 2, nBest: 2 });
    const told = { score: -1.38629, logProbability: -1.38629, finished: false };
    expect(roundedHypotheses(found, 5)).toEqual([
      { tokens: [0, 1], ...told },
      { tokens: [1, 0], ...told },
    ]);
  });

  it('counts the coverage of what nothing may follow', async () => {
    const step: DecodeStep<undefined> = (tokens) => ({
      scores: zeros([tokens.size, 2]),
      state: undefined,
      attention: tensor([[0.9, 0.1]]).add(zeros([tokens.size, 1])),
    });
    const options = { maxLength: 9, noRepeatNgramSize: 1, beamSize: 2, coveragePenalty: 0.5 };
    const [[best] = []] = await beamSearch(step, options);
    expect(best?.tokens).toHaveLength(2);
    expect(best?.score).toBeCloseTo(2 * Math.log(0.5) + 0.5 * Math.log(0.2), 6);
  });

  it('takes no sentences', async () => {
    const step: DecodeStep<Tensor> = () => expect.fail('no step is needed');
    expect(await beamSearch(step, { start: zeros([0, 3]), maxLength: 3 })).toEqual([]);
  });
});

describe('what a search leaves behind', () => {
  const weight = new Parameter(tensor([[0.3, -0.2, 0.1], [0.5, 0.4, -0.9], [0.2, 0, 0.3]])); // prettier-ignore
  const sync = (_: Tensor, { h }: { h: Tensor }): StepResult<{ h: Tensor }> => {
    expect(isGradEnabled()).toBe(false);
    const next = h.matmul(weight).tanh();
    return { scores: next.squeeze(0), state: { h: next }, attention: next.squeeze(0).softmax(-1) };
  };
  const asynchronous: DecodeStep<{ h: Tensor }> = async (tokens, state) => {
    const told = sync(tokens, state);
    await new Promise(setImmediate);
    return told;
  };
  /** Gives back what it got. */
  const still: DecodeStep<{ h: Tensor }> = (_, state) => ({ scores: state.h.squeeze(0).matmul(weight), state });

  it.each([
    ['a step', sync],
    ['an asynchronous step', asynchronous],
    ['a step that keeps its state', still],
  ])('of %s is nothing, and the start', async (_, step) => {
    const start = { h: tensor([[[1, 2, 3], [0, 1, -1]]]) }; // prettier-ignore
    const run = async (): Promise<unknown> =>
      beamSearch(step, { start, endToken: 1, maxLength: 6, beamSize: 3, noRepeatNgramSize: 3 });
    const first = await run();
    const before = handlesKept();
    expect(await run()).toEqual(first);
    expect(handlesKept()).toBe(before);
    expect(await start.h.array()).toEqual([[[1, 2, 3], [0, 1, -1]]]); // prettier-ignore
    expect(isGradEnabled()).toBe(true);
  });

  it('is nothing after an error either', async () => {
    const start = { h: tensor([[[1, 2, 3]]]) };
    let steps = 0;
    const failing: DecodeStep<{ h: Tensor }> = async (tokens, state) => {
      const told = sync(tokens, state);
      await told.scores.data();
      if (++steps === 3) throw new Error('of my own');
      return told;
    };
    const before = handlesKept();
    await expect(beamSearch(failing, { start, maxLength: 6 })).rejects.toThrow('of my own');
    expect(handlesKept()).toBe(before);
    const bad: DecodeStep<{ h: Tensor }> = (tokens, state) =>
      ({ ...sync(tokens, state), scores: tensor([1]) }) as never;
    await expect(beamSearch(bad, { start, maxLength: 6 })).rejects.toThrow('scores f32[1]');
    expect(handlesKept()).toBe(before);
  });

  it('leaves the event loop free', async () => {
    const step: DecodeStep<undefined> = (tokens) => ({ scores: zeros([tokens.size, 50]), state: undefined });
    expect(await turnsDuring(() => beamSearch(step, { maxLength: 300 }))).toBeGreaterThan(0);
  });
});

describe('beamSearch refuses', () => {
  const step: DecodeStep<undefined> = (tokens) => ({ scores: zeros([tokens.size, 3]), state: undefined });
  it.each<[object, string]>([
    [{ maxLength: 0 }, 'maxLength: 0'],
    [{}, 'maxLength: undefined'],
    [{ maxLength: 3, beamSize: 0 }, 'beamSize: 0'],
    [{ maxLength: 3, beamSize: 2, nBest: 3 }, 'got nBest: 3 with beamSize: 2'],
    [{ maxLength: 3, minLength: 4 }, 'got minLength: 4 with maxLength: 3'],
    [{ maxLength: 3, endToken: 3 }, 'got endToken: 3 with scores f32[1, 3] on cpu, expected a token in 0..2'],
    [{ maxLength: 3, endToken: -1 }, 'endToken: -1'],
    [{ maxLength: 3, startToken: 2 ** 31 }, 'startToken: 2147483648'],
    [{ maxLength: 3, startToken: [1, 0.5] }, 'startToken[1]: 0.5'],
    [{ maxLength: 3, startToken: [1, 2], batchSize: 3 }, 'got 2 start tokens for 3 sentences'],
    [{ maxLength: 3, startToken: [1], batchSize: 3 }, 'got 1 start token for 3 sentences'],
    [{ maxLength: 3, lengthPenalty: Number.NaN }, 'lengthPenalty: NaN'],
    [{ maxLength: 3, coveragePenalty: -1 }, 'coveragePenalty: -1'],
    [{ maxLength: 3, coveragePenalty: 1 }, 'got coveragePenalty: 1 and a step without attention'],
    [{ maxLength: 3, noRepeatNgramSize: 0 }, 'noRepeatNgramSize: 0'],
    [{ maxLength: 3, selectRows: 1 }, 'selectRows: 1'],
    [{ maxLength: 3, beamsize: 3 }, 'beamSize'],
    [{ maxLength: 3, device: 'cuda:9' }, "'cuda:9'"],
    [{ maxLength: 3, batchSize: 2, start: zeros([3, 1]) }, 'batchSize: 2 with a state of 3 rows'],
    [{ maxLength: 3, start: [zeros([3, 1]), zeros([2, 1])] }, '3 and 2 are there'],
    [{ maxLength: 3, start: tensor(1) }, 'which has no axis'],
  ])('%o', async (options, message) => {
    await expect(beamSearch(step, options as BeamSearchOptions<undefined>)).rejects.toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined from the step'],
    ['no scores', { state: 1 }, '{ state } from the step'],
    ['no tensor', { scores: [[1, 2]], state: 1 }, '[[1, 2]] as scores of the step'],
    ['another shape', { scores: zeros([1, 1, 3]) }, 'scores f32[1, 1, 3] on cpu for 1 token,'],
    ['no token', { scores: zeros([1, 0]) }, 'scores f32[1, 0]'],
    ['whole numbers', { scores: tensor([[1, 2]], { dtype: 'i32' }) }, 'expected f32 or f64'],
    ['NaN', { scores: tensor([[1, Number.NaN]]) }, 'got scores of step 1 that are NaN'],
    ['Infinity', { scores: tensor([[1, Infinity]]) }, 'of sentence 0'],
    ['nothing that may come', { scores: tensor([[-Infinity, -Infinity]]) }, 'all -Infinity'],
    ['attention of another shape', { scores: zeros([1, 2]), attention: zeros([2, 2]) }, 'attention f32[2, 2]'],
    ['attention that is none', { scores: zeros([1, 2]), attention: 3 }, '3 as attention of the step'],
  ])('a step that gives %s', async (_, told, message) => {
    await expect(beamSearch(() => told as never, { maxLength: 2 })).rejects.toThrow(message);
  });

  it('a step that changes its mind', async () => {
    let steps = 0;
    const growing: DecodeStep<undefined> = (tokens) => ({ scores: zeros([tokens.size, ++steps]), state: undefined });
    await expect(beamSearch(growing, { maxLength: 4 })).rejects.toThrow('after some of 1 token,');
    const forgetful: DecodeStep<undefined> = (tokens) => ({
      scores: zeros([tokens.size, 2]),
      state: undefined,
      ...(tokens.size === 1 ? { attention: zeros([1, 1]) } : {}),
    });
    await expect(beamSearch(forgetful, { maxLength: 4 })).rejects.toThrow('a step without attention after one with it');
    await expect(beamSearch(3 as never, { maxLength: 4 })).rejects.toThrow('got 3 as step');
  });

  it('NaN of a sentence that is not the first, in a later step', async () => {
    const late: DecodeStep<Tensor> = (_, state) => ({
      scores: state.unsqueeze(1).add(tensor([[0, 1]])),
      state: state.log(),
    });
    const start = tensor([0.5, -1]);
    await expect(beamSearch(late, { start, maxLength: 4, beamSize: 1 })).rejects.toThrow(
      'scores of step 2 that are NaN, Infinity or all -Infinity, of sentence 1',
    );
  });
});
