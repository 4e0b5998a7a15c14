/** How one sample is written. */
export interface SampleCoding {
  readonly isFloat: boolean;
  /** 1 to 4 for PCM, 4 or 8 for floats. */
  readonly bytes: number;
}

/**
 * What reads a sample at an index, all channels counted. PCM of 8 bits has no sign, and 128 is silence; wider PCM has
 * one.
 *
 * @param data  whole samples
 */
export function sampleReader({ isFloat, bytes }: SampleCoding, samples: Uint8Array): (index: number) => number {
  const data = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  if (isFloat) return bytes === 4 ? (at) => data.readFloatLE(4 * at) : (at) => data.readDoubleLE(8 * at);
  if (bytes === 1) return (at) => ((data[at] ?? 0) - 128) / 128;
  if (bytes === 2) return (at) => data.readInt16LE(2 * at) / 2 ** 15;
  if (bytes === 3) return (at) => data.readIntLE(3 * at, 3) / 2 ** 23;
  return (at) => data.readInt32LE(4 * at) / 2 ** 31;
}
