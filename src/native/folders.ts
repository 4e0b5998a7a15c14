// The one place of src/ that asks where it is: all of the package's JavaScript is one file, as deep below dist/ as this
// one is below src/ (scripts/bundle.mjs).
import { join } from 'node:path';

/** The folder of this package's own code: src/ or dist/. The data that come with it lie below, as they do in src/. */
export const codeFolder = join(__dirname, '..');

/** The package's root folder. */
export const packageFolder = join(codeFolder, '..');
