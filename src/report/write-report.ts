import { basename, join, resolve } from 'node:path';
import { checkPath } from '../files/check-path';
import { flag } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { writePage, type Page } from './page';
import { readRun, type RunData } from './read-run';
import { curvesSection, trainingSection } from './sections/curves';
import { epochsSection } from './sections/epochs';
import { evaluationSection } from './sections/evaluation';
import { figuresSection } from './sections/figures';
import { gradientsSection } from './sections/gradients';
import { header } from './sections/header';
import { configurationSection, environmentSection } from './sections/settings';

/** Options of writeReport. */
export interface ReportOptions {
  /** Whether the training goes on: the page then loads itself anew. Default false. */
  running?: boolean;
}

/**
 * Writes the report of a training, `report.html`, into its folder: one page that needs no network and no other file,
 * made of what lies in the folder alone, `config.json`, `history.json` and `evaluation.json`, as far as they are there.
 *
 * @param folder           the run folder
 * @param options.running  whether the training goes on. Default false
 * @returns the path of the page
 * @throws {FormatError} if one of these files is damaged; the message names it
 * @throws {FileError} if a file cannot be read or written, or the folder is no run folder
 */
export async function writeReport(folder: string, options: ReportOptions = {}): Promise<string> {
  const op = 'writeReport';
  checkPath(op, folder, "writeReport('run')");
  const { running } = readOptions(op, options, { running: withDefault(flag, false) });
  const run = await readRun(op, folder);
  const path = join(folder, 'report.html');
  await writePage(op, path, pageOf(run, running));
  return path;
}

function pageOf(run: RunData, running: boolean): Page {
  return {
    title: titleOf(run),
    header: header(run, running),
    sections: [
      figuresSection(run),
      curvesSection(run),
      ...run.evaluations.map(evaluationSection),
      trainingSection(run),
      gradientsSection(run),
      epochsSection(run),
      configurationSection(run),
      environmentSection(run),
    ],
    running,
  };
}

/** As in `spam · classify`, or the name of the folder alone. */
function titleOf({ config, folder }: RunData): string {
  const name = basename(resolve(folder));
  const task = config?.['task'];
  return typeof task === 'string' ? `${name} · ${task}` : name;
}
