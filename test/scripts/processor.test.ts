import { expect, test } from 'vitest';
import { processorsBest } from '../package/processor.mjs';

const avx2 = 'sse4_1 sse4_2 popcnt avx avx2 fma f16c bmi1 bmi2';
const avx512 = `${avx2} avx512f avx512cd avx512dq avx512bw avx512vl`;
const cpuinfo = (vendor: string, family: number, model: number, name: string, flags: string): string =>
  `processor\t: 0\nvendor_id\t: ${vendor}\ncpu family\t: ${family}\n` +
  `model\t\t: ${model}\nmodel name\t: ${name}\nflags\t\t: ${flags}\n\n`;

test.each([
  ['AuthenticAMD', 26, 2, 'AMD EPYC', avx512, 'AVX3 (AVX-512)', 'skx'],
  ['AuthenticAMD', 26, 2, 'AMD EPYC', avx2, 'AVX2', 'haswell'],
  ['AuthenticAMD', 25, 17, 'AMD EPYC 9554', avx512, 'AVX3 (AVX-512)', 'zen3'],
  ['AuthenticAMD', 23, 49, 'AMD EPYC 7B12', avx2, 'AVX2', 'zen2'],
  ['AuthenticAMD', 23, 1, 'AMD EPYC 7601', avx2, 'AVX2', 'zen'],
  ['GenuineIntel', 6, 143, 'Intel(R) Xeon(R) Gold 6430', avx512, 'AVX3 (AVX-512)', 'skx'],
  ['GenuineIntel', 6, 106, 'Intel(R) Xeon(R) Silver 4310', avx512, 'AVX3 (AVX-512)', 'skx'],
  ['GenuineIntel', 6, 85, 'Intel Xeon Processor (Cascadelake)', avx512, 'AVX3 (AVX-512)', 'skx'],
  ['GenuineIntel', 6, 85, 'Intel(R) Xeon(R) Silver 4110 CPU', avx512, 'AVX3 (AVX-512)', 'haswell'],
  ['GenuineIntel', 6, 63, 'Intel(R) Xeon(R) CPU E5-2680 v3', avx2, 'AVX2', 'haswell'],
  ['GenuineIntel', 6, 63, 'one without F16C', avx2.replace(' f16c', ''), 'SSE4', 'haswell'],
  ['GenuineIntel', 6, 45, 'Intel(R) Xeon(R) CPU E5-2680', 'sse4_1 sse4_2 popcnt avx', 'SSE4', 'sandybridge'],
  ['GenuineIntel', 6, 26, 'Intel(R) Xeon(R) CPU X5570', 'sse4_1 sse4_2 popcnt', 'SSE4', 'penryn'],
])('%s family %i model %i, %s', (vendor, family, model, name, flags, vectors, kernels) => {
  expect(processorsBest(cpuinfo(vendor, family, model, name, flags))).toEqual({ vectors, products: `BLIS ${kernels}` });
});
