// npm's prepack: a package without the addon would install and then fail on its first line, one without the CUDA
// plug-in, or with one of other sources, as soon as a GPU is asked for.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { addon, plugin } from './binary.mjs';
import { root, sourceHash } from './toolchain.mjs';

const largest = 8 * 2 ** 20; // packed as npm packs: what a user downloads

/** What is wrong with prebuilds/linux-x64, if anything is. */
export function prebuildsFault() {
  const hash = sourceHash();
  let size = 0;
  for (const { file } of [addon, plugin]) {
    const path = join('prebuilds', 'linux-x64', file);
    if (!existsSync(join(root, path))) return `got no ${path}, expected it in the package`;
    const bytes = readFileSync(join(root, path));
    if (!bytes.includes(hash)) return `${path} was built from other sources than those in this folder`;
    size += gzipSync(bytes, { level: 9 }).length;
  }
  return size > largest ? `prebuilds/linux-x64 has ${size} bytes packed, expected ${largest} at most` : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = prebuildsFault();
  if (found !== undefined) {
    console.error(`pack: ${found}.\n  Fix: npm run prebuilds`);
    process.exitCode = 1;
  }
}
