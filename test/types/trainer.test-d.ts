// What a Trainer's types know; compiled, never run.
import {
  Accuracy,
  CrossEntropyLoss,
  crossEntropy,
  DataLoader,
  LSTM,
  MeanAbsoluteError,
  Module,
  mseLoss,
  Sequential,
  Linear,
  Trainer,
  type PaddedSequence,
  type Sequence,
  type Tensor,
} from 'stmnet';

class Translator extends Module {
  forward(source: PaddedSequence, previous: PaddedSequence): { scores: Tensor; attention: Tensor } {
    return { scores: source.values, attention: previous.values };
  }
}

const model = new Sequential(new Linear({ inFeatures: 1, outFeatures: 2 }));
const short = new Trainer({ model, loss: new CrossEntropyLoss(), metrics: [new Accuracy(), new MeanAbsoluteError()] });

export async function byMetrics(): Promise<number> {
  const { loss, accuracy, meanAbsoluteError } = await short.evaluate(new DataLoader([{ input: [1], target: 0 }]));
  // @ts-expect-error -- no such metric
  const { f1 } = await short.evaluate([]);
  return loss + accuracy + meanAbsoluteError + Number(f1);
}

const labelled = new DataLoader([{ input: [1], label: 0 }]);
// @ts-expect-error -- batches without target
export const withoutTarget = short.fit(labelled, { epochs: 1 });

export const custom = new Trainer({
  model: new Translator(),
  forward: (translator, batch: { source: PaddedSequence; previous: PaddedSequence; next: Tensor }) =>
    translator.forward(batch.source, batch.previous),
  loss: ({ scores }, { next }) => crossEntropy(scores, next),
  metrics: [{ metric: new Accuracy(), name: 'words', from: ({ scores }, { next }) => [scores, next] }],
});

export async function ofRecords(source: PaddedSequence): Promise<Tensor> {
  const words: number = (await custom.evaluate([])).words;
  const { attention } = await custom.predict({ source, previous: source });
  const joined = await custom.predict([{ source, previous: source }], { join: true });
  return attention.add(joined.scores).mul(words);
}

/** Functions that do not say what their batches are: fields are what they are used as. */
export const unsaid = new Trainer({
  model: new Translator(),
  forward: (translator, { source, previous }) =>
    translator.forward(source as PaddedSequence, previous as PaddedSequence),
  loss: (output, { next }) => mseLoss(output.scores, next as Sequence),
});
export const fitted = unsaid.fit([{ source: 1, previous: 2, next: 3 }], { epochs: 1 });

export const carried = new Trainer({
  model: new LSTM({ inputSize: 1, hiddenSize: 2 }),
  carryState: true,
  loss: (output, target) => mseLoss(output, target),
});

export const recurrent = new Trainer({
  model: new LSTM({ inputSize: 1, hiddenSize: 2 }),
  // @ts-expect-error -- without carryState the output is { output, h, c }
  loss: (output, target) => mseLoss(output, target),
});
