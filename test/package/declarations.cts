// The declarations as a CommonJS module sees them, in a project without the types of Node; checked, not run.
import stmnet = require('stmnet');
import datasets = require('stmnet/datasets');

const { output }: { output: stmnet.PaddedSequence } = new stmnet.LSTM({ inputSize: 2, hiddenSize: 3 }).forward(
  stmnet.pad([[[1, 2]]]),
);
output[Symbol.dispose]();
const halves: stmnet.Subset<number>[] = stmnet.randomSplit([1, 2], [0.5, 0.5]);
const first = async (): Promise<stmnet.HostArray> => (await datasets.japaneseVowels()).train.at(0).input;

export = { halves, first };
