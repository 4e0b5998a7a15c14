/**
 * What the logarithm of a probability is divided by in the score of a hypothesis (Wu et al., 2016).
 *
 * @param steps  of the hypothesis, its end being one
 * @param alpha  above 0 favours long hypotheses
 * @internal
 */
export const lengthDivisor = (steps: number, alpha: number): number => ((5 + steps) / 6) ** alpha;
