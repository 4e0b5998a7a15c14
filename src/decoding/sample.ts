import { positiveInteger } from '../tensor/options';
import { optional, readOptions } from '../tensor/read-options';
import { refuseInStep } from '../tensor/replay-notes';
import { decodeReaders, tokenReader, type DecodeOptions } from './search-options';
import type { DecodeStep } from './step';
import { StepRunner } from './step-runner';
import { TokenSampler, tokenSamplerReaders, type TokenSamplerOptions } from './token-sampler';

/** Options of `sample`. */
export interface SampleOptions<State> extends DecodeOptions<State>, TokenSamplerOptions {
  /** What the first step reads. Default: `endToken`, or 0 without one. */
  startToken?: number | undefined;
  /** The most tokens. Default: no limit, so that the loop over them has to end. */
  maxLength?: number | undefined;
}

const sampleReaders = {
  ...decodeReaders,
  ...tokenSamplerReaders,
  startToken: optional(tokenReader),
  maxLength: optional(positiveInteger),
};

/**
 * Writes one sequence, token by token, each drawn from what the step says of it:
 *
 *     for await (const token of sample(step, { start: state, temperature: 0.8, topK: 40, topP: 0.95, seed: 7 }))
 *       process.stdout.write(text.decode([token]));
 *
 * It ends at `endToken`, which is not among the tokens. Between two of them the event loop is free; a step is taken
 * when its token is asked for, and tensors are disposed of when the loop ends, by `break` too.
 *
 * @param step  says which tokens come next, of one sequence
 * @returns the tokens, without those that start and end them
 * @throws {OptionError} if an option is unknown or out of range; from the loop, if scores are NaN, Infinity or all
 * -Infinity; {ShapeError} from the loop, if the step gives no [1, V]
 * @see TokenSampler for the scores of any model, without a step
 */
export function sample<State>(
  step: DecodeStep<State>,
  options: SampleOptions<State>,
): AsyncGenerator<number, void, undefined> {
  const op = 'sample';
  const read = readOptions(op, options, sampleReaders);
  const { endToken, maxLength, temperature, topK, topP, seed } = read;
  refuseInStep('sample()');
  const sampler = new TokenSampler({ temperature, topK, topP, seed });
  const runner = new StepRunner(op, step, { ...read, start: options.start as State });
  return write(runner, sampler, { startToken: read.startToken ?? endToken ?? 0, endToken, maxLength });
}

async function* write<State>(
  runner: StepRunner<State>,
  sampler: TokenSampler,
  {
    startToken,
    endToken,
    maxLength = Number.POSITIVE_INFINITY,
  }: Pick<SampleOptions<State>, 'endToken' | 'maxLength'> & {
    startToken: number;
  },
): AsyncGenerator<number, void, undefined> {
  let token = startToken;
  try {
    for (let count = 0; count < maxLength; count++) {
      const scores = await runner.advance([token], undefined, ({ scores }) => scores.detach());
      const next = sampler.next(await scores.data().finally(() => scores.dispose()));
      if (next === endToken) return;
      token = next;
      yield token;
    }
  } finally {
    runner.close();
  }
}
