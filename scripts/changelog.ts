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
 * What is wrong with the form of a changelog: it starts with an Unreleased section, each version has a date, and lines
 * stand under the known headings.
 *
 * @returns one sentence a fault; empty if there are none
 */
export function changelogFaults(text: string): string[] {
  const faults: string[] = [];
  const versions = [...text.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title);
  if (versions[0] !== '[Unreleased]')
    faults.push(`CHANGELOG.md: got '## ${versions[0] ?? ''}' first, expected '## [Unreleased]'`);
  for (const title of versions.slice(1)) {
    if (!/^\[\d+\.\d+\.\d+[^\]]*\] - \d{4}-\d{2}-\d{2}$/.test(title))
      faults.push(`CHANGELOG.md: got '## ${title}', expected '## [1.2.3] - 2026-01-31'`);
  }
  for (const [, title = ''] of text.matchAll(/^### (.*)$/gm)) {
    if (!sections.includes(title))
      faults.push(`CHANGELOG.md: got '### ${title}', expected one of ${sections.join(', ')}`);
  }
  return faults;
}

/** Has the changelog a section of a version that was published? */
export const isReleased = (text: string): boolean => /^## \[\d/m.test(text);

/**
 * The commits that a user of the package would notice and that left CHANGELOG.md as it was: features and breaking
 * changes in src/ or native/, and, once a version has been published, fixes and gains in speed too; before that they
 * mend what nobody has seen.
 *
 * @param commits   those since CHANGELOG.md was last changed
 * @param released  whether a version has been published
 */
export function commitsWithoutLine(commits: readonly Commit[], released: boolean): Commit[] {
  const noticed = released
    ? /^(feat|fix|perf)(\([^)]*\))?!?:|^\w+(\([^)]*\))?!:/
    : /^feat(\([^)]*\))?!?:|^\w+(\([^)]*\))?!:/;
  return commits.filter(
    ({ subject, files }) =>
      noticed.test(subject) && files.some((file) => /^(src|native)\//.test(file)) && !files.includes('CHANGELOG.md'),
  );
}
