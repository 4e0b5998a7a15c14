import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { readLabel, type ClassLabels } from './class-labels';
import { checkNoneLacks, isBlank, type CalledExample } from './empty-examples';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';

/** A text and what it is; of several labels, or none, as `labels`. */
export interface TextExample {
  /** The text. */
  readonly text: string;
  /** What it is. */
  readonly label?: string | undefined;
  /** All that it is, for a TextClassifier with `multiLabel`. */
  readonly labels?: readonly string[] | undefined;
}

/** A text and its labels; one, unless there may be several. */
export interface LabelledText {
  readonly text: string;
  readonly labels: readonly string[];
}

/** How an example looks. */
export const textForm = (multiple: boolean): string =>
  multiple ? "{ text: 'free entry!', labels: ['spam', 'offer'] }" : "{ text: 'free entry!', label: 'spam' }";

/**
 * Checks one example; where it has no label, that is ''.
 *
 * @param known  the labels of a trained model
 * @throws {OptionError} naming its place, if it has no text
 */
export function labelledText(
  op: string,
  example: unknown,
  place: number,
  multiple: boolean,
  known?: ClassLabels,
): LabelledText {
  const form = textForm(multiple);
  const name = multiple ? 'labels' : 'label';
  const { text, [name]: given } = fieldsOf(op, example, place, ['text'], form);
  if (typeof text !== 'string') throw wrongExample(op, place, `text: ${describe(text)}`, form);
  const labels: unknown = multiple ? (given ?? ['']) : [given ?? ''];
  if (Array.isArray(labels) && labels.every((label) => typeof label === 'string'))
    return placedAs({ text, labels: labels.map((label) => readLabel(label, known)) }, example);
  throw wrongExample(op, place, `${name}: ${describe(given)}`, form);
}

/** @throws {OptionError} if examples have no label, saying how many there are and where the first ones are */
export function checkLabels(
  op: string,
  texts: readonly LabelledText[],
  multiple: boolean,
  called: CalledExample,
): void {
  const lacks = ({ labels }: LabelledText): boolean => labels.some(isBlank);
  checkNoneLacks(op, texts, lacks, multiple ? 'an empty label, or no labels,' : 'no label', {
    called,
    expected: multiple ? `${textForm(true)}, with labels: [] for a text that has none` : textForm(false),
    fix: 'look at which column holds the labels, or leave such examples out',
  });
}

/** Texts to be asked about. @throws {OptionError} naming the place of one that is none */
export function checkTexts(op: string, texts: readonly unknown[]): readonly string[] {
  const odd = texts.findIndex((text) => typeof text !== 'string');
  if (odd < 0) return texts as readonly string[];
  throw new OptionError(op, {
    given: `${describe(texts[odd])} as text ${odd}`,
    expected: 'a text, or an array of texts',
    fix: 'pass such as predict(rows.map((row) => row.text))',
  });
}
