// An entry of a platform's section `foreign`, with what its plug-in knows of it.
#pragma once

#include <memory>
#include <utility>

#include "bridge/foreign_params.h"
#include "platforms/plugin.h"

namespace cowosim::platforms {

/// Values of the parameters that a plug-in's type describes. Each copy has its own.
class PluginValues {
 public:
  PluginValues() = default;
  explicit PluginValues(std::unique_ptr<plugin::Parameters> values) : values_(std::move(values)) {}
  PluginValues(const PluginValues& o) : values_(o.values_ ? o.values_->clone() : nullptr) {}
  PluginValues(PluginValues&&) = default;
  PluginValues& operator=(PluginValues o) {
    values_ = std::move(o.values_);
    return *this;
  }
  plugin::Parameters* get() const { return values_.get(); }

 private:
  std::unique_ptr<plugin::Parameters> values_;
};

/// What is in the file is read in two steps: `plugin` and `type` first, then (read_plugins) what that type describes.
struct ForeignEntry : bridge::ForeignParams {
  const plugin::Type* model = nullptr;  ///< of a plug-in, once it is loaded; else null
  PluginValues values;

  template <class Visitor>
  void visit(Visitor& v) {
    ForeignParams::visit(v);
    if (values.get() != nullptr) v.group(kParameters, *values.get(), kParametersDoc);
  }
  static constexpr const char* kParameters = "parameters";
  static constexpr const char* kParametersDoc =
      "the plug-in's own parameters: cowosim list parameters --plugin LIBRARY";
};

}  // namespace cowosim::platforms
