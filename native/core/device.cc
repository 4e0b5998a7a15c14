#include "core/device.h"

#include "core/dry_run.h"
#include "core/recording.h"
#include "core/session.h"

namespace stm {

void Device::push(std::unique_ptr<Command> command) {
  const Session& session = Session::current();
  if (Recording* recording = session.recording()) recording->append(*this, std::move(command));
  else if (session.dry_run) session.dry_run->hold(*this, std::move(command));
  else executor.push(std::move(command), session.still_wanted);
}

}  // namespace stm
