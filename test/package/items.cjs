// What worker threads of consumer.cjs make: the utterances that the package carries, a part of them.
const { Subset } = require('stmnet');
const { japaneseVowels } = require('stmnet/datasets');

module.exports = async ({ count }) => {
  const { train } = await japaneseVowels();
  return new Subset(
    train,
    Array.from({ length: count }, (_, index) => index),
  );
};
