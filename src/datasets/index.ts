/**
 * Small data sets that come with the package, and simulations of data.
 *
 * @module stmnet/datasets
 */
export { addingProblem, type AddingSequence } from './adding-problem';
export { copyTask, type CopySequence } from './copy-task';
export type { CustomerKind } from './customer-kinds';
export { japaneseVowels, type JapaneseVowels, type Utterance } from './japanese-vowels';
export { simulatePurchases, type Purchase, type PurchaseOptions, type SimulatedPurchases } from './purchases';
export type { LongMemoryOptions } from './long-memory';
export { temporalOrder, type OrderSequence } from './temporal-order';
