import { DataError } from '../data/data-error';
import { DTypeError, OptionError, ShapeError, StmnetError, type ErrorParts } from '../tensor/errors';
import { describe } from '../tensor/options';
import { InputFailed, QueueFull } from './gather';

/** A request that is refused: the status and what the client is told. */
export class RequestError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_REQUEST';

  /**
   * @param status   of HTTP
   * @param op       the request, as `POST /predict`
   * @param headers  that say more, such as Retry-After
   */
  constructor(
    readonly status: number,
    op: string,
    message: ErrorParts | string,
    readonly headers: Readonly<Record<string, string>> = {},
    code?: string,
  ) {
    super(op, message, code);
  }
}

/** What else helps against a limit: a client does not run the server. */
export const orAllowed = (option: string): string => `or have whoever runs the server raise its ${option}`;

/**
 * What a client sent cannot be used.
 *
 * @param place  of it in the body, as `inputs[1]`; the body itself unless one is given
 */
export const unusable = (op: string, fault: ErrorParts, place?: string): RequestError =>
  new RequestError(422, place === undefined ? op : `${op}: ${place}`, fault);

/** The parts of the body that is no object. @param fix  what to send */
export const noObject = (body: unknown, fix: string): ErrorParts => ({
  given: `the body ${describe(body)}`,
  expected: 'an object',
  fix,
});

/** There is no room now. */
export const noRoom = (op: string, given: string, expected: string, seconds: number): RequestError =>
  new RequestError(503, op, { given, expected, fix: `try again in ${seconds} s` }, { 'retry-after': String(seconds) });

/** The task took too long. */
export const tooLate = (op: string, milliseconds: number): RequestError =>
  new RequestError(504, op, {
    given: `no answer of the task within ${milliseconds} ms`,
    expected: 'one in this time',
    fix: `ask for less at a time, ${orAllowed('timeout')}`,
  });

/** Errors that say of an input that it cannot be used. */
const ofInputs = [OptionError, ShapeError, DTypeError, DataError];

/**
 * What is answered to a request in which `error` came up.
 *
 * @param op       the request, as `POST /predict`
 * @param onError  gets an error that is the server's
 */
export function asRequestError(op: string, error: unknown, onError: (error: unknown) => void): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof QueueFull) return noRoom(op, 'a full queue', 'room for the inputs', error.seconds);
  const cause = error instanceof InputFailed ? error.cause : error;
  if (cause instanceof StmnetError && ofInputs.some((Kind) => cause instanceof Kind)) {
    const place = error instanceof InputFailed && error.count > 1 ? `\n  It came up in inputs[${error.index}].` : '';
    return new RequestError(422, cause.op, `${cause.message}${place}`, {}, cause.code);
  }
  onError(cause);
  return new RequestError(500, op, {
    given: 'an error of the task',
    expected: 'an answer',
    fix: 'look into the log of the server, which says more',
  });
}
