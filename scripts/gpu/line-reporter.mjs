// A reporter for vitest that appends a line of JSON to the file in STMNET_TEST_LINES for each test that fails, as it
// fails, and for each file that ends: what stops a run, a limit or a device that is lost, leaves what was found until
// then.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from '../toolchain.mjs';

const say = (line) => appendFileSync(process.env.STMNET_TEST_LINES, `${JSON.stringify(line)}\n`);
const text = (errors) =>
  errors
    .map(({ message, stack }) => stack ?? message ?? '')
    .join('\n')
    .slice(0, 2000);
const nameOf = ({ moduleId }) => relative(root, moduleId);

/** Vitest makes one and calls it. */
export default class LineReporter {
  #begun = new Map();

  onTestModuleStart(module) {
    this.#begun.set(module.moduleId, Date.now());
  }

  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    if (state === 'failed') say({ failed: test.fullName, file: nameOf(test.module), message: text(errors) });
  }

  onTestModuleEnd(module) {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state) => states.filter((one) => one === state).length;
    const errors = module.errors();
    const begun = this.#begun.get(module.moduleId) ?? Date.now();
    say({
      file: nameOf(module),
      passed: count('passed'),
      failed: count('failed') + errors.length,
      skipped: count('skipped'),
      seconds: (Date.now() - begun) / 1000,
      ...(errors.length > 0 ? { message: text(errors) } : {}),
    });
  }

  /** Errors outside of tests: a worker that crashed, a promise that nobody waited for. */
  onTestRunEnd(modules, unhandled) {
    for (const error of unhandled) say({ failed: 'outside of the tests', file: '', message: text([error]) });
  }
}
