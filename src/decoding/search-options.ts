import { OptionError } from '../tensor/errors';
import {
  describe,
  finiteNumber,
  isNumberList,
  nonNegativeInteger,
  nonNegativeNumber,
  positiveInteger,
} from '../tensor/options';
import { asGiven, optional, withDefault, type OptionReader, type Readers } from '../tensor/read-options';

/** Where a search, or a sample, begins and ends. */
export interface DecodeOptions<State> {
  /** What the first step begins with. Default undefined. */
  start?: State | undefined;
  /** Stands after the last token of a sequence. Default: none, so that all of them have `maxLength` tokens. */
  endToken?: number | undefined;
  /** Where the tokens go. Default: where the first tensor of `start` lies, or `setDefaultDevice`'s. */
  device?: string | undefined;
}

/** Options of `greedySearch`. */
export interface GreedySearchOptions<State> extends DecodeOptions<State> {
  /** What the first step reads: a token, or one for each sentence. Default: `endToken`, or 0 without one. */
  startToken?: number | ArrayLike<number> | undefined;
  /** B, the number of sentences. Default: the rows of `start`, the number of start tokens, or 1. */
  batchSize?: number | undefined;
  /** The fewest tokens of a hypothesis, without its end. Default 0. */
  minLength?: number;
  /** The most steps of a hypothesis, its end being one: what has not ended by then is cut. */
  maxLength: number;
  /** No so many tokens in a row come twice in a hypothesis. Default: they may. */
  noRepeatNgramSize?: number | undefined;
  /**
   * Chooses rows of a state of another form than that of `selectRows`; of it `batchSize` is not known by itself.
   * Tensors that it makes are disposed of where `scope` would find them. Default: `selectRows`.
   */
  selectRows?: ((state: State, rows: readonly number[]) => State) | undefined;
}

/** Options of `beamSearch`. */
export interface BeamSearchOptions<State> extends GreedySearchOptions<State> {
  /** K, how many hypotheses of a sentence go on after each step. Default 5. */
  beamSize?: number;
  /** How many hypotheses of each sentence to return, at most `beamSize`. Default 1. */
  nBest?: number;
  /** α of the score, a finite number; above 0 favours long hypotheses. Default 0. */
  lengthPenalty?: number;
  /**
   * β of the score, at least 0; above 0 the steps have to give `attention`. A place that no step has looked at counts
   * as if it had 1e-6 of it. Default 0.
   */
  coveragePenalty?: number;
}

/** What a search works with. @internal */
export interface SearchSettings<State> {
  readonly start: State;
  readonly startToken: number | ArrayLike<number>;
  readonly endToken?: number;
  readonly device?: string;
  readonly batchSize?: number;
  readonly minLength: number;
  readonly maxLength: number;
  readonly noRepeatNgramSize?: number;
  readonly selectRows?: (state: State, rows: readonly number[]) => State;
  readonly beamSize: number;
  readonly nBest: number;
  readonly lengthPenalty: number;
  readonly coveragePenalty: number;
}

/** The largest token: they are i32. */
const MOST_TOKENS = 2 ** 31;

/** Reads a token. @internal */
export const tokenReader: OptionReader<number> = (op, name, value) => {
  const token = nonNegativeInteger(op, name, value);
  if (token < MOST_TOKENS) return token;
  throw new OptionError(op, {
    given: `${name}: ${token}`,
    expected: 'a token below 2^31',
    fix: 'pass the index of a token in the vocabulary',
  });
};

const startTokens: OptionReader<number | ArrayLike<number>> = (op, name, value) => {
  if (!isNumberList(value)) return tokenReader(op, name, value);
  return Array.from(value).map((token, row) => tokenReader(op, `${name}[${row}]`, token));
};

/** Reads an option that is a function. @internal */
export const functionReader: OptionReader<never> = (op, name, value) => {
  if (typeof value === 'function') return value as never;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `a function for ${name}`,
    fix: 'pass a function, or leave it out',
  });
};

/** Readers of what searches and samples have in common. @internal */
export const decodeReaders = {
  start: asGiven,
  endToken: optional(tokenReader),
  device: optional(asGiven<string>),
} satisfies Readers<DecodeOptions<never>>;

/** Readers of the options of `greedySearch`. @internal */
export const greedyReaders = {
  ...decodeReaders,
  startToken: optional(startTokens),
  batchSize: optional(positiveInteger),
  minLength: withDefault(nonNegativeInteger, 0),
  maxLength: positiveInteger,
  noRepeatNgramSize: optional(positiveInteger),
  selectRows: optional(functionReader),
} satisfies Readers<GreedySearchOptions<never>>;

/** Readers of the options of `beamSearch`. @internal */
export const beamReaders = {
  ...greedyReaders,
  beamSize: withDefault(positiveInteger, 5),
  nBest: withDefault(positiveInteger, 1),
  lengthPenalty: withDefault(finiteNumber, 0),
  coveragePenalty: withDefault(nonNegativeNumber, 0),
} satisfies Readers<BeamSearchOptions<never>>;

/** Refuses to return more hypotheses than go on. @internal */
export function checkNBest(op: string, nBest: number, beamSize: number): void {
  if (nBest <= beamSize) return;
  throw new OptionError(op, {
    given: `nBest: ${nBest} with beamSize: ${beamSize}`,
    expected: 'at most as many hypotheses as go on after each step',
    fix: `pass beamSize: ${nBest} or more`,
  });
}

/** Refuses options that do not go together. @internal */
export function checkSearch(
  op: string,
  {
    beamSize,
    nBest,
    minLength,
    maxLength,
  }: Pick<SearchSettings<unknown>, 'beamSize' | 'nBest' | 'minLength' | 'maxLength'>,
): void {
  checkNBest(op, nBest, beamSize);
  if (minLength > maxLength)
    throw new OptionError(op, {
      given: `minLength: ${minLength} with maxLength: ${maxLength}`,
      expected: 'a minimum below the maximum',
      fix: 'make maxLength larger',
    });
}

/** Options as they were read, of searches of any state, as those of one. @internal */
export function settingsOf<State>(read: object): SearchSettings<State> {
  const settings = { start: undefined, ...read } as SearchSettings<State>;
  return { ...settings, startToken: settings.startToken ?? settings.endToken ?? 0 };
}
