import { remark, type CommonOptions } from './output';
import { Interrupted, STATUS } from './report-error';

/** What Ctrl-C does beside stopping the training. */
export interface CtrlC {
  /** Whether a line may say at once that it was heard. */
  readonly options: CommonOptions;
  /** Called before that. */
  readonly onAsked?: () => void;
  /** What is kept and how to go on, asked once all is in good order. */
  readonly message: () => string;
}

/**
 * Runs trainings so that Ctrl-C stops them in good order: the one that runs writes a checkpoint and throws. A second
 * Ctrl-C ends the process at once.
 *
 * @param train  calls `check` where no training runs, as between two of them: it throws once Ctrl-C has been pressed
 * @throws {Interrupted} in place of what the training throws after Ctrl-C
 */
export async function interruptible<T>(
  { options, onAsked, message }: CtrlC,
  train: (check: () => void) => Promise<T>,
): Promise<T> {
  let asked = false;
  const listener = (): void => {
    if (asked) process.exit(STATUS.interrupted);
    asked = true;
    onAsked?.();
    remark(options, `${overEcho()}stops after the running step; Ctrl-C again stops at once`);
  };
  const check = (): void => {
    if (asked) throw new Interrupted(message());
  };
  process.on('SIGINT', listener);
  try {
    const result = await train(check);
    check();
    return result;
  } catch (error) {
    throw isInterruption(error) ? new Interrupted(message()) : error;
  } finally {
    process.off('SIGINT', listener);
  }
}

/** A terminal shows ^C where somebody has typed it: the line stands in its place. */
const overEcho = (): string => (process.stderr.isTTY ? '\r\u001b[K' : '');

/** Whether a training threw this after Ctrl-C, once its checkpoint was written. */
export const isInterruption = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STM_INTERRUPTED';
