// What the processor of this machine is best at, by what Linux says of it in /proc/cpuinfo: stmnet's own detection is
// not asked.
import { readFileSync } from 'node:fs';

/** The vectors and the matrix kernels that `devices()` should name. */
export function processorsBest(cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')) {
  const field = (name) => new RegExp(`^${name}\\s*: *(.*)$`, 'm').exec(cpuinfo)?.[1].trim() ?? '';
  const flags = new Set(field('flags').split(' '));
  const all = (...names) => names.every((name) => flags.has(name));
  const avx2 = all('avx', 'avx2', 'fma', 'f16c', 'bmi1', 'bmi2');
  const avx512 = avx2 && all('avx512f', 'avx512cd', 'avx512dq', 'avx512bw', 'avx512vl');
  const narrower = avx2 ? 'AVX2' : 'SSE4';
  const [vendor, family, model] = [field('vendor_id'), Number(field('cpu family')), Number(field('model'))];
  const can = { avx: all('avx'), avx2: all('avx', 'avx2', 'fma'), avx512 };
  return {
    vectors: avx512 ? 'AVX3 (AVX-512)' : narrower,
    products: `BLIS ${kernels({ vendor, family, model, name: field('model name'), ...can })}`,
  };
}

/**
 * BLIS has kernels of their own for Zen, Zen 2 and Zen 3 (which Zen 4 takes); skx's are those for AVX-512, haswell's
 * those for AVX2.
 */
function kernels({ vendor, family, model, name, avx, avx2, avx512 }) {
  if (avx2 && vendor === 'AuthenticAMD' && family === 0x19) return 'zen3';
  if (avx2 && vendor === 'AuthenticAMD' && family === 0x17) return model < 0x30 ? 'zen' : 'zen2';
  const oneUnit =
    vendor === 'GenuineIntel' && family === 6 && model === 0x55 && /Bronze|Silver|Gold 5(?!122)|Xeon.* D-/.test(name);
  if (avx512) return oneUnit ? 'haswell' : 'skx';
  if (avx2) return 'haswell';
  if (vendor === 'GenuineIntel') return avx ? 'sandybridge' : 'penryn';
  return 'generic';
}
