import { binding } from '../native/load';
import { OptionError } from './errors';
import { noGrad } from './grad-mode';
import { wrap, type Tensor } from './tensor';

/** A differentiable function of the user's own: `forward` computes, `backward` gives the gradient of each input. */
export interface FunctionDefinition<Inputs extends Tensor[], Saved> {
  /** Computes the result without recording. What it returns as `saved` is handed to `backward`. */
  forward(...inputs: Inputs): { output: Tensor; saved: Saved };
  /** Gradients of the inputs, in their order, from that of the output; undefined where none is needed. Called during `backward()`. */
  backward(grad: Tensor, saved: Saved): readonly (Tensor | undefined)[];
}

/**
 * Makes a differentiable op of a forward and a backward function, as `torch.autograd.Function` does.
 *
 * @example
 * const cube = defineFunction({
 *   forward: (x: Tensor) => ({ output: x.pow(3), saved: x }),
 *   backward: (grad, x) => [grad.mul(x.pow(2).mul(3))],
 * });
 */
export function defineFunction<Inputs extends Tensor[], Saved>(definition: FunctionDefinition<Inputs, Saved>): (...inputs: Inputs) => Tensor {
  return (...inputs) => {
    const { output, saved } = noGrad(() => definition.forward(...inputs));
    if (inputs.some((input) => input === output)) {
      throw new OptionError('defineFunction', { given: 'an input as the output', expected: 'a new tensor', fix: 'return output: x.clone()' });
    }
    const result = output.detach();
    binding.onBackward([result.id], inputs.map((input) => input.id), ([grad]) => {
      if (grad === undefined) return inputs.map(() => undefined);
      return definition.backward(wrap(grad), saved).map((gradient) => gradient?.id);
    });
    return result;
  };
}
