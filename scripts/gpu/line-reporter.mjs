// A reporter for vitest that appends a line of JSON for each file that ends, and for what failed outside of its tests.
// (Those write their failures themselves: failures-setup.mjs.)
import { relative } from 'node:path';
import { root } from '../toolchain.mjs';
import { say, sayFailed } from './test-lines.mjs';

/** Vitest makes one and calls it. */
export default class LineReporter {
  #begun = new Map();

  onTestModuleStart({ moduleId }) {
    this.#begun.set(moduleId, Date.now());
  }

  onTestModuleEnd(module) {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state) => states.filter((one) => one === state).length;
    const around = [module, ...module.children.allSuites()].filter((one) => one.errors().length > 0);
    for (const one of around) sayFailed(one.fullName ?? 'the file itself', module.moduleId, one.errors());
    say({
      file: relative(root, module.moduleId),
      passed: count('passed'),
      failed: count('failed') + around.length,
      skipped: count('skipped'),
      seconds: (Date.now() - (this.#begun.get(module.moduleId) ?? Date.now())) / 1000,
    });
  }

  /** Errors outside of files: a worker that crashed, a promise that nobody waited for. */
  onTestRunEnd(modules, unhandled) {
    for (const error of unhandled) sayFailed('outside of the tests', '', [error]);
  }
}
