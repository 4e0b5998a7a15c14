// The declarations as a CommonJS module sees them, in a project without the types of Node; checked, not run.
import stmnet = require('stmnet');
import datasets = require('stmnet/datasets');
import serving = require('stmnet/serve');
import tasks = require('stmnet/tasks');

const { output }: { output: stmnet.PaddedSequence } = new stmnet.LSTM({ inputSize: 2, hiddenSize: 3 }).forward(
  stmnet.pad([[[1, 2]]]),
);
output[Symbol.dispose]();
const halves: stmnet.Subset<number>[] = stmnet.randomSplit([1, 2], [0.5, 0.5]);
const first = async (): Promise<stmnet.HostArray> => (await datasets.japaneseVowels()).train.at(0).input;

const ask = (task: tasks.Task<{ text: string }, string, number>): Promise<number> => task.predict('a text');

const stop = (server: serving.TaskServer): Promise<void> => server.stop();

export = { halves, first, ask, stop };
