// The classes that a model file may name: every layer and container of the package.
import { declarePackaged } from '../module/packaged';
import { ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from './activations';
import { AdditiveAttention } from './additive-attention';
import { BatchNorm1d } from './batch-norm-1d';
import { Bidirectional } from './bidirectional';
import { Conv1d } from './conv-1d';
import { Dropout } from './dropout';
import { Embedding } from './embedding';
import { GaussianNoise } from './gaussian-noise';
import { GRU } from './gru';
import { LayerNorm } from './layer-norm';
import { Linear } from './linear';
import { LSTM } from './lstm';
import { MultiplicativeAttention } from './multiplicative-attention';
import { LastStep, MaxPool, MeanPool } from './pooling';
import { Residual } from './residual';
import { RNN } from './rnn';
import { ScaledDotProductAttention } from './scaled-dot-product-attention';
import { Sequential } from './sequential';
import { Standardize } from './standardize';
import { TimeDistributed } from './time-distributed';

/** Built of options alone. */
const layers = {
  AdditiveAttention,
  BatchNorm1d,
  Conv1d,
  Dropout,
  ELU,
  Embedding,
  GaussianNoise,
  GELU,
  GRU,
  LastStep,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  LSTM,
  MaxPool,
  MeanPool,
  MultiplicativeAttention,
  ReLU,
  RNN,
  ScaledDotProductAttention,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Standardize,
  Tanh,
};

/** Built of modules, and of options after them. */
const containers = { Bidirectional, Residual, Sequential, TimeDistributed };

declarePackaged(layers, false);
declarePackaged(containers, true);
