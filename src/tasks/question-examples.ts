import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { readLabel } from './class-labels';
import { checkNoneLacks, isBlank, type CalledExample } from './empty-examples';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';
import type { InputFault } from './input-fault';

/** A question, and the story that it is about. */
export interface AskedStory {
  /** Its sentences; a text is divided into those. */
  readonly story: string | readonly string[];
  /** What is asked. */
  readonly question: string;
}

/** A question with its answer. */
export interface QuestionExample extends AskedStory {
  /** A word, or whatever else always is the same text. */
  readonly answer: string;
}

/** A question as it is read. */
export interface DividedStory {
  readonly story: readonly string[];
  readonly question: string;
}

/** How an example looks. */
export const QUESTION_FORM = "{ story: ['Mary went to the garden.'], question: 'Where is Mary?', answer: 'garden' }";

/** Checks one example. @throws {OptionError} naming its place, if it is not of the form */
export function questionExample(
  op: string,
  example: unknown,
  place: number,
): DividedStory & { readonly answer: string } {
  const fields = fieldsOf(op, example, place, ['story', 'question', 'answer'], QUESTION_FORM);
  const fault = faultIn(fields);
  if (fault !== undefined) throw wrongExample(op, place, fault, QUESTION_FORM);
  const [asked, { answer }]: [unknown, typeof fields] = [fields, fields];
  if (typeof answer !== 'string') throw wrongExample(op, place, `answer: ${describe(answer)}`, QUESTION_FORM);
  return placedAs({ ...dividedStory(asked as AskedStory), answer: readLabel(answer) }, example);
}

/**
 * That no question and no answer is empty.
 *
 * @throws {OptionError} saying in how many examples one is, and where the first ones are
 */
export function checkAnswered(
  op: string,
  examples: readonly (DividedStory & { readonly answer: string })[],
  called: CalledExample,
): void {
  for (const what of ['question', 'answer'] as const)
    checkNoneLacks(op, examples, (one) => isBlank(one[what]), `an empty ${what}`, {
      called,
      expected: QUESTION_FORM,
      fix: `look at which column holds the ${what}s, or leave such examples out`,
    });
}

/** Whether nothing is told. */
export const isStoryless = ({ story }: DividedStory): boolean => story.every(isBlank);

/** Questions to be answered. @throws {OptionError} naming the place of what is none */
export function checkQuestions(op: string, given: readonly unknown[]): DividedStory[] {
  return given.map((one, place) => {
    const fault = isPlainObject(one) ? faultInAsked(one) : describe(one);
    if (fault === undefined) return dividedStory(one as AskedStory);
    throw new OptionError(op, {
      given: `${fault} as question ${place}`,
      expected: '{ story, question }: the sentences of a story, and a text',
      fix: "pass such as predict({ story: ['Mary went to the garden.'], question: 'Where is Mary?' })",
    });
  });
}

/** What is wrong with an input that came as JSON. */
export function questionFault(input: unknown): InputFault | undefined {
  const fault = isPlainObject(input) ? faultInAsked(input) : describe(input);
  if (fault === undefined) return undefined;
  return {
    given: fault,
    expected: 'a story, as a text or an array of sentences, and a question',
    fix: 'send {"input": {"story": "Mary went to the garden.", "question": "Where is Mary?"}}',
  };
}

function faultIn({ story, question }: Readonly<Record<string, unknown>>): string | undefined {
  const isTold = typeof story === 'string' || (Array.isArray(story) && story.every((one) => typeof one === 'string'));
  if (!isTold) return story === undefined ? 'no story' : `story: ${describe(story)}`;
  if (typeof question === 'string') return undefined;
  return question === undefined ? 'no question' : `question: ${describe(question)}`;
}

/** The same of what is asked, which an empty question does not. */
const faultInAsked = (fields: Readonly<Record<string, unknown>>): string | undefined =>
  faultIn(fields) ?? (isBlank(String(fields['question'])) ? 'an empty question' : undefined);

const dividedStory = ({ story, question }: AskedStory): DividedStory => ({
  story: typeof story === 'string' ? sentencesOf(story) : story,
  question,
});

/** The sentences of a text. */
export function sentencesOf(text: string): string[] {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text);
  return Array.from(segments, ({ segment }) => segment.trim()).filter((sentence) => sentence !== '');
}
