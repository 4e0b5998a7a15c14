// npm run golden -- FOLDER [--device NAME]: runs every *.safetensors case below FOLDER through the public API and
// compares it with what the file expects. One line for each failing case, then "N passed, N failed"; exits 1 if a case
// failed or there was none. The device cuda-standin is the CUDA back end on libraries that stand for CUDA
// (`npm run build:standin`).
import { spawnSync } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setDefaultDevice, setMathMode } from 'stmnet';
import { casesBelow, runCase } from './golden/run-case';
import { standinEnvironment } from './standin';

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { device: { type: 'string', default: 'cpu' } },
  });
  const [folder = 'test/golden'] = positionals;
  if (values.device === 'cuda-standin') return onStandin(folder);
  setDefaultDevice(values.device);
  setMathMode('fma'); // the cases are exact
  const paths = casesBelow(folder);
  let failed = 0;
  for (const path of paths) {
    const failures = await runCase(path, values.device);
    if (failures.length === 0) continue;
    failed += 1;
    console.log(`${relative(resolve(folder), resolve(path))}: ${failures.join('; ')}`);
  }
  console.log(`${paths.length - failed} passed, ${failed} failed`);
  if (paths.length === 0)
    console.error(
      `golden: got no case below ${folder}, expected *.safetensors files.\n  Fix: name the folder that holds them.`,
    );
  return failed === 0 && paths.length > 0;
}

/** The same in a process whose `cuda` is the stand-in: the plug-in is chosen as the addon is loaded. */
function onStandin(folder: string): boolean {
  const environment = { ...process.env, ...standinEnvironment(join(__dirname, '..', '..', '..')) };
  const { status } = spawnSync(process.execPath, [__filename, folder, '--device', 'cuda'], {
    stdio: 'inherit',
    env: environment,
  });
  return status === 0;
}

main().then(
  (fine) => {
    process.exitCode = fine ? 0 : 1;
  },
  (error: unknown) => {
    console.error(`golden: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
