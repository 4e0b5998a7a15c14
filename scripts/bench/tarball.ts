import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The repository's root. */
export const repository = join(__dirname, '..', '..', '..', '..');

/**
 * Unpacks a package that `npm pack` made to where its dependencies are found: those of the repository. Its addon is the
 * prebuilt one in it.
 *
 * @returns its folder
 * @throws {Error} if it is no such file
 */
export function unpackPackage(file: string): string {
  const path = resolve(file);
  if (!existsSync(path))
    throw new Error(
      `--package: got '${file}', which is not there, expected a tarball.\n  Fix: npm run prebuilds && npm pack`,
    );
  const place = join(repository, 'build', 'bench-package');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  execFileSync('tar', ['-xzf', path, '-C', place]);
  const folder = join(place, 'package');
  if (!existsSync(join(folder, 'prebuilds')))
    throw new Error(
      `--package: got '${file}' without prebuilds/, expected them in it.\n  Fix: npm run prebuilds && npm pack`,
    );
  return folder;
}
