// Pages about trainings, of the public surface: `stmnet/tasks` exports them.
export { writeComparison, type ComparisonOptions, type ComparisonRow } from './comparison';
export { writeEvaluation } from './evaluation-file';
export type {
  AttentionRecord,
  BaselineRecord,
  CalibrationBin,
  LabelFigures,
  ConfusionRecord,
  EvaluationRecord,
  ExampleRecord,
  ForecastRecord,
  LabelCount,
  LengthBin,
  RobustnessRecord,
  StepErrorRecord,
} from './evaluation-record';
export { ReportCallback, type ReportCallbackOptions } from './report-callback';
export { writeReport, type ReportOptions } from './write-report';
export { writeTuning, type TrialRecord, type TuningOptions } from './tuning';
