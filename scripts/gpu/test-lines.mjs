// Lines of JSON in the file that STMNET_TEST_LINES names: what tests found, written as they find it.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from '../toolchain.mjs';

const text = (errors) =>
  errors
    .map(({ message, stack }) => stack ?? message ?? '')
    .join('\n')
    .slice(0, 2000);

/** Appends a line. */
export const say = (line) => appendFileSync(process.env.STMNET_TEST_LINES, `${JSON.stringify(line)}\n`);

/** Appends a failure: of a test, or of what is around it. */
export const sayFailed = (name, file, errors) =>
  say({ failed: name, file: file && relative(root, file), message: text(errors ?? []) });
