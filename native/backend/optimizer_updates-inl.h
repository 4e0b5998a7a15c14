// What a step of each optimizer does to an element: `update` changes the parameter p by its gradient g, and the moments
// m. Each device includes this in a namespace of its own, the CPU once for each instruction set, and says before what
// its number N is: a scalar or a vector, made of a double by N(x), with + - * / and these functions, of which the first
// two may round once:
//
//   mul_add(a, b, c)  a · b + c        neg_mul_add(a, b, c)  c - a · b       sqrt(x)     abs(x)
//   larger(a, b)      a > b ? a : b    not_negative(x)       0 if x < 0; of a NaN, either

template <class N>
STM_DEVICE N decayed(double weight_decay, N g, N p) {
  return mul_add(N(weight_decay), p, g);
}
/// keep · mean + (1 - keep) · x, as the step from the mean to x.
template <class N>
STM_DEVICE N moved(double keep, N mean, N x) {
  return mul_add(N(1 - keep), x - mean, mean);
}
template <class N>
STM_DEVICE N moved_square(double keep, N square, N x) {
  return mul_add(N(keep), square, N(1 - keep) * x * x);
}

template <class N>
STM_DEVICE void update(const SgdRule& rule, const SgdRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N change = decayed(rule.weight_decay, g, p);
  if (rule.momentum != 0) {
    N& velocity = m[0];
    const N momentum(rule.momentum);
    velocity = factors.first ? change : mul_add(momentum, velocity, N(1 - rule.dampening) * change);
    change = rule.nesterov ? mul_add(momentum, velocity, change) : velocity;
  }
  p = neg_mul_add(N(factors.rate), change, p);
}

template <class N>
STM_DEVICE void update(const AdamRule& rule, const AdamRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N &mean = m[0], &square = m[1], &largest = m[2];
  g = decayed(rule.decoupled ? 0 : rule.weight_decay, g, p);
  mean = moved(rule.beta1, mean, g);
  square = moved_square(rule.beta2, square, g);
  if (rule.amsgrad) largest = larger(largest, square);
  const N root = mul_add(sqrt(rule.amsgrad ? largest : square), N(factors.root_scale), N(rule.eps));
  p = neg_mul_add(N(factors.rate), mean / root, N(factors.kept) * p);
}

template <class N>
STM_DEVICE void update(const NadamRule& rule, const NadamRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N &mean = m[0], &square = m[1];
  g = decayed(rule.decoupled ? 0 : rule.weight_decay, g, p);
  mean = moved(rule.beta1, mean, g);
  square = moved_square(rule.beta2, square, g);
  const N root = mul_add(sqrt(square), N(factors.root_scale), N(rule.eps));
  const N change = mul_add(N(factors.gradient_rate), g, N(factors.mean_rate) * mean);
  p = N(factors.kept) * p - change / root;
}

template <class N>
STM_DEVICE void update(const AdamaxRule& rule, const AdamaxRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N &mean = m[0], &largest = m[1];
  g = decayed(rule.weight_decay, g, p);
  mean = moved(rule.beta1, mean, g);
  largest = larger(N(rule.beta2) * largest, abs(g) + N(rule.eps));
  p = neg_mul_add(N(factors.rate), mean / largest, p);
}

template <class N>
STM_DEVICE void update(const RmspropRule& rule, const RmspropRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N &square = m[0], &mean = m[1];
  g = decayed(rule.weight_decay, g, p);
  square = moved_square(rule.alpha, square, g);
  N spread = square;
  if (rule.centered) {
    mean = moved(rule.alpha, mean, g);
    spread = not_negative(neg_mul_add(mean, mean, square));  // rounding may take it below 0
  }
  N change = g / (sqrt(spread) + N(rule.eps));
  if (rule.momentum != 0 && rule.centered) change = m[2] = mul_add(N(rule.momentum), m[2], change);
  else if (rule.momentum != 0) change = m[1] = mul_add(N(rule.momentum), m[1], change);
  p = neg_mul_add(N(factors.rate), change, p);
}

template <class N>
STM_DEVICE void update(const AdagradRule& rule, const AdagradRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N& sum = m[0];
  g = decayed(rule.weight_decay, g, p);
  sum = mul_add(g, g, sum);
  p = neg_mul_add(N(factors.rate), g / (sqrt(sum) + N(rule.eps)), p);
}

template <class N>
STM_DEVICE void update(const AdadeltaRule& rule, const AdadeltaRule::Factors& factors, N& p, N g, Moments<N>& m) {
  N &square = m[0], &changes = m[1];
  const N eps(rule.eps);
  g = decayed(rule.weight_decay, g, p);
  square = moved_square(rule.rho, square, g);
  const N change = sqrt(changes + eps) / sqrt(square + eps) * g;
  changes = moved_square(rule.rho, changes, change);
  p = neg_mul_add(N(factors.rate), change, p);
}
