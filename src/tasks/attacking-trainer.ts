import { CrossEntropyLoss } from '../losses/cross-entropy';
import { BCEWithLogitsLoss } from '../losses/pointwise';
import { enableGrad } from '../tensor/grad-mode';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Trainer } from '../training/trainer';
import { adversarialShift } from './adversarial-shift';
import type { TextClassifierNetwork } from './text-classifier-network';
import type { TokenBatch } from './token-encoder';

/**
 * What gives the scores of texts, whose labels it knows, once their vectors were moved to where the loss grows fastest,
 * see `adversarialShift`: in evaluation mode, by a length of `epsilon` a text.
 */
export function attackingTrainer(model: TextClassifierNetwork, multiLabel: boolean, epsilon: number) {
  const loss = multiLabel ? new BCEWithLogitsLoss() : new CrossEntropyLoss();
  const lossOf = (scores: Tensor, target: Sequence): Tensor => loss.forward(scores, target);
  return new Trainer({
    model,
    forward: (network, { tokens, target }: { readonly tokens: TokenBatch; readonly target: Sequence }) =>
      network.scores(
        enableGrad(() =>
          adversarialShift(network, network.features.forward(tokens), epsilon, (moved) =>
            lossOf(network.scores(moved), target),
          ),
        ).detach(),
      ),
    loss: (scores, { target }) => lossOf(scores, target),
  });
}
