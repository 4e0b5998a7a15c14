import { BatchNorm1d } from '../layers/batch-norm-1d';
import { Dropout } from '../layers/dropout';
import { GRU } from '../layers/gru';
import { LayerNorm } from '../layers/layer-norm';
import { LSTM } from '../layers/lstm';
import { Residual } from '../layers/residual';
import { RNN } from '../layers/rnn';
import { Sequential } from '../layers/sequential';
import type { Module } from '../module/module';
import { flag, positiveInteger, probability } from '../tensor/options';
import { choice, withDefault, type Readers } from '../tensor/read-options';

/** The kind of a recurrent layer. */
export type Cell = 'lstm' | 'gru' | 'rnn';

/** What comes behind each recurrent layer. */
export type Normalization = 'none' | 'batch' | 'layer';

/** Options of the recurrent layers of a task. */
export interface EncoderOptions {
  /** Kind of the layers. Default lstm. */
  cell?: Cell;
  /** H, width of a state. Default 128. */
  hiddenSize?: number;
  /** Layers on top of each other. Default 1. */
  numLayers?: number;
  /** Whether each layer reads backwards, too. Default: the task's. */
  bidirectional?: boolean;
  /**
   * Probability in [0, 1) of dropping an element between and behind the layers, in training; before them it is half as
   * large. Default 0.5.
   */
  dropout?: number;
  /** Normalisation behind each layer. Default none. */
  normalization?: Normalization;
  /** Whether what goes into a layer is added to what comes out, where both are equally wide. Default false. */
  residual?: boolean;
}

/** Readers of these options. */
export const encoderReaders = (bidirectional: boolean): Readers<EncoderOptions> => ({
  cell: choice<Cell>(['lstm', 'gru', 'rnn']),
  hiddenSize: withDefault(positiveInteger, 128),
  numLayers: withDefault(positiveInteger, 1),
  bidirectional: withDefault(flag, bidirectional),
  dropout: withDefault(probability, 0.5),
  normalization: choice<Normalization>(['none', 'batch', 'layer']),
  residual: withDefault(flag, false),
});

/** The layer of each kind. */
export const CELLS = { lstm: LSTM, gru: GRU, rnn: RNN } as const;

/** Features of each step that the encoder gives: H, or 2 H where it reads both ways. */
export const encodedSize = ({ hiddenSize, bidirectional }: Required<EncoderOptions>): number =>
  bidirectional ? 2 * hiddenSize : hiddenSize;

/**
 * Recurrent layers with what stands between them: [N, T, D] → [N, T, K·H]. Where nothing does, they are one layer of
 * the package, which computes faster than several.
 */
export function recurrentEncoder(inputSize: number, options: Required<EncoderOptions>): Sequential {
  const { cell, hiddenSize, numLayers, bidirectional, dropout, normalization, residual } = options;
  const Layer = CELLS[cell];
  if (normalization === 'none' && !residual)
    return new Sequential(
      new Dropout({ p: dropout / 2 }),
      new Layer({ inputSize, hiddenSize, numLayers, bidirectional, dropout: numLayers > 1 ? dropout : 0 }),
      new Dropout({ p: dropout }),
    );
  const width = encodedSize(options);
  const modules: Module[] = [new Dropout({ p: dropout / 2 })];
  for (let layer = 0; layer < numLayers; layer++) {
    const size = layer === 0 ? inputSize : width;
    const recurrent = new Layer({ inputSize: size, hiddenSize, bidirectional });
    modules.push(residual && size === width ? new Residual(recurrent) : recurrent);
    if (normalization === 'batch') modules.push(new BatchNorm1d({ numFeatures: width }));
    if (normalization === 'layer') modules.push(new LayerNorm({ normalizedShape: width }));
    modules.push(new Dropout({ p: dropout }));
  }
  return new Sequential(...modules);
}

/** The options of the encoder among those of a task. */
export const encoderOptions = (options: Required<EncoderOptions>): Required<EncoderOptions> => {
  const { cell, hiddenSize, numLayers, bidirectional, dropout, normalization, residual } = options;
  return { cell, hiddenSize, numLayers, bidirectional, dropout, normalization, residual };
};
