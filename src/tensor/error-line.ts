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

type ErrorClass = new (op: string, message: string, code: string) => StmnetError;

const KIND = Symbol('kind');

/** Lets `withLine` make errors of a class of stmnet anew; of its subclasses, which are the user's, it does not. */
export function letRebuild(Kind: ErrorClass): void {
  Object.defineProperty(Kind, KIND, { value: Kind });
}

[ShapeError, DTypeError, DeviceError, OptionError, DisposedError, GraphError, NativeError, FormatError].forEach(
  letRebuild,
);

/**
 * An error with a further line, such as where it came up; its cause is the error itself. One of a class of the user's
 * stays as it is.
 */
export function withLine(error: StmnetError, line: string): StmnetError {
  const Kind: unknown = Reflect.get(error.constructor, KIND);
  if (Kind !== error.constructor) return error;
  const told = new (Kind as ErrorClass)(error.op, `${error.message}\n  ${line}`, error.code);
  told.cause = error;
  return told;
}
