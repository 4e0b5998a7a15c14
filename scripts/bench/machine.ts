import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { repository } from './tarball';

/** What figures were measured on. */
export interface Machine {
  readonly processor: string;
  /** Processors that the system lists. */
  readonly processors: number;
  /** What /proc/cpuinfo says of the processor; empty elsewhere. */
  readonly family: string;
  readonly model: string;
  readonly memoryBytes: number;
  readonly system: string;
}

/** This machine. */
export function thisMachine(): Machine {
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1] ?? '';
  return {
    processor: field('model name') || (cpus()[0]?.model ?? ''),
    processors: cpus().length,
    family: field('cpu family'),
    model: field('model'),
    memoryBytes: totalmem(),
    system: `${process.platform}-${process.arch} ${release()}`,
  };
}

/** The commit of the repository, with a + if files differ from it; empty where it is none. */
export function commit(): string {
  const git = (...args: string[]): string => {
    const { status, stdout } = spawnSync('git', args, { cwd: repository, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : '';
  };
  const hash = git('rev-parse', '--short=10', 'HEAD');
  return `${hash}${hash !== '' && git('status', '--porcelain', '--untracked-files=no') !== '' ? '+' : ''}`;
}
