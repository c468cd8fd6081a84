// `cowosim check`: the DRAM commands of a trace against the protocol of a platform's HBM.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/time.h"
#include "hbm/checker/command_trace.h"
#include "hbm/checker/protocol_checker.h"
#include "platforms/command_line/options.h"
#include "platforms/configuration.h"

namespace cowosim::platforms::command_line {

namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

/// Malformed lines that are reported before reading is given up.
constexpr std::size_t kMaxErrors = 20;

/// All channels of a trace, and what was found in them.
class TraceCheck {
 public:
  TraceCheck(std::string file, const hbm::HbmParams& params, bool partial)
      : file_(std::move(file)), params_(params), partial_(partial) {}

  /// Throws ConfigError with every malformed line (the first kMaxErrors).
  void run() {
    hbm::CommandTrace trace(file_, params_.stacks, params_.channels);
    std::vector<Diagnostic> errors;
    for (hbm::TracedCommand command; errors.size() < kMaxErrors;) {
      try {
        if (!trace.next(command)) break;
      } catch (const ConfigError& error) {
        errors.insert(errors.end(), error.diagnostics().begin(), error.diagnostics().end());
        continue;
      }
      if (errors.empty()) feed(command);
    }
    if (!errors.empty()) throw ConfigError(std::move(errors));
    for (std::size_t i = 0; i < checkers_.size(); ++i) {
      if (!checkers_[i]) continue;
      checkers_[i]->finish(end_);
      take(i, 0);
    }
  }

  struct Found {
    int line;  ///< 0: at the end of the trace
    hbm::Violation violation;
  };
  /// The first ProtocolChecker::kKept of them.
  const std::vector<Found>& found() const { return found_; }
  std::uint64_t violations() const {
    return sum([](const auto& checker) { return checker.violation_count(); });
  }
  std::uint64_t commands() const {
    return sum([](const auto& checker) { return checker.commands(); });
  }
  std::uint64_t channels() const {
    return sum([](const auto&) { return std::uint64_t{1}; });
  }

 private:
  void feed(const hbm::TracedCommand& command) {
    const auto index = static_cast<std::size_t>(command.stack * params_.channels + command.channel);
    if (index >= checkers_.size()) checkers_.resize(index + 1), taken_.resize(index + 1);
    if (first_ < 0) first_ = command.record.time;
    std::unique_ptr<hbm::ProtocolChecker>& checker = checkers_[index];
    if (!checker) {
      checker = std::make_unique<hbm::ProtocolChecker>(
          params_, fmt::format("hbm_stack_{}.channel_{}", command.stack, command.channel));
      if (partial_) checker->begin_at(first_);
    }
    checker->check(command.record);
    end_ = std::max(end_, command.record.time);
    take(index, command.line);
  }

  /// What this checker has found since it was last asked.
  void take(std::size_t index, int line) {
    const std::vector<hbm::Violation>& all = checkers_[index]->violations();
    for (std::size_t& next = taken_[index]; next < all.size(); ++next)
      if (found_.size() < hbm::ProtocolChecker::kKept) found_.push_back({line, all[next]});
  }

  template <class Count>
  std::uint64_t sum(Count count) const {
    std::uint64_t total = 0;
    for (const auto& checker : checkers_) total += checker ? count(*checker) : 0;
    return total;
  }

  std::string file_;
  const hbm::HbmParams& params_;
  bool partial_;
  std::vector<std::unique_ptr<hbm::ProtocolChecker>>
      checkers_;                    // by stack x channels + channel; nullptr: no command yet
  std::vector<std::size_t> taken_;  // violations of each that are in found_
  std::vector<Found> found_;
  Time first_ = -1;
  Time end_ = 0;
};

Json to_json(const TraceCheck::Found& found) {
  const hbm::Violation& v = found.violation;
  Json json;
  json["line"] = found.line;
  json["time_ns"] = to_ns(v.command.time);
  json["command"] = hbm::name_of(v.command.command);
  json["rule"] = v.rule;
  if (v.has_earlier) {
    json["earlier"] = {{"time_ns", to_ns(v.earlier.time)}, {"command", hbm::name_of(v.earlier.command)}};
    json["needed_ns"] = to_ns(v.needed);
    json["actual_ns"] = to_ns(v.actual);
  }
  json["message"] = v.text;
  return json;
}

}  // namespace

int check(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()  //
      ("platform", po::value<std::string>()->value_name("P"),
       "whose HBM the commands are for: generation, data rate, organisation");
  add_configuration_options(visible);
  visible.add_options()                                                                               //
      ("partial", "the trace begins in the middle of a run: which rows were open then is not known")  //
      ("json", "print the result as JSON");
  Options hidden;
  hidden.add_options()("trace", po::value<std::string>());
  Positions positions;
  positions.add("trace", 1);
  const std::string synopsis = "check TRACE --platform P [OPTIONS]";
  Variables variables;
  if (!parse(arguments, synopsis, visible, hidden, positions, variables)) return kDone;
  if (variables.count("trace") == 0) throw UsageError("which trace? (usage: cowosim " + synopsis + ")");
  if (variables.count("platform") == 0)
    throw UsageError("which platform are the commands for? (usage: cowosim " + synopsis + ")");

  RunOptions options = configuration_from(variables, variables["platform"].as<std::string>());
  options.without_traffic = true;
  const Configuration configuration = configure(options);
  const std::string file = variables["trace"].as<std::string>();
  const bool partial = variables.count("partial") > 0;
  TraceCheck trace(file, configuration.platform.hbm, partial);
  trace.run();

  const std::uint64_t violations = trace.violations();
  Json list = Json::array();
  bool of_closed = false;
  for (const TraceCheck::Found& found : trace.found()) {
    fmt::print(stderr, "{}\n", to_string(Diagnostic{file, found.line, 0, "", found.violation.text}));
    list.push_back(to_json(found));
    of_closed = of_closed || found.violation.rule.find("of a closed bank") != std::string::npos;
  }
  if (of_closed && !partial)
    fmt::print(stderr, "{}: a trace that begins in the middle of a run is checked with --partial\n", file);
  if (variables.count("json") > 0) {
    fmt::print("{}\n", Json({{"trace", file},
                             {"platform", configuration.platform_name},
                             {"commands", trace.commands()},
                             {"channels", trace.channels()},
                             {"violations", violations},
                             {"first", list}})
                           .dump(2));
  } else {
    const std::string result =
        violations == 0 ? "no violation"
        : violations > trace.found().size()
            ? fmt::format("{} violations, the first {} are named", violations, trace.found().size())
            : fmt::format("{} violation{}", violations, violations == 1 ? "" : "s");
    fmt::print("{} commands, {} channel{}, {}\n", trace.commands(), trace.channels(), trace.channels() == 1 ? "" : "s",
               result);
  }
  return violations == 0 ? kDone : kInvariantBroken;
}

}  // namespace cowosim::platforms::command_line
