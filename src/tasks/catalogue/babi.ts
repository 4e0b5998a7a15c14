import { streamTextLines } from '../../data/readers/text-lines';
import { counted } from '../../tensor/counted';
import { FormatError } from '../../tensor/errors';
import { describe } from '../../tensor/options';
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
 * @param answered  whether a question without an answer is none
 * @throws {FormatError} naming the line that does not begin with a number, or the one in which a tab is absent; or if
 *   there is no question
 */
export async function* babiQuestions(op: string, source: DataSource, answered: boolean): AsyncGenerator<BabiQuestion> {
  const where = nameOf(source.from);
  let [story, line, found]: [string[], number, boolean] = [[], 0, false];
  for await (const text of streamTextLines(source.from, encodingOf(source))) {
    line += 1;
    if (text.trim() === '') continue;
    const [, number, rest = ''] = /^(\d+) (.+)$/u.exec(text) ?? [];
    if (number === undefined)
      throw noNumber(op, `${JSON.stringify(text.slice(0, 40))} in ${where}, line ${line}`, answered);
    if (number === '1') story = [];
    const [said = '', answer] = rest.split('\t');
    if (answer === undefined && WITHOUT_TAB.test(said)) throw noTab(op, `${describe(said)} in ${where}, line ${line}`);
    if (answer === undefined && !said.trim().endsWith('?')) {
      story = [...story, said.trim()];
      continue;
    }
    found = true;
    yield { story, question: said.trim(), answer: answer?.trim(), line };
  }
  if (!found) throw noTab(op, `${counted(line, 'line')} of ${where}, of which none is a question`);
}

/** A question, and behind it an answer with the number of a line, or with several blanks in place of the tab. */
const WITHOUT_TAB = /\?(?:\s+\S+(?:\s+\d+)+|\s{2,}\S.*)\s*$/u;

const noNumber = (op: string, given: string, answered: boolean): FormatError =>
  new FormatError(op, {
    given,
    expected: `a number and a sentence, or ${QUESTION}, as in bAbI`,
    fix:
      'mend the line, or give JSON Lines (.jsonl) with story, question and answer' +
      (answered ? '' : '; if each line is a story and its question, pass --format text'),
  });

const noTab = (op: string, given: string): FormatError =>
  new FormatError(op, {
    given,
    expected: `a question as ${QUESTION}, as in bAbI`,
    fix: 'write a tab between a question and its answer: an editor may have made blanks of it',
  });

const QUESTION = 'a number, a question, a tab and the answer';
