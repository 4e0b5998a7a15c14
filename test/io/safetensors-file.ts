/** One tensor of a file made by hand. */
export interface FileEntry {
  name: string;
  dtype: string;
  shape: readonly number[];
  data: NodeJS.TypedArray;
}

/** The bytes of a file whose header is `header`, whatever it says, and whose data are `data`. */
export function rawFile(header: unknown, data: Uint8Array = new Uint8Array(), headerBytes?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerBytes ?? BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** The bytes of a correct file, written without the code under test. */
export function safetensorsFile(entries: readonly FileEntry[], metadata?: Record<string, string>): Buffer {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let begin = 0;
  for (const { name, dtype, shape, data } of entries) {
    header[name] = { dtype, shape, data_offsets: [begin, begin + data.byteLength] };
    begin += data.byteLength;
  }
  return rawFile(
    header,
    Buffer.concat(entries.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))),
  );
}
