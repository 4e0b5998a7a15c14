/**
 * What other libraries and textbooks call options, in lower case without underscores. Spellings that differ by little
 * need no entry.
 */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  lr: ['learningRate'],
  maxlr: ['maxLearningRate'],
  minlr: ['minLearningRate'],
  wd: ['weightDecay'],
  l2: ['weightDecay'],
  epsilon: ['eps'],
  std: ['stddev'],
  beta1: ['betas'],
  beta2: ['betas'],
  rho: ['alpha'],
  units: ['hiddenSize', 'outFeatures'],
  hidden: ['hiddenSize'],
  hiddendim: ['hiddenSize'],
  inputdim: ['inputSize', 'numEmbeddings', 'inFeatures'],
  inputshape: ['inputSize', 'inFeatures'],
  outputdim: ['embeddingDim', 'outFeatures'],
  layers: ['numLayers'],
  nlayers: ['numLayers'],
  usebias: ['bias'],
  activation: ['nonlinearity'],
  proj: ['projSize'],
  projection: ['projSize'],
  projectionsize: ['projSize'],
  inputunits: ['inFeatures'],
  outputunits: ['outFeatures'],
  embeddingsize: ['embeddingDim'],
  filters: ['outChannels'],
  nclasses: ['numClasses'],
  rate: ['p'],
  dropoutrate: ['dropout', 'p'],
  bs: ['batchSize'],
  val: ['validation'],
  monitor: ['figure', 'best'],
  metric: ['figure'],
  restorebestweights: ['restoreBest'],
  loadbestmodelatend: ['restoreBest'],
  savebestonly: ['best'],
  savetopk: ['keep'],
  maxtokeep: ['keep'],
  savetotallimit: ['keep'],
  everynepochs: ['everyEpochs'],
  everyntrainsteps: ['everySteps'],
  savesteps: ['everySteps'],
  dir: ['folder'],
  dirpath: ['folder'],
  directory: ['folder'],
  filepath: ['folder'],
  path: ['folder'],
  outputdir: ['folder'],
  valid: ['validation'],
  dev: ['validation'],
  stratify: ['stratifyBy'],
  groups: ['groupBy'],
  randomstate: ['seed'],
  buffersize: ['shuffleBuffer'],
  bptt: ['steps'],
  sequencelength: ['steps', 'length'],
  windowsize: ['length'],
  lookback: ['length'],
  collatefn: ['collate'],
  numworkers: ['workers'],
  validationdata: ['validation'],
  verbose: ['progress'],
  clipnorm: ['clipGradNorm'],
  optim: ['optimizer'],
  criterion: ['loss'],
  scheduler: ['schedule'],
  numepochs: ['epochs'],
  onbatchend: ['onStep'],
  ontrainbatchend: ['onStep'],
  onstepend: ['onStep'],
  onepoch: ['onEpochEnd'],
  ontrainbegin: ['onStart'],
  onfitstart: ['onStart'],
  ontrainstart: ['onStart'],
  ontrainend: ['onEnd'],
  onfitend: ['onEnd'],
  ontestend: ['onValidation'],
  onvalidationend: ['onValidation'],
  onexception: ['onError'],
  emadecay: ['decay'],
  emamomentum: ['decay'],
  momentum: ['decay'],
  usebuffers: ['averageBuffers'],
  swastart: ['start'],
  swalr: ['swaLearningRate'],
  annealepochs: ['annealSteps'],
  swalrs: ['swaLearningRate'],
  classweight: ['weight'],
  axis: ['dim'],
  ddof: ['correction'],
  clipvalue: ['clipGradValue'],
  globalclipnorm: ['clipGradNorm'],
  sep: ['delimiter'],
  separator: ['delimiter'],
  delim: ['delimiter'],
  names: ['columns'],
  usecols: ['columns'],
  dtype: ['types'],
  float: ['number', 'f32'],
  float32: ['number', 'f32'],
  float64: ['number', 'f64'],
  double: ['number', 'f64'],
  int: ['integer', 'i32'],
  int32: ['integer', 'i32'],
  int64: ['integer', 'i32'],
  navalues: ['missing'],
  skiprows: ['skipLines'],
  quotechar: ['quote'],
  quoting: ['quote'],
  maxlen: ['maxLength'],
  outputsequencelength: ['maxLength'],
  truncation: ['truncate'],
  vocabsize: ['numEmbeddings', 'vocabularySize', 'maxTokens'],
  numwords: ['maxTokens'],
  maxvocab: ['maxTokens'],
  minfreq: ['minFrequency'],
  mincount: ['minFrequency'],
  oovtoken: ['unknown'],
  unktoken: ['unknown'],
  padtoken: ['padding'],
  bostoken: ['begin'],
  eostoken: ['end'],
  lower: ['lowercase'],
  stopwords: ['stopWords'],
};

const CLIPPED_BY_CALL = 'leave it out, and clip between backward() and step()';
const OWN_INITIALS =
  'leave it out, and overwrite the weights after the layer is made, as in init.xavierUniform_(layer.weight)';
const FIXED_GATES = 'leave it out: the gates are sigmoid and tanh, as cuDNN computes them; RNN has nonlinearity';

