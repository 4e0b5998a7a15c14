// npm's prepack: a package without the addon would install and then fail on its first line.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

const file = join('prebuilds', 'linux-x64', 'stmnet.node');
if (!existsSync(join(root, file))) {
  console.error(`pack: got no ${file}, expected the addon that the package ships.\n  Fix: npm run prebuilds`);
  process.exitCode = 1;
}
