// What worker threads of consumer.mjs make: the utterances that the package carries.
import { japaneseVowels } from 'stmnet/datasets';

export default async () => (await japaneseVowels()).train;
