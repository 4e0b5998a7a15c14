import { GRU, LSTM, PaddedSequence, RNN, tensor, type Sequence, type Tensor } from 'stmnet';
import { known, type Known } from '../inputs';
import { build, get, sigmoidOf, sizeOf, type Plain } from '../plain';
import type { Draw } from '../random';
import { shown, type CaseMaker } from './case';

type Cell = 'LSTM' | 'GRU' | 'RNN';

interface Settings {
  cell: Cell;
  inputSize: number;
  hiddenSize: number;
  projSize: number;
  numLayers: number;
  bidirectional: boolean;
  bias: boolean;
  lengths: readonly number[];
  steps: number;
}

/** The matrices and biases of one layer and direction. */
interface Weights {
  ih: Plain;
  hh: Plain;
  hr: Plain | undefined;
  bias: (gate: number, unit: number, part: 'ih' | 'hh') => number;
}

interface State {
  h: number[];
  c: number[];
}

const dot = (weights: Plain, row: number, x: readonly number[]): number =>
  x.reduce((sum, value, column) => sum + get(weights, [row, column]) * value, 0);

/** One step of one row. */
function stepOf({ cell, hiddenSize }: Settings, weights: Weights, x: readonly number[], { h, c }: State): State {
  const part = (gate: number, unit: number, side: 'ih' | 'hh'): number => {
    const row = gate * hiddenSize + unit;
    return (side === 'ih' ? dot(weights.ih, row, x) : dot(weights.hh, row, h)) + weights.bias(gate, unit, side);
  };
  const gate = (number: number, unit: number): number => part(number, unit, 'ih') + part(number, unit, 'hh');
  const units = Array.from({ length: hiddenSize }, (_, unit) => unit);
  if (cell === 'RNN') return { h: units.map((unit) => Math.tanh(gate(0, unit))), c };
  if (cell === 'GRU') {
    const next = units.map((unit) => {
      const [r, z] = [sigmoidOf(gate(0, unit)), sigmoidOf(gate(1, unit))];
      const n = Math.tanh(part(2, unit, 'ih') + r * part(2, unit, 'hh'));
      return (1 - z) * n + z * h[unit]!;
    });
    return { h: next, c };
  }
  const memory = units.map(
    (unit) => sigmoidOf(gate(1, unit)) * c[unit]! + sigmoidOf(gate(0, unit)) * Math.tanh(gate(2, unit)),
  );
  const out = units.map((unit) => sigmoidOf(gate(3, unit)) * Math.tanh(memory[unit]!));
  const { hr } = weights;
  return { h: hr === undefined ? out : Array.from({ length: hr.shape[0]! }, (_, row) => dot(hr, row, out)), c: memory };
}

/** Output, and the last states: of one row. */
function rowOf(
  settings: Settings,
  layers: readonly Weights[],
  row: readonly number[][],
  initial: readonly State[],
): { output: number[][]; last: State[] } {
  const last: State[] = [];
  let values = row;
  const directions = settings.bidirectional ? 2 : 1;
  for (let layer = 0; layer < settings.numLayers; layer++) {
    const outputs: number[][][] = [];
    for (let direction = 0; direction < directions; direction++) {
      const place = layer * directions + direction;
      let state = initial[place]!;
      const order = direction === 0 ? values : [...values].reverse();
      const output = order.map((x) => (state = stepOf(settings, layers[place]!, x, state)).h);
      outputs.push(direction === 0 ? output : output.reverse());
      last.push(state);
    }
    values = values.map((_, step) => outputs.flatMap((output) => output[step]!));
  }
  return { output: [...values], last };
}

