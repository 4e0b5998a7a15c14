import { PaddedSequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';

/**
 * The same tensors without their history, in whatever they are held: `state = detach(state)` truncates back-propagation through time.
 *
 * @param tree  a tensor, a PaddedSequence, or arrays and plain objects of them; anything else stays as it is
 */
export function detach<Tree>(tree: Tree): Tree;
export function detach(tree: unknown): unknown {
  if (tree instanceof Tensor || tree instanceof PaddedSequence) return tree.detach();
  if (Array.isArray(tree)) return tree.map((part: unknown) => detach(part));
  if (typeof tree !== 'object' || tree === null || Object.getPrototypeOf(tree) !== Object.prototype) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, part]: [string, unknown]) => [key, detach(part)]));
}
