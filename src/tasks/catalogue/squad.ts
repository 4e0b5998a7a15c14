import { readJson } from '../../files/json-file';
import { FormatError } from '../../tensor/errors';
import { isPlainObject } from '../../tensor/options';

/** A question as a file of SQuAD has it. */
export interface SquadQuestion {
  readonly context: string;
  readonly question: string;
  /** All that people gave; none of a question that its context does not answer. */
  readonly answers: readonly string[];
  /** Where the first one begins, in units of UTF-16. */
  readonly start: number | undefined;
}

/**
 * The questions of a file of the form of SQuAD (Rajpurkar et al., 2016):
 *
 *   { data: [{ paragraphs: [{ context, qas: [{ question, answers: [{ text, answer_start }] }] }] }] }
 *
 * where `answer_start` counts characters of Unicode.
 *
 * @throws {FormatError} if it is no JSON, or of another form; {FileError} if it cannot be read
 */
export async function squadQuestions(op: string, path: string): Promise<SquadQuestion[]> {
  const file = await readJson(op, path, 'give JSON Lines by --format jsonl, or a file of the form of SQuAD');
  const wrong = (what: string): FormatError =>
    new FormatError(op, {
      given: `${path} without ${what}`,
      expected: '{ data: [{ paragraphs: [{ context, qas: [{ question, answers: [{ text, answer_start }] }] }] }] }',
      fix: 'give such a file, or JSON Lines by --format jsonl',
    });
  const listIn = (value: unknown, name: string): readonly Readonly<Record<string, unknown>>[] => {
    const list = isPlainObject(value) ? value[name] : undefined;
    if (Array.isArray(list) && list.every(isPlainObject)) return list as readonly Readonly<Record<string, unknown>>[];
    throw wrong(name);
  };
  const textIn = (value: Readonly<Record<string, unknown>>, name: string): string => {
    const text = value[name];
    if (typeof text === 'string') return text;
    throw wrong(`a ${name} somewhere`);
  };
  return listIn(file, 'data').flatMap((article) =>
    listIn(article, 'paragraphs').flatMap((paragraph) => {
      const context = textIn(paragraph, 'context');
      return listIn(paragraph, 'qas').map((asked): SquadQuestion => {
        const answers = listIn(asked, 'answers');
        const begin = answers[0]?.['answer_start'];
        return {
          context,
          question: textIn(asked, 'question'),
          answers: answers.map((answer) => textIn(answer, 'text')),
          start: typeof begin === 'number' ? unitsBefore(context, begin) : undefined,
        };
      });
    }),
  );
}

/** Units of UTF-16 in the first characters of a text. */
function unitsBefore(text: string, characters: number): number {
  let units = 0;
  for (let left = characters; left > 0 && units < text.length; left--)
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  return units;
}
