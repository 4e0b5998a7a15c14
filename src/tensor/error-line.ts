import {
  DeviceError,
  DisposedError,
  DTypeError,
  FormatError,
  GraphError,
  NativeError,
  OptionError,
  ShapeError,
  type StmnetError,
} from './errors';

const KINDS = [ShapeError, DTypeError, DeviceError, OptionError, DisposedError, GraphError, NativeError, FormatError];

/**
 * An error with a further line, such as where it came up; its cause is the error itself. One of a class of the user's
 * stays as it is.
 */
export function withLine(error: StmnetError, line: string): StmnetError {
  const Kind = KINDS.find((kind) => error.constructor === kind);
  if (Kind === undefined) return error;
  const told = new Kind(error.op, `${error.message}\n  ${line}`, error.code);
  told.cause = error;
  return told;
}
