/** How far a result may be from its reference: |got - expected| <= tolerance · (1 + |expected|). */
export const tolerances = {
  /** Against a reference computed in f64, by dtype of the op. */
  value: {
    /** A few roundings of 6e-8 each, and sums of some hundred terms. */
    f32: 2e-6,
    /** The same with roundings of 1.1e-16; libm's functions differ in the last place. */
    f64: 1e-12,
  },
  /** f64 gradients against central differences of step 1e-5, which are good to about 1e-9. */
  gradient: 1e-7,
} as const;
