import { join } from 'node:path';
import { findViolations } from './layers';

// build/js/scripts/check-layers.js: the repository is three folders up.
const violations = findViolations(join(__dirname, '..', '..', '..'));
for (const { file, target, rule } of violations) console.error(`${file}: imports ${target}, but ${rule}.`);
if (violations.length > 0) {
  console.error(
    `layers: ${violations.length} forbidden import${violations.length === 1 ? '' : 's'}. ` +
      'Fix: move the code to the layer that needs it, or pass the value in; docs/architecture.md has the order.',
  );
  process.exitCode = 1;
}
