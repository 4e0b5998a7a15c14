import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './tarball';

/** Measures what the processor could do at most. @returns GFLOP/s of fused multiply-adds in f32 on so many threads */
export type Peak = () => number;

/** Compiles `peak.c` by `cc` for this processor; undefined where that does not work. */
export function compilePeak(threads: number): Peak | undefined {
  const folder = join(repository, 'build', 'bench');
  const [source, program] = [join(repository, 'scripts', 'bench', 'peak.c'), join(folder, 'peak')];
  mkdirSync(folder, { recursive: true });
  const flags = ['-O3', '-march=native', '-ffp-contract=fast', '-pthread'];
  if (spawnSync('cc', [...flags, source, '-o', program]).status !== 0) return undefined;
  return () => Number(execFileSync(program, [String(threads), '0.2'], { encoding: 'utf8' }));
}
