import { binding } from '../native/load';

/** The three parts of every message. */
export interface ErrorParts {
  /** What was given, with its value: a tensor as `f32[32, 50, 96] on cpu`. */
  given: string;
  /** What was expected. */
  expected: string;
  /** What to change. */
  fix: string;
}

/**
 * Base of every error that stmnet throws.
 *
 * The message reads `op: got <given>, expected <expected>.`, and on a second line `Fix: <fix>.`
 */
export abstract class StmnetError extends Error {
  /** What `code` is of errors of this class. */
  protected static readonly code: string = 'ERR_STM';
  readonly #parts: ErrorParts | undefined;

  /**
   * @param op       the op, layer or function that found the mistake
   * @param message  its parts, or the whole text if native code wrote it
   * @param code     stable name of the mistake, as in `ERR_STM_SHAPE`; the class's own unless one is given
   */
  constructor(
    readonly op: string,
    message: ErrorParts | string,
    readonly code: string = new.target.code,
  ) {
    super(
      typeof message === 'string'
        ? message
        : `${op}: got ${message.given}, expected ${message.expected}.\n  Fix: ${message.fix}.`,
    );
    this.name = new.target.name;
    this.#parts = typeof message === 'string' ? undefined : message;
  }

  /** The parts of the message, where it was made of them. @internal */
  get messageParts(): ErrorParts | undefined {
    return this.#parts;
  }
}

/** Shapes that do not fit each other, or an op. */
export class ShapeError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_SHAPE';
}

/** A dtype that an op does not take, or two that differ. */
export class DTypeError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_DTYPE';
}

/** A device that is not there, or tensors on different ones. */
export class DeviceError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_DEVICE';
}

/** An argument of the wrong type, name or range; an index out of range has the code `ERR_STM_INDEX`. */
export class OptionError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_OPTION';
}

/** Use of a tensor after `dispose()`, or after its scope ended. */
export class DisposedError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_DISPOSED';
}

/** `backward()` over a graph that is missing, released, or whose saved values were overwritten. */
export class GraphError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_GRAPH';
}

/** A fault while computing: out of memory, an index that only the device could check, a fault of stmnet. */
export class NativeError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_NATIVE';
}

/** A file that is damaged, hostile, or of a format that this version does not read. */
export class FormatError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_FORMAT';
}

binding.adoptErrors({ ShapeError, DTypeError, DeviceError, OptionError, DisposedError, GraphError, NativeError });
