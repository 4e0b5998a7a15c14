import { OptionError } from '../tensor/errors';
import { calledPlace, listedPlaces } from './example-place';

/** Examples of a training, and those that it is validated on. */
export interface TrainedExamples<Example> {
  readonly train: readonly Example[];
  readonly validation: readonly Example[] | undefined;
}

/** What a message calls each of some examples. */
export type CalledExample = 'example' | 'validation example';

/**
 * Tells in one warning, `STM_EMPTY_EXAMPLES`, how many examples are empty and where the first ones are. The training
 * goes on: an empty sequence is lawful, but as a rule the wrong column was read.
 *
 * @param isEmpty  whether there is nothing in one
 * @param what     one is then, as `an empty text`
 * @param fate     what becomes of them
 */
export function warnOfEmpty<Example>(
  op: string,
  { train, validation = [] }: TrainedExamples<Example>,
  isEmpty: (example: Example) => boolean,
  what: string,
  fate: 'the training goes on with them' | 'they are passed over' = 'the training goes on with them',
): void {
  const places = [...placesOf(train, isEmpty, 'example'), ...placesOf(validation, isEmpty, 'validation example')];
  if (places.length === 0) return;
  const all = train.length + validation.length;
  process.emitWarning(
    `${op}: got ${what} in ${places.length} of ${all} examples: ${listedPlaces(places)}.\n` +
      `  Fix: look whether the right column was read, or take them out of the data; ${fate}.`,
    { type: 'StmnetWarning', code: 'STM_EMPTY_EXAMPLES' },
  );
}

/**
 * Refuses examples that lack something.
 *
 * @param lacks  whether one does
 * @param what   it is, for the message: `no label`
 * @param told   what the message calls an example, and its `expected` and `fix`
 * @throws {OptionError} saying how many there are, and where the first ones are
 */
export function checkNoneLacks<Example>(
  op: string,
  examples: readonly Example[],
  lacks: (example: Example) => boolean,
  what: string,
  { called, ...wanted }: { readonly called: CalledExample; readonly expected: string; readonly fix: string },
): void {
  const places = placesOf(examples, lacks, called);
  if (places.length === 0) return;
  const [only = ''] = places;
  const given =
    places.length === 1
      ? `${what} in ${only}`
      : `${what} in ${places.length} of ${examples.length} ${called}s: ${listedPlaces(places)}`;
  throw new OptionError(op, { given, ...wanted });
}

const placesOf = <Example>(
  examples: readonly Example[],
  isMeant: (example: Example) => boolean,
  called: CalledExample,
): string[] =>
  examples.flatMap((example, place) => (isMeant(example) ? [calledPlace(example, `${called} ${place}`)] : []));

/** Whether a text, or a label, says nothing. */
export const isBlank = (text: string): boolean => text.trim() === '';
