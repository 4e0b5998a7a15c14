// npm run lint: oxlint with types, prettier, clang-format, the layer rule, the style budgets, the tests' names and the
// changelog. All of them run, whatever the first one says.
// npm run format (--fix): lets oxlint, prettier and clang-format mend what they can.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { read, root, run, tool } from './toolchain.mjs';

const fix = process.argv.includes('--fix');
/** Without the names of all files, which a command may have been given. */
const shortened = (text) => (text.length > 200 ? `${text.slice(0, 100)} … ${text.slice(-60)}` : text);
const tracked = (...patterns) =>
  read('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns])
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)));
const cpp = tracked('*.cc', '*.h', '*.cu');
const javascript = tracked('*.ts', '*.mts', '*.cts', '*.mjs', '*.cjs', '*.js');

const checks = {
  oxlint: () => run(tool('oxlint'), ['--type-aware', '--deny-warnings', ...(fix ? ['--fix'] : [])]),
  prettier: () => run(tool('prettier'), [fix ? '--write' : '--check', '--log-level=warn', ...javascript]),
  'clang-format': () => cpp.length > 0 && run('clang-format', [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...cpp]),
  layers: () => run(process.execPath, ['build/js/scripts/check-layers.js']),
  style: () => run(process.execPath, ['build/js/scripts/check-style.js']),
  mirror: () => run(process.execPath, ['build/js/scripts/check-mirror.js']),
  changelog: () => run(process.execPath, ['build/js/scripts/check-changelog.js']),
};

// The name of a check alone runs it alone: npm run lint -- style
const named = Object.keys(checks).filter((name) => process.argv.includes(name));

const failed = [];
for (const [name, check] of Object.entries(checks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  try {
    check();
  } catch (error) {
    console.error(`lint: ${name}: ${shortened(error.message)}`);
    failed.push(name);
  }
}
console.log(
  failed.length === 0
    ? 'lint: all fine'
    : `lint: failed: ${failed.join(', ')}. Fix: npm run format mends what a program can; the rest is named above.`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
