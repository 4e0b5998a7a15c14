import { counted } from '../tensor/counted';
import { OptionError, ShapeError } from '../tensor/errors';
import { lengthsOf, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { refuseInStep } from '../tensor/replay-notes';
import type { Tensor } from '../tensor/tensor';
import { candidatesOf, coverageOf, coverageScore } from './candidates';
import { linksOf, type Hypothesis } from './hypothesis';
import { repeating } from './repeated-n-grams';
import type { SearchSettings } from './search-options';
import { rowsOf } from './select-rows';
import { SentenceBeams, type Candidate, type Ended } from './sentence-beams';
import type { DecodeStep } from './step';
import { ownAttention, StepRunner, type Told } from './step-runner';

/** What the next step reads: a row for each of W places of each sentence that is not done. */
interface Layout {
  readonly sentences: readonly SentenceBeams[];
  /** W */
  readonly width: number;
  readonly tokens: readonly number[];
  /** Rows of the step before; undefined where all stay as they are. */
  readonly rows: readonly number[] | undefined;
  /** -Infinity where a sentence has fewer than W hypotheses. */
  readonly logProbabilities: readonly number[];
  readonly forbidden: readonly (readonly number[])[];
}

/**
 * Searches for the best hypotheses of each sentence. What concerns all tokens is computed where the scores are; of each
 * step only the best candidates are read.
 *
 * @internal
 */
export async function search<State>(
  op: string,
  step: DecodeStep<State>,
  settings: SearchSettings<State>,
): Promise<Hypothesis[][]> {
  refuseInStep(`${op}()`);
  const runner = new StepRunner(op, step, settings);
  const starts = startTokens(op, settings);
  const walk = new Walk(op, settings, starts);
  try {
    while (walk.goesOn) await walk.step(runner);
    return await walk.found();
  } finally {
    walk.close();
    runner.close();
  }
}

/** The token that each sentence starts with. */
function startTokens<State>(op: string, settings: SearchSettings<State>): readonly number[] {
  const { start, startToken, batchSize } = settings;
  const each = typeof startToken === 'number' ? undefined : Array.from(startToken);
  const ofState = settings.selectRows === undefined ? rowsOf(op, start) : undefined;
  const rows = batchSize ?? ofState ?? each?.length ?? 1;
  if (ofState !== undefined && ofState !== rows)
    throw new ShapeError(op, {
      given: `batchSize: ${rows} with a state of ${counted(ofState, 'row')}`,
      expected: 'a row of the state for each sentence',
      fix: 'leave batchSize out',
    });
  if (each !== undefined && each.length !== rows)
    throw new OptionError(op, {
      given: `${counted(each.length, 'start token')} for ${counted(rows, 'sentence')}`,
      expected: 'one for each sentence',
      fix: 'pass one token for all of them, or a list of as many',
    });
  return each ?? new Array<number>(rows).fill(Number(startToken));
}

/** The way of all sentences of a search. */
class Walk<State> {
  readonly #op: string;
  readonly #settings: SearchSettings<State>;
  readonly #all: readonly SentenceBeams[];
  #next: Layout;
  #count = 0;
  #coverage: Tensor | undefined;
  /** Of each step, if it tells. */
  readonly #attention: Sequence[] = [];

  constructor(op: string, settings: SearchSettings<State>, starts: readonly number[]) {
    this.#op = op;
    this.#settings = settings;
    this.#all = starts.map(() => new SentenceBeams(settings));
    this.#next = {
      sentences: this.#all,
      width: 1,
      tokens: starts,
      rows: undefined,
      logProbabilities: starts.map(() => 0),
      forbidden: starts.map(() => []),
    };
  }

  get goesOn(): boolean {
    return this.#next.sentences.length > 0;
  }

  async step(runner: StepRunner<State>): Promise<void> {
    const layout = this.#next;
    const { tokens, rows, width } = layout;
    this.#count++;
    const made = await runner.advance(tokens, rows, (told) => this.#score(layout, told));
    this.#coverage?.dispose();
    this.#coverage = made.coverage;
    if (made.attention !== undefined) this.#attention.push(made.attention);
    const data = await read(made.candidates);
    const columns = data.length / layout.sentences.length;
    for (const [place, sentence] of layout.sentences.entries()) {
      const part = data.subarray(place * columns, (place + 1) * columns);
      const [best] = part;
      if (best === undefined || Number.isNaN(best)) throw this.#notNumbers(sentence);
      sentence.take(candidatesIn(part, made.vocabulary, width), this.#count, place * width);
    }
    this.#next = this.#layoutAfter(layout);
  }

  /** What a step's scores come to, where they are. */
  #score(
    { width, rows, logProbabilities, forbidden }: Layout,
    { scores, attention }: Told,
  ): { candidates: Tensor; vocabulary: number; coverage: Tensor | undefined; attention: Sequence | undefined } {
    const { beamSize, coveragePenalty, endToken, minLength } = this.#settings;
    const coverage = coveragePenalty > 0 ? coverageOf(this.#coverage, rows, this.#needed(attention)) : undefined;
    const candidates = candidatesOf({
      scores,
      before: logProbabilities,
      width,
      count: endToken === undefined ? beamSize : 2 * beamSize, // each hypothesis has one end at most
      withoutEnd: this.#count <= minLength ? endToken : undefined,
      forbidden,
      coverage: coverage && coverageScore(coverage, this.#needed(attention), coveragePenalty),
    });
    const [, vocabulary = 0] = scores.shape;
    return { candidates, vocabulary, coverage, attention: attention && ownAttention(attention) };
  }

  #needed(attention: Sequence | undefined): Sequence {
    if (attention !== undefined) return attention;
    throw new OptionError(this.#op, {
      given: `coveragePenalty: ${this.#settings.coveragePenalty} and a step without attention`,
      expected: 'attention of each step, [B, S]',
      fix: 'return { scores, state, attention } from the step, or leave coveragePenalty out',
    });
  }

  #layoutAfter({ sentences, width: widthBefore }: Layout): Layout {
    const { noRepeatNgramSize } = this.#settings;
    const going = sentences.filter(({ running }) => running.length > 0);
    const width = going.reduce((most, { running }) => Math.max(most, running.length), 0);
    const places = going.flatMap(({ running }) => Array.from({ length: width }, (_, beam) => running[beam]));
    // What stands in an empty place is that of the first hypothesis.
    const full = places.map((one, place) => one ?? places[place - (place % width)]);
    const rows = full.map((one) => one?.last?.row ?? 0);
    const stay = rows.length === sentences.length * widthBefore && rows.every((row, place) => row === place);
    return {
      sentences: going,
      width,
      tokens: full.map((one) => one?.last?.token ?? 0),
      rows: stay ? undefined : rows,
      logProbabilities: places.map((one) => one?.logProbability ?? Number.NEGATIVE_INFINITY),
      forbidden: full.map((one) =>
        noRepeatNgramSize === undefined
          ? []
          : repeating(
              linksOf(one?.last).map(({ token }) => token),
              noRepeatNgramSize,
            ),
      ),
    };
  }

  /** The hypotheses of each sentence. */
  async found(): Promise<Hypothesis[][]> {
    const weights = await Promise.all(this.#attention.map((x) => valuesOf(x).data()));
    const attentionOf = ({ last }: Ended): number[][] =>
      linksOf(last).map(({ count, row }) => {
        const [step, data] = [this.#attention[count - 1], weights[count - 1]];
        if (step === undefined || data === undefined) return [];
        const [, places = 0] = step.shape;
        return Array.from(data.subarray(row * places, row * places + (lengthsOf(step)?.[row] ?? places)));
      });
    return this.#all.map(({ ended }) =>
      ended.map((one) => ({
        tokens: linksOf(one.last).map(({ token }) => token),
        score: one.score,
        logProbability: one.logProbability,
        finished: one.finished,
        ...(weights.length > 0 ? { attention: attentionOf(one) } : {}),
      })),
    );
  }

  close(): void {
    this.#coverage?.dispose();
    for (const x of this.#attention) x.dispose();
  }

  #notNumbers(sentence: SentenceBeams): OptionError {
    return new OptionError(this.#op, {
      given:
        `scores of step ${this.#count} that are NaN, Infinity or all -Infinity, ` +
        `of sentence ${this.#all.indexOf(sentence)}`,
      expected: 'numbers, finite or -Infinity, and a finite one at least',
      fix: 'look at how the model was trained, and at what it reads',
    });
  }
}

/** What stands in a tensor, which is then disposed of. */
async function read(x: Tensor): Promise<Float64Array> {
  try {
    return Float64Array.from(await x.data());
  } finally {
    x.dispose();
  }
}

/** The candidates in a row of what `candidatesOf` makes. */
function candidatesIn(data: Float64Array, vocabulary: number, width: number): Candidate[] {
  const count = (data.length - width) / 2;
  const found: Candidate[] = [];
  for (let i = 0; i < count; i++) {
    const [logProbability = 0, place = 0] = [data[i], data[count + i]];
    if (logProbability === Number.NEGATIVE_INFINITY) break; // of an empty place, or what must not come
    const beam = Math.floor(place / vocabulary);
    found.push({ beam, token: place % vocabulary, logProbability, coverage: data[2 * count + beam] ?? 0 });
  }
  return found;
}
