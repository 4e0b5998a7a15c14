// One training loop of the memory benchmark: node --expose-gc memory-child.js LOOP FEW MANY END. Reports to the process
// that forked it.
import { loopNames, runLoop } from './memory-loops';

const [name, few, many, end] = process.argv.slice(2);
const loop = loopNames.find((known) => known === name);
if (loop === undefined)
  throw new Error(
    `memory-child: got the loop '${name ?? ''}', expected one of: ${loopNames.join(', ')}.\n` +
      `  Fix: npm run bench -- memory --loops ${loopNames[0]}`,
  );
runLoop(loop, { few: Number(few), many: Number(many), end: Number(end) }).then(
  (report) => process.send?.(report, () => process.disconnect()),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
    process.disconnect();
  },
);
