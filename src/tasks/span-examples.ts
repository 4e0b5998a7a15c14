import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { checkNoneLacks, isBlank, type CalledExample } from './empty-examples';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';
import type { InputFault } from './input-fault';
import { startOf, wordsAt, type PlacedWord, type WordSpan } from './span-words';

/** A question, and the text that has its answer. */
export interface AskedContext {
  /** A text of any length. */
  readonly context: string;
  /** What is asked. */
  readonly question: string;
}

/** A question with its answer. */
export interface SpanExample extends AskedContext {
  /**
   * A part of the context, as it stands there; or several of which each is right: training learns the first one, an
   * evaluation takes the nearest.
   */
  readonly answer: string | readonly string[];
  /**
   * Where the first answer begins in the context, in units of UTF-16, as of `context.slice(start)`. Default: where it
   * stands first.
   */
  readonly start?: number | undefined;
}

/** An example as it is read. */
export interface FoundSpan extends AskedContext {
  readonly answers: readonly string[];
  readonly words: readonly PlacedWord[];
  /** The words of the first answer. */
  readonly span: WordSpan;
}

/** An example of which it is not known yet whether its answer is in its context. */
type ReadSpan = Omit<FoundSpan, 'span'> & { readonly span: WordSpan | undefined };

/** How an example looks. */
export const SPAN_FORM = "{ context: 'Mary went to the garden.', question: 'Where did she go?', answer: 'the garden' }";

/**
 * Checks one example.
 *
 * @param wordsOf  the words of a context
 * @throws {OptionError} naming its place, if it is not of the form
 */
export function spanExample(
  op: string,
  example: unknown,
  place: number,
  wordsOf: (context: string) => readonly PlacedWord[],
): ReadSpan {
  const fields = fieldsOf(op, example, place, ['context', 'question', 'answer'], SPAN_FORM);
  const [asked, { answer, start }]: [unknown, typeof fields] = [fields, fields];
  const wrong = (given: string): OptionError => wrongExample(op, place, given, SPAN_FORM);
  const fault = faultIn(fields);
  if (fault !== undefined) throw wrong(fault);
  if (!isAnswer(answer)) throw wrong(`answer: ${describe(answer)}`);
  if (start !== undefined && !(Number.isInteger(start) && Number(start) >= 0)) throw wrong(`start: ${describe(start)}`);
  const { context, question } = asked as AskedContext;
  const given = typeof answer === 'string' ? [answer] : answer;
  const answers = given.map((one) => one.trim());
  const [blanks, words] = [leadingBlanks(given[0] ?? ''), wordsOf(context)];
  const from = typeof start === 'number' ? start + blanks : startOf(answers[0] ?? '', context, words);
  const span = from < 0 ? undefined : spanAt(context, words, answers[0] ?? '', from);
  return placedAs({ context, question, answers, words, span }, example);
}

const leadingBlanks = (text: string): number => text.length - text.trimStart().length;

/** The words of an answer that begins there; undefined if it does not. */
function spanAt(context: string, words: readonly PlacedWord[], answer: string, start: number): WordSpan | undefined {
  const end = start + answer.length;
  const isThere = context.slice(start, end).toLowerCase() === answer.toLowerCase();
  return isThere ? wordsAt(words, start, end) : undefined;
}

const isAnswer = (value: unknown): value is string | readonly string[] =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'));

/**
 * That each example has a context, a question, an answer, and the answer in the context.
 *
 * @throws {OptionError} saying in how many examples that is not so, and where the first ones are
 */
export function checkSpans(op: string, examples: readonly ReadSpan[], called: CalledExample): FoundSpan[] {
  const check = (lacks: (example: ReadSpan) => boolean, what: string, fix: string): void =>
    checkNoneLacks(op, examples, lacks, what, { called, expected: SPAN_FORM, fix });
  const wrongColumn = 'look at which column holds what, or leave such examples out';
  check(({ context }) => isBlank(context), 'an empty context', wrongColumn);
  check(({ question }) => isBlank(question), 'an empty question', wrongColumn);
  check(({ answers }) => answers.some(isBlank), 'an empty answer', wrongColumn);
  check(
    ({ span }) => span === undefined,
    'an answer that is not in its context, or not where start says',
    'write it as it stands there, count start in units of UTF-16 from 0, or leave such examples out',
  );
  return examples.flatMap((example) => (example.span === undefined ? [] : [example as FoundSpan]));
}

/** Questions to be answered. @throws {OptionError} naming the place of what is none */
export function checkContexts(op: string, given: readonly unknown[]): AskedContext[] {
  return given.map((one, place) => {
    const fault = isPlainObject(one) ? faultInAsked(one) : describe(one);
    if (fault === undefined) return one as AskedContext;
    throw new OptionError(op, {
      given: `${fault} as question ${place}`,
      expected: '{ context, question }: a text that has the answer, and a question',
      fix: "pass such as predict({ context: 'Mary went to the garden.', question: 'Where did she go?' })",
    });
  });
}

/** What is wrong with an input that came as JSON. */
export function contextFault(input: unknown): InputFault | undefined {
  const fault = isPlainObject(input) ? faultInAsked(input) : describe(input);
  if (fault === undefined) return undefined;
  return {
    given: fault,
    expected: 'a context and a question, both texts',
    fix: 'send {"input": {"context": "Mary went to the garden.", "question": "Where did she go?"}}',
  };
}

function faultIn(fields: Readonly<Record<string, unknown>>): string | undefined {
  const odd = ['context', 'question'].find((name) => typeof fields[name] !== 'string');
  if (odd === undefined) return undefined;
  return fields[odd] === undefined ? `no ${odd}` : `${odd}: ${describe(fields[odd])}`;
}

/** The same of what is asked, which an empty question does not. */
const faultInAsked = (fields: Readonly<Record<string, unknown>>): string | undefined =>
  faultIn(fields) ?? (isBlank(String(fields['question'])) ? 'an empty question' : undefined);
