/** Small data sets that come with the package: `stmnet/datasets`. */
export { japaneseVowels, type JapaneseVowels, type Utterance } from './japanese-vowels';
