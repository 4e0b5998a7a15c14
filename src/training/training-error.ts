import { StmnetError, type ErrorParts } from '../tensor/errors';

/** A training that cannot go on as it is: its loss is not finite, or nothing counts. */
export class TrainingError extends StmnetError {
  constructor(op: string, message: ErrorParts, code = 'ERR_STM_TRAINING') {
    super(op, message, code);
  }
}
