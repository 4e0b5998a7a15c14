/**
 * Tasks: from examples to a saved model, each a class with the verbs fit, evaluate, predict, save and load.
 *
 * @module stmnet/tasks
 */
import '../tensor/methods.generated';

export type { CellStack, CellStackOptions, StackState, StackStep } from './cell-stack';
export type { ClassEvaluation } from './class-evaluation';
export type { ClassPrediction } from './class-prediction';
export { EventClassifier, type EventPrediction } from './event-classifier';
export type { EventColumnNames } from './event-cells';
export type { EventClassifierNetwork, EventClassifierNetworkOptions } from './event-classifier-network';
export type {
  EventAskOptions,
  EventClassifierOptions,
  EventClassifierSettings,
  EventFitOptions,
} from './event-classifier-options';
export type { EventBatch } from './event-encoder';
export type { AskedQuestion, EventBaseline, EventEvaluation, ProbabilityFigures } from './event-evaluation';
export type { EventExample, EventRow, LabelledEvents } from './event-rows';
export type { EventTime } from './event-time';
export { Forecaster } from './forecaster';
export type { Forecast, ForecastStep } from './forecast-answer';
export type { Backtest, BacktestFold, BacktestOptions } from './forecast-backtest';
export type { ForecastBaseline, ForecastEvaluation, ForecastFigures } from './forecast-evaluation';
export type { ForecastRow } from './forecast-row';
export type { ForecastBatch, ForecastItem } from './forecast-windows';
export type { ForecasterNetwork, ForecasterNetworkOptions } from './forecaster-network';
export type {
  ForecastAskOptions,
  ForecasterOptions,
  ForecasterSettings,
  ForecastFitOptions,
  ForecastLoss,
} from './forecaster-options';
export type { GenerateOptions } from './generate-options';
export type { NextToken } from './generation';
export type { InputFault } from './input-fault';
export type { LanguageEvaluation } from './language-evaluation';
export type { LanguageFitOptions, LanguageOptimizer } from './language-fit-options';
export { LanguageModel } from './language-model';
export type {
  LanguageActivations,
  LanguageModelNetwork,
  LanguageModelNetworkOptions,
  NextScores,
} from './language-model-network';
export type { LanguageModelOptions, LanguageModelSettings, LanguageTokens } from './language-model-options';
export type { LanguageTexts } from './language-texts';
export { quantizeTask, type NetworkTask } from './quantize-task';
export { QuestionAnswerer } from './question-answerer';
export type { AskedStory, QuestionExample } from './question-examples';
export type { Answered, QuestionBatch, QuestionNetwork, QuestionNetworkOptions } from './question-network';
export type { QuestionAnswererOptions, QuestionAnswererSettings } from './question-options';
export type { QuestionPrediction, StorySentence } from './question-prediction';
export type { Cell, EncoderOptions, Normalization } from './recurrent-encoder';
export type { PairExample } from './pair-examples';
export type { RobustnessOptions } from './robustness-options';
export { Seq2Seq } from './seq2seq';
export type { Seq2SeqEvaluation } from './seq2seq-evaluation';
export type {
  DecodedSteps,
  EncodedSource,
  LayersState,
  PairBatch,
  Said,
  Seq2SeqNetwork,
  Seq2SeqNetworkOptions,
} from './seq2seq-network';
export type { PairAttention, PairTokens, Seq2SeqOptions, Seq2SeqSettings } from './seq2seq-options';
export type { Seq2SeqEvaluateOptions, Seq2SeqPredictOptions } from './seq2seq-predict-options';
export type { AttentionWeights, Seq2SeqPrediction, WrittenText } from './seq2seq-prediction';
export { SpanAnswerer } from './span-answerer';
export type { SpanEvaluation } from './span-evaluation';
export type { AskedContext, SpanExample } from './span-examples';
export type { SpanBatch, SpanNetwork, SpanNetworkOptions, SpanScores } from './span-network';
export type { SpanAnswererOptions, SpanAnswererSettings } from './span-options';
export type { SpanPrediction } from './span-prediction';
export type { SpeechEvaluation } from './speech-evaluation';
export type { SpeechExample, SpeechInput, SpokenFile, SpokenSamples } from './speech-examples';
export type { SpeechNetwork, SpeechNetworkOptions, SpeechPiece } from './speech-network';
export type { SpeechRecognizerOptions, SpeechRecognizerSettings } from './speech-options';
export type { SpeechPrediction } from './speech-prediction';
export { SpeechRecognizer, type SpeechPredictOptions, type SpeechStreamOptions } from './speech-recognizer';
export type { SpeechStream } from './speech-stream';
export { Tagger } from './tagger';
export type { Tagged, TaggerNetwork, TaggerNetworkOptions } from './tagger-network';
export type { TaggerOptions, TaggerSettings } from './tagger-options';
export type { TagEvaluation } from './tag-evaluation';
export type { TaggedEntity, TagPrediction } from './tag-prediction';
export type { TagExample } from './tagged-sentences';
export type { Pooling } from './sequence-pool';
export type { Examples, Task, TaskClass, TaskFitOptions } from './task';
export { TextClassifier } from './text-classifier';
export type { TextClassifierNetwork, TextClassifierNetworkOptions } from './text-classifier-network';
export type {
  ClassWeights,
  TextClassifierOptions,
  TextClassifierSettings,
  TextTokens,
} from './text-classifier-options';
export type { TextExample } from './text-examples';
export type { TokenBatch } from './token-encoder';
export type { TokenFeatures, TokenFeaturesOptions } from './token-features';
export type { TrainTaskOptions } from './train-options';
export {
  ReportCallback,
  writeEvaluation,
  writeReport,
  type AttentionRecord,
  type BaselineRecord,
  type CalibrationBin,
  type LabelFigures,
  type ConfusionRecord,
  type EvaluationRecord,
  type ExampleRecord,
  type ForecastRecord,
  type LabelCount,
  type LengthBin,
  type ReportCallbackOptions,
  type ReportOptions,
  type RobustnessRecord,
  type StepErrorRecord,
} from '../report';