/** What to do about options of Keras and PyTorch that have no counterpart under another name. */
const ADVICE: Readonly<Record<string, string>> = {
  returnsequences:
    'leave it out: forward returns every step as output; ' +
    'in a Sequential put new LastStep() after the layer for the last one alone',
  returnstate: 'leave it out: forward always returns its states beside output; a Sequential passes output on',
  stateful: 'leave it out, and hand the state on: layer.forward(x, detach(state))',
  gobackwards:
    'leave it out: take bidirectional: true for both directions, or reverse the steps, ' +
    'each row within its length: flip(x, [1])',
  recurrentdropout:
    'leave it out: dropout acts between stacked layers (numLayers: 2 or more); ' +
    'put a Dropout before or after the layer for its input or output',
  timemajor: 'write batchFirst: false for input [T, N, D]',
  unroll: 'leave it out: every device has one way to compute the layer',
  implementation: 'leave it out: every device has one way to compute the layer',
  activation: FIXED_GATES,
  recurrentactivation: FIXED_GATES,
  nonlinearity: FIXED_GATES,
  kernelinitializer: OWN_INITIALS,
  recurrentinitializer: OWN_INITIALS,
  biasinitializer: OWN_INITIALS,
  embeddingsinitializer: OWN_INITIALS,
  unitforgetbias: 'leave it out, and call init.setForgetBias(lstm) after the layer is made',
  maskzero: 'leave it out: pad(sequences) makes a PaddedSequence, whose lengths say what is padding',
  masking: 'leave it out: pad(sequences) makes a PaddedSequence, whose lengths say what is padding',
  enforcesorted: 'leave it out: lengths may come in any order',
  lengths: 'put values and lengths together: new PaddedSequence(values, lengths)',
  validationsplit:
    'split the data first: const [train, held] = randomSplit(data, [0.8, 0.2]), ' +
    'and pass validation: new DataLoader(held, { batchSize })',
  batchsize: 'give it to the loader: new DataLoader(data, { batchSize })',
  shuffle: 'give it to the loader: new DataLoader(data, { shuffle: true })',
  classweight: 'give the weights to the loss: new CrossEntropyLoss({ weight: tensor([…]) })',
  sampleweight: 'weight the loss itself: crossEntropy(x, y, { stepWeights })',
  fromlogits:
    'leave it out: crossEntropy and binaryCrossEntropyWithLogits take logits, binaryCrossEntropy takes probabilities',
  numworkers:
    'leave it out: prefetch makes or reads batches ahead, and the items of a WorkerDataset are made in worker threads',
  pinmemory: 'leave it out: copies to a GPU go through pinned memory by themselves',
  clipnorm: `${CLIPPED_BY_CALL}: clipGradNorm(model.parameters(), 1); the Trainer takes clipGradNorm: 1`,
  globalclipnorm: `${CLIPPED_BY_CALL}: clipGradNorm(model.parameters(), 1); the Trainer takes clipGradNorm: 1`,
  clipvalue: `${CLIPPED_BY_CALL}: clipGradValue(model.parameters(), 1)`,
  unbiased: 'write correction: 0 for unbiased: false; the default, correction: 1, is the unbiased estimate',
  verbose: 'leave it out: what happens stands on standard error, unless fit gets progress: false',
  inplace: 'leave it out: memory is used again as soon as nobody needs it',
  device: "leave it out, and move the module: module.to('cuda')",
};

const plain = (name: string): string => name.toLowerCase().replaceAll('_', '');

/** Options that another call takes. */
export interface OptionsElsewhere {
  /** Their names. */
  readonly names: readonly string[];
  /** Where one of them belongs: `pass it to fit: fit(examples, { epochs: 3 })`. */
  readonly fix: (name: string, value: unknown) => string;
}

/**
 * What to write in place of an option that nobody knows: the name used here, where it belongs, or how the thing is done
 * here.
 *
 * @param names      of the options that are understood
 * @param value      what was given
 * @param elsewhere  options that are understood somewhere else
 */
export function insteadOf(
  word: string,
  names: readonly string[],
  value?: unknown,
  elsewhere: OptionsElsewhere = { names: [], fix: () => '' },
): string {
  const meant = sameName(word, names);
  const there = meant === undefined ? sameName(word, elsewhere.names) : undefined;
  if (there !== undefined) return elsewhere.fix(there, value);
  const advice = adviceOn(plain(word), names);
  const name = meant ?? (advice === undefined ? nearMiss(word, names) : undefined);
  if (name !== undefined) return `write ${name}, if that is what you mean by ${word}`;
  return advice ?? `leave ${word} out`;
}

function adviceOn(word: string, names: readonly string[]): string | undefined {
  if (word === 'activation' && !names.includes('hiddenSize'))
    return 'leave it out, and put a layer such as new ReLU() after this one';
  if (word === 'shuffle' && names.includes('inOrder'))
    return 'leave it out: items are drawn at random; for shuffle: false, as of a time series, write inOrder: true';
  return Object.hasOwn(ADVICE, word) ? ADVICE[word] : undefined;
}

/** The same name but for case and underscores, or what the field also calls it. */
function sameName(word: string, names: readonly string[]): string | undefined {
  const same = names.find((name) => plain(name) === plain(word));
  if (same !== undefined) return same;
  return (Object.hasOwn(ALIASES, plain(word)) ? ALIASES[plain(word)] : undefined)?.find((name) => names.includes(name));
}

/**
 * The name that was probably meant: the same but for case and underscores, what the field also calls it, or one that
 * differs by few letters.
 *
 * @param word   what the user wrote
 * @param names  those that are understood
 * @returns undefined if none is near
 */
export function nearMiss(word: string, names: readonly string[]): string | undefined {
  const same = sameName(word, names);
  if (same !== undefined) return same;
  const ranked = names
    .map((name) => ({ name, edits: editDistance(plain(word), plain(name)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined;
}

/** How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
