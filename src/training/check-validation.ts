import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { scope } from '../tensor/scope';
import { countOf, type Batches } from './batches';
import type { Form } from './form';

const op = 'Trainer.fit: validation';

/**
 * Looks at the batches of a validation before the first step, as far as that begins no walk: how many there are, and
 * the first one of an array.
 *
 * @throws {OptionError} if there is none, or it is not what the Trainer takes
 */
export function checkValidation(form: Form, validation: Batches<unknown>): void {
  if (countOf(validation) === 0)
    throw new OptionError(op, {
      given: Array.isArray(validation) ? describe(validation) : 'a loader of length 0',
      expected: 'at least one batch',
      fix: 'look at how the data were split, or leave validation out',
    });
  if (Array.isArray(validation)) scope(() => void form.read(op, validation[0]));
}
