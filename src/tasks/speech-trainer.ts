import { CharErrorRate, WordErrorRate } from '../metrics/edit-distance';
import { ExactMatch } from '../metrics/exact-match';
import { ctcGreedyDecode } from '../decoding/ctc-greedy-decode';
import { zeros } from '../tensor/factories';
import type { HostArray } from '../tensor/host-array';
import { ctcLoss } from '../tensor/ops/losses';
import { logSoftmax } from '../tensor/ops/normalization';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Trainer } from '../training/trainer';
import { leastSteps, type SpeechLetters } from './speech-letters';
import type { SpeechNetwork } from './speech-network';
import type { Heard, SpeechSound } from './speech-sound';
import type { TaskTrainerParts } from './train-task';

/** What training or a file gives a SpeechRecognizer. */
export interface TrainedSpeech {
  readonly sound: SpeechSound;
  readonly letters: SpeechLetters;
  readonly model: SpeechNetwork;
}

/** A recording in numbers. */
export interface SpeechItem {
  readonly frames: HostArray<Float32Array>;
  readonly letters: Int32Array;
  /** 1 where no alignment spells the letters, or one of them was never heard: no part of the loss. */
  readonly apart?: number;
}

/** A batch of them. */
interface SpeechBatch {
  readonly frames: Sequence;
  readonly letters: Sequence;
  readonly apart?: Sequence;
}

/** Recordings in numbers: those that a loss can be computed of, and the others. */
export function speechItems(
  { letters, sound }: TrainedSpeech,
  heard: readonly Heard[],
): { known: SpeechItem[]; others: SpeechItem[] } {
  const [known, others]: [SpeechItem[], SpeechItem[]] = [[], []];
  for (const { frames, transcript } of heard) {
    const item = { frames, letters: letters.encode(transcript) };
    const fits = leastSteps(item.letters) <= (frames.shape[0] ?? 0) / sound.options.stack;
    if (fits && !item.letters.includes(letters.size)) known.push(item);
    else others.push({ ...item, apart: 1 });
  }
  return { known, others };
}

/** Frames of a recording. */
export const framesIn = ({ frames }: Pick<SpeechItem, 'frames'>): number => frames.shape[0] ?? 0;

/** A batch whose rows are all full has no lengths. */
const withLengths = (x: Sequence): PaddedSequence =>
  x instanceof PaddedSequence ? x : new PaddedSequence(x, new Array<number>(x.shape[0] ?? 0).fill(x.shape[1] ?? 0));

/** What CTC takes: log-probabilities of classes. @param scores  before softmax, [N, T, C] */
export const logProbabilities = (scores: Sequence): PaddedSequence =>
  withLengths(scores).map((values) => logSoftmax(values, -1));

/** What trains the network, and asks it. */
export function speechTrainer({ model, letters }: TrainedSpeech, parts: Partial<TaskTrainerParts> = {}) {
  const texts = textsOf(letters);
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: SpeechBatch) => network.forward(batch.frames),
    loss: (scores, batch) =>
      batch.apart === undefined
        ? ctcLoss(logProbabilities(scores), withLengths(batch.letters))
        : { loss: zeros([], { device: scores.device }), divisor: 0 },
    metrics: [
      { metric: new CharErrorRate(), from: texts },
      { metric: new WordErrorRate(), from: texts },
      { metric: new ExactMatch(), from: texts },
    ],
  });
}

/** What is said of a batch, and what is right, as texts; read once for all metrics. */
function textsOf(letters: SpeechLetters) {
  const known = new WeakMap<object, Promise<readonly [string[], string[]]>>();
  const read = async (scores: Sequence, target: Sequence): Promise<readonly [string[], string[]]> => {
    const { values, lengths } = withLengths(target);
    const [said, right] = await Promise.all([ctcGreedyDecode(scores), values.data()]);
    const width = lengths.length === 0 ? 0 : right.length / lengths.length;
    const rightOf = (row: number, length: number): string =>
      letters.decode(Array.from(right.subarray(row * width, row * width + length), Number));
    return [said.map((one) => letters.decode(one)), lengths.map((length, row) => rightOf(row, length))];
  };
  return (scores: Sequence, batch: SpeechBatch): Promise<readonly [string[], string[]]> => {
    const texts = known.get(scores) ?? read(scores, batch.letters);
    known.set(scores, texts);
    return texts;
  };
}
