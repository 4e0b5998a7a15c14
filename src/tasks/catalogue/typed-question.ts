import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';
import { sentencesOf } from '../question-examples';

/**
 * The sentences of what somebody typed: the last one is the question, those before it are what it is about.
 *
 * @param where  it stands: `standard input, line 3`. Default: it was typed
 * @throws {OptionError} if there are fewer than two
 */
export function typedQuestion(
  op: string,
  text: string,
  where?: string,
): { readonly told: readonly string[]; readonly question: string } {
  const sentences = sentencesOf(text);
  const question = sentences.at(-1);
  if (question !== undefined && sentences.length > 1) return { told: sentences.slice(0, -1), question };
  const place = where === undefined ? '' : ` in ${where}`;
  throw new OptionError(op, {
    given: `${describe(text)}${place}, ${question === undefined ? 'nothing' : 'one sentence'}`,
    expected: 'sentences, of which the last one is the question',
    fix: 'write such as "Mary went to the garden. Where is Mary?"',
  });
}
