import type { EvaluationRecord } from '../report';
import type { ForecastEvaluation } from './forecast-evaluation';

/** What a report shows of an evaluation. */
export function recordOfForecasts(
  part: EvaluationRecord['part'] = 'test',
  { baselines, targets: _targets, steps: _steps, ...figures }: ForecastEvaluation,
): EvaluationRecord {
  return {
    part,
    figures: { ...figures },
    baselines: baselines.map(({ name, figures: of }) => ({ name, figures: { ...of } })),
  };
}
