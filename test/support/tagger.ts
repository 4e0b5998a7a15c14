import {
  Adam,
  BatchNorm1d,
  clipGradNorm,
  CrossEntropyLoss,
  Dropout,
  GaussianNoise,
  Linear,
  LSTM,
  manualSeed,
  Module,
  OneCycleLR,
  pad,
  tensor,
  type PaddedSequence,
  type Tensor,
} from 'stmnet';
import { spreadArray } from './gradients';

/** A model with everything that is random or has statistics. */
export class Tagger extends Module {
  lstm = new LSTM({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true, dropout: 0.3 });
  norm = new BatchNorm1d({ numFeatures: 14 });
  dropout = new Dropout({ p: 0.2 });
  noise = new GaussianNoise({ stddev: 0.1 });
  head = new Linear({ inFeatures: 14, outFeatures: 3 });
  forward(x: PaddedSequence): PaddedSequence {
    return this.head.forward(this.noise.forward(this.dropout.forward(this.norm.forward(this.lstm.forward(x).output))));
  }
}

/** A training with everything that has state: dropout, running statistics, moments, a schedule. */
export function training() {
  manualSeed(11);
  const model = new Tagger(),
    optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
  const schedule = new OneCycleLR(optimizer, { maxLearningRate: 2e-2, totalSteps: 60 });
  const criterion = new CrossEntropyLoss();
  const step = (x: PaddedSequence, y: PaddedSequence): { loss: Tensor; norm: Tensor } => {
    const loss = criterion.forward(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    const norm = clipGradNorm(model.parameters(), { maxNorm: 0.5 });
    optimizer.step();
    return { loss, norm };
  };
  return { model, optimizer, schedule, step };
}

/** Repeatable numbers in (-1, 1). */
export const numbers = (shape: readonly number[], seed: number): Tensor =>
  tensor(spreadArray(shape, seed), { dtype: 'f32' });

const lengths = [
  [6, 2, 0, 5],
  [4, 4, 4],
  [6, 2, 0, 5],
];

/** Batch `i`: three kinds in turn, two of which are alike; the second is smaller. */
export function batch(i: number): [PaddedSequence, PaddedSequence] {
  const kind = lengths[i % 3] ?? [];
  const input = kind.map((length, row) => numbers([length, 5], 17 * i + row));
  const target = kind.map((length, row) => tensor(Int32Array.from({ length }, (_, t) => (i + row + t) % 3)));
  return [pad(input, { steps: Math.max(...kind) }), pad(target, { steps: Math.max(...kind) })];
}
