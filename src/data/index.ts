// Datasets and loaders of the public surface.
export { augmentSeries, type AugmentSeriesOptions } from './augment-series';
export { BucketSampler, type BucketSamplerOptions } from './bucket-sampler';
export { collate, type Collated, type CollatedField, type Field, type FieldTypes, type FieldTypesOf } from './collate';
export { DataError } from './data-error';
export { DataLoader, type BatchMaker, type BatchMakersOptions } from './data-loader';
export type { ItemPlaces } from './item-places';
export type { DataLoaderOptions } from './data-loader-options';
export type { DataFingerprint, DataLoaderState } from './data-loader-state';
export { ArrayDataset, Subset, type AsyncDataset, type Dataset, type ItemOptions } from './dataset';
export type { ItemKey, KeyOf } from './items-by-key';
export { IterableDataset, type EpochOptions, type ItemSource, type IterableDatasetOptions } from './iterable-dataset';
export { kFold, type Fold, type KFoldOptions } from './k-fold';
export { randomSplit } from './random-split';
export { readConll, streamConll, type ConllOptions } from './readers/conll';
export type { ByteStream } from '../files/file-source';
export {
  readTable,
  streamTable,
  type ColumnTypes,
  type TableField,
  type TableOptions,
  type RowOf,
  type TableRow,
} from './readers/csv';
export type { FileRecords, PlacedRecord } from './readers/file-records';
export { readJsonLines, streamJsonLines, type JsonLinesOptions, type JsonValue } from './readers/jsonl';
export { readParallel, streamParallel, type ParallelOptions } from './readers/parallel';
export type { ColumnType } from './readers/table-columns';
export { readTextLines, streamTextLines, type TextLinesOptions } from './readers/text-lines';
export { readWav, type Recording, type WavOptions } from './readers/wav';
export {
  RandomSampler,
  SequentialSampler,
  type BatchSampler,
  type EpochOrder,
  type RandomSamplerOptions,
  type Sampler,
  type SamplerSettings,
} from './sampler';
export { SequenceList } from './sequence-list';
export { splitDataset, type Split, type SplitOptions, type SplitSizes } from './split-dataset';
export { TextStream, type TextBatch, type TextPiece, type TextStreamOptions } from './text-stream';
export { WorkerDataset, type WorkerDatasetOptions } from './worker-dataset';
export { windows, WindowDataset, type Columns, type Series, type Window, type WindowOptions } from './windows';
