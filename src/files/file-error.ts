import { letRebuild } from '../tensor/error-line';
import { StmnetError } from '../tensor/errors';

/**
 * A file that the file system does not let us read or write. `code` is the system's (`ENOENT`, `EACCES`, `ENOSPC`, …),
 * `cause` its error.
 */
export class FileError extends StmnetError {
  static {
    letRebuild(this);
  }
}

/** What was wanted: to read a file, to write one, or to make a folder. */
type Goal = 'read' | 'write' | 'make';

/** The system's code of an error; undefined for an error that is none of the file system's. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/**
 * An error of the file system as a `FileError`; any other error as it is.
 *
 * @param op    the call that failed
 * @param path  the file it is about
 * @param goal  what it wanted to do
 */
export function fileError(op: string, path: string, goal: Goal, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const wrapped = new FileError(
    op,
    {
      given: `${path}, of which the system says ${code}`,
      expected: `${goal === 'make' ? 'a folder' : 'a file'} that it can ${goal}`,
      fix: fixes[goal][code] ?? `see the error's cause: ${error.message}`,
    },
    code,
  );
  wrapped.cause = error;
  return wrapped;
}

const room = 'make room, or save elsewhere; a file that was there before is still whole';
const notAFile = 'give the path of a file, not that of a folder';

const fixes: Record<Goal, Readonly<Record<string, string>>> = {
  read: {
    ENOENT: `check the path; the working directory is the one that process.cwd() names`,
    ENOTDIR: 'check the path: part of it is a file',
    EISDIR: notAFile,
    EACCES: 'let this user read it',
    EPERM: 'let this user read it',
  },
  write: {
    ENOENT: 'make the folder first, by fs.mkdir(folder, { recursive: true })',
    ENOTDIR: 'check the path: part of it is a file',
    EISDIR: notAFile,
    EEXIST: 'give the path of a folder: a file is in its place',
    ENOTEMPTY: notAFile,
    EACCES: 'let this user write into the folder',
    EPERM: 'let this user write into the folder',
    EROFS: 'save elsewhere: this disk is read-only',
    EBUSY: 'mount its folder in place of the file: what is mounted itself cannot be replaced',
    ENXIO: 'give the path of a file',
    EPIPE: 'let the reader of the FIFO read to the end',
    ENAMETOOLONG: 'give it a name of at most 255 bytes',
    ENOSPC: room,
    EDQUOT: room,
    EFBIG: room,
  },
  make: {
    ENOENT: 'name a folder elsewhere: none can be made there',
    ENOTDIR: 'check the path: part of it is a file',
    EEXIST: 'give the path of a folder: a file is in its place',
    EACCES: 'let this user write into the folder above it',
    EPERM: 'let this user write into the folder above it',
    EROFS: 'name a folder elsewhere: this disk is read-only',
    ENAMETOOLONG: 'give it a name of at most 255 bytes',
    ENOSPC: 'make room, or name a folder elsewhere',
    EDQUOT: 'make room, or name a folder elsewhere',
  },
};
