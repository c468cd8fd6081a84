#include "hbm/organisation.h"

#include <algorithm>

namespace cowosim::hbm {

std::vector<Organisation> organisations(const Generation& g) {
  std::vector<Organisation> all;
  const std::int64_t row_bytes = std::int64_t{g.columns} * 32 * g.channels * g.pseudo_channels * g.banks_of_sid();
  for (const int height : g.heights) {
    for (const int gigabits : g.die_gigabits) {
      const std::int64_t sid_bytes = (std::int64_t{gigabits} << 30) / 8 * kDiesPerSid;
      const int sids = height / kDiesPerSid;
      all.push_back({std::to_string(height) + "hi_" + std::to_string(gigabits) + "gb", sids,
                     static_cast<int>(sid_bytes / row_bytes), sid_bytes * sids});
    }
  }
  return all;
}

std::optional<Organisation> find_organisation(const Generation& generation, const std::string& name) {
  for (const Organisation& o : organisations(generation))
    if (o.name == name) return o;
  return std::nullopt;
}

std::vector<std::string> organisation_names(const Generation& generation) {
  std::vector<std::string> names;
  for (const Organisation& o : organisations(generation)) names.push_back(o.name);
  return names;
}

std::vector<std::string> organisation_names() {
  std::vector<std::string> names = {kCustom};
  for (const Generation& g : generations())
    for (const std::string& name : organisation_names(g))
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

}  // namespace cowosim::hbm
