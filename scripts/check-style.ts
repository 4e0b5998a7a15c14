import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findStyleFaults } from './style';

const root = join(__dirname, '..', '..', '..');
const sources = ['*.ts', '*.mts', '*.cts', '*.mjs', '*.cjs', '*.js', '*.cc', '*.h', '*.cu', '*.md'];
const scripts = ['*.py', '*.sh', '*.cmake', 'CMakeLists.txt', '.ci/run', 'scripts/setup', 'scripts/sysroot'];
const listed = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...sources, ...scripts],
  {
    cwd: root,
    encoding: 'utf8',
  },
);
const files = listed.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
const faults = findStyleFaults(root, files);
for (const { file, line, message } of faults) console.error(`${file}${line > 0 ? `:${line}` : ''}: ${message}.`);
if (faults.length > 0) process.exitCode = 1;
