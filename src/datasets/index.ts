/**
 * Small data sets that come with the package.
 *
 * @module stmnet/datasets
 */
export { japaneseVowels, type JapaneseVowels, type Utterance } from './japanese-vowels';
