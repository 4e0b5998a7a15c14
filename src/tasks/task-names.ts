/** The tasks by their names, which stand in their files and on the command line, and the class of each. */
export const TASK_CLASSES = {
  classify: 'TextClassifier',
  tag: 'Tagger',
  lm: 'LanguageModel',
  events: 'EventClassifier',
  seq2seq: 'Seq2Seq',
  speech: 'SpeechRecognizer',
  forecast: 'Forecaster',
  qa: 'QuestionAnswerer',
  span: 'SpanAnswerer',
} as const;

/** The name of a task. */
export type TaskName = keyof typeof TASK_CLASSES;

/** Whether a task has this name. */
export const isTaskName = (name: string): name is TaskName => Object.hasOwn(TASK_CLASSES, name);
