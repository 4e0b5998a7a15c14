import { DTypeError, NativeError, OptionError, StmnetError } from '../tensor/errors';
import { withLine } from '../tensor/error-line';
import { describe, isPlainObject } from '../tensor/options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { DType } from '../tensor/tensor';
import { isSequence } from './batch';

/** What a loss of probabilities says of NaN, on either device. */
const REFUSED = /: got (?:input |target )?-?nan .*probabilit/;

/** Whether the device refused NaN as a probability: the loss is NaN then, as others are. */
export const isRefusal = (error: unknown): boolean => error instanceof NativeError && REFUSED.test(error.message);

/**
 * Runs a step and begins to read what came of it. A fault of the device, or an index or a label out of range, is told
 * with the place in the training where it came up.
 */
export function placing(place: string, step: () => { done: Promise<unknown> }): { done: Promise<unknown> } {
  const rethrow = (error: unknown): never => {
    throw placed(error, place);
  };
  try {
    return { done: step().done.catch(rethrow) };
  } catch (error) {
    return rethrow(error);
  }
}

/** The error of a step; a fault of the device, or an index or a label out of range, with its place. */
export function placed(error: unknown, place: string): unknown {
  if (!(error instanceof StmnetError)) return error;
  if (!(error instanceof NativeError) && error.code !== 'ERR_STM_INDEX') return error;
  return withLine(aboutLabel(error), `It came up in ${place}.`);
}

/** What is often meant by a label or an index that is none. */
function aboutLabel(error: StmnetError): StmnetError {
  return aboutNaN(error) ?? aboutRange(error) ?? error;
}

/** NaN where a label or an index should be: that is a gap in the data, and no number to be corrected. */
function aboutNaN(error: StmnetError): StmnetError | undefined {
  const found = /^(.*): got -?nan as element (\d+), expected whole numbers/.exec(error.message);
  if (found === null) return undefined;
  const [, op = '', element = ''] = found;
  const message =
    `${op}: got NaN as element ${element} of the labels or indices, expected whole numbers.\n  Fix: give the item ` +
    'its label, or leave it out; where a loss is to pass over it, give it the ignoreIndex of the loss, ' +
    '-100 by default.';
  return new NativeError(op, message, error.code);
}

/** A label that no class has, which is told by its value where that is often meant otherwise. */
function aboutRange(error: StmnetError): StmnetError | undefined {
  const found = /: got (?:target with the value|class label) (-?\d+)\D[^]*expected -?\d+\.\.(\d+)/.exec(error.message);
  const [value, greatest] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || greatest === 0) return undefined; // of one class the message says what is meant
  const more = `let the layer before the loss give one for each, as outFeatures: ${value + 1}`;
  let fix = `correct the label; where there are more than ${greatest + 1} classes, ${more}`;
  if (value === greatest + 1) fix = `take 1 off where labels count from 1: they count from 0; else ${more}`;
  if (value < 0) fix = 'correct the label: classes count from 0';
  if (value === -1) fix = 'look for the name of its class, where indexOf made the label: -1 is what it gives of none';
  const [text = ''] = error.message.split('\n  Fix: ');
  const Kind = error instanceof NativeError ? NativeError : OptionError;
  const told = new Kind(error.op, `${text}\n  Fix: ${fix}.`, error.code);
  told.cause = error;
  return told;
}

/**
 * Runs a step on a batch. Who trains with a Trainer cannot cast what a DataLoader makes between the two, so an element
 * type that does not fit is explained by the option that sets it.
 *
 * @param dtype  of the parameters
 */
export function explainingTypes<R>(batch: object, dtype: DType | undefined, step: () => R): R {
  try {
    return step();
  } catch (error) {
    throw error instanceof DTypeError && dtype !== undefined ? explained(error, batch, dtype) : error;
  }
}

function explained(error: DTypeError, batch: object, dtype: DType): DTypeError {
  const [text = '', advice] = error.message.split('\n  Fix: ');
  const isOdd = (field: unknown): field is Sequence =>
    isSequence(field) && field.dtype !== dtype && text.includes(describe(valuesOf(field)));
  const odd = Object.entries(batch).filter(([, field]) => isOdd(field) || containsOdd(field, isOdd));
  if (odd.length === 0 || advice?.includes('cast') !== true) return error;
  const names = odd.map(([name]) => name).join(' and ');
  const dtypes = odd.map(([name, field]) => `${name}: ${typesText(field, isOdd, dtype)}`).join(', ');
  const fix =
    `pass the DataLoader dtypes: { ${dtypes} }; of a batch made otherwise, cast the ${names} with ` +
    `cast('${dtype}')`;
  const told = new DTypeError(error.op, `${text}\n  Fix: ${fix}.`, error.code);
  told.cause = error;
  return told;
}

type IsOdd = (field: unknown) => field is Sequence;

/** Whether a record of fields holds one that is odd. */
const containsOdd = (field: unknown, isOdd: IsOdd): boolean =>
  isPlainObject(field) && Object.values(field).some((part) => isOdd(part) || containsOdd(part, isOdd));

/** What to write as the element type of a field: 'f32', or { series: 'f32' } for a record. */
function typesText(field: unknown, isOdd: IsOdd, dtype: DType): string {
  if (!isPlainObject(field)) return `'${dtype}'`;
  const odd = Object.entries(field).filter(([, part]) => isOdd(part) || containsOdd(part, isOdd));
  return `{ ${odd.map(([name, part]) => `${name}: ${typesText(part, isOdd, dtype)}`).join(', ')} }`;
}
