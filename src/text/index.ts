// Texts as numbers: tokenizers, vocabularies, batches.
export { augmentCharacters, type AugmentCharactersOptions } from './augment-characters';
export { augmentWords, readSynonyms, type AugmentWordsOptions, type Synonyms } from './augment-words';
export { BPETokenizer, type BPEFormOptions, type BPETokenizerOptions, type BPETrainingOptions } from './bpe';
export { ByteTokenizer } from './bytes';
export { CharacterTokenizer, type CharacterTokenizerOptions } from './characters';
export { HuggingFaceTokenizer, type HuggingFaceTokenizerOptions } from './hugging-face';
export type { TextClasses } from './rebuild';
export type { Normalization } from './text-form';
export {
  TextVectorizer,
  type EncodeBatchOptions,
  type TextVectorizerFitOptions,
  type TextVectorizerOptions,
  type Truncate,
} from './text-vectorizer';
export type { Configured, TextConfig, Tokenizer } from './tokenizer';
export { Vocabulary, type VocabularyFitOptions, type VocabularyOptions } from './vocabulary';
export type { Numbers, Punctuation } from './word-scanner';
export { loadWordVectors, type WordVectors, type WordVectorsOptions } from './word-vectors';
export { WordTokenizer, type WordTokenizerOptions } from './words';
