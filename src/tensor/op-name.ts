import { StmnetError } from './errors';

/** The error with the name of the op that the user has called, in place of one that this op is made of. @internal */
export function renamed(error: unknown, op: string): unknown {
  if (!(error instanceof StmnetError) || error.op === op) return error;
  const parts: { op: string; message: string; stack?: string } = error;
  const { message, stack } = parts;
  if (message.startsWith(`${error.op}: `)) parts.message = op + message.slice(error.op.length);
  if (stack !== undefined) parts.stack = stack.replace(message, () => parts.message);
  parts.op = op;
  return error;
}

/** Runs what `op` is made of; mistakes in it are reported under the name of `op`. @internal */
export function within<R>(op: string, fn: () => R): R {
  try {
    return fn();
  } catch (error) {
    throw renamed(error, op);
  }
}
