// The losses of the public surface.
export { BCELoss } from './bce-loss';
export { BCEWithLogitsLoss } from './bce-with-logits-loss';
export { CrossEntropyLoss, type CrossEntropyLossOptions } from './cross-entropy-loss';
export { CTCLoss, type CTCLossSettings } from './ctc-loss';
export { HuberLoss } from './huber-loss';
export { KLDivLoss } from './kl-div-loss';
export { L1Loss } from './l1-loss';
export { Loss } from './loss';
export { MSELoss } from './mse-loss';
export { SmoothL1Loss } from './smooth-l1-loss';
