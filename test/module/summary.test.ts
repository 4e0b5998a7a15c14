import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  Conv1d,
  Dropout,
  Embedding,
  LastStep,
  LayerNorm,
  Linear,
  LSTM,
  MeanPool,
  Module,
  PaddedSequence,
  Parameter,
  Sequential,
  TimeDistributed,
  noGrad,
  ones,
  quantizeDynamic,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { prelude, runUnread } from '../support/child';
import { here } from '../support/devices';
import { Block, Model } from '../support/block-model';

describe('what a model prints', () => {
  test('a forward may dispose of its input', async () => {
    class Doubled extends Module {
      forward(x: Tensor): Tensor {
        const y = x.mul(2);
        x.dispose();
        return y;
      }
    }
    const model = new Doubled();
    expect(await model.forward(ones([2])).array()).toEqual([2, 2]);
    expect(model.outputShape).toBe('[2]');
  });

  test('summary: a row a module, shared parameters once', () => {
    const model = new Sequential(
      new LSTM({ inputSize: 2, hiddenSize: 4, bidirectional: true }),
      new Dropout(),
      new Linear({ inFeatures: 8, outFeatures: 1000 }),
    );
    noGrad(() => model.forward(new PaddedSequence(ones([3, 5, 2]), [1, 5, 2])));
    const write = vi.spyOn(console, 'log').mockReturnValue();
    model.summary();
    const printed = String(write.mock.calls[0]?.[0]);
    write.mockRestore();
    expect(printed.split('\n')).toEqual([
      'name     class       output shape  parameters',
      '---------------------------------------------',
      '(model)  Sequential  [N, T, 1000]           0',
      '0        LSTM        [N, T, 8]            256',
      '1        Dropout     [N, T, 8]              0',
      '2        Linear      [N, T, 1000]       9,000',
      '---------------------------------------------',
      '9,256 parameters, 9,256 trainable',
    ]);
  });

  test('summary of weights of 8 bits: those that they were made of, a shared one once, beside what is frozen', () => {
    const [first, second] = [1, 2].map(() => new Linear({ inFeatures: 4, outFeatures: 5 }));
    if (first !== undefined && second !== undefined) second.weight = first.weight;
    const model = new Sequential(
      new Embedding({ numEmbeddings: 7, embeddingDim: 2 }),
      new LayerNorm({ normalizedShape: 2 }),
      new LSTM({ inputSize: 2, hiddenSize: 6, projSize: 4, bidirectional: true, learnedState: true }),
      new Linear({ inFeatures: 8, outFeatures: 4, bias: false }),
      ...[first, second].filter((layer) => layer !== undefined),
    ).to('cpu');
    const { model: quantized } = quantizeDynamic(model);
    const [embedding] = quantized;
    embedding?.requiresGrad_(false);
    const tables = [model, quantized].map((one) => {
      const write = vi.spyOn(console, 'log').mockReturnValue();
      one.summary();
      const printed = String(write.mock.calls[0]?.[0]);
      write.mockRestore();
      return printed.split('\n');
    });
    const counts = tables.map((lines) => lines.slice(2, -2).map((line) => Number(line.split(/ +/).at(-1))));
    expect(counts[1]).toEqual(counts[0]);
    // W_ih 24 · 2, W_hh 24 · 4, W_hr 4 · 6, two biases of 24 and the states of 4 and 6, in two directions
    expect(counts[1]).toEqual([0, 14, 4, 2 * (48 + 96 + 24 + 48 + 10), 32, 25, 5]);
    expect(tables.map((lines) => lines.at(-1))).toEqual([
      '532 parameters, 532 trainable',
      '532 parameters, 4 trainable, 388 of 8 bits',
    ]);
  });

  test('summary for a reader that has gone', async () => {
    const script = `${prelude} new stm.Linear({ inFeatures: 2, outFeatures: 2 }).summary(); setTimeout(() => {}, 50);`;
    expect(await runUnread(['-e', script])).toEqual({ code: 0, stderr: '' });
  });

  test('summary before the first run, with a tie and a frozen part', () => {
    const model = new Model();
    const [a, b] = model.blocks;
    if (a !== undefined && b !== undefined) b.linear.weight = a.linear.weight;
    model.heads.first.requiresGrad_(false);
    const write = vi.spyOn(console, 'log').mockReturnValue();
    model.summary();
    const printed = String(write.mock.calls[0]?.[0]);
    write.mockRestore();
    expect(printed).toContain('(model)          Model   not run yet            5');
    expect(printed).toContain('blocks.1.linear  Linear  not run yet            3');
    expect(printed).toContain('28 parameters, 20 trainable');
  });

  test.each<[what: string, model: () => Module, input: () => Sequence, shapes: string[]]>([
    [
      'tensors',
      () =>
        new Sequential(
          new LSTM({ inputSize: 2, hiddenSize: 3 }),
          new LastStep(),
          new Linear({ inFeatures: 3, outFeatures: 5 }),
        ),
      () => ones([4, 5, 2]),
      ['[N, 5]', '[N, T, 3]', '[N, 3]', '[N, 5]'],
    ],
    [
      'indices',
      () => new Sequential(new Embedding({ numEmbeddings: 9, embeddingDim: 5 }), new MeanPool()),
      () => zeros([4, 5], { dtype: 'i32' }),
      ['[N, 5]', '[N, T, 5]', '[N, 5]'],
    ],
    [
      'steps one by one',
      () => new TimeDistributed(new Linear({ inFeatures: 2, outFeatures: 6 })),
      () => new PaddedSequence(ones([3, 4, 2]), [1, 4, 2]),
      ['[N, T, 6]', '[N, 6]'],
    ],
    [
      'time first',
      () => new LSTM({ inputSize: 2, hiddenSize: 3, batchFirst: false }),
      () => ones([4, 5, 2]),
      ['[T, N, 3]'],
    ],
    ['no batch', () => new LSTM({ inputSize: 2, hiddenSize: 3 }), () => ones([4, 2]), ['[T, 3]']],
    [
      'steps that become fewer',
      () => new Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 3 }),
      () => ones([4, 9, 2]),
      ['[N, 7, 3]'],
    ],
  ])('summary names the batch and time of %s', (_, make, input, shapes) => {
    const model = make();
    noGrad(() => Reflect.apply(Reflect.get(model, 'forward'), model, [input()]));
    expect(Array.from(model.namedModules(), ([, module]) => module.symbolicShape)).toEqual(shapes);
  });

  test('the output shape itself has numbers', () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 3 });
    expect(layer.outputShape).toBeUndefined();
    layer.forward(ones([7, 2]));
    expect([layer.outputShape, layer.symbolicShape]).toEqual(['[7, 3]', '[N, 3]']);
  });

  test('inspect shows classes, options and paths', () => {
    const options = "{ inFeatures: 3, outFeatures: 3, bias: true, dtype: 'f32' }";
    expect(inspect(new Block())).toBe(`Block(\n  linear: Linear(${options})\n)`);
    expect(inspect([new Parameter(ones([2]))])).toBe(`[ Parameter f32[2] on ${here}, requires grad ]`);
  });
});

test('an input for summary() is refused, which shows the shapes of the last forward', () => {
  const model = new Linear({ inFeatures: 2, outFeatures: 3 });
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    expect(() => model.summary(zeros([1, 2]) as never)).toThrow(
      `Linear.summary: got f32[1, 2] on ${here}, expected nothing: the shapes are those of the last forward.\n` +
        '  Fix: let the model run first: noGrad(() => model.forward(input)), then model.summary().',
    );
    expect(print).not.toHaveBeenCalled();
  } finally {
    print.mockRestore();
  }
});
