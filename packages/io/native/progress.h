// How long work lets itself be stopped.
#pragma once

namespace luthier::io {

// Called between blocks of work; throws to stop it (Ctrl-C).
class Progress {
  public:
    virtual ~Progress() = default;
    virtual void poll() = 0;
};

}  // namespace luthier::io
