import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The root of the package whose code this is: the repository's, or that of a package which benchmarks run inside. */
export const packageRoot = join(__dirname, '..', '..', '..', '..');

/** The repository's root. */
export const repository = process.env['STMNET_BENCH_REPOSITORY'] ?? packageRoot;

/** The version of the package whose code this is. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** @throws {Error} if it is no package that `npm pack` made, with its addon in it */
export function checkPackage(file: string): void {
  const wrong = (why: string): Error =>
    new Error(`--package: got '${file}', ${why}.\n  Fix: npm run prebuilds && npm pack`);
  if (!existsSync(file)) throw wrong('which is not there, expected a tarball');
  const { error, status, stdout, stderr } = spawnSync('tar', ['-tzf', resolve(file)], { encoding: 'utf8' });
  if (error !== undefined) throw error; // without a program tar, for one
  const [why = ''] = stderr.trim().split('\n');
  if (status !== 0) throw wrong(`which is no tarball${why === '' ? '' : ` (${why})`}, expected one`);
  if (!/^package\/prebuilds\//m.test(stdout)) throw wrong('without prebuilds/, expected them in it');
}

/**
 * Unpacks a package that `npm pack` made to where its dependencies are found: those of the repository. Its addon is the
 * prebuilt one in it. The benchmarks go with it, in `build/js`: run there, their `stmnet` is the package.
 *
 * @returns its folder
 * @throws {Error} if it is no such file
 */
export function unpackPackage(file: string): string {
  checkPackage(file);
  const place = join(repository, 'build', 'bench-package');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  execFileSync('tar', ['-xzf', resolve(file), '-C', place]);
  const folder = join(place, 'package');
  cpSync(join(repository, 'build', 'js'), join(folder, 'build', 'js'), { recursive: true });
  return folder;
}

/** The environment of what runs inside an unpacked package: no other addon than its own. */
export const packageEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  STMNET_ADDON: '',
  STMNET_BENCH_REPOSITORY: repository,
});
