// What a published binary must be: nothing needed but glibc's own libraries, 2.31 or later, nothing exported but its
// entry points, a stack that cannot be executed, relocations that cannot be overwritten, and no path of the machine
// that built it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { read, root } from './toolchain.mjs';

const oldestGlibc = [2, 31];

/** The addon: what it may need and export. */
export const addon = {
  file: 'stmnet.node',
  libraries: ['libc', 'libm', 'libdl', 'libpthread'],
  exports: ['napi_register_module_v1', 'node_api_module_get_api_version_v1'],
};

/** The CUDA plug-in, with CUDA's run-time library inside. */
export const plugin = {
  file: 'libstmnet_cuda.so',
  libraries: [...addon.libraries, 'librt'],
  exports: ['stmnet_plugin'],
};

/** The newest version of glibc whose symbols are asked for: major, minor, and patch where it has one. */
function newestGlibc(symbols) {
  const versions = [...symbols.matchAll(/\bGLIBC_(\d+(?:\.\d+)+)/g)].map(([, version]) =>
    version.split('.').map(Number),
  );
  return versions.sort(isNewer).at(-1) ?? [0, 0];
}

/** For sorting: above 0 if the version `a` is newer than `b`. */
const isNewer = (a, b) => {
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0));
  return at < 0 ? 0 : a[at] - (b[at] ?? 0);
};

/** What the binary in `file` asks of glibc, and whether that is more than a published one may. */
export function glibcOf(file) {
  const newest = newestGlibc(read('objdump', ['-T', file]));
  return { newest: newest.join('.'), tooNew: isNewer(newest, oldestGlibc) > 0 };
}

/**
 * Faults of the binary in `file`, one clause each; empty if there are none. `anyGlibc`: it is for this machine alone. A
 * program has no `exports`.
 */
export function binaryFaults(file, { libraries, exports, anyGlibc = false }) {
  if (!existsSync(file)) return [`${file} is missing`];
  const dynamic = read('objdump', ['-p', file]);
  const needed = [...dynamic.matchAll(/^\s*NEEDED\s+(\S+)/gm)].map(([, library]) => library);
  const symbols = read('objdump', ['-T', file]);
  const newest = newestGlibc(symbols);
  const exported = symbols
    .split('\n')
    .filter((line) => /\sg\s/.test(line) && !line.includes('*UND*'))
    .map((line) => line.trim().split(/\s+/).at(-1));
  console.log(
    `${basename(file)}: ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB, needs ${needed.join(' ')}, ` +
      `GLIBC_${newest.join('.')}`,
  );
  const allowed = (library) => library.startsWith('ld-linux') || libraries.includes(library.replace(/\.so\.\d+$/, ''));
  const faults = needed
    .filter((library) => !allowed(library))
    .map((library) => `it needs ${library}, expected ${libraries.join(', ')} and ld-linux at most`);
  if (/^\s*(RPATH|RUNPATH)\s/m.test(dynamic)) faults.push('it has a run path, expected none');
  if (!/^\s*STACK\s.*\n.*flags rw-$/m.test(dynamic)) faults.push('its stack can be executed');
  const flags = [...dynamic.matchAll(/^\s*FLAGS\s+0x([0-9a-f]+)$/gm)].map(([, digits]) => parseInt(digits, 16));
  const bound = flags.some((bits) => (bits & 8) !== 0); // DF_BIND_NOW
  if (!bound || !/^\s*RELRO\s/m.test(dynamic))
    faults.push('its relocations can be overwritten, expected -z relro -z now');
  if (!anyGlibc && readFileSync(file).includes(root)) faults.push(`it holds the path ${root}`);
  if (!anyGlibc && isNewer(newest, oldestGlibc) > 0)
    faults.push(
      `it needs glibc ${newest.join('.')}, expected ${oldestGlibc.join('.')} at most; built against another sysroot?`,
    );
  if (exports === undefined) return faults;
  for (const symbol of exported)
    if (!exports.includes(symbol)) faults.push(`it exports ${symbol}, expected ${exports.join(' and ')} alone`);
  if (!exported.includes(exports[0])) faults.push(`it does not export ${exports[0]}`);
  return faults;
}
