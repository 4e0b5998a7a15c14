import { describes, type OptionDescriptor } from './descriptor';
import type { SearchRange } from './task-entry';

/** Options of recurrent layers, see `EncoderOptions`. @param bidirectional  the task's default */
export const encoderDescriptors = (bidirectional: boolean): readonly OptionDescriptor[] => [
  describes('cell', ['lstm', 'gru', 'rnn'], 'lstm', 'kind of the recurrent layers'),
  describes('hiddenSize', 'size', '128', 'width of a state'),
  describes('numLayers', 'size', '1', 'layers on top of each other'),
  describes(
    'bidirectional',
    'flag',
    String(bidirectional),
    'whether each layer reads backwards, too',
    'read forwards alone',
  ),
  describes('dropout', 'probability', '0.5', 'part of the values that training drops before, between, behind layers'),
  describes('normalization', ['none', 'batch', 'layer'], 'none', 'what comes behind each layer'),
  describes('residual', 'flag', 'false', 'whether what goes into a layer is added to what comes out'),
];

/** Options of tokens, see `TokenOptions`. */
export const tokenDescriptors: readonly OptionDescriptor[] = [
  describes('embeddingDim', 'size', '128', 'width of the vector of a token'),
  describes('vectors', 'file', 'none', 'pretrained word vectors, as GloVe and word2vec write them'),
  describes('freeze', 'flag', 'false', 'whether vectors of tokens stay as they are'),
  describes('minFrequency', 'size', '2, or 1 of few examples', 'how often a token has to occur to get a vector'),
  describes('lowercase', 'flag', 'true', 'whether capital letters become small ones in words', 'keep capital letters'),
];

/**
 * Options of training, see `TrainTaskOptions`.
 *
 * @param task  what differs between tasks
 * @param others  what the options are with other optimizers, where the task has some, as in `or 0.25 of SGD`
 */
export const trainDescriptors = (
  task: { steps: number; batchSize: number; learningRate: number },
  others: Partial<Record<'learningRate' | 'weightDecay' | 'clipGradNorm', string>> = {},
): readonly OptionDescriptor[] => [
  describes(
    'epochs',
    'size',
    `enough for ${task.steps.toLocaleString('en')} steps, 10 to 60`,
    'how often to go through the examples',
  ),
  describes('batchSize', 'size', String(task.batchSize), 'examples of a step'),
  describes('learningRate', 'number', or(task.learningRate, others.learningRate), 'highest learning rate of AdamW'),
  describes('rateFactors', 'factors', 'none', 'what parts of the model learn more slowly by: features=0.1,encoder=0.3'),
  describes('freezeParts', 'parts', 'none', 'parts that stay as they are, or for so many epochs: features=2,encoder=1'),
  describes('weightDecay', 'number', or(0.01, others.weightDecay), 'L2 regularisation, decoupled from the gradients'),
  describes('clipGradNorm', 'number', or(1, others.clipGradNorm), 'largest joint norm of the gradients'),
  describes('patience', 'size', 'all epochs', 'epochs without a better validation loss after which to stop'),
  describes('keep', ['best', 'last'], 'best', 'which weights the model has at the end'),
  describes('seed', 'count', '1', 'of initial weights, order, dropout and of the part held back'),
  describes('device', 'text', 'cpu', 'where to train, as cuda'),
  describes('precision', ['fma', 'tf32', 'bf16', 'f16'], 'fma', 'what products are computed in; the CPU: fma or bf16'),
  describes('validateEvery', 'size', 'after each epoch', 'steps after which to validate besides'),
  describes('onNaN', ['stop', 'skip', 'ignore'], 'stop', 'what a loss or gradient that is not finite does'),
];

const or = (value: number, other: string | undefined): string =>
  other === undefined ? String(value) : `${value} ${other}`;

/** What a search changes in tasks with an encoder. */
export const encoderSearch: readonly SearchRange[] = [
  { name: 'learningRate', values: { low: 5e-4, high: 1e-2, scale: 'log' } },
  { name: 'cell', values: ['lstm', 'gru'] },
  { name: 'hiddenSize', values: [32, 64, 128, 256] },
  { name: 'embeddingDim', values: [32, 64, 128] },
  { name: 'dropout', values: { low: 0.1, high: 0.6, scale: 'linear' } },
];
