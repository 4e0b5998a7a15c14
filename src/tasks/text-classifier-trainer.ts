import { CrossEntropyLoss } from '../losses/cross-entropy';
import { BCEWithLogitsLoss } from '../losses/pointwise';
import { Accuracy } from '../metrics/accuracy';
import { F1Score } from '../metrics/precision-recall';
import { keepBuffers } from '../module/keep-buffers';
import { zeros } from '../tensor/factories';
import { cast, gt } from '../tensor/ops/elementwise';
import { argmax } from '../tensor/ops/reduce';
import { padConstant, slice } from '../tensor/ops/shape';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Trainer } from '../training/trainer';
import { adversarialShift } from './adversarial-shift';
import type { ClassLabels } from './class-labels';
import type { LossWeights } from './loss-weights';
import type { TextClassifierNetwork } from './text-classifier-network';
import type { TextClassifierSettings } from './text-classifier-options';
import type { TextEncoder } from './text-encoder';
import type { LabelledText } from './text-examples';
import type { EncodedTokens, TokenBatch } from './token-encoder';
import type { TaskTrainerParts } from './train-task';

/** What training or a file gives a TextClassifier. */
export interface TrainedText {
  readonly labels: ClassLabels;
  readonly text: TextEncoder;
  readonly model: TextClassifierNetwork;
  /** How much each class counts, if not all alike. */
  readonly weights?: LossWeights | undefined;
}

/** An example in numbers. */
export interface TextItem {
  readonly tokens: EncodedTokens;
  readonly target: number | Float32Array;
  /** 1 where a label is one that training never saw: it is no part of the loss. */
  readonly apart?: number;
}

/** A batch of them. */
interface TextBatch {
  readonly tokens: TokenBatch;
  readonly target: Sequence;
  readonly apart?: Sequence;
}

/** Examples in numbers, without those that say nothing: that have a label which training never saw. */
export const itemsOf = ({ text, labels }: TrainedText, examples: readonly LabelledText[]): TextItem[] =>
  examples
    .filter((example) => example.labels.every((label) => labels.indexOf(label) >= 0))
    .map((example) => ({ tokens: text.encode(example.text), target: labels.target(example.labels) }));

/**
 * A validation in numbers: as `itemsOf`, and those that it leaves out, which are no part of the loss, but wrong.
 *
 * @param unknown  the labels that training never saw
 */
export function checkItems(
  { text, labels }: TrainedText,
  examples: readonly LabelledText[],
  unknown: readonly string[],
): { known: TextItem[]; others: TextItem[] } {
  const all = labels.with(unknown);
  const [known, others]: [TextItem[], TextItem[]] = [[], []];
  for (const example of examples) {
    const item = { tokens: text.encode(example.text), target: all.target(example.labels) };
    if (labels.unknownAmong(example.labels).length === 0) known.push(item);
    else others.push({ ...item, apart: 1 });
  }
  return { known, others };
}

/** Tokens of a text. */
export const lengthOf = ({ tokens }: Pick<TextItem, 'tokens'>): number => tokens.words.length;

/** Scores of the classes of texts, [N, C]; behind them those of the same texts with their vectors moved. */
type Answers = readonly [scores: Tensor, ...moved: Tensor[]];

/**
 * What trains the network, and asks it.
 *
 * @param unknown  labels of the validation that training never saw
 */
export function textTrainer(
  { model, labels, weights }: TrainedText,
  { multiLabel, labelSmoothing, adversarialEpsilon: epsilon }: TextClassifierSettings,
  parts: Partial<TaskTrainerParts> = {},
  unknown: readonly string[] = [],
) {
  const { device = model.head.weight.device } = parts;
  const weight = weights?.on(device);
  const loss = multiLabel
    ? new BCEWithLogitsLoss({ posWeight: weight })
    : new CrossEntropyLoss({ weight, labelSmoothing });
  const f1 = new F1Score(multiLabel ? {} : { labels: labels.with(unknown).names, positive: labels.positive });
  const from = ([scores]: Answers, { target }: TextBatch) =>
    [unknown.length === 0 ? scores : answersOf(scores, target, multiLabel), target] as const;
  const lossOf = (scores: Tensor, target: Sequence) =>
    loss.forward(scores, multiLabel ? slice(valuesOf(target), [0, 0], [null, labels.size]) : target);
  return new Trainer({
    ...parts,
    model,
    forward: (network, { tokens, target }: TextBatch): Answers => {
      if (epsilon === 0 || !network.training) return [network.forward(tokens)];
      const vectors = network.features.forward(tokens);
      const moved = adversarialShift(network, vectors, epsilon, (from) => lossOf(network.scores(from), target));
      // Running statistics are those of the texts as they are, which evaluation meets.
      return [network.scores(vectors), keepBuffers(network, () => network.scores(moved))];
    },
    loss: (answers, { target, apart }) =>
      apart === undefined
        ? answers.map((scores) => lossOf(scores, target))
        : { loss: zeros([], { device: answers[0].device }), divisor: 0 },
    metrics: [
      { metric: new Accuracy(), from },
      { metric: f1, from },
    ],
  });
}

/** The class of the largest score, or a yes or no for each label of `target`, of which the last may have no score. */
function answersOf(scores: Tensor, target: Sequence, multiple: boolean): Tensor {
  if (!multiple) return argmax(scores, -1);
  const [, more = 0] = target.shape.map((size, dim) => size - (scores.shape[dim] ?? 0));
  return padConstant(cast(gt(scores, 0), 'i32'), [
    [0, 0],
    [0, more],
  ]);
}
