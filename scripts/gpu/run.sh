#!/bin/sh
# sh run.sh [FOLDER]: everything that wants a GPU, on a machine with an NVIDIA driver, Python with PyTorch, and no
# network, within a given time. FOLDER (results) gets at most eight files: results.tgz with everything so far, logs and
# reports and what the tuner chose, and beside it summary.txt and the report of each part (without tar, logs.txt instead
# of the archive). They are written anew after each part, so that whatever stops this script leaves what was found
# before. A second run adds to them.
# Variables:
#
#   STMNET_GPU_SECONDS   how long all of it may take (540)
#   STMNET_PARTS         which parts, in their order: doctor smoke bench test questions sanitizer. Each has a share of
#                        the time, and what one leaves the following get.
#   STMNET_SMOKE_ARGUMENTS, STMNET_BENCH_ARGUMENTS, STMNET_TEST_ARGUMENTS, STMNET_QUESTION_ARGUMENTS
#                        for the parts themselves
#   STMNET_PYTHON        the Python that has PyTorch (python3)
#   STMNET_GPU_STANDIN   1: on the stand-in, to try this script without a GPU
#
# Plain POSIX shell, GNU's grep, tar, gzip and timeout: a container may have no more.
started=$(date +%s)
case ${1:-} in
  '') out= ;;
  /*) out=$1 ;;
  *) out=$PWD/$1 ;;
esac
cd "$(dirname "$0")" || exit 2
out=${out:-$PWD/results}
work=$PWD/build/gpu/results
state=$PWD/build/gpu/state
mkdir -p "$out" "$state" || exit 2
unpacked=0
if [ ! -d "$work" ] && [ -e "$out/results.tgz" ]; then tar xzf "$out/results.tgz" -C build/gpu || unpacked=$?; fi
mkdir -p "$work" || exit 2

budget=${STMNET_GPU_SECONDS:-540}
grace=2                                   # between asking a part to end and killing it
end=$((started + budget - budget / 60 - 1)) # the rest is for packing
parts=${STMNET_PARTS:-doctor smoke bench test questions sanitizer}
failed=0 computes=1 packed=0

# The share of a part, in seconds of a whole run.
weight() {
  case $1 in
    plugin) echo 120 ;;
    doctor) echo 60 ;;
    smoke) echo 60 ;;
    bench) echo 150 ;;
    test) echo 170 ;;
    questions) echo 100 ;;
    sanitizer) echo 60 ;;
    *) echo "run.sh: got the part '$1', expected doctor, smoke, bench, test, questions, sanitizer." >&2; return 1 ;;
  esac
}
for name in $parts; do weight "$name" > "$state/weight" || exit 2; done

say() {
  echo "$1" | tee -a "$work/summary.txt"
}

# Copies what is small and read first; beside it and then in its place, so that nobody gets half of it.
publish() {
  for file in summary.txt doctor.json smoke.json bench.json test.json questions.json sanitizer.json; do
    if [ -e "$work/$file" ]; then cp "$work/$file" "$out/$file.new" && mv "$out/$file.new" "$out/$file"; fi
  done
}

# What is in the archive alone.
logs() {
  for file in "$work"/*.log "$work/test.jsonl" "$work/cudnn-algorithms.txt"; do
    if [ -e "$file" ]; then echo "== ${file##*/}" && cat "$file"; fi
  done
}

pack() {
  publish
  if [ -e "$STMNET_CACHE_DIR/cudnn-algorithms.txt" ]; then cp "$STMNET_CACHE_DIR/cudnn-algorithms.txt" "$work/"; fi
  before=$packed
  tar czf "$out/results.tgz.new" -C build/gpu results
  packed=$?
  # 1: a part that could not be killed still writes
  if [ "$packed" -le 1 ]; then
    mv "$out/results.tgz.new" "$out/results.tgz"
    return
  fi
  failed=1
  rm -f "$out/results.tgz.new"
  if [ "$before" -le 1 ]; then say "run.sh: results.tgz was not written, tar ended with exit status $packed"; fi
  publish
  logs > "$out/logs.txt.new" && mv "$out/logs.txt.new" "$out/logs.txt"
}

