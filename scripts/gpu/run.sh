#!/bin/sh
# sh run.sh [FOLDER]: everything that wants a GPU, on a machine with an NVIDIA driver, Python with PyTorch, and no network. Results go to FOLDER (results): JSON, and
# the tables as they were printed. Each part has a time limit of its own, so that one that hangs leaves the others their results. Variables:
#   STMNET_PARTS               which parts, of: doctor test questions bench
#   STMNET_TEST_SECONDS        420    STMNET_QUESTION_SECONDS  300    STMNET_BENCH_SECONDS  420
#   STMNET_TEST_ARGUMENTS, STMNET_QUESTION_ARGUMENTS, STMNET_BENCH_ARGUMENTS   for the parts themselves
#   STMNET_PYTHON              the Python that has PyTorch (python3)
cd "$(dirname "$0")" || exit 2
results=${1:-results}
mkdir -p "$results" || exit 2
results=$(cd "$results" && pwd)
PATH=$PWD/node/bin:$PATH
STMNET_REQUIRE_CUDA=1
STMNET_CACHE_DIR=${STMNET_CACHE_DIR:-$PWD/build/gpu/cache}
export PATH STMNET_REQUIRE_CUDA STMNET_CACHE_DIR
: > "$results/summary.txt"
failed=0

if [ -z "$STMNET_CUDA_LIBS$STMNET_CUDNN_LIB" ]; then
  STMNET_CUDA_LIBS=$(node -e "import('./scripts/gpu/cuda-folder.mjs').then((found) => console.log(found.wheelFolder() ?? ''))")
  if [ -n "$STMNET_CUDA_LIBS" ]; then export STMNET_CUDA_LIBS; else unset STMNET_CUDA_LIBS; fi
fi

# part NAME SECONDS COMMAND…: runs it, shows what it prints, keeps that in NAME.log
part() {
  name=$1 seconds=$2
  shift 2
  case " plugin ${STMNET_PARTS:-doctor test questions bench} " in *" $name "*) ;; *) return 0 ;; esac
  echo "== $name"
  started=$(date +%s)
  { timeout -k 10 "$seconds" "$@" 2>&1; echo $? > "$results/.status"; } | tee "$results/$name.log"
  status=$(cat "$results/.status")
  rm -f "$results/.status"
  case $status in
    0) words=fine ;;
    124 | 137) words="stopped after $seconds s" ;;
    *) words="exit status $status" ;;
  esac
  echo "$name: $words, $(($(date +%s) - started)) s" >> "$results/summary.txt"
  [ "$status" = 0 ] || failed=1
  return "$status"
}

if [ ! -e build/Release/libstmnet_cuda.so ] && [ -z "$STMNET_CUDA_PLUGIN" ]; then
  part plugin 300 node scripts/gpu/build-plugin.mjs
fi
if ! part doctor 120 node dist/cli/main.js doctor --require-cuda; then
  echo "run.sh: stmnet does not compute on a GPU here; doctor.log says what is missing." | tee -a "$results/summary.txt"
  exit 1
fi
part test "${STMNET_TEST_SECONDS:-420}" node scripts/gpu/test.mjs "--output=$results/test.json" $STMNET_TEST_ARGUMENTS
part questions "${STMNET_QUESTION_SECONDS:-300}" node scripts/gpu/questions.mjs "--output=$results/questions.json" "--limit=$((${STMNET_QUESTION_SECONDS:-300} - 10))" $STMNET_QUESTION_ARGUMENTS
part bench "${STMNET_BENCH_SECONDS:-420}" node --expose-gc build/js/scripts/bench/main.js gpu --output "$results/bench.json" --limit "$((${STMNET_BENCH_SECONDS:-420} - 60))" $STMNET_BENCH_ARGUMENTS
echo "== summary"
cat "$results/summary.txt"
exit $failed
