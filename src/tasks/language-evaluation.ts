import { TextStream, type TextBatch } from '../data/text-stream';
import type { SequentialState } from '../layers/sequential';
import { activationRegularization, temporalActivationRegularization } from '../losses/activation-regularization';
import { crossEntropy } from '../tensor/ops/losses';
import type { LossTerm } from '../training/loss-terms';
import { Trainer } from '../training/trainer';
import type { TrainedLanguage } from './generation';
import type { LanguageModelNetwork } from './language-model-network';
import type { LanguageModelSettings } from './language-model-options';
import { checkTokenCount } from './language-texts';
import { evaluateOnce, type TaskTrainerParts } from './train-task';

/** What a language model's `evaluate` gives. */
export interface LanguageEvaluation {
  /** Mean of the negative logarithm of each token's probability after those before it: nats a token. */
  readonly loss: number;
  /** exp(loss): among how many equally probable tokens the model might as well choose. */
  readonly perplexity: number;
  /**
   * The same text in bits a character, which models of different tokens are compared by where `unknown` is 0: it counts
   * what such tokens stand for, and the model does not say what that is. The end of a text counts as a character.
   */
  readonly bitsPerCharacter: number;
  /** Tokens that were predicted: all but the first of a text that has no beginning of its own. */
  readonly tokens: number;
  /** How many of them are not in the vocabulary, and count as one token that stands for all such. */
  readonly unknown: number;
}

/** Weights of what is added to the loss of training. */
type Penalties = Pick<LanguageModelSettings, 'activationRegularization' | 'temporalActivationRegularization'>;

/** Evaluation adds nothing. */
const NONE: Penalties = { activationRegularization: 0, temporalActivationRegularization: 0 };

/** What trains the network on a TextStream, and measures it: the state goes from piece to piece. */
export const languageTrainer = (
  model: LanguageModelNetwork,
  { activationRegularization: alpha, temporalActivationRegularization: beta }: Penalties = NONE,
  parts: Partial<TaskTrainerParts> = {},
) =>
  new Trainer({
    ...parts,
    model,
    carryState: true,
    forward: (network, { input }: TextBatch, state?: SequentialState) => {
      const { raw, hidden, state: next } = network.activations(input, state);
      return { output: { scores: network.head.forward(hidden), hidden, raw }, state: next };
    },
    loss: ({ scores, hidden, raw }, { target }) => {
      const terms: LossTerm[] = [{ loss: crossEntropy(scores, target) }];
      if (!model.training) return terms;
      const [rows = 0, steps = 0] = target.shape;
      if (alpha > 0) terms.push({ loss: activationRegularization(hidden), weight: alpha });
      if (beta > 0)
        terms.push({ loss: temporalActivationRegularization(raw), weight: beta, divisor: rows * (steps - 1) });
      return terms;
    },
  });

/** A text to be measured, each token after all before it. */
export const wholeText = (tokens: Int32Array): TextStream => new TextStream(tokens, { batchSize: 1, steps: 1000 });

/** How well texts are predicted. @throws {OptionError} if they are too short */
export async function evaluateTexts(
  op: string,
  { text, model }: TrainedLanguage,
  texts: readonly string[],
): Promise<LanguageEvaluation> {
  const run = text.encode(texts);
  checkTokenCount(op, 'a text', run);
  const { loss } = await evaluateOnce(languageTrainer(model), wholeText(run));
  const tokens = run.length - 1;
  return {
    loss,
    perplexity: Math.exp(loss),
    bitsPerCharacter: (loss * tokens) / (Math.LN2 * text.characters(texts, run)),
    tokens,
    unknown: run.subarray(1).reduce((count, token) => count + Number(token === text.unknown), 0),
  };
}
