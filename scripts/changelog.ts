/** A commit, as far as the changelog is concerned. */
export interface Commit {
  /** Abbreviated hash. */
  hash: string;
  /** First line of the message. */
  subject: string;
  /** Paths it touches, relative to the root. */
  files: readonly string[];
}

const sections = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

/**
 * What is wrong with the form of a changelog: it starts with an Unreleased section, each version has a date, and lines stand under the
 * known headings.
 *
 * @returns one sentence a fault; empty if there are none
 */
export function changelogFaults(text: string): string[] {
  const faults: string[] = [];
  const versions = [...text.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title);
  if (versions[0] !== '[Unreleased]') faults.push(`CHANGELOG.md: got '## ${versions[0] ?? ''}' first, expected '## [Unreleased]'`);
  for (const title of versions.slice(1)) {
    if (!/^\[\d+\.\d+\.\d+[^\]]*\] - \d{4}-\d{2}-\d{2}$/.test(title)) faults.push(`CHANGELOG.md: got '## ${title}', expected '## [1.2.3] - 2026-01-31'`);
  }
  for (const [, title = ''] of text.matchAll(/^### (.*)$/gm)) {
    if (!sections.includes(title)) faults.push(`CHANGELOG.md: got '### ${title}', expected one of ${sections.join(', ')}`);
  }
  return faults;
}

/**
 * The commits that a user of the package would notice, features, fixes and speed in src/ or native/, and that left CHANGELOG.md as it was.
 * Chores inside a feature (scope `test`, for one) carry another type and are not asked.
 *
 * @param commits  those since CHANGELOG.md was last changed
 */
export function commitsWithoutLine(commits: readonly Commit[]): Commit[] {
  return commits.filter(
    ({ subject, files }) =>
      /^(feat|fix|perf)(\([^)]*\))?!?:|^\w+(\([^)]*\))?!:/.test(subject) && files.some((file) => /^(src|native)\//.test(file)) && !files.includes('CHANGELOG.md'),
  );
}
