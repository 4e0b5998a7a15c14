import type { FileSource } from '../../files/file-source';
import { lineError } from '../../files/lines';
import { inQuotes } from './excerpt';

/** The columns of CoNLL-U, https://universaldependencies.org/format.html. */
export const conllUColumns = [
  'id',
  'form',
  'lemma',
  'upos',
  'xpos',
  'feats',
  'head',
  'deprel',
  'deps',
  'misc',
] as const;

/** Which of the lines of a sentence are read. */
export interface TokenChoice {
  multiword: 'words' | 'ranges' | 'both';
  emptyNodes: boolean;
}

/** The ids of one sentence: a word `3`, a word that is several `3-4`, or a word that nobody wrote, `8.1`. */
export class TokenIds {
  /** The last word of the range that was read last. */
  #covered = 0;

  constructor(
    readonly source: FileSource,
    readonly choice: TokenChoice,
  ) {}

  /**
   * Whether the token with this id is to be read.
   *
   * @throws {FormatError} if it is no id
   */
  isWanted(id: string, line: number): boolean {
    const { multiword, emptyNodes } = this.choice;
    const [, word, last, empty] = /^(\d+)(?:-(\d+)|\.(\d+))?$/.exec(id) ?? [];
    if (word === undefined || (last !== undefined && Number(last) < Number(word))) throw this.#noId(id, line);
    if (empty !== undefined) return emptyNodes;
    if (last === undefined) return multiword !== 'ranges' || Number(word) > this.#covered;
    this.#covered = Number(last);
    return multiword !== 'words';
  }

  #noId(id: string, line: number): Error {
    return lineError(
      this.source,
      line,
      {
        given: inQuotes(id),
        expected: 'the number of a word such as 3, a range such as 3-4, or an empty node such as 8.1',
        fix: "mend it, or give the column another name than 'id' if it is something else",
      },
      'id',
    );
  }
}
