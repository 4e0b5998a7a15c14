import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findOrphans } from './mirror';

const root = join(__dirname, '..', '..', '..');
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', 'src', 'test'], {
  cwd: root,
  encoding: 'utf8',
});
const orphans = findOrphans(listed.split('\n').filter((file) => file !== '' && existsSync(join(root, file))));
for (const file of orphans) {
  console.error(
    `${file}: named after no file of the same folder in src, nor after the folder. ` +
      'Fix: name it after the file it tests, as in src/a/b.ts and test/a/b-c.test.ts.',
  );
}
if (orphans.length > 0) process.exitCode = 1;
