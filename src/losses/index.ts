// The losses of the public surface.
export { CrossEntropyLoss } from './cross-entropy';
export { CTCLoss } from './ctc';
export { Loss } from './loss';
export * from './pointwise';
