// Datasets and loaders of the public surface.
export { collate, type Collated, type CollatedField, type Field, type FieldTypes, type FieldTypesOf } from './collate';
export { DataLoader, type BatchMakersOptions, type DataLoaderOptions } from './data-loader';
export type { DataFingerprint, DataLoaderState } from './data-loader-state';
export { ArrayDataset, kFold, randomSplit, Subset, type Dataset, type Fold } from './dataset';
export {
  RandomSampler,
  SequentialSampler,
  type BatchSampler,
  type EpochOrder,
  type RandomSamplerOptions,
  type Sampler,
} from './sampler';
