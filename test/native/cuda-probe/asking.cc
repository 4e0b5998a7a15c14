// One process per question, made before anything has touched CUDA: a process that has cannot be forked.
#include "asking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace stm::probe {
namespace {

// Seconds that a process may take to die, which it cannot while it waits inside the driver: less when time is up.
constexpr double kPatience = 2, kLastPatience = 0.2;
constexpr size_t kMostNotes = 1000;
// How the lines begin that a process tells its parent: a case, and at last the answer or why there is none. Each is
// JSON, after the end of whatever line a library has begun.
constexpr char kCase[] = "case ", kAnswer[] = "answer ", kFailed[] = "failed ";

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// A process at work on a question. What it says beside its lines is kept as notes.
class Asked {
 public:
  Asked(const Question& question, double seconds);

  const Question& question() const { return *question_; }
  int output() const { return output_; }
  double deadline() const { return deadline_; }
  /// Takes what it has printed. False once there will be no more.
  bool read();
  /// Ends it. What it has told until now counts.
  void stop();
  /// The answer, when it has ended. It is waited for no longer than that.
  Json finish(double patience);
  bool answered() const { return answered_; }

 private:
  [[noreturn]] void run(int output) const;
  void take_line(const std::string& line);
  std::string ending(double patience) const;

  const Question* question_;
  pid_t pid_ = -1;
  int output_ = -1;
  double started_, deadline_, seconds_;
  bool stopped_ = false, told_ = false, answered_ = false;  // told_: the answer, or why there is none
  std::string pending_, notes_, members_;
  std::vector<std::string> cases_;
};

Asked::Asked(const Question& question, double seconds)
    : question_(&question), started_(now()), deadline_(now() + seconds), seconds_(seconds) {
  int ends[2];
  if (pipe(ends) != 0) {
    deadline_ = started_;
    return;
  }
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    (void)close(ends[0]);
    run(ends[1]);
  }
  (void)close(ends[1]);
  output_ = ends[0];
}

void Asked::run(int output) const {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)dup2(output, STDOUT_FILENO);
  (void)dup2(output, STDERR_FILENO);
  for (const auto& [name, value] : question_->environment) (void)setenv(name.c_str(), value.c_str(), 1);
  const int status = answer_here(*question_);
  std::fflush(nullptr);
  _exit(status);  // no destructors: a device that has failed may let them wait
}

void Asked::take_line(const std::string& line) {
  const auto begins = [&](const char* word) { return line.compare(0, std::strlen(word), word) == 0; };
  const std::string rest = line.substr(std::min(line.size(), line.find(' ') + 1));
  if (begins(kCase)) cases_.push_back(rest);
  else if (begins(kAnswer)) members_ = rest, told_ = answered_ = true;
  else if (begins(kFailed)) members_ = rest, told_ = true;
  else if (!line.empty()) notes_ += line + '\n';
}

bool Asked::read() {
  char bytes[65536];
  const ssize_t count = output_ < 0 ? 0 : ::read(output_, bytes, sizeof bytes);
  if (count > 0) pending_.append(bytes, static_cast<size_t>(count));
  for (size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
    take_line(pending_.substr(0, end));
    pending_.erase(0, end + 1);
  }
  return count > 0;
}

void Asked::stop() {
  stopped_ = true;
  if (pid_ > 0) (void)kill(pid_, SIGKILL);
  (void)fcntl(output_, F_SETFL, O_NONBLOCK);
  while (read()) {
  }
}

/// Waits for its end. @returns what it ended of
std::string Asked::ending(double patience) const {
  if (pid_ < 0) return std::string("no process for it: ") + std::strerror(errno);
  int status = 0;
  pid_t ended = 0;
  for (const double until = now() + patience; ended == 0 && now() < until; usleep(1000))
    ended = waitpid(pid_, &status, WNOHANG);
  if (stopped_) {
    char seconds[20];
    std::snprintf(seconds, sizeof seconds, "%.1f", seconds_);
    return std::string("no answer within ") + seconds + " s" + (ended ? "" : ", and it cannot be ended");
  }
  if (ended && WIFSIGNALED(status))
    return std::string("ended by signal ") + std::to_string(WTERMSIG(status)) + ", " + strsignal(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

Json Asked::finish(double patience) {
  const std::string why = ending(patience);
  notes_ += pending_;  // no end of a line: it is not to be taken for one
  if (output_ >= 0) (void)close(output_);
  Json json;
  json.text("name", question_->name).text("about", question_->about).text("changes", question_->changes);
  json.number("seconds", now() - started_);
  if (told_) json.members(members_);
  else json.text("failed", why);
  if (!cases_.empty()) json.list("cases", cases_);
  if (!notes_.empty()) json.text("notes", notes_.substr(notes_.size() - std::min(notes_.size(), kMostNotes)));
  return json;
}

void print(const Json& answer) {
  std::printf("%s\n", answer.str().c_str());
  std::fflush(stdout);
}

/// Whether `next` may be asked beside those at work.
bool fits(const std::vector<Asked>& asked, const Question& next, int at_once) {
  if (asked.empty()) return true;
  return !next.timed && !asked.front().question().timed && asked.size() < static_cast<size_t>(at_once);
}

/// Waits for output or a deadline. @returns those that have ended
std::vector<Asked> ended_of(std::vector<Asked>& asked) {
  double first = asked.front().deadline();
  std::vector<pollfd> files;
  for (const Asked& one : asked) {
    first = std::min(first, one.deadline());
    files.push_back({one.output(), POLLIN, 0});
  }
  (void)poll(files.data(), files.size(), static_cast<int>(std::max(0.0, first - now()) * 1000) + 1);
  std::vector<Asked> ended, going;
  for (size_t i = 0; i < asked.size(); ++i) {
    bool ends = asked[i].output() < 0 || (files[i].revents && !asked[i].read());
    if (!ends && now() >= asked[i].deadline()) asked[i].stop(), ends = true;
    (ends ? ended : going).push_back(std::move(asked[i]));
  }
  asked = std::move(going);
  return ended;
}

}  // namespace

void tell_case(const Json& one) {
  std::printf("\n%s%s\n", kCase, one.str().c_str());
  std::fflush(stdout);
}

int answer_here(const Question& question) {
  try {
    std::printf("\n%s%s\n", kAnswer, question.answer().members().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::printf("\n%s%s\n", kFailed, Json().text("failed", error.what()).members().c_str());
    return 1;
  }
}

int ask(const std::vector<Question>& questions, const Limits& limits) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  const double end = now() + limits.all;
  std::vector<Asked> asked;
  int answered = 0;
  for (size_t next = 0; (next < questions.size() && now() < end) || !asked.empty();) {
    if (next < questions.size() && now() < end && fits(asked, questions[next], limits.at_once)) {
      asked.emplace_back(questions[next++], std::min(limits.each, end - now()));
    } else {
      for (Asked& one : ended_of(asked)) {
        print(one.finish(std::clamp(end - now(), kLastPatience, kPatience)));
        answered += one.answered();
      }
    }
  }
  return answered;
}

}  // namespace stm::probe
