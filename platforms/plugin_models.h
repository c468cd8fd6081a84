// The models that plug-ins bring, in their places in a package.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platforms/config/value.h"
#include "platforms/foreign_entry.h"

namespace cowosim::platforms {

/// Where sockets for foreign models come from: the package, whose templates take the width as a constant.
class ForeignSockets {
 public:
  virtual ~ForeignSockets() = default;
  /// Makes socket `i` of an entry. Throws std::invalid_argument when there are none of that width.
  virtual plugin::Ports::Target target(const std::string& foreign, int i, unsigned width) = 0;
  virtual plugin::Ports::Initiator initiator(const std::string& foreign, int i, unsigned width) = 0;
};

/// P has `template <unsigned W> S& target_socket(const std::string& foreign, int i)`, S being a base-protocol target
/// socket W bits wide that is bound to what answers, and `initiator_socket` likewise.
template <class P>
class ForeignSocketsOf final : public ForeignSockets {
 public:
  explicit ForeignSocketsOf(P& package) : package_(package) {}

  plugin::Ports::Target target(const std::string& foreign, int i, unsigned width) override {
    plugin::Ports::Target end{};
    with_width(width, Widths(), [&](auto constant) {
      auto& socket = package_.template target_socket<constant.value>(foreign, i);
      end = {&socket.get_base_interface(), &socket.get_base_port()};
    });
    return end;
  }
  plugin::Ports::Initiator initiator(const std::string& foreign, int i, unsigned width) override {
    plugin::Ports::Initiator end{};
    with_width(width, Widths(), [&](auto constant) {
      auto& socket = package_.template initiator_socket<constant.value>(foreign, i);
      end = {&socket.get_base_port(), &socket.get_base_interface()};
    });
    return end;
  }

 private:
  using Widths = std::integer_sequence<unsigned, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096>;

  template <unsigned... W, class Make>
  static void with_width(unsigned width, std::integer_sequence<unsigned, W...>, const Make& make) {
    const bool made = ((width == W && (make(std::integral_constant<unsigned, W>()), true)) || ...);
    if (!made) throw std::invalid_argument("sockets are 8, 16, 32 ... 4096 bits wide, not " + std::to_string(width));
  }

  P& package_;
};

/// What models may ask of the run; `foreign` is the index of the entry.
struct ForeignServices {
  std::uint64_t seed = 0;                                          ///< the run's
  std::function<void(int foreign)> finish;                         ///< called once at most, for initiators
  std::function<void(int foreign, const std::string& what)> fail;  ///< the first time only
};

/// A model and what it has been given; goes away before the entries do.
class PluginModel {
 public:
  virtual ~PluginModel() = default;
};

/// Makes the models of all entries that have one (ForeignEntry::model) and binds them. To be called while the package's
/// constructor runs, so that the modules are its children, once `sockets` can be asked. Throws ConfigError, at
/// positions of `resolved`, when a model's constructor or bind throws or leaves a socket unbound. `entries` must
/// outlive the models.
std::vector<std::unique_ptr<PluginModel>> create_plugins(std::vector<ForeignEntry>& entries, ForeignSockets& sockets,
                                                         const ForeignServices& services,
                                                         const config::Value& resolved);

}  // namespace cowosim::platforms
