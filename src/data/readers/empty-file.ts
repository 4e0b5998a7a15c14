import type { FileSource } from '../../files/file-source';
import { FormatError } from '../../tensor/errors';

/**
 * The error of a file in which nothing is to be read.
 *
 * @param expected  what it should have
 */
export const emptyFile = ({ op, path, stream }: FileSource, expected: string): FormatError =>
  new FormatError(op, {
    given: `${path}, which is empty`,
    expected: stream === undefined ? `a file with ${expected}` : expected,
    fix:
      stream === undefined
        ? 'look whether it is the file that is meant, and was written to its end'
        : 'look at what writes into it',
  });
