import type { QuestionAnswererOptions, QuestionExample } from '../../src/tasks';

const WHO = ['Mary', 'John', 'Sandra'];
const WHERE = ['garden', 'office', 'hallway', 'kitchen'];
const pick = (words: readonly string[], at: number): string => words[at % words.length] ?? '';

/** Who went where, and where somebody of them is: the last place counts. */
export const stories: readonly QuestionExample[] = Array.from({ length: 120 }, (_, at) => {
  const steps = 2 + (at % 3);
  const moves = Array.from({ length: steps }, (__, step) => ({
    who: pick(WHO, at * 7 + step * (1 + (at % 2))),
    where: pick(WHERE, at * 5 + step * 3 + Math.floor(at / 4)),
  }));
  const asked = pick(
    moves.map(({ who }) => who),
    Math.floor(at / 3),
  );
  const answer = moves.findLast(({ who }) => who === asked)?.where ?? '';
  return {
    story: moves.map(({ who, where }) => `${who} went to the ${where}.`),
    question: `Where is ${asked}?`,
    answer,
  };
});

/** A network that learns them in seconds. */
export const smallQuestions: QuestionAnswererOptions = { hiddenSize: 16, embeddingDim: 16, dropout: 0 };
/** A training that does. */
export const quickQuestions = { epochs: 40, batchSize: 16, learningRate: 2e-2, seed: 2, progress: false } as const;
