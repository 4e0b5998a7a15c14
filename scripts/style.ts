import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** One thing in one file that the style does not allow. */
export interface StyleFault {
  file: string;
  /** Counted from 1; 0 for the file as a whole. */
  line: number;
  /** What was found and what to do about it. */
  message: string;
}

const typescriptLines = 400;
const nativeLines = 600;
const emptyNames = /^(utils?|helpers?|common|misc)\b/;

const patterns = [
  {
    files: /^(src|scripts|examples)\/.*\.m?ts$/,
    pattern: /\bas unknown as\b/,
    message: 'a double assertion; give the value its type, or narrow it with a check',
  },
  {
    files: /\.(m?ts|cc|h|cu)$/,
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    message: 'an unfinished place; finish it, or open an issue and say its number in the code that depends on it',
  },
  { files: /\.(m?ts|cc|h|cu)$/, pattern: /[ \t]+$/, message: 'blanks at the end of the line' },
];

/**
 * What docs/architecture.md and CONTRIBUTING.md ask of a file and no other tool checks: its length, its name, and a few
 * forbidden phrases.
 *
 * @param root   folder that the files are relative to
 * @param files  paths of TypeScript and C++ files; generated ones (`*.generated.ts`) have no length
 * @returns the faults, in the files' order; empty if there are none
 */
export function findStyleFaults(root: string, files: readonly string[]): StyleFault[] {
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').replace(/\n$/, '').split('\n');
    const faults: StyleFault[] = [];
    const limit = /\.m?ts$/.test(file) ? typescriptLines : nativeLines;
    if (lines.length > limit && !file.endsWith('.generated.ts')) {
      faults.push({
        file,
        line: 0,
        message: `${lines.length} lines, expected at most ${limit}: two ideas; give each a file of its own`,
      });
    }
    if (emptyNames.test(basename(file)))
      faults.push({ file, line: 0, message: 'a name that says nothing; name the file after the idea it holds' });
    for (const { files: applies, pattern, message } of patterns) {
      if (!applies.test(file) || file === 'scripts/style.ts') continue;
      lines.forEach((text, index) => pattern.test(text) && faults.push({ file, line: index + 1, message }));
    }
    return faults;
  });
}
