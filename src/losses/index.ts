// The losses of the public surface.
export { activationRegularization, temporalActivationRegularization } from './activation-regularization';
export { CrossEntropyLoss } from './cross-entropy';
export { CTCLoss } from './ctc';
export { Loss } from './loss';
export * from './pointwise';
