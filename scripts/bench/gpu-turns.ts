import type { MathMode } from 'stmnet';
import type { GpuCase, GpuSide } from './gpu-cases';
import { median } from './statistics';

/** Milliseconds of some steps, and why a compiled step is no graph, where it is none. */
export interface StepTimes {
  ms: number;
  fallback?: string;
}

/**
 * What one side took for one case: `warmUp` milliseconds until it ran as fast as it does, then `ms` a step, the median
 * of `turns`.
 */
export type Timed = (StepTimes & { lowest: number; steps: number; turns: number; warmUp: number }) | { error: string };

/** Lets a side make steps; throws if they did not end within `seconds`. */
export type RunSteps = (
  one: GpuCase,
  mode: MathMode,
  side: GpuSide,
  steps: number,
  seconds: number,
) => Promise<StepTimes>;

/** How long it all may take. */
export interface TurnLimits {
  /** Turns of each side. */
  rounds: number;
  /** Milliseconds of a turn. */
  burst: number;
  /** Milliseconds that a side may take for a row, all in all: it makes fewer steps, then fewer turns. */
  most: number;
  /** Seconds that are left for everything. */
  secondsLeft: () => number;
}

/** Enough for a shape to be tuned and a step to be captured. */
const warmUpSteps = 6;
/** How many tell how long a step takes. */
const calibrationSteps = 3;
/** Seconds after which a side that does not answer is given up. */
const patience = 30;

interface Running {
  side: GpuSide;
  steps: number;
  /** Milliseconds so far. */
  spent: number;
  warmUp: number;
  /** Milliseconds a step: of the calibration, and of each turn. */
  first: number;
  times: number[];
}

/** Lets sides take turns on one case, so that a busy machine and a warm device serve all alike. */
export async function takeTurns(
  run: RunSteps,
  one: GpuCase,
  mode: MathMode,
  sides: readonly GpuSide[],
  limits: TurnLimits,
): Promise<Partial<Record<GpuSide, Timed>>> {
  const timed: Partial<Record<GpuSide, Timed>> = {};
  const running: Running[] = [];
  const fallbacks: Partial<Record<GpuSide, { fallback: string }>> = {};
  const steps = async (side: GpuSide, count: number): Promise<number> => {
    const seconds = Math.min(patience, Math.max(1, limits.secondsLeft() + 3));
    const { ms, fallback } = await run(one, mode, side, count, seconds);
    if (fallback !== undefined) fallbacks[side] = { fallback };
    return ms;
  };
  const attempt = async (side: GpuSide, action: () => Promise<void>): Promise<void> => {
    if (timed[side] !== undefined) return;
    try {
      await action();
    } catch (error) {
      timed[side] = { error: error instanceof Error ? error.message : String(error) };
    }
  };
  for (const side of sides) {
    await attempt(side, async () => {
      if (limits.secondsLeft() <= 0) throw new Error('no time was left');
      const warmUp = await steps(side, warmUpSteps);
      running.push(started(side, warmUp, await steps(side, calibrationSteps), limits));
    });
  }
  for (let round = 0; round < limits.rounds; ++round) {
    for (const each of running) {
      if (each.spent >= limits.most || limits.secondsLeft() <= 0) continue;
      await attempt(each.side, async () => {
        // Back to speed, and whatever another side's turn has let go.
        const before = await steps(each.side, Math.min(3, each.steps));
        const turn = await steps(each.side, each.steps);
        each.spent += before + turn;
        each.times.push(turn / each.steps);
      });
    }
  }
  for (const each of running) timed[each.side] ??= { ...resultOf(each), ...fallbacks[each.side] };
  return timed;
}

/** A side that has run, and how many steps it makes in each of its turns. */
function started(side: GpuSide, warmUp: number, calibration: number, limits: TurnLimits): Running {
  const first = Math.max(calibration / calibrationSteps, 1e-4);
  const turn = Math.min(limits.burst, Math.max(0, limits.most - warmUp - calibration) / limits.rounds);
  const steps = Math.max(1, Math.min(3000, Math.round(turn / first)));
  return { side, steps, spent: warmUp + calibration, warmUp, first, times: [] };
}

/** What a side came to: that of its turns, or, where it had none, of the calibration. */
const resultOf = ({ steps, warmUp, first, times }: Running): Timed => ({
  ms: times.length > 0 ? median(times) : first,
  lowest: Math.min(first, ...times),
  steps: times.length > 0 ? steps : calibrationSteps,
  turns: times.length,
  warmUp,
});
