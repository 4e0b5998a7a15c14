// Every layer and container of the package, each named once: what is exported, and what a model file may name.
export {
  Activation,
  ELU,
  GELU,
  LeakyReLU,
  LogSoftmax,
  ReLU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
  type ELUOptions,
  type LeakyReLUOptions,
  type SoftmaxOptions,
} from './activations';
export * from './additive-attention';
export type { AttentionOptions, PreparedKeys } from './attention';
export { AttentionPool, type AttentionPoolOptions } from './attention-pool';
export * from './batch-norm-1d';
export { Bidirectional, type BidirectionalOptions } from './bidirectional';
export * from './conv-1d';
export { CRF, type CRFOptions } from './crf';
export { Dropout, type DropoutOptions } from './dropout';
export { Embedding, type EmbeddingOptions, type PretrainedOptions } from './embedding';
export { GaussianNoise, type GaussianNoiseOptions } from './gaussian-noise';
export { GRU, type GRUOptions } from './gru';
export { GRUCell, type GRUCellOptions } from './gru-cell';
export type { HiddenStateResult } from './hidden-state-layer';
export * from './init';
export * from './layer-norm';
export { Linear, type LinearOptions } from './linear';
export { LSTM, type LSTMOptions } from './lstm';
export type { LSTMResult, LSTMState } from './lstm-state';
export { LSTMCell, type LSTMCellOptions, type LSTMCellState } from './lstm-cell';
export * from './multiplicative-attention';
export { LastStep, MaxPool, MeanPool, type LastStepOptions } from './pooling';
export { QuantizedGRU, type QuantizedGRUOptions } from './quantized-gru';
export { QuantizedLinear, type QuantizedLinearOptions } from './quantized-linear';
export { QuantizedLSTM, type QuantizedLSTMOptions } from './quantized-lstm';
export type { QuantizedRecurrentLayer, QuantizedRecurrentLayerOptions } from './quantized-recurrent';
export { QuantizedRNN, type QuantizedRNNOptions } from './quantized-rnn';
export { Recurrent, type CellResult, type RecurrentResult, type StepModule } from './recurrent';
export { RecurrentCell, type CellState, type RecurrentCellOptions } from './recurrent-cell';
export { RecurrentLayer } from './recurrent-layer';
export type { RecurrentOptions } from './recurrent-options';
export type { HiddenState, RecurrentStack, RecurrentStackOptions, ZeroStateOptions } from './recurrent-stack';
export { Residual } from './residual';
export { RNN, type RNNOptions } from './rnn';
export { RNNCell, type RNNCellOptions } from './rnn-cell';
export * from './scaled-dot-product-attention';
export { Sequential, type SequentialResult, type SequentialState } from './sequential';
export { SpecAugment, type SpecAugmentOptions } from './spec-augment';
export { Standardize, type FitData, type StandardizeOptions } from './standardize';
export { TimeDistributed } from './time-distributed';
export { VariationalDropout, type VariationalDropoutOptions } from './variational-dropout';
