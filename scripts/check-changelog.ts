import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changelogFaults, commitsWithoutLine, isReleased, type Commit } from './changelog';

const root = join(__dirname, '..', '..', '..');
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/**
 * The commits since the last one that touched CHANGELOG.md; none where git or the history is missing, or the file is
 * being changed right now.
 */
function commitsSince(): Commit[] {
  if (git('status', '--porcelain', '--', 'CHANGELOG.md') !== '') return [];
  const last = git('log', '-1', '--format=%H', '--', 'CHANGELOG.md');
  if (last === '') return [];
  const blocks = git('log', '--no-merges', '--name-only', '--format=%x01%h%x02%s', `${last}..HEAD`)
    .split('\x01')
    .filter(Boolean);
  return blocks.map((block) => {
    const [head = '', ...files] = block.trim().split('\n');
    const [hash = '', subject = ''] = head.split('\x02');
    return { hash, subject, files: files.filter(Boolean) };
  });
}

const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
const faults = changelogFaults(changelog);
for (const { hash, subject } of commitsWithoutLine(commitsSince(), isReleased(changelog))) {
  faults.push(
    `commit ${hash} (${subject}) changes what users get, but CHANGELOG.md has no line for it. ` +
      'Fix: add one under [Unreleased]',
  );
}
for (const fault of faults) console.error(`${fault}.`);
if (faults.length > 0) process.exitCode = 1;
