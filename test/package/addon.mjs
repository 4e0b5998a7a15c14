// What a published addon must be: nothing needed but glibc ≥ 2.31's own libraries, nothing exported but Node-API's entry points.
import { existsSync, statSync } from 'node:fs';
import { read } from '../../scripts/toolchain.mjs';

const allowedLibraries = /^(lib(c|m|dl|pthread)\.so\.\d+|ld-linux[^/]*\.so\.\d+)$/;
const oldestGlibc = [2, 31];
const allowedExports = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** Faults of the addon in `file`, one sentence each; empty if there are none. */
export function addonFaults(file) {
  if (!existsSync(file)) return [`${file} is missing`];
  const needed = [...read('objdump', ['-p', file]).matchAll(/^\s*NEEDED\s+(\S+)/gm)].map(([, library]) => library);
  const symbols = read('objdump', ['-T', file]);
  const versions = [...symbols.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
  const newest = versions.sort(([a, b], [c, d]) => c - a || d - b)[0] ?? [0, 0];
  const exported = symbols.split('\n').filter((line) => /\sg\s/.test(line) && !line.includes('*UND*')).map((line) => line.trim().split(/\s+/).at(-1));
  console.log(`package: ${file}: ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB, needs ${needed.join(' ')}, GLIBC_${newest.join('.')}`);
  const faults = needed.filter((library) => !allowedLibraries.test(library)).map((library) => `the addon needs ${library}, expected libc, libm, libdl, libpthread and ld-linux at most`);
  if (newest[0] > oldestGlibc[0] || newest[1] > oldestGlibc[1]) faults.push(`the addon needs glibc ${newest.join('.')}, expected ${oldestGlibc.join('.')} at most; built against another sysroot?`);
  for (const symbol of exported) if (!allowedExports.includes(symbol)) faults.push(`the addon exports ${symbol}, expected ${allowedExports.join(' and ')} alone`);
  return faults;
}
