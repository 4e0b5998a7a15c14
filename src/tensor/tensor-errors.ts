import { DisposedError, OptionError } from './errors';

/** What is thrown where an operator asks for a number. @internal */
export const noNumber = (op: string, text: string): OptionError =>
  new OptionError(op, {
    given: `${text} in arithmetic or in a comparison by an operator`,
    expected: 'a number',
    fix:
      'read it first, as in (await loss.item()) < 0.1; for tensors there are add(), lt() and the like, ' +
      'for text String(x)',
  });

/** How a tensor came to its end. @internal */
export type End = 'dispose()' | 'scope';

/** What is thrown where a tensor is used after its end. @internal */
export function ended(how: End, op: string, name: string): DisposedError {
  const given = name === 'this' ? 'a tensor' : `a tensor as ${name}`;
  if (how === 'dispose()')
    return new DisposedError(op, {
      given: `${given} that was disposed`,
      expected: 'a live one',
      fix: 'dispose of it later, or not at all: what nobody refers to is let go by itself',
    });
  return new DisposedError(op, {
    given: `${given} that was disposed at the end of the scope, or the training step, that made it`,
    expected: 'a live one',
    fix:
      'return it from the scope; what goes from step to step, such as a recurrent state in a field, ' +
      'is kept by keep(): this.state = keep(detach(state))',
  });
}
