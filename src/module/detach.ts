import { mapTensors } from '../tensor/nested-tensors';

/**
 * The same tensors without their history, in whatever they are held: `state = detach(state)` truncates back-propagation
 * through time.
 *
 * @param tree  a tensor, a PaddedSequence, or arrays and plain objects of them; anything else stays as it is
 */
export function detach<Tree>(tree: Tree): Tree;
export function detach(tree: unknown): unknown {
  return mapTensors(tree, (x) => x.detach());
}
