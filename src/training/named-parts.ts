/** What to write in the place of a loss that Keras takes by its name. */
const LOSSES: Readonly<Record<string, string>> = {
  mse: 'MSELoss',
  meansquarederror: 'MSELoss',
  mae: 'L1Loss',
  l1: 'L1Loss',
  meanabsoluteerror: 'L1Loss',
  huber: 'HuberLoss',
  crossentropy: 'CrossEntropyLoss',
  categoricalcrossentropy: 'CrossEntropyLoss',
  sparsecategoricalcrossentropy: 'CrossEntropyLoss',
  bce: 'BCEWithLogitsLoss',
  binarycrossentropy: 'BCEWithLogitsLoss',
  ctc: 'CTCLoss',
};

/** The same for metrics. */
const METRICS: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  acc: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1Score',
  f1score: 'F1Score',
  auc: 'AUROC',
  auroc: 'AUROC',
  mse: 'MeanSquaredError',
  meansquarederror: 'MeanSquaredError',
  rmse: 'RootMeanSquaredError',
  mae: 'MeanAbsoluteError',
  meanabsoluteerror: 'MeanAbsoluteError',
  perplexity: 'Perplexity',
};

const table = { loss: LOSSES, metrics: METRICS } as const;

/**
 * What to write in the place of a loss or a metric that was given by a name.
 *
 * @returns undefined if it was given otherwise, or no class is known by the name
 */
export function classNamed(option: string, given: unknown): string | undefined {
  if (typeof given !== 'string' || (option !== 'loss' && option !== 'metrics')) return undefined;
  const name = given.toLowerCase().replaceAll(/[^a-z0-9]/gu, '');
  const classes = table[option];
  const found = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (found === undefined) return undefined;
  return option === 'loss' ? `write loss: new ${found}()` : `write metrics: [new ${found}()]`;
}