# Kills what is left of a part. What it has started may be in other groups, as whatever timeout starts is, and have
# other parents by now; but all have its mark in their environment.
sweep() {
  for round in 1 2 3; do
    left=$(grep -ls "STMNET_GPU_MARK=$mark" /proc/[0-9]*/environ)
    for file in $left; do
      pid=${file#/proc/}
      kill -s KILL "${pid%/environ}" 2> /dev/null
    done
    if [ -z "$left" ]; then break; fi
  done
  rm -f "$state/pid"
}

stop() {
  trap '' INT TERM HUP
  if [ -s "$state/pid" ]; then
    kill "$(cat "$state/pid")"
    sleep 1
    sweep
  fi
  say "run.sh: stopped by a signal${name:+ in $name}"
  pack
  exit 143
}

# Prints what is new in the log.
show() {
  size=$(wc -c < "$log")
  if [ "$size" -gt "$shown" ]; then tail -c "+$((shown + 1))" "$log" | head -c "$((size - shown))"; fi
  shown=$size
}

# part NAME SECONDS COMMAND…: runs it, shows what it prints and keeps that in NAME.log. It is not waited for longer than
# that even if it cannot be killed, as a process that waits inside the driver cannot; and as it writes to the log alone,
# nobody who reads what this script prints waits for it either.
part() {
  name=$1 seconds=$2
  shift 2
  log=$work/$name.log shown=0
  mark=$$-$started-$name
  begun=$(date +%s)
  rm -f "$state/pid" "$state/status"
  echo "== $name"
  : > "$log"
  (
    STMNET_GPU_MARK=$mark timeout -k "$grace" "$seconds" "$@" &
    echo $! > "$state/pid"
    wait $!
    echo $? > "$state/status.new"
    mv "$state/status.new" "$state/status"
  ) < /dev/null > "$log" 2>&1 &
  latest=$((begun + seconds + grace + 1)) ticks=0
  while [ ! -e "$state/status" ] && [ "$(date +%s)" -lt "$latest" ]; do
    sleep 1
    show
    ticks=$((ticks + 1))
    if [ $((ticks % 10)) = 0 ]; then publish; fi
  done
  sweep
  show
  status=137
  if [ -e "$state/status" ]; then status=$(cat "$state/status"); fi
  case $status in
    0) words=fine ;;
    124 | 137) words="stopped after $seconds s" ;;
    *) words="exit status $status" ;;
  esac
  say "$name: $words, $(($(date +%s) - begun)) s of $seconds: $(tail -n 1 "$log")"
  [ "$status" = 0 ] || failed=1
  pack
  return "$status"
}

# The part of that name, with so many seconds. What it does itself to end in time comes a little before the kill.
run() {
  seconds=$2 limit=$(($2 - $2 / 20 - 3))
  if [ "$limit" -lt 1 ]; then limit=1; fi
  case $1 in
    plugin) part plugin "$seconds" node scripts/gpu/build-plugin.mjs ;;
    doctor)
      part doctor "$seconds" node dist/cli/main.js doctor --require-cuda --json "$work/doctor.json"
      ;;
    smoke)
      part smoke "$seconds" node --expose-gc scripts/gpu/smoke.mjs "--output=$work/smoke.json" "--limit=$limit" \
        $standin $STMNET_SMOKE_ARGUMENTS
      ;;
    bench)
      part bench "$seconds" node build/js/scripts/bench/main.js gpu --output "$work/bench.json" --limit "$limit" \
        --rounds 3 --burst 80 ${standin:+--size tiny --torch-device cpu} $STMNET_BENCH_ARGUMENTS
      ;;
    test)
      part test "$seconds" node scripts/gpu/test.mjs "--output=$work/test.json" "--limit=$limit" \
        $standin $STMNET_TEST_ARGUMENTS
      ;;
    questions)
      part questions "$seconds" node scripts/gpu/questions.mjs "--output=$work/questions.json" "--limit=$limit" \
        $standin $STMNET_QUESTION_ARGUMENTS
      ;;
    sanitizer)
      part sanitizer "$seconds" node scripts/gpu/sanitizer.mjs "--output=$work/sanitizer.json" "--limit=$limit" \
        $standin
      ;;
  esac
}

