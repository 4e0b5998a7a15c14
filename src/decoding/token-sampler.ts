import { getRandomState, setRandomState } from '../tensor/generator';
import { mixedSeed } from '../tensor/mixed-seed';
import { nonNegativeInteger } from '../tensor/options';
import { optional, readOptions, type Readers } from '../tensor/read-options';
import { SeededRandom } from '../tensor/seeded-random';
import { probabilitiesOf, samplingReaders, type SamplingOptions } from './token-probabilities';

/** Options of a TokenSampler. */
export interface TokenSamplerOptions extends SamplingOptions {
  /**
   * Of its random numbers, a whole number of at least 0: the same seed draws the same tokens, and the generator of
   * `manualSeed` is not touched. Default: where that generator stands, which then moves on.
   */
  seed?: number | undefined;
}

/** Readers of these options. @internal */
export const tokenSamplerReaders: Readers<TokenSamplerOptions> = {
  ...samplingReaders,
  seed: optional(nonNegativeInteger),
};

/**
 * Draws the next token of the scores of any model, one after the other:
 *
 *     const sampler = new TokenSampler({ temperature: 0.8, topK: 40, topP: 0.95, seed: 7 });
 *     for (let token = start; token !== end;) token = sampler.next((await stream.step(token)).data);
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see tokenProbabilities for the distribution that it draws from
 */
export class TokenSampler {
  /** The options with their defaults. */
  readonly options: Readonly<Required<TokenSamplerOptions>>;
  readonly #random: SeededRandom;

  constructor(options: TokenSamplerOptions = {}) {
    this.options = readOptions('TokenSampler', options, tokenSamplerReaders);
    this.#random = new SeededRandom(this.options.seed ?? nextSeed());
  }

  /**
   * The index of the next token.
   *
   * @param scores  of the V tokens, before softmax: an array of numbers, -Infinity for what must not come
   * @throws {OptionError} as `tokenProbabilities`
   */
  next(scores: ArrayLike<number>): number {
    const probabilities = probabilitiesOf('TokenSampler.next', scores, this.options);
    let rest = this.#random.uniform();
    let last = 0;
    for (const [token, probability] of probabilities.entries()) {
      if (probability === 0) continue;
      last = token;
      rest -= probability;
      if (rest < 0) break;
    }
    return last; // also where probabilities add up to a little less than 1
  }
}

/** A seed from where the generator of `manualSeed` stands, which moves on. */
function nextSeed(): number {
  const { seed, offset } = getRandomState();
  setRandomState({ seed, offset: offset + 1 });
  return mixedSeed(seed, offset);
}
