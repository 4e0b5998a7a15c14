// Datasets and loaders of the public surface.
export { collate, type Collated, type Field, type FieldTypes } from './collate';
export { DataLoader, type DataLoaderOptions } from './data-loader';
export { ArrayDataset, kFold, randomSplit, Subset, type Dataset, type Fold } from './dataset';
export { RandomSampler, SequentialSampler, type Sampler } from './sampler';