PATH=$PWD/node/bin:$PATH
STMNET_REQUIRE_CUDA=1
STMNET_CACHE_DIR=${STMNET_CACHE_DIR:-$PWD/build/gpu/cache}
export PATH STMNET_REQUIRE_CUDA STMNET_CACHE_DIR
name=
trap stop INT TERM HUP

standin=
if [ "$STMNET_GPU_STANDIN" = 1 ]; then
  standin=--standin
  STMNET_CUDA_PLUGIN=$PWD/build/standin/libstmnet_cuda_standin.so
  STMNET_CUBLAS_LIB=$PWD/build/standin/libcuda_standin.so
  STMNET_CUDNN_LIB=$STMNET_CUBLAS_LIB
  export STMNET_CUDA_PLUGIN STMNET_CUBLAS_LIB STMNET_CUDNN_LIB
elif [ -z "$STMNET_CUDA_LIBS$STMNET_CUDNN_LIB" ]; then
  ask="import('./scripts/gpu/cuda-folder.mjs').then((found) => console.log(found.wheelFolder() ?? ''))"
  STMNET_CUDA_LIBS=$(timeout -k 2 20 node -e "$ask")
  if [ -n "$STMNET_CUDA_LIBS" ]; then export STMNET_CUDA_LIBS; else unset STMNET_CUDA_LIBS; fi
fi
# What cuDNN opens by name, NVRTC above all, is in folders that the loader does not know. The part smoke tries without.
if [ -n "$STMNET_CUDA_LIBS" ]; then
  nvidia=$STMNET_CUDA_LIBS/nvidia
  STMNET_GPU_LIBRARY_PATH=$LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$nvidia/cu13/lib:$nvidia/cudnn/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH STMNET_GPU_LIBRARY_PATH
fi
if [ ! -e build/Release/libstmnet_cuda.so ] && [ -z "$STMNET_CUDA_PLUGIN" ]; then parts="plugin $parts"; fi

say "== $(date -u +%Y-%m-%dT%H:%M:%SZ): $parts, $budget s"
if [ "$unpacked" != 0 ]; then
  say "run.sh: what $out/results.tgz had is not there, tar ended with exit status $unpacked"
  failed=1
fi
set -- $parts
while [ $# -gt 0 ]; do
  total=0
  for each; do total=$((total + $(weight "$each"))); done
  left=$((end - $(date +%s)))
  seconds=$((left * $(weight "$1") / total - grace))
  # It reads libraries of gigabytes, nobody before it, and decides on the rest.
  least=$((left / 2 < 60 ? left / 2 : 60))
  if [ "$1" = doctor ] && [ "$seconds" -lt "$least" ]; then seconds=$least; fi
  if [ "$computes" = 0 ] && [ "$1" != questions ]; then
    say "$1: left out, stmnet does not compute on a GPU here; doctor.log says what is missing"
  elif [ "$seconds" -lt 1 ]; then
    say "$1: left out, no time is left"
    failed=1
  else
    run "$1" "$seconds"
    case $1-$status in
      doctor-0 | doctor-124 | doctor-137) ;; # who was stopped has not said that it does not
      doctor-*) computes=0 ;;                # cuDNN itself can still be asked
    esac
  fi
  shift
done
name=
say "run.sh: $(($(date +%s) - started)) s"
pack
exit $failed
