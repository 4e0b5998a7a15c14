/* Prints how many GFLOP/s of fused multiply-adds in f32 THREADS threads do in registers: peak THREADS SECONDS. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Sums that do not wait for each other, in registers of their own: as many as there are registers, but for a few. */
#define TWELVE(M) M(a) M(b) M(c) M(d) M(e) M(f) M(g) M(h) M(i) M(j) M(k) M(l)
#if defined(__AVX512F__)
enum { kBytes = 64, kChains = 24 };
#define EACH(M) TWELVE(M) M(m) M(n) M(o) M(p) M(q) M(r) M(s) M(t) M(u) M(v) M(w) M(x)
#elif defined(__AVX__)
enum { kBytes = 32, kChains = 12 };
#define EACH TWELVE
#else
enum { kBytes = 16, kChains = 12 };
#define EACH TWELVE
#endif

#if defined(__aarch64__)
#define REGISTER "w"
#else
#define REGISTER "v" /* any vector register, also the upper sixteen */
#endif

typedef float Vector __attribute__((vector_size(kBytes)));

static double seconds_to_run;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#define BEGIN(name) Vector name = summand;
#define MULTIPLY_ADD(name)            \
  name = name * factor + summand; \
  __asm__ volatile("" : "+" REGISTER(name));

/* The operations that one thread did in a second. */
static void *run(void *result) {
  Vector factor, summand;
  for (int lane = 0; lane < (int)(kBytes / sizeof(float)); ++lane) {
    factor[lane] = 0.999f;
    summand[lane] = 0.001f * (float)lane;
  }
  EACH(BEGIN)
  const double start = now();
  double time = 0, operations = 0;
  while (time < seconds_to_run) {
    for (int round = 0; round < 20000; ++round) {
      EACH(MULTIPLY_ADD)
    }
    operations += 20000.0 * kChains * (kBytes / sizeof(float)) * 2;
    time = now() - start;
  }
  *(double *)result = operations / time;
  return NULL;
}

int main(int count, char **words) {
  const int threads = count > 1 ? atoi(words[1]) : 1;
  seconds_to_run = count > 2 ? atof(words[2]) : 0.2;
  pthread_t others[256];
  double rates[256] = {0};
  if (threads < 1 || threads > 256) return 1;
  for (int i = 1; i < threads; ++i)
    if (pthread_create(&others[i], NULL, run, &rates[i]) != 0) return 1;
  run(&rates[0]);
  double sum = rates[0];
  for (int i = 1; i < threads; ++i) {
    pthread_join(others[i], NULL);
    sum += rates[i];
  }
  printf("%.1f\n", sum / 1e9);
  return 0;
}
