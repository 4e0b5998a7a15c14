import type { Link } from './hypothesis';
import { lengthDivisor } from './length-penalty';
import type { SearchSettings } from './search-options';

/** A hypothesis that goes on. */
export interface Running {
  /** Its last token; none before the first step. */
  readonly last: Link | undefined;
  readonly logProbability: number;
  /** What coverage adds to its score. */
  readonly coverage: number;
}

/** A hypothesis that has ended, or was cut. */
export interface Ended extends Omit<Running, 'coverage'> {
  readonly score: number;
  readonly finished: boolean;
}

/** What may come next in a sentence, best first. */
export interface Candidate {
  /** Which of the running hypotheses goes on. */
  readonly beam: number;
  readonly token: number;
  readonly logProbability: number;
  /** What coverage adds to the score if it ends now. */
  readonly coverage: number;
}

type Settings = Pick<
  SearchSettings<unknown>,
  'beamSize' | 'nBest' | 'maxLength' | 'lengthPenalty' | 'endToken' | 'coveragePenalty'
>;

/** The hypotheses of one sentence, on the host. @internal */
export class SentenceBeams {
  readonly #settings: Settings;
  /** Best first; empty once the sentence is done. */
  running: readonly Running[] = [{ last: undefined, logProbability: 0, coverage: 0 }];
  #ended: Ended[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The best of what has ended, best first. */
  get ended(): readonly Ended[] {
    return this.#ended;
  }

  /**
   * Goes on by a step.
   *
   * @param count  how many tokens hypotheses have with it
   * @param row    of the step, that of the first running hypothesis
   */
  take(candidates: readonly Candidate[], count: number, row: number): void {
    const { beamSize, endToken, maxLength } = this.#settings;
    const next: Running[] = [];
    for (const [rank, { beam, token, logProbability, coverage }] of candidates.entries()) {
      const before = this.running[beam]?.last;
      if (token !== endToken) {
        if (next.length < beamSize)
          next.push({ last: { token, before, count, row: row + beam }, logProbability, coverage });
      } else if (rank < beamSize) this.#end({ last: before, logProbability, coverage }, count, true);
    }
    if (count === maxLength) for (const one of next) this.#end(one, count, false);
    else if (next.length === 0 && this.#ended.length === 0)
      // Nothing may follow, as where each token would repeat one.
      for (const one of this.running) this.#end(one, count - 1, false);
    this.running = count === maxLength || this.#isDecided(next, count) ? [] : next;
  }

  #end({ last, logProbability, coverage }: Running, count: number, finished: boolean): void {
    const score = logProbability / this.#penalty(count) + coverage;
    this.#ended.push({ last, logProbability, score, finished });
    this.#ended.sort((a, b) => b.score - a.score);
    this.#ended.length = Math.min(this.#ended.length, this.#settings.nBest);
  }

  /** Whether none of those that go on can come to a higher score than all that are wanted have. */
  #isDecided([best]: readonly Running[], count: number): boolean {
    const worst = this.#ended[this.#settings.nBest - 1];
    if (worst === undefined || best === undefined) return best === undefined;
    // log-probabilities only fall, coverage adds 0 at most, and the penalty is largest at one of both ends.
    const largest = Math.max(this.#penalty(count + 1), this.#penalty(this.#settings.maxLength));
    return best.logProbability / largest <= worst.score;
  }

  #penalty(count: number): number {
    return lengthDivisor(count, this.#settings.lengthPenalty);
  }
}
