import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';

/** What a model says of the tokens that come next. @typeParam State  what the next step begins with */
export interface StepResult<State> {
  /** Of each token that may come next, before softmax: f32 or f64 [B, V]; -Infinity for what must not come. */
  scores: Tensor;
  /** Where the sequences are now. */
  state: State;
  /**
   * How much the step looked at each place of the source, [B, S], adding up to 1; a PaddedSequence where sources have
   * lengths. Either each step of a search gives it or none.
   */
  attention?: Sequence | undefined;
}

/**
 * One step of a model that writes sequences, for searches and samples: reads the last token of B sequences and says
 * which tokens come next.
 *
 *     const step: DecodeStep<LSTMState> = (tokens, state) => {
 *       const { output, ...next } = lstm.forward(embedding.forward(tokens.unsqueeze(1)), state);
 *       return { scores: head.forward(output.squeeze(1)), state: next };
 *     };
 *
 * What belongs to a sentence, as what an encoder has made of its source, stands in the state: searches choose rows of
 * it, and B is not the same at each step. Its tensors may stand in arrays, objects, Maps and Sets; what stands in
 * private fields is not found: take it out of the scope by `keep`, and dispose of it. The step is called without
 * gradients, in a scope that disposes of what it makes; of an asynchronous one that holds until its first await.
 * Dropout is the model's affair: `model.eval()`.
 *
 * @param tokens  the last token of each sequence, i32 [B]
 * @param state   what the step before gave, of the same B sequences
 */
export type DecodeStep<State> = (tokens: Tensor, state: State) => StepResult<State> | Promise<StepResult<State>>;
