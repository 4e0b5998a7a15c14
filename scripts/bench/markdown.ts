import { basename } from 'node:path';
import type { ShownTable } from './benchmark';
import { plotFile, plotNames, type ScalingFigures } from './scaling';
import type { BenchReport, SuiteReport } from './report';
import { quietLimit } from './turns/load';

/** The folder of a page's plots: that of its name. */
export const plotFolder = (page: string): string => page.replace(/\.md$/, '');

/**
 * All tables of a report as Markdown, with the machine, the versions, and how each was measured.
 *
 * @param page  where they are to stand, beside the folder of its plots
 */
export function reportMarkdown({ machine, versions, suites, failed }: BenchReport, page: string): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { processor, processors, family, model, memoryBytes, system } = machine;
  const kind = family === '' ? '' : ` (family ${family}, model ${model})`;
  const lines = [
    `${processors} processors of ${processor}${kind}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${system}; ` +
      `${names.join(', ')}.`,
  ];
  for (const [name, suite] of Object.entries(suites))
    lines.push(...suiteMarkdown(name, suite, basename(plotFolder(page))));
  for (const [name, why] of Object.entries(failed)) lines.push(`\`${name}\` came to no end: ${why}`);
  return `${lines.join('\n\n')}\n`;
}

function suiteMarkdown(name: string, suite: SuiteReport, plots: string): string[] {
  const { options, tables, figures, goals, seconds, others } = suite;
  const given = Object.entries(options).map(
    ([option, value]) => ` --${option} ${/\s/.test(value) ? `'${value}'` : value}`,
  );
  const beside = others > quietLimit ? `, while other programs used ${others.toFixed(1)} processors` : '';
  const missed = goals.filter(({ held }) => !held);
  return [
    `### ${name}`,
    `\`npm run bench -- ${name}${given.join('')}\`, ${Math.round(seconds)} s${beside}.`,
    ...tables.flatMap(tableMarkdown),
    ...(name === 'scaling'
      ? plotNames(figures as ScalingFigures).map((plot) => `![${plot}](${plots}/${plotFile(plot)})`)
      : []),
    ...(goals.length === 0 ? [] : [`${goals.length - missed.length} of ${goals.length} goals hold.`]),
    ...(missed.length === 0 ? [] : [missed.map(({ text, got }) => `- Not held: ${text}; got ${got}.`).join('\n')]),
  ];
}

/** A table with its title and note; the first column to the left, the others to the right. */
export function tableMarkdown({ title, header, rows, note }: ShownTable): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  const lines = [line(header), `|${header.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`];
  return [
    ...(title === '' ? [] : [`${title}:`]),
    [...lines, ...rows.map(line)].join('\n'),
    ...(note === '' ? [] : [note]),
  ];
}
