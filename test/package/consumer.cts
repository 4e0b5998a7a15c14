// The types as TypeScript in CommonJS sees them; checked, not run.
import { Adam, LSTM, PaddedSequence, ShapeError, zeros, type HostArray, type Tensor } from 'stmnet';
import datasets = require('stmnet/datasets');

const lstm = new LSTM({ inputSize: 12, hiddenSize: 8, bidirectional: true });
export const optimizer: Adam = new Adam(lstm.parameters(), { learningRate: 1e-3 });
export const state: { output: PaddedSequence; h: Tensor; c: Tensor } = lstm.forward(
  new PaddedSequence(zeros([1, 3, 12]), [3]),
);
export const isMistake = (error: unknown): error is ShapeError => error instanceof ShapeError;
export const first = async (): Promise<HostArray> => (await datasets.japaneseVowels()).train.at(0).input;
// @ts-expect-error an option that does not exist
export const wrong = new LSTM({ inputSize: 12, hiddenSize: 8, units: 3 });
