// Datasets and loaders of the public surface.
export { collate, type Collated, type CollatedField, type Field, type FieldTypes, type FieldTypesOf } from './collate';
export { DataLoader, type DataLoaderOptions } from './data-loader';
export { ArrayDataset, kFold, randomSplit, Subset, type Dataset, type Fold } from './dataset';
export { RandomSampler, SequentialSampler, type Sampler } from './sampler';
