/** One number at a step. */
export interface ScalarValue {
  readonly tag: string;
  readonly scalar: number;
}

/** The distribution of numbers at a step; those that are not finite are left out. */
export interface HistogramValue {
  readonly tag: string;
  readonly numbers: ArrayLike<number>;
}

/** A text at a step, Markdown. */
export interface TextValue {
  readonly tag: string;
  readonly text: string;
}

/** What an event tells beside its time and step. */
export type EventContent =
  | { readonly version: string }
  /** That what was written before for this step and later ones is void. */
  | { readonly restart: true }
  | ScalarValue
  | HistogramValue
  | TextValue;

/**
 * A record of an event file, as TensorBoard reads it: an Event in the wire format of protocol buffers, framed as a
 * TFRecord.
 *
 *   length u64 | masked CRC-32C of it u32 | Event | masked CRC-32C of it u32          little-endian
 *
 * @param time  seconds since 1970
 * @see event.proto, summary.proto and tfrecord of TensorFlow
 */
export function eventRecord(time: number, step: number, content: EventContent): Buffer {
  const place = step === 0 ? Buffer.alloc(0) : int(2, step); // what is 0 is left out
  const event = Buffer.concat([double(1, time), place, contentField(content)]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(event.length));
  return Buffer.concat([length, checksum(length), event, checksum(event)]);
}

function contentField(content: EventContent): Buffer {
  if ('version' in content) return bytes(3, Buffer.from(content.version));
  if ('restart' in content) return bytes(7, int(1, 1)); // SessionLog { status: START }
  return bytes(5, bytes(1, Buffer.concat([bytes(1, Buffer.from(content.tag)), valueFields(content)])));
}

function valueFields(value: ScalarValue | HistogramValue | TextValue): Buffer {
  if ('scalar' in value) return float(2, value.scalar);
  if ('numbers' in value) return bytes(5, histogram(value.numbers));
  const plugin = bytes(1, bytes(1, Buffer.from('text'))); // SummaryMetadata { plugin_data { plugin_name } }
  const shape = bytes(2, bytes(2, int(1, 1))); // TensorShapeProto { dim { size: 1 } }
  const strings = Buffer.concat([int(1, 7), shape, bytes(8, Buffer.from(value.text))]); // DT_STRING is 7
  return Buffer.concat([bytes(9, plugin), bytes(8, strings)]);
}

/** Buckets of a histogram. */
const BUCKETS = 30;

/** A HistogramProto: buckets of equal width from the least to the largest number. */
function histogram(given: ArrayLike<number>): Buffer {
  const numbers = Array.from(given).filter(Number.isFinite);
  const [least, most] = numbers.reduce(
    ([low, high], x) => [Math.min(low, x), Math.max(high, x)],
    [Infinity, -Infinity],
  );
  const [min, max] = numbers.length === 0 ? [0, 0] : [least, most];
  const count = max > min ? BUCKETS : 1;
  const limits = Array.from({ length: count }, (_, i) =>
    i === count - 1 ? max : min + ((i + 1) * (max - min)) / count,
  );
  const buckets = new Array<number>(count).fill(0);
  for (const x of numbers) {
    const place = max > min ? Math.min(Math.floor(((x - min) / (max - min)) * count), count - 1) : 0;
    buckets[place] = (buckets[place] ?? 0) + 1;
  }
  return Buffer.concat([
    double(1, min),
    double(2, max),
    double(3, numbers.length),
    double(
      4,
      numbers.reduce((sum, x) => sum + x, 0),
    ),
    double(
      5,
      numbers.reduce((sum, x) => sum + x * x, 0),
    ),
    doubles(6, limits),
    doubles(7, buckets),
  ]);
}

// The wire format: a key, (number << 3) | type, and the value. Type 0 is a varint, 1 has 64 bits, 2 a length, 5 has 32.

function varint(value: number): Buffer {
  const out: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) out.push(Number(left & 127n) | 128);
  return Buffer.from([...out, Number(left)]);
}

const key = (field: number, type: number): Buffer => Buffer.from([(field << 3) | type]);
const int = (field: number, value: number): Buffer => Buffer.concat([key(field, 0), varint(value)]);
const bytes = (field: number, value: Buffer): Buffer => Buffer.concat([key(field, 2), varint(value.length), value]);

function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), out]);
}

function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeFloatLE(value);
  return Buffer.concat([key(field, 5), out]);
}

function doubles(field: number, values: readonly number[]): Buffer {
  const out = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => out.writeDoubleLE(value, 8 * index));
  return bytes(field, out);
}

/** CRC-32C (Castagnoli) of each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** The CRC-32C of data, masked: turned by 15 bits and shifted, so that data that hold checksums do no harm. */
function checksum(data: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of data) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = (crc ^ 0xffffffff) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return out;
}
