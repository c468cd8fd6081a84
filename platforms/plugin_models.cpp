#include "platforms/plugin_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "core/random.h"
#include "platforms/config/reader.h"

namespace cowosim::platforms {

namespace {

/// Host and sockets of one model.
class Place final : public PluginModel, public plugin::Host, public plugin::Ports {
 public:
  Place(ForeignEntry& entry, int index, ForeignSockets& sockets, const ForeignServices& services)
      : entry_(entry), index_(index), sockets_(sockets), services_(services), bound_(entry.sockets, false) {}

  void fill() {
    model_ = entry_.model->create(entry_.name.c_str(), *entry_.values.get(), *this);
    model_->bind(*this);
    const auto left = std::find(bound_.begin(), bound_.end(), false);
    if (left == bound_.end()) return;
    throw std::runtime_error(fmt::format("it does not bind socket {} of {} (sockets: {})", left - bound_.begin(),
                                         entry_.sockets, entry_.sockets));
  }

  // plugin::Host
  const char* name() const override { return entry_.name.c_str(); }
  std::uint64_t seed() const override {
    std::uint64_t seed = services_.seed;
    for (const unsigned char c : entry_.name) seed = mix(seed, c);
    return seed;
  }
  void finish() override {
    if (finished_ || !entry_.initiates()) return;
    finished_ = true;
    services_.finish(index_);
  }
  void fail(const std::string& message) override {
    if (failed_) return;
    failed_ = true;
    services_.fail(index_, message);
  }

  // plugin::Ports
  int count() const override { return entry_.sockets; }

 protected:
  Target target(int i, unsigned width) override {
    take(i, true);
    return sockets_.target(entry_.name, i, width);
  }
  Initiator initiator(int i, unsigned width) override {
    take(i, false);
    return sockets_.initiator(entry_.name, i, width);
  }

 private:
  void take(int i, bool initiates) {
    if (initiates != entry_.initiates())
      throw std::invalid_argument(fmt::format("it binds a socket of {}, but is {}",
                                              initiates ? "an initiator" : "a target",
                                              initiates ? "a target" : "an initiator"));
    if (i < 0 || i >= entry_.sockets)
      throw std::invalid_argument(
          fmt::format("it binds socket {}, but there are only {} (sockets: {})", i, entry_.sockets, entry_.sockets));
    if (bound_[static_cast<std::size_t>(i)]) throw std::invalid_argument(fmt::format("it binds socket {} twice", i));
    bound_[static_cast<std::size_t>(i)] = true;
  }

  ForeignEntry& entry_;
  int index_;
  ForeignSockets& sockets_;
  ForeignServices services_;
  std::vector<bool> bound_;
  bool finished_ = false;
  bool failed_ = false;
  std::unique_ptr<plugin::Model> model_;  // last: it may use all of the above until it is gone
};

}  // namespace

std::vector<std::unique_ptr<PluginModel>> create_plugins(std::vector<ForeignEntry>& entries, ForeignSockets& sockets,
                                                         const ForeignServices& services,
                                                         const config::Value& resolved) {
  std::vector<std::unique_ptr<PluginModel>> models;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ForeignEntry& entry = entries[i];
    if (entry.model == nullptr) continue;
    auto place = std::make_unique<Place>(entry, static_cast<int>(i), sockets, services);
    try {
      place->fill();
    } catch (const ConfigError&) {
      throw;  // the package's own, with its position
    } catch (const std::exception& error) {
      const std::string path = "foreign." + entry.name + ".type";
      const Origin at = config::origin_of(resolved, path);
      throw ConfigError(Diagnostic{at.file, at.line, at.column, path, fmt::format("{}: {}", entry.type, error.what())});
    }
    models.push_back(std::move(place));
  }
  return models;
}

}  // namespace cowosim::platforms
