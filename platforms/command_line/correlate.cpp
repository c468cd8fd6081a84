// `cowosim correlate`: our simulation against per-request measurements of RTL, silicon or another simulator.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "core/parameter_visitor.h"
#include "core/units.h"
#include "platforms/command_line/options.h"
#include "platforms/command_line/simulate.h"
#include "platforms/config/reader.h"
#include "platforms/config/yaml.h"
#include "platforms/configuration.h"
#include "telemetry/correlation.h"
#include "telemetry/text.h"
#include "traffic/trace_reader.h"

namespace cowosim::platforms::command_line {

namespace {

namespace po = boost::program_options;
using telemetry::kNotMeasured;
using telemetry::MeasuredRequest;
using telemetry::SimulatedRequest;

telemetry::MeasurementMap read_map(const std::string& file) {
  Diagnostics diagnostics;
  const config::Value tree = config::read_yaml(file, diagnostics);
  diagnostics.throw_if_any();
  config::Overrides none;
  config::Reader reader(tree, "", none, diagnostics);
  telemetry::MeasurementMap map;
  map.visit(static_cast<ParameterVisitor&>(reader));
  if (diagnostics.empty())
    for (const ParameterProblem& problem : map.problems()) reader.error(problem.parameter, problem.message);
  reader.finish();
  diagnostics.throw_if_any();
  return map;
}

/// What a map may say, for --help.
void print_map_keys() {
  fmt::print("\nkeys of a map (default):\n");
  for (const ParameterInfo& p : describe(telemetry::MeasurementMap()))
    fmt::print("  {:<26} {}{}\n", p.path, p.doc, p.default_value.empty() ? "" : fmt::format(" ({})", p.default_value));
}

double percent(const std::string& text) {
  std::string number = text;
  if (!number.empty() && number.back() == '%') number.pop_back();
  std::string error;
  const auto value = parse_number(number, Unit::none, error);
  if (!value || *value < 0) throw UsageError("--tolerance: '" + text + "' is not a share such as 5%");
  return *value / 100;
}

/// A request of ours, from its issue to what became of it.
struct Replayed {
  traffic::Request request;
  SimulatedRequest simulated;
};

/// Whether our latencies do: requests without a time of issue have no other beginning.
bool counts_from_acceptance(const telemetry::MeasurementMap& how) {
  return how.from_acceptance() || how.replay.issue != "at_time";
}

/// Into the order in which requests are issued: by time; where that is the same or none, by acceptance, then by number, then
/// by line. Monitors often write a request when it is answered.
void sort_by_issue(std::vector<MeasuredRequest>& reference) {
  std::vector<std::uint64_t> numbers(reference.size());
  bool numbered = true;
  for (std::size_t i = 0; numbered && i < reference.size(); ++i) {
    try {
      numbers[i] = telemetry::parse_unsigned(reference[i].id);
    } catch (const std::invalid_argument&) {
      numbered = false;
    }
  }
  if (!numbered) std::fill(numbers.begin(), numbers.end(), 0);
  std::vector<std::size_t> order(reference.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const MeasuredRequest& x = reference[a];
    const MeasuredRequest& y = reference[b];
    return std::tie(x.issue, x.accepted, numbers[a]) < std::tie(y.issue, y.accepted, numbers[b]);
  });
  std::vector<MeasuredRequest> sorted;
  sorted.reserve(reference.size());
  for (const std::size_t i : order) sorted.push_back(std::move(reference[i]));
  reference = std::move(sorted);
}

/// The requests of the reference.
std::vector<Replayed> replay_of(const std::vector<MeasuredRequest>& reference, const telemetry::MeasurementMap& how) {
  const bool at_time = how.replay.issue == "at_time";
  std::vector<Replayed> result;
  for (const MeasuredRequest& from : reference) {
    Replayed one;
    one.request.time = at_time ? from.issue : traffic::kAsSoonAsPossible;
    one.request.address = from.address;
    one.request.bytes = from.bytes;
    one.request.op = from.op;
    one.simulated.id = from.id;
    one.simulated.master = from.master;
    result.push_back(std::move(one));
  }
  return result;
}

/// The requests of a trace, which need not be those of the reference. `timed`: latencies count from their times.
std::vector<Replayed> stimulus_of(const std::string& file, std::uint64_t capacity, bool timed) {
  const auto open = [&] { return traffic::TraceReader({file, capacity, 0, ""}); };
  open().validate_all();
  traffic::TraceReader reader = open();
  std::vector<Replayed> result;
  for (Replayed one; reader.next(one.request);) {
    if (timed && (one.request.time == traffic::kAsSoonAsPossible || one.request.depends_on != traffic::kNoId))
      throw ConfigError(Diagnostic{file, reader.line(), 1, "",
                                   "it is open when this request is made, and latencies count from there; give each a "
                                   "time and no dependency, or let replay.latency of the map be accepted"});
    one.simulated.id = one.request.id == traffic::kNoId ? "" : std::to_string(one.request.id);
    one.simulated.master = reader.streams()[one.request.stream];
    result.push_back(one);
  }
  return result;
}

/// A source for each master: its requests, by their place in the whole list.
struct Master {
  std::string name;  ///< of the stream
  std::vector<std::size_t> members;
};

std::vector<Master> masters_of(const std::vector<Replayed>& requests) {
  std::map<std::string, std::size_t> known;
  std::vector<Master> masters;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto [found, fresh] = known.emplace(requests[i].simulated.master, masters.size());
    if (fresh) masters.push_back({});
    masters[found->second].members.push_back(i);
  }
  if (masters.size() == 1 || masters.size() > kMaxStreams) {  // too many to tell apart: one stream
    Master all{"reference", std::vector<std::size_t>(requests.size())};
    std::iota(all.members.begin(), all.members.end(), std::size_t{0});
    return {all};
  }
  for (const auto& [name, index] : known) {
    std::string clean;
    for (const char c : name)
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 && clean.size() < 48) clean += c;
    masters[index].name = fmt::format("master_{}{}{}", index, clean.empty() ? "" : "_", clean);
  }
  return masters;
}

