// A setup file for vitest that writes each failure in the process of the test, as it fails. Vitest's own reports come
// from another process and later, and a test that hangs, a crash or a limit loses those that are on their way.
import { beforeEach } from 'vitest';
import { sayFailed } from './test-lines.mjs';

const fullNameOf = ({ name, suite }) => (suite === undefined ? name : `${fullNameOf(suite)} > ${name}`);

beforeEach(({ task, onTestFailed }) => {
  onTestFailed(() => sayFailed(fullNameOf(task), task.file.filepath, task.result?.errors));
});
