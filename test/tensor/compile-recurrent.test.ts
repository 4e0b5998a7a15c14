import { expect, test } from 'vitest';
import { compile, GRU, LSTM, manualSeed, PaddedSequence, randn, SGD, tensor, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

describeDevices('a compiled step of recurrent layers', () => {
  test.each<[string, () => LSTM | GRU]>([
    ['LSTM', () => new LSTM({ inputSize: 2, hiddenSize: 3, layerNorm: true, zoneout: 0.2, recurrentDropout: 0.3 })],
    ['GRU', () => new GRU({ inputSize: 2, hiddenSize: 3, resetAfter: false, bidirectional: true })],
  ])('variants of the cell, with lengths: %s', async (_, build) => {
    const run = async (compiled: boolean): Promise<unknown> => {
      manualSeed(4);
      const layer = build(),
        optimizer = new SGD(layer.parameters(), { learningRate: 0.1 });
      const plain = (x: Tensor): Tensor => {
        const loss = layer
          .forward(new PaddedSequence(x, [3, 1]))
          .output.values.square()
          .sum();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const step = compiled ? compile(plain) : plain;
      const losses: number[] = [];
      for (let i = 0; i < 8; i++) losses.push(await step(randn([2, 3, 2])).item());
      return losses;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test.each([false, true])(
    'a weight of a recurrent layer that is frozen for a while; peepholes: %s',
    async (peephole) => {
      const run = async (compiled: boolean): Promise<unknown> => {
        manualSeed(2);
        const layer = new LSTM({ inputSize: 2, hiddenSize: 3, peephole }),
          optimizer = new SGD(layer.parameters(), { learningRate: 0.1 });
        const plain = (x: Tensor): Tensor => {
          const loss = layer.forward(x).output.square().sum();
          optimizer.zeroGrad();
          loss.backward();
          optimizer.step();
          return loss;
        };
        const step = compiled ? compile(plain) : plain;
        const inputs = tensor([[[1, 2], [3, -1]]]); // prettier-ignore
        const told: unknown[] = [];
        for (let i = 0; i < 16; i++) {
          if (i === 0 || i === 11) layer.weight_hh_l0?.requiresGrad_(false);
          if (i === 5) layer.weight_hh_l0?.requiresGrad_(true);
          told.push(await step(inputs).item(), await layer.weight_hh_l0?.array());
        }
        return told;
      };
      expect(await run(true)).toEqual(await run(false));
    },
  );
});
