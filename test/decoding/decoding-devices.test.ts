import { expect, test } from 'vitest';
import {
  beamSearch,
  ctcBeamSearch,
  ctcGreedyDecode,
  Embedding,
  Linear,
  LSTM,
  manualSeed,
  randn,
  sample,
  tensor,
} from 'stmnet';
import type { DecodeStep, LSTMState, Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';
import { everything, roundedHypotheses, scoreTables } from '../support/score-tables';
import { tolerances } from '../support/tolerances';

describeDevices('searches', (device) => {
  test('find the best of all', async () => {
    const tables = await scoreTables(30, { sentences: 2 });
    const rules = { endToken: 1, maxLength: 5, lengthPenalty: 0.8, coveragePenalty: 0.5, noRepeatNgramSize: 2 };
    const { step, start, startToken } = tables;
    const found = await beamSearch(step, { start: start([1, 0]), startToken, ...rules, beamSize: 600, nBest: 4 });
    expect(found.map((list) => roundedHypotheses(list))).toEqual(
      [1, 0].map((sentence) => roundedHypotheses(everything(tables, sentence, rules).slice(0, 4))),
    );
  });

  test('go over a model there, and give a batch what they give each sentence', async () => {
    manualSeed(1);
    const dtype = 'f64'; // in f32 the device's order of summation may choose between tokens
    const embedding = new Embedding({ numEmbeddings: 30, embeddingDim: 8, dtype }).to(device);
    const lstm = new LSTM({ inputSize: 8, hiddenSize: 16, numLayers: 2, dtype }).to(device);
    const head = new Linear({ inFeatures: 16, outFeatures: 30, dtype }).to(device);
    const step: DecodeStep<LSTMState> = (tokens, state) => {
      const { output, ...next } = lstm.forward(embedding.forward(tokens.unsqueeze(1)), state);
      return { scores: head.forward(output.squeeze(1)).mul(20), state: next };
    };
    const state = { h: randn([2, 3, 16], { device, dtype }).tanh(), c: randn([2, 3, 16], { device, dtype }) };
    const options = { endToken: 5, maxLength: 12, beamSize: 4, nBest: 2, lengthPenalty: 0.6 };
    const found = await beamSearch(step, { start: state, ...options });
    for (const [row, list] of found.entries()) {
      const start = { h: state.h.slice([0, row], [null, row + 1]), c: state.c.slice([0, row], [null, row + 1]) };
      const [alone = []] = await beamSearch(step, { start, ...options });
      expect(alone.map(({ tokens }) => tokens)).toEqual(list.map(({ tokens }) => tokens));
      for (const [rank, { score }] of list.entries()) {
        const own = alone[rank]?.score ?? Number.NaN;
        expect(Math.abs(score - own)).toBeLessThanOrEqual(tolerances.value.f64 * (1 + Math.abs(own)));
      }
      const drawn: number[] = [];
      for await (const token of sample(step, { start, maxLength: 4, temperature: 0 })) drawn.push(token);
      expect(drawn).toHaveLength(4);
    }
    expect(found).toHaveLength(3);
  });

  test('refuse NaN', async () => {
    const step: DecodeStep<Tensor> = (_, state) => ({ scores: state.log(), state });
    const start = tensor([[0.5, 0.2, 0.3], [0.5, -1, 0.5]], { device }); // prettier-ignore
    await expect(beamSearch(step, { start, maxLength: 3 })).rejects.toThrow(
      'beamSearch: got scores of step 1 that are NaN, Infinity or all -Infinity, of sentence 1',
    );
    await expect(ctcGreedyDecode(start.log().unsqueeze(0))).rejects.toThrow('step 1 of row 0');
  });

  test('read what a model trained by CTC says there', async () => {
    manualSeed(2);
    const scores = randn([3, 12, 6], { device, dtype: 'f64' }).mul(8);
    const [greedy, best] = [await ctcGreedyDecode(scores), await ctcBeamSearch(scores)];
    const onHost = scores.to('cpu');
    expect(await ctcGreedyDecode(onHost)).toEqual(greedy);
    expect((await ctcBeamSearch(onHost)).map(([one]) => one?.tokens)).toEqual(best.map(([one]) => one?.tokens));
  });
});
