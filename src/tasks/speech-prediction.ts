import { ctcBeamSearch } from '../decoding/ctc-beam-search';
import { ctcGreedyDecode } from '../decoding/ctc-greedy-decode';
import { noGrad } from '../tensor/grad-mode';
import { neg } from '../tensor/ops/elementwise';
import { ctcLoss } from '../tensor/ops/losses';
import { pad } from '../tensor/pad';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { evenBatches, oneBatch } from './even-batches';
import type { Heard } from './speech-sound';
import { framesIn, logProbabilities, speechTrainer, type TrainedSpeech } from './speech-trainer';

/** What a SpeechRecognizer hears in a recording. */
export interface SpeechPrediction {
  /** What is said. */
  readonly text: string;
  /** log of how probable that text is, over all alignments: 0 is certain. */
  readonly score: number;
}

/** Letters, and log of their probability. */
interface Spelled {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** What is said in recordings, batch by batch: nothing in those that are silent. */
export async function recognise(
  trained: TrainedSpeech,
  recordings: readonly Heard[],
  beamSize: number,
): Promise<SpeechPrediction[]> {
  const trainer = speechTrainer(trained);
  const found: SpeechPrediction[] = [];
  const items = recordings.map(({ frames }) => ({ frames }));
  for (const { places, items: some } of evenBatches(items, framesIn)) {
    const [scores] = await trainer.predict(oneBatch(some));
    if (scores === undefined) continue;
    const spelled = await (beamSize === 1 ? greedy(scores) : searched(scores, beamSize)).finally(() =>
      valuesOf(scores).dispose(),
    );
    spelled.forEach(({ tokens, score }, at) => {
      const place = places[at];
      if (place === undefined) return;
      const silent = recordings[place]?.flaw === 'silent';
      found[place] = silent ? { text: '', score: 0 } : { text: trained.letters.decode(tokens), score };
    });
  }
  return found;
}

async function searched(scores: Sequence, beamSize: number): Promise<Spelled[]> {
  const rows = await ctcBeamSearch(scores, { beamSize });
  return rows.map(([best]) => ({ tokens: best?.tokens ?? [], score: best?.logProbability ?? 0 }));
}

/** The most probable letter of each step, and how probable what they spell is over all alignments. */
async function greedy(scores: Sequence): Promise<Spelled[]> {
  const rows = await ctcGreedyDecode(scores);
  const logs = noGrad(() =>
    scope(() => {
      const target = pad(
        rows.map((tokens) => Int32Array.from(tokens)),
        { device: scores.device },
      );
      const losses = ctcLoss(logProbabilities(scores), target, { reduction: 'none' });
      return neg(losses);
    }),
  );
  const data = await logs.data().finally(() => logs.dispose());
  return rows.map((tokens, row) => ({ tokens, score: Math.min(Number(data[row] ?? 0), 0) }));
}
