#include "core/parameter_visitor.h"

#include <fmt/format.h>

#include <limits>
#include <type_traits>

#include "core/units.h"

namespace cowosim {

std::string format_value(Unit unit, const ParameterVisitor::Reference& reference) {
  return std::visit(
      [unit](const auto* v) -> std::string {
        using T = std::decay_t<decltype(*v)>;
        if constexpr (std::is_same_v<T, bool>) {
          return *v ? "true" : "false";
        } else if constexpr (std::is_integral_v<T>) {
          return format_quantity(static_cast<std::int64_t>(*v), unit);
        } else if constexpr (std::is_same_v<T, double>) {
          return format_quantity(*v, unit);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return *v;
        } else {
          std::string out;
          for (const std::string& item : *v) out += (out.empty() ? "" : " ") + item;
          return out;
        }
      },
      reference);
}

const char* type_of(const ParameterVisitor::Field& field, const ParameterVisitor::Reference& reference) {
  if (field.choices != nullptr) return "choice";
  constexpr const char* kNames[] = {"integer", "integer", "number", "boolean", "string", "list"};
  return kNames[reference.index()];
}

std::string format_range(Unit unit, Range range, bool integer) {
  constexpr double kLargest = 9.2e18;  // of 64-bit integers, rounded down: whoever writes more means "no limit"
  const auto show = [&](double bound) {
    return integer ? format_quantity(static_cast<std::int64_t>(bound), unit) : format_quantity(bound, unit);
  };
  const double open = integer ? kLargest : std::numeric_limits<double>::max();
  const bool below = range.min > -open;
  const bool above = range.max < open;
  if (below && above) return fmt::format("{} to {}", show(range.min), show(range.max));
  if (below) return fmt::format("at least {}", show(range.min));
  if (above) return fmt::format("at most {}", show(range.max));
  return "any";
}

DescribingVisitor::DescribingVisitor(std::string prefix) : paths_{std::move(prefix)} {}

std::string DescribingVisitor::join(const std::string& name) const {
  return paths_.back().empty() ? name : paths_.back() + "." + name;
}

void DescribingVisitor::value(const Field& field, const Reference& reference) {
  ParameterInfo info;
  info.path = join(field.name);
  info.type = type_of(field, reference);
  info.unit = field.unit;
  info.range = field.range;
  if (field.choices != nullptr) info.choices = *field.choices;
  info.default_value = format_value(field.unit, reference);
  info.doc = field.doc;
  info.source = field.source;
  description_.parameters.push_back(std::move(info));
}

void DescribingVisitor::open(const std::string& name, SectionInfo::Kind kind, const std::string& doc) {
  const std::string path = join(name);
  const auto known = std::find_if(description_.sections.begin(), description_.sections.end(),
                                  [&](const SectionInfo& section) { return section.path == path; });
  if (known == description_.sections.end()) description_.sections.push_back({path, kind, doc});
  paths_.push_back(path);
}

void DescribingVisitor::begin_group(const std::string& name, const std::string& doc) {
  open(name, SectionInfo::Kind::group, doc);
}

std::vector<std::string> DescribingVisitor::begin_entries(const std::string& name, const std::vector<std::string>&,
                                                          const std::string& doc) {
  open(name, SectionInfo::Kind::entries, doc);
  return {"*"};
}

void DescribingVisitor::begin_entry(const std::string& name) { paths_.push_back(join(name)); }

std::size_t DescribingVisitor::begin_list(const std::string& name, std::size_t, bool& keep, const std::string& doc) {
  open(name, SectionInfo::Kind::list, doc);
  keep = false;
  return 1;
}

void DescribingVisitor::begin_item(std::size_t) { paths_.push_back(join("[]")); }

void DescribingVisitor::end() { paths_.pop_back(); }

}  // namespace cowosim