function evaluate(settings: Settings, names: readonly string[], [x, h0, c0, ...parameters]: readonly Plain[]): Plain[] {
  const named = new Map(names.map((name, at) => [name, parameters[at]!]));
  const directions = settings.bidirectional ? 2 : 1;
  const layers = Array.from({ length: settings.numLayers * directions }, (_, place): Weights => {
    const suffix = `l${Math.floor(place / directions)}${place % directions === 1 ? '_reverse' : ''}`;
    const bias = (gate: number, unit: number, side: 'ih' | 'hh'): number =>
      named.get(`bias_${side}_${suffix}`)?.data[gate * settings.hiddenSize + unit] ?? 0;
    return {
      ih: named.get(`weight_ih_${suffix}`)!,
      hh: named.get(`weight_hh_${suffix}`)!,
      hr: named.get(`weight_hr_${suffix}`),
      bias,
    };
  });
  const vector = (state: Plain, place: number, n: number): number[] =>
    Array.from({ length: state.shape[2]! }, (_, unit) => get(state, [place, n, unit]));
  const rows = settings.lengths.map((length, n) => {
    const values = Array.from({ length }, (_, step) =>
      Array.from({ length: settings.inputSize }, (_unused, feature) => get(x!, [n, step, feature])),
    );
    return rowOf(
      settings,
      layers,
      values,
      layers.map((_, place) => ({ h: vector(h0!, place, n), c: vector(c0!, place, n) })),
    );
  });
  const width = settings.projSize === 0 ? settings.hiddenSize : settings.projSize;
  const output = build(
    [rows.length, settings.steps, directions * width],
    ([n, step, unit]) => rows[n!]!.output[step!]?.[unit!] ?? 0,
  );
  const h = build(h0!.shape, ([place, n, unit]) => rows[n!]!.last[place!]!.h[unit!]!);
  const c = build(c0!.shape, ([place, n, unit]) => rows[n!]!.last[place!]!.c[unit!]!);
  return settings.cell === 'LSTM' ? [output, h, c] : [output, h];
}

const layerClasses = { LSTM, GRU, RNN };

const valuesOf = (x: Sequence): Tensor => (x instanceof PaddedSequence ? x.values : x);

function drawSettings(draw: Draw): Settings {
  const cell = draw.pick<Cell>(['LSTM', 'GRU', 'RNN']);
  const [hiddenSize, steps, rows] = [draw.pick([1, 2, 3, 5, 9]), draw.whole(1, 6), draw.whole(1, 4)];
  const lengths = draw.chance(0.5) ? draw.many(rows, () => steps) : draw.many(rows, () => draw.whole(0, steps));
  return {
    cell,
    hiddenSize,
    steps,
    lengths,
    inputSize: draw.whole(1, 5),
    projSize: cell === 'LSTM' && hiddenSize > 1 && draw.chance(0.3) ? draw.whole(1, hiddenSize - 1) : 0,
    numLayers: draw.whole(1, 3),
    bidirectional: draw.chance(0.4),
    bias: draw.chance(0.8),
  };
}

/** Parameters as known inputs: the layer's own are the leaves. */
function knownParameters(
  draw: Draw,
  layer: InstanceType<typeof LSTM> | InstanceType<typeof GRU> | InstanceType<typeof RNN>,
): [names: string[], inputs: Known[]] {
  const names: string[] = [];
  const inputs: Known[] = [];
  const state: Record<string, Tensor> = {};
  for (const [name, parameter] of layer.namedParameters()) {
    const shape = [...parameter.shape];
    const data = Float32Array.from({ length: sizeOf(shape) }, () => draw.between(-0.8, 0.8));
    state[name] = tensor({ data, shape });
    names.push(name);
    inputs.push({
      leaf: parameter,
      view: parameter,
      base: { shape, data: Float64Array.from(data) },
      look: (base) => base,
    });
  }
  layer.loadStateDict(state);
  return [names, inputs];
}

const recurrentCase: CaseMaker = (draw) => {
  const settings = drawSettings(draw);
  const { cell, inputSize, hiddenSize, projSize, numLayers, bidirectional, bias, lengths, steps } = settings;
  const shared = { inputSize, hiddenSize, numLayers, bidirectional, bias };
  const layer = cell === 'LSTM' && projSize > 0 ? new LSTM({ ...shared, projSize }) : new layerClasses[cell](shared);
  const [names, parameters] = knownParameters(draw, layer);
  const places = numLayers * (bidirectional ? 2 : 1);
  const [rows, width] = [lengths.length, projSize === 0 ? hiddenSize : projSize];
  const whole = lengths.every((length) => length === steps);
  const inputs = [
    known(draw, [rows, steps, inputSize]),
    known(draw, [places, rows, width]),
    known(draw, [places, rows, hiddenSize]),
    ...parameters,
  ];
  return {
    label: shown(cell, settings),
    inputs,
    run: (x, h, c) => {
      const input = whole ? x : new PaddedSequence(x, lengths);
      if (layer instanceof LSTM) {
        const result = layer.forward(input, { h: h!, c: c! });
        return [valuesOf(result.output), result.h, result.c];
      }
      const result = layer.forward(input, { h: h! });
      return [valuesOf(result.output), result.h];
    },
    plain: (...views) => evaluate(settings, names, views),
  };
};

export const recurrentCases: readonly CaseMaker[] = [recurrentCase];
