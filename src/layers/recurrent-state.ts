import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';

/** What other libraries call the lengths of sequences, or what stands for them, beside an input. */
const LENGTHS = /length|mask/i;
const OF_LENGTHS =
  'let the input carry its lengths: forward(new PaddedSequence(values, lengths)), or forward(pad(sequences)), as ' +
  'collated batches do; a cell goes over such by new Recurrent(cell)';

/** Whether these may be lengths, or a mask. */
const isLengths = (given: unknown): boolean =>
  given instanceof Tensor
    ? ['i32', 'bool'].includes(given.dtype)
    : Array.isArray(given) && given.length > 0 && given.every(Number.isInteger);

/**
 * The tensors of an initial state, whatever a caller without types has passed; undefined and null count as left out.
 * The whole result of forward may be passed: its `output`, and `cells` of an LSTM, are ignored.
 *
 * @param names  of the parts, `h` and, of an LSTM, `c`
 * @throws {OptionError} if it is no object, lacks a part or has another
 */
export function stateTensors(op: string, names: readonly string[], state: unknown): { h?: Tensor; c?: Tensor } {
  if (state === undefined || state === null) return {};
  const form = `{ ${names.join(', ')} }`;
  const wrong = (given: string, fix = `pass ${form}, as forward and zeroState return them`): OptionError =>
    new OptionError(op, { given, expected: `${form}, ${names.length > 1 ? 'two tensors' : 'a tensor'}`, fix });
  if (typeof state !== 'object' || Array.isArray(state) || state instanceof Tensor)
    throw wrong(`state ${describe(state)}`, isLengths(state) ? OF_LENGTHS : undefined);
  // What an LSTM gives beside its state.
  const beside = names.includes('c') ? ['output', 'cells'] : ['output'];
  const odd = Object.keys(state).find((key) => !beside.includes(key) && !names.includes(key));
  const part = (name: string): Tensor => {
    const value: unknown = Reflect.get(state, name);
    if (value instanceof Tensor) return value;
    throw wrong(
      value === undefined ? `state ${describe(state)}, without ${name}` : `state ${name}: ${describe(value)}`,
    );
  };
  if (odd !== undefined)
    throw wrong(`state ${describe(state)}, with ${odd}`, LENGTHS.test(odd) ? OF_LENGTHS : undefined);
  return Object.fromEntries(names.map((name) => [name, part(name)]));
}
