// Calls of layers and optimizers.
import * as stm from 'stmnet';
import { PaddedSequence, type DType, type Module, type Parameter, type Sequence } from 'stmnet';
import { floating } from '../inputs';
import type { Draw } from '../random';
import { garbage, spoiledOptions } from './garbage';
import type { Pool } from './pool';
import { affordable, number, type CallMaker } from './tensors';

/** A batch of sequences: a tensor, or padded with any lengths. */
function sequence(draw: Draw, pool: Pool, features: number, dtype: DType = 'f32'): Sequence {
  const [rows, steps] = [draw.whole(0, 3), draw.whole(0, 4)];
  const values = pool.view([rows, steps, features], dtype);
  return draw.chance(0.5)
    ? values
    : new PaddedSequence(
        values,
        draw.many(rows, () => draw.whole(0, steps)),
      );
}

/** Runs a layer, and backward through what it gives. */
function through(layer: Module, input: Sequence, backward: boolean): unknown {
  const forward: unknown = Reflect.get(layer, 'forward');
  if (typeof forward !== 'function') return undefined;
  const result: unknown = Reflect.apply(forward, layer, [input]);
  const output: unknown = typeof result === 'object' && result !== null && 'output' in result ? result.output : result;
  const values = output instanceof PaddedSequence ? output.values : output;
  if (backward && values instanceof stm.Tensor && values.requiresGrad) values.sum().backward();
  return result;
}

/** Options of variants of the cell, and a learned state. */
const cellOptions = {
  LSTM: [
    { peephole: true, zoneout: 0.5 },
    { layerNorm: true, coupledGates: true, recurrentDropout: 0.5 },
    { zoneoutCell: 0.5, returnCells: true, learnedState: true },
  ],
  GRU: [{ resetAfter: false, recurrentDropout: 0.5 }, { layerNorm: true, zoneout: 0.5 }, { learnedState: true }],
  RNN: [{ learnedState: true }],
} as const;

const recurrentClasses = { LSTM: stm.LSTM, GRU: stm.GRU, RNN: stm.RNN };

const layers: Readonly<Record<string, CallMaker>> = {
  recurrent: (draw, pool) => {
    const name = draw.pick(['LSTM', 'GRU', 'RNN'] as const);
    const [inputSize, hiddenSize] = [draw.whole(1, 4), draw.whole(1, 5)];
    const options = {
      inputSize,
      hiddenSize,
      numLayers: draw.whole(1, 3),
      bidirectional: draw.chance(0.4),
      bias: draw.chance(0.8),
      batchFirst: draw.chance(0.8),
      ...(draw.chance(0.2) ? { dropout: 0.5 } : {}),
      ...(draw.chance(0.4) ? draw.pick<object>(cellOptions[name]) : {}),
      ...(name === 'LSTM' && hiddenSize > 1 && draw.chance(0.2) ? { projSize: draw.whole(1, hiddenSize - 1) } : {}),
    };
    const [evaluates, backward] = [draw.chance(0.3), draw.chance(0.5)];
    const run = (settings: stm.LSTMOptions, input: Sequence): unknown => {
      const layer = new recurrentClasses[name](settings);
      return through(evaluates ? layer.eval() : layer, input, backward);
    };
    const settings: unknown = affordableOptions(spoiledOptions(draw, options));
    return {
      name,
      run,
      args: [
        settings,
        draw.chance(0.95) ? sequence(draw, pool, draw.chance(0.95) ? inputSize : draw.extent()) : garbage(draw),
      ],
    };
  },
  layer: (draw, pool) => {
    const features = draw.whole(1, 4);
    const makers: readonly (() => Module)[] = [
      () => new stm.Linear({ inFeatures: features, outFeatures: draw.some() }),
      () => new stm.LayerNorm({ normalizedShape: [features] }),
      () => new stm.BatchNorm1d({ numFeatures: features }),
      () => new stm.Conv1d({ inChannels: features, outChannels: 2, kernelSize: draw.whole(1, 3) }),
      () => new stm.Dropout({ p: 0.5 }),
      () => new stm.LastStep({ bidirectional: draw.chance(0.5) && features % 2 === 0 }),
      () => new stm.MeanPool(),
      () => new stm.MaxPool(),
      () => new stm.GaussianNoise({ stddev: 0.1 }),
      () => new stm.Softmax({ dim: -1 }),
      () => new stm.ELU(),
      () => new stm.TimeDistributed(new stm.Linear({ inFeatures: features, outFeatures: 2 })),
      () => new stm.Residual(new stm.Linear({ inFeatures: features, outFeatures: features })),
      () =>
        new stm.Sequential(
          new stm.Linear({ inFeatures: features, outFeatures: features }),
          new stm.ReLU(),
          new stm.MeanPool(),
        ),
      () =>
        new stm.Bidirectional(
          new stm.GRU({ inputSize: features, hiddenSize: 2 }),
          new stm.GRU({ inputSize: features, hiddenSize: 2 }),
        ),
    ];
    const [layer, backward] = [draw.pick(makers)(), draw.chance(0.5)];
    const input = draw.chance(0.95) ? sequence(draw, pool, features, floating(draw)) : garbage(draw);
    return {
      name: `layer ${layer.constructor.name}`,
      run: (x: Sequence) => through(layer, x, backward),
      args: [input],
    };
  },
  optimizer: (draw, pool) => {
    const classes = {
      SGD: stm.SGD,
      Adam: stm.Adam,
      AdamW: stm.AdamW,
      NAdam: stm.NAdam,
      Adamax: stm.Adamax,
      RMSprop: stm.RMSprop,
      Adagrad: stm.Adagrad,
      Adadelta: stm.Adadelta,
    };
    const name = draw.pick(Object.keys(classes) as (keyof typeof classes)[]);
    const layer = new stm.Linear({ inFeatures: draw.some(), outFeatures: draw.some() });
    const [steps, clips, clears, restores] = [draw.whole(0, 3), draw.chance(0.3), draw.chance(0.5), draw.chance(0.1)];
    const run = (parameters: Parameter[], options: object): void => {
      const optimizer = new classes[name](parameters, options);
      for (let step = 0; step < steps; step++) {
        for (const parameter of parameters) parameter.mul(2).sum().backward();
        if (clips) stm.clipGradNorm(parameters, { maxNorm: 1 });
        optimizer.step();
        if (clears) optimizer.zeroGrad();
        if (restores) optimizer.loadStateDict(optimizer.stateDict());
      }
    };
    const parameters: unknown = draw.chance(0.95) ? layer.parameters() : garbage(draw);
    const good =
      Array.isArray(parameters) &&
      parameters.length > 0 &&
      parameters.every((parameter) => parameter instanceof stm.Parameter);
    const options = spoiledOptions(draw, { learningRate: draw.chance(0.9) ? 0.01 : number(draw) });
    if (draw.chance(0.1)) pool.keep(layer.parameters());
    return good
      ? { name, run, args: [parameters, options] }
      : { name, run: (given: Parameter[]) => new classes[name](given), args: [parameters] };
  },
};

/** Options whose sizes a test can afford. */
function affordableOptions(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype)
    return options;
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, affordable(value)]));
}

export const layerCalls: readonly CallMaker[] = Object.values(layers);
