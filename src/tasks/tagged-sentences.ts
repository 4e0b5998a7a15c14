import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { readLabel, type ClassLabels } from './class-labels';
import { checkNoneLacks, isBlank, type CalledExample } from './empty-examples';
import { placedAs } from './example-place';
import { fieldsOf, wrongExample } from './examples';
import type { InputFault } from './input-fault';
import { counted } from '../tensor/counted';

/** The tokens of a sentence with a tag each, and what the sentence is, if that is learned, too. */
export interface TagExample {
  /** Its words, and what else it is divided into. */
  readonly tokens: readonly string[];
  /** What each of them is. */
  readonly tags: readonly string[];
  /** What the sentence is. */
  readonly label?: string | undefined;
}

/** How an example looks. */
export const TAG_FORM = "{ tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] }";

/** The tags and the labels of a trained tagger. */
interface KnownTags {
  readonly tags: ClassLabels;
  readonly labels?: ClassLabels | undefined;
}

/**
 * Checks one example.
 *
 * @param known  the tags and the labels of a trained model
 * @throws {OptionError} naming its place, if it is not of the form
 */
export function taggedSentence(op: string, example: unknown, place: number, known?: KnownTags): TagExample {
  const { tokens, tags: given, label } = fieldsOf(op, example, place, ['tokens', 'tags'], TAG_FORM);
  if (!isTexts(tokens)) throw wrongExample(op, place, `tokens: ${describe(tokens)}`, TAG_FORM);
  if (!isTexts(given)) throw wrongExample(op, place, `tags: ${describe(given)}`, TAG_FORM);
  const tags = given.map((tag) => readLabel(tag, known?.tags));
  if (tokens.length !== tags.length)
    throw wrongExample(
      op,
      place,
      `${counted(tokens.length, 'token')} and ${counted(tags.length, 'tag')}`,
      `a tag for each token: ${TAG_FORM}`,
    );
  if (label === undefined) return placedAs({ tokens, tags }, example);
  if (typeof label !== 'string') throw wrongExample(op, place, `label: ${describe(label)}`, `${TAG_FORM} with a text`);
  return placedAs({ tokens, tags, label: readLabel(label, known?.labels) }, example);
}

/** That no tag is empty. @throws {OptionError} saying in how many examples one is, and where the first ones are */
export function checkTags(op: string, sentences: readonly TagExample[], called: CalledExample): void {
  checkNoneLacks(op, sentences, ({ tags }) => tags.some(isBlank), 'an empty tag', {
    called,
    expected: `a tag for each token, such as O for none: ${TAG_FORM}`,
    fix: 'look at which column holds the tags, or leave such examples out',
  });
}

/** That each example has a label. @throws {OptionError} saying how many have none, and where the first ones are */
export function checkLabelled(op: string, sentences: readonly TagExample[], called: CalledExample): void {
  checkNoneLacks(op, sentences, ({ label = '' }) => isBlank(label), 'no label', {
    called,
    expected: 'one in each example, as there was one in others of training',
    fix: 'give it one, or leave label out of all examples of training',
  });
}

/**
 * What is asked about: a text, the tokens of a sentence, or those of several sentences.
 *
 * @param divide  makes tokens of a text
 * @returns the sentences, and whether it was only one
 * @throws {OptionError} if it is none of that, naming the place of what is wrong
 */
export function checkSentences(
  op: string,
  given: unknown,
  divide: (text: string) => readonly string[],
): { sentences: readonly (readonly string[])[]; single: boolean } {
  if (typeof given === 'string') return { sentences: [divide(given)], single: true };
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (isTexts(given)) return { sentences: [given], single: true };
  if (Array.isArray(given) && list.every(isTexts)) return { sentences: list, single: false };
  const odd = list.findIndex((one) => !isTexts(one) && !(typeof one === 'string' && typeof list[0] === 'string'));
  throw new OptionError(op, {
    given: `${describe(list[odd])} as ${typeof list[0] === 'string' ? 'token' : 'sentence'} ${odd}`,
    expected: 'the tokens of a sentence, or of several sentences',
    fix: "pass such as predict(['to', 'Oslo']) or predict([['to', 'Oslo'], ['hello']])",
  });
}

/**
 * Several sentences, each a text or tokens.
 *
 * @param divide  makes tokens of a text
 * @throws {OptionError} naming the place of one that is neither
 */
export function checkSentenceBatch(
  op: string,
  given: unknown,
  divide: (text: string) => readonly string[],
): readonly (readonly string[])[] {
  const wrong = (what: string): OptionError =>
    new OptionError(op, {
      given: what,
      expected: 'an array of sentences, each a text or an array of tokens',
      fix: "pass such as predictBatch(['to Oslo', ['to', 'Oslo']])",
    });
  if (!Array.isArray(given)) throw wrong(describe(given));
  return given.map((one: unknown, place) => {
    if (typeof one === 'string') return divide(one);
    if (isTexts(one)) return one;
    throw wrong(`${describe(one)} as sentence ${place}`);
  });
}

/** What is wrong with an input that came as JSON; undefined if it is a text, or the tokens of one sentence. */
export function sentenceFault(input: unknown): InputFault | undefined {
  if (typeof input === 'string' || isTexts(input)) return undefined;
  const tokens: readonly unknown[] = Array.isArray(input) ? input : [];
  const odd = tokens.findIndex((token) => typeof token !== 'string');
  return {
    given: odd < 0 ? describe(input) : `${describe(tokens[odd])} as token ${odd}`,
    expected: 'a text, or an array with the tokens of one sentence, each a text',
    fix: 'send {"input": "to Oslo"} or {"input": ["to", "Oslo"]}, or an array of such as "inputs" for several',
  };
}

const isTexts = (given: unknown): given is readonly string[] =>
  Array.isArray(given) && given.every((one) => typeof one === 'string');