/// As `run` takes it, so that our side can be repeated.
std::string trace_text(const std::vector<Replayed>& requests, const Master& master) {
  std::string text = "time_ns,op,address,bytes\n";
  for (const std::size_t i : master.members) {
    const traffic::Request& r = requests[i].request;
    text += fmt::format("{},{},{:#x},{}\n", r.time == traffic::kAsSoonAsPossible ? "" : telemetry::exact_ns(r.time),
                        r.op == Op::write ? 'W' : 'R', r.address, r.bytes);
  }
  return text;
}

/// Transactions that a source makes of a request.
std::uint64_t pieces_of(const traffic::Request& request, std::uint64_t granule) {
  const std::uint64_t atom = kAtomBytes;
  const std::uint64_t first = request.address / atom * atom;
  const std::uint64_t end = (request.address + request.bytes + atom - 1) / atom * atom;
  return (end - 1) / granule - first / granule + 1;
}

/// What became of the requests: their times and what they met in the DRAM.
void observe(const Package& package, const std::vector<Master>& masters, bool direct, std::uint64_t granule,
             const telemetry::DramTimes& times, const telemetry::MeasurementMap& how, std::vector<Replayed>& requests) {
  const telemetry::DramLives lives = telemetry::dram_lives(package.commands(), package.accesses(), times);
  struct Retired {
    Time time;
    std::uint64_t identity;
  };
  std::unordered_map<std::string, std::unordered_map<std::uint64_t, Retired>> retired;  // by source and number
  for (const auto& master : masters) retired[direct && masters.size() == 1 ? "source" : "source_" + master.name];
  for (const telemetry::TransactionRecord& t : package.transactions()) {
    const auto source = retired.find(t.component);
    if (source != retired.end()) source->second[t.number] = {t.time, t.identity};
  }
  const bool accepted = counts_from_acceptance(how);
  const bool closed_by_command = how.done.write == "command";
  const bool posted = how.done.write == "acceptance";
  for (const Master& master : masters) {
    const auto& numbers = retired.at(direct && masters.size() == 1 ? "source" : "source_" + master.name);
    std::uint64_t number = 0;
    for (const std::size_t i : master.members) {
      const traffic::Request& request = requests[i].request;
      SimulatedRequest& simulated = requests[i].simulated;
      simulated.address = request.address;
      simulated.bytes = request.bytes;
      simulated.op = request.op;
      const bool write = request.op == Op::write;
      bool complete = true;
      Time done = kNotMeasured, latest = kNotMeasured;
      for (std::uint64_t n = pieces_of(request, granule); n-- > 0; ++number) {
        const auto found = numbers.find(number);
        if (found == numbers.end()) {
          complete = false;
          continue;
        }
        const auto life = lives.find(found->second.identity);
        Time end = found->second.time;
        if (life != lives.end()) {
          const telemetry::DramLife& dram = life->second;
          if (write && posted) end = dram.accepted;
          if (write && closed_by_command && dram.column != kNotMeasured) end = dram.column;
          const Time first = simulated.dram.accepted;
          if (end >= latest) simulated.dram = dram, latest = end;
          if (first != kNotMeasured) simulated.dram.accepted = std::min(first, dram.accepted);
        }
        done = std::max(done, end);
      }
      if (complete) simulated.done = done + (write ? how.done.write_delay : how.done.read_delay);
      simulated.begin = accepted ? simulated.dram.accepted : request.time;
    }
  }
}

}  // namespace

