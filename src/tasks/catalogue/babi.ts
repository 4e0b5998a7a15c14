import { streamTextLines } from '../../data/readers/text-lines';
import { FormatError } from '../../tensor/errors';
import { encodingOf, nameOf } from './table-columns';
import type { DataSource } from './task-entry';

/** A question as a file of bAbI has it. */
export interface BabiQuestion {
  readonly story: readonly string[];
  readonly question: string;
  /** Absent where the file does not say it. */
  readonly answer: string | undefined;
  readonly line: number;
}

/**
 * The questions of a file of the bAbI tasks (Weston et al., 2015), each with the sentences before it:
 *
 *   1 Mary moved to the bathroom.
 *   2 Where is Mary? ⇥ bathroom ⇥ 1
 *
 * where 1 begins a story, and a line with a question mark at its end, or with a tab, is a question.
 *
 * @throws {FormatError} naming the line that does not begin with a number
 */
export async function* babiQuestions(op: string, source: DataSource): AsyncGenerator<BabiQuestion> {
  let [story, line]: [string[], number] = [[], 0];
  for await (const text of streamTextLines(source.from, encodingOf(source))) {
    line += 1;
    if (text.trim() === '') continue;
    const [, number, rest = ''] = /^(\d+) (.+)$/u.exec(text) ?? [];
    if (number === undefined)
      throw new FormatError(op, {
        given: `${JSON.stringify(text.slice(0, 40))} in ${nameOf(source.from)}, line ${line}`,
        expected: 'a number and a sentence, or a number, a question, a tab and the answer, as in bAbI',
        fix: 'mend the line, or give JSON Lines (.jsonl) with story, question and answer',
      });
    if (number === '1') story = [];
    const [said = '', answer] = rest.split('\t');
    if (answer === undefined && !said.trim().endsWith('?')) story = [...story, said.trim()];
    else yield { story, question: said.trim(), answer: answer?.trim(), line };
  }
}
