import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { functionBodies } from './function-length';

/** One thing in one file that the style does not allow. */
export interface StyleFault {
  file: string;
  /** Counted from 1; 0 for the file as a whole. */
  line: number;
  /** What was found and what to do about it. */
  message: string;
}

/**
 * How long a file and its lines may be, lines of the form `free` as long as they like; and a function's body, which
 * oxlint counts in TypeScript and JavaScript.
 */
const budgets = [
  { files: /\.[cm]?[jt]s$/, lines: 400, columns: 120 },
  { files: /\.(cc|h|cu)$/, lines: 500, columns: 120, functions: 60 },
  { files: /\.(py|sh|cmake)$|^(CMakeLists\.txt|\.ci\/run|scripts\/(setup|sysroot))$/, lines: 500, columns: 120 },
  // A row of a table, or one word: a link, an address.
  { files: /\.md$/, lines: Number.POSITIVE_INFINITY, columns: 120, free: /^\s*\||^\W*\S+$/ },
];
const emptyNames = /^(utils?|helpers?|common|misc)\b/;

const patterns = [
  {
    files: /^(src|scripts|examples)\/.*\.m?ts$/,
    pattern: /\bas unknown as\b/,
    message: 'a double assertion; give the value its type, or narrow it with a check',
  },
  {
    files: /\.([cm]?[jt]s|cc|h|cu)$/,
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    message: 'an unfinished place; finish it, or open an issue and say its number in the code that depends on it',
  },
  { files: /\.([cm]?[jt]s|cc|h|cu)$/, pattern: /[ \t]+$/, message: 'blanks at the end of the line' },
];

/**
 * What docs/architecture.md and CONTRIBUTING.md ask of a file and no other tool checks: its length and that of its
 * lines, its name, and a few forbidden phrases.
 *
 * @param root   folder that the files are relative to
 * @param files  paths of sources, scripts and texts; generated ones (`*.generated.ts`) have no length
 * @returns the faults, in the files' order; empty if there are none
 */
export function findStyleFaults(root: string, files: readonly string[]): StyleFault[] {
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').replace(/\n$/, '').split('\n');
    const faults = [...budgetFaults(file, lines), ...functionFaults(file, lines.join('\n'))];
    if (emptyNames.test(basename(file)))
      faults.push({ file, line: 0, message: 'a name that says nothing; name the file after the idea it holds' });
    for (const { files: applies, pattern, message } of patterns) {
      if (!applies.test(file) || file === 'scripts/style.ts') continue;
      lines.forEach((text, index) => pattern.test(text) && faults.push({ file, line: index + 1, message }));
    }
    return faults;
  });
}

/** The faults of functions that are longer than their language's budget. */
function functionFaults(file: string, text: string): StyleFault[] {
  const most = budgets.find(({ files }) => files.test(file))?.functions;
  if (most === undefined) return [];
  try {
    return functionBodies(text)
      .filter(({ lines }) => lines > most)
      .map(({ line, lines }) => {
        const message = `a function of ${lines} lines, expected at most ${most}: several ideas; give each a function`;
        return { file, line, message };
      });
  } catch (error) {
    const message = `${String(error)}; its functions cannot be counted: write each brace once, outside of conditions`;
    return [{ file, line: 0, message }];
  }
}

/** The faults of a file that is longer, or has longer lines, than its language's budget. */
function budgetFaults(file: string, lines: readonly string[]): StyleFault[] {
  const budget = budgets.find(({ files }) => files.test(file));
  if (budget === undefined || file.endsWith('.generated.ts')) return [];
  const faults: StyleFault[] = [];
  if (lines.length > budget.lines) {
    const message = `${lines.length} lines, expected at most ${budget.lines}: two ideas; give each a file of its own`;
    faults.push({ file, line: 0, message });
  }
  lines.forEach((text, index) => {
    const columns = Array.from(text).length; // characters, not UTF-16 units
    if (columns <= budget.columns || budget.free?.test(text) === true) return;
    const message = `${columns} columns, expected at most ${budget.columns}: split the text, or name its parts`;
    faults.push({ file, line: index + 1, message });
  });
  return faults;
}