int correlate(const Arguments& arguments) {
  Options visible("options");
  visible.add_options()  //
      ("map", po::value<std::string>()->value_name("MAP.yaml"),
       "how to read the reference: columns, clock, address offset (doc/guide/correlate.md)");
  add_configuration_options(visible);
  visible.add_options()  //
      ("stimulus", po::value<std::string>()->value_name("TRACE"),
       "simulate the requests of this trace instead of those of the reference")  //
      ("tolerance", po::value<std::string>()->value_name("X%"),
       "fail (exit code 6) when the mean error exceeds this share of the reference's mean latency")  //
      ("out,o", po::value<std::string>()->value_name("DIR"),
       "directory of the result (default runs/<platform>-correlate-<reference>-<hash8>)")  //
      ("force", "overwrite a directory that holds a run")                                  //
      ("json", "print the result as JSON")                                                 //
      ("quiet", "print only the directory");
  Options hidden;
  hidden.add_options()("platform", po::value<std::string>())("reference", po::value<std::string>());
  Positions positions;
  positions.add("platform", 1).add("reference", 1);
  const std::string synopsis = "correlate PLATFORM REFERENCE.csv --map MAP.yaml [OPTIONS]";
  Variables variables;
  if (!parse(arguments, synopsis, visible, hidden, positions, variables)) {
    print_map_keys();
    return kDone;
  }
  for (const auto& [option, what] :
       {std::pair("platform", "which platform?"), std::pair("reference", "which reference?"),
        std::pair("map", "which map? --map says how to read the reference")})
    if (variables.count(option) == 0) throw UsageError(fmt::format("{} (usage: cowosim {})", what, synopsis));
  const std::string map_file = variables["map"].as<std::string>();
  const std::string file = variables["reference"].as<std::string>();
  const double tolerance = variables.count("tolerance") > 0 ? percent(variables["tolerance"].as<std::string>()) : -1;

  const telemetry::MeasurementMap how = read_map(map_file);
  RunOptions options = configuration_from(variables, variables["platform"].as<std::string>());
  std::vector<std::string> of_platform;  // settings of the workload come later, with the workload
  std::vector<std::string> of_workload;
  for (const std::string& setting : options.settings)
    (setting.rfind("workload", 0) == 0 ? of_workload : of_platform).push_back(setting);
  options.settings = of_platform;
  options.without_traffic = true;
  const Configuration configuration = configure(options);
  if (configuration.platform.fabric.present())
    throw UsageError("'" + options.platform + "' is a fabric alone, without memory: there is nothing to compare");
  const hbm::HbmParams& hbm = configuration.platform.hbm;
  const MemoryMap memory = hbm::make_memory_map(hbm);
  const hbm::Timing timing = hbm::timing_of(hbm);

  telemetry::Measurements measured = telemetry::read_measurements(file, how, memory);
  sort_by_issue(measured.requests);
  std::vector<Replayed> requests =
      variables.count("stimulus") > 0
          ? stimulus_of(variables["stimulus"].as<std::string>(), memory.capacity(), !counts_from_acceptance(how))
          : replay_of(measured.requests, how);
  const std::vector<Master> masters = masters_of(requests);

  // The trace of each source lies in the directory: its config.yaml repeats our side.
  options.without_traffic = false;
  options.settings.insert(options.settings.end(), of_workload.begin(), of_workload.end());
  options.trace_transactions.on = options.trace_commands.on = options.trace_accesses = true;
  std::vector<Package::File> files;
  const auto trace_name = [&](const Master& m) {
    return masters.size() == 1 ? std::string("trace.csv") : "trace_" + m.name + ".csv";
  };
  for (const Master& master : masters) {
    auto list = std::make_shared<std::vector<traffic::Request>>();
    for (const std::size_t i : master.members) list->push_back(requests[i].request);
    options.workloads.push_back({master.name, "trace", list});
    if (how.replay.max_outstanding > 0)
      options.settings.push_back(
          fmt::format("workloads.{}.max_outstanding={}", master.name, how.replay.max_outstanding));
    files.push_back({trace_name(master), trace_text(requests, master)});
  }
  std::string directory = variables.count("out") > 0 ? variables["out"].as<std::string>() : "";
  if (directory.empty()) {
    std::string stem = std::filesystem::path(file).filename().string();
    stem = stem.substr(0, stem.find('.'));
    std::string platform = options.platform;
    std::replace(platform.begin(), platform.end(), '/', '_');
    directory = fmt::format("runs/{}-correlate-{}-{}", platform, stem, configuration.hash8());
  }
  for (const Master& master : masters)
    options.settings.push_back(fmt::format("workloads.{}.file={}", master.name,
                                           (std::filesystem::absolute(directory) / trace_name(master)).string()));
  const bool force = variables.count("force") > 0;
  Package::require_writable(directory, force);

  Package package("package_0", options);
  simulate({&package});
  package.rethrow();
  if (package.status() != engine::Status::completed) {
    fmt::print(stderr, "cowosim correlate: error: our run did not end: {}\n", package.reason());
    for (const engine::Wait& wait : package.waits())
      fmt::print(stderr, "  {} waits for {}: {}\n", wait.waiter, wait.waits_for, wait.reason);
    return exit_code(package.status());
  }
  if (const std::vector<std::string> violations = package.violations(); !violations.empty()) {
    fmt::print(stderr, "cowosim correlate: error: an invariant is broken\n");
    for (const std::string& violation : violations) fmt::print(stderr, "  broken: {}\n", violation);
    return kInvariantBroken;
  }

  observe(package, masters, configuration.platform.dies.empty(), static_cast<std::uint64_t>(hbm.interleave_granule),
          {timing.tck(), timing.edge(timing.refresh_to_activate), timing.edge(timing.refresh_bank_to_activate)}, how,
          requests);
  std::vector<SimulatedRequest> ours;
  for (Replayed& request : requests) ours.push_back(std::move(request.simulated));
  telemetry::CorrelationOptions compare;
  compare.clock = timing.tck();
  compare.resolution = how.resolution();
  compare.divergence = how.divergence;
  const telemetry::Correlation correlation =
      telemetry::correlate(ours, measured.requests, how.from_acceptance(), compare);
  const bool failed = tolerance >= 0 && (correlation.pairs.empty() || std::abs(correlation.all.relative()) > tolerance);

  const telemetry::CorrelationTitle title{options.platform, file, map_file};
  telemetry::Results results = package.results();
  results.run.command_line = command_line;
  results.run.exit_code = failed ? kDifferent : kDone;
  files.push_back({"correlate.json", telemetry::correlation_json(correlation, title)});
  files.push_back({"requests.csv", telemetry::correlation_csv(correlation, ours, measured.requests)});
  files.push_back({"correlate.html", telemetry::correlation_html(correlation, title)});
  const std::string written = package.write(directory, results, force, true, files);
  if (failed)
    fmt::print(stderr, "cowosim correlate: error: {}\n",
               correlation.pairs.empty()
                   ? std::string("no request could be compared")
                   : fmt::format("the mean error is {:+.2f} % of the reference's mean latency, the tolerance {} %",
                                 100 * correlation.all.relative(), 100 * tolerance));
  if (variables.count("json") > 0) {
    fmt::print("{}", telemetry::correlation_json(correlation, title));
  } else {
    if (variables.count("quiet") == 0) fmt::print("{}", telemetry::correlation_text(correlation, title));
    fmt::print("{}\n", written);
  }
  return failed ? kDifferent : kDone;
}

}  // namespace cowosim::platforms::command_line
