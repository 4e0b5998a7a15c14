// The losses of the public surface.
export { CrossEntropyLoss } from './cross-entropy';
export { CTCLoss } from './ctc';
export { Loss } from './loss';
export { BCELoss, BCEWithLogitsLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, SmoothL1Loss } from './pointwise';
