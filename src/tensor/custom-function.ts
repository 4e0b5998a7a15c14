import { binding } from '../native/load';
import { OptionError } from './errors';
import { noGrad } from './grad-mode';
import { describe } from './options';
import { checkTensor, idsOf, optionalIdOf, Tensor, wrap } from './tensor';

const OP = 'defineFunction';

/** What the `forward` of a function of the user's own returns. */
export interface FunctionResult<Saved> {
  /** The result, a new tensor. */
  output: Tensor;
  /**
   * What `backward` needs: tensors, also in arrays and plain objects, live as long as the graph does, and changing one
   * in place meanwhile is an error, as with every other op.
   */
  saved: Saved;
}

/** A differentiable function of the user's own: `forward` computes, `backward` gives the gradient of each input. */
export interface FunctionDefinition<Inputs extends Tensor[], Saved> {
  /** Computes the result of `inputs`, under `noGrad`. */
  forward(...inputs: Inputs): FunctionResult<Saved>;
  /**
   * Gradients of the inputs, in their order, from `grad`, that of the output; undefined where none is needed. Called
   * during `backward()`, whose graph it cannot walk again. If it throws, so does `backward()`, and no leaf has got a
   * gradient of it.
   *
   * Take tensors from `saved`: a function that holds its own output in a variable keeps it, and the graph behind it,
   * until a `backward()` has passed.
   */
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
 * @throws {OptionError} if `forward` or `backward` is no function; from the op, if one of them returns something else
 */
export function defineFunction<Inputs extends Tensor[], Saved>(
  definition: FunctionDefinition<Inputs, Saved>,
): (...inputs: Inputs) => Tensor {
  for (const part of ['forward', 'backward'] as const) {
    const given: unknown = typeof definition === 'object' && definition !== null ? definition[part] : definition;
    if (typeof given !== 'function') {
      throw new OptionError(OP, {
        given: `${describe(given)} as ${part}`,
        expected: 'an object of two functions, { forward, backward }',
        fix: 'see defineFunction in the documentation: backward gives the gradient of each input',
      });
    }
  }
  return (...inputs) => {
    inputs.forEach((input, place) => checkTensor(input, OP, `input ${place}`));
    const made: unknown = noGrad(() => definition.forward(...inputs));
    if (typeof made !== 'object' || made === null || !('output' in made)) {
      throw new OptionError(OP, {
        given: `${describe(made)} from forward`,
        expected: '{ output, saved }',
        fix: 'return { output: result, saved: x }',
      });
    }
    const { output, saved }: { output: unknown; saved?: unknown } = made;
    checkTensor(output, OP, 'output of forward');
    if (inputs.some((input) => input === output)) {
      throw new OptionError('defineFunction', {
        given: 'an input as the output',
        expected: 'a new tensor',
        fix: 'return output: x.clone()',
      });
    }
    const result = output.detach();
    const kept: Tensor[] = [];
    const rebuild = takeTensors(saved, kept);
    const count = inputs.length;
    const backward = ([grad]: (number | undefined)[], savedIds: number[]): (number | undefined)[] => {
      // `count`, not `inputs.length`: to refer to `inputs` here would keep them alive as long as the graph.
      if (grad === undefined) return new Array<undefined>(count).fill(undefined);
      const gradients = definition.backward(wrap(grad), rebuild(savedIds.map(wrap)) as Saved);
      if (!Array.isArray(gradients)) {
        throw new OptionError('defineFunction', {
          given: `${describe(gradients)} from backward`,
          expected: 'an array with a gradient, or undefined, for each input',
          fix: 'return [gradient]',
        });
      }
      return gradients.map((gradient: Tensor | undefined, place) =>
        optionalIdOf(gradient, OP, `gradient ${place} of backward`),
      );
    };
    binding.onBackward(idsOf([result], OP, 'output'), idsOf(inputs, OP, 'inputs'), idsOf(kept, OP, 'saved'), backward);
    return result;
  };
}

/**
 * Collects the tensors in a value in `kept`. The function that it returns builds the same value with other tensors in
 * their places.
 */
function takeTensors(value: unknown, kept: Tensor[]): (tensors: readonly Tensor[]) => unknown {
  if (value instanceof Tensor) {
    const place = kept.push(value) - 1;
    return (tensors) => tensors[place];
  }
  if (Array.isArray(value)) {
    const parts = value.map((part) => takeTensors(part, kept));
    return (tensors) => parts.map((part) => part(tensors));
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const parts = Object.entries(value).map(([name, part]) => [name, takeTensors(part, kept)] as const);
    return (tensors) => Object.fromEntries(parts.map(([name, part]) => [name, part(tensors)]));
  }
  return () => value;
}
