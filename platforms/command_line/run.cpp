// `cowosim run`: simulate, write the run's directory, say what came out.
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iterator>

#include "core/units.h"
#include "platforms/command_line/kpi.h"
#include "platforms/command_line/options.h"
#include "platforms/version_info.h"
#include "telemetry/results_reader.h"
#include "telemetry/summary.h"
#include "telemetry/writers.h"

namespace cowosim::platforms::command_line {

namespace {

namespace po = boost::program_options;

Package* interruptible = nullptr;

void on_signal(int) {
  if (interruptible != nullptr) interruptible->interrupt();
}

/// While it lives, Ctrl-C and its kin end the run at the next window instead of the process.
class SignalGuard {
 public:
  explicit SignalGuard(Package& package) {
    interruptible = &package;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second Ctrl-C is final
    for (const int signal : kSignals) sigaction(signal, &action, nullptr);
  }
  ~SignalGuard() {
    for (const int signal : kSignals) std::signal(signal, SIG_DFL);
    interruptible = nullptr;
  }

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1};
};

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string iso_time() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

/// Plug-ins may have clocks, which would go on for ever.
class Stopper : public sc_core::sc_module {
 public:
  Stopper(const sc_core::sc_module_name& name, const Package& package) : sc_module(name), package_(package) {
    SC_HAS_PROCESS(Stopper);
    SC_THREAD(wait_for_end);
  }

 private:
  void wait_for_end() {
    wait(package_.ended());
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO,
                                            sc_core::SC_DO_NOTHING);  // "stopped by user"
    sc_core::sc_stop();
  }
  const Package& package_;
};

/// In steps: foreign models may let time pass without the package, and its limits hold all the same.
void simulate(Package& package) {
  const sc_core::sc_time step(10, sc_core::SC_US);
  do {
    sc_core::sc_start(std::max(step, sc_core::sc_time_to_pending_activity()));
    package.check_limits();
  } while (sc_core::sc_get_status() == sc_core::SC_PAUSED && sc_core::sc_pending_activity());
}

/// Progress on stderr: a live line on a terminal, a line a minute elsewhere.
class ProgressLine {
 public:
  ProgressLine(const Package& package, bool quiet)
      : package_(package), quiet_(quiet), live_(isatty(STDERR_FILENO) != 0) {}
  void show() {
    const double now = wall_seconds();
    if (quiet_ || (!live_ && now - last_ < 60.0)) return;
    last_ = now;
    const Package::Progress progress = package_.progress();
    const double elapsed = now - start_;
    std::string line = fmt::format("{:.3f} us simulated, {:.0f} transactions/s", to_ns(progress.now) / 1000.0,
                                   static_cast<double>(progress.transactions) / elapsed);
    if (progress.fraction > 0) {
      line = fmt::format("{:3.0f} %, {}, ETA {:.0f} s", 100 * progress.fraction, line,
                         elapsed * (1 - progress.fraction) / progress.fraction);
    }
    fmt::print(stderr, live_ ? "\r\033[K{}" : "{}\n", line);
    std::fflush(stderr);
    shown_ = true;
  }
  ~ProgressLine() {
    if (shown_ && live_) fmt::print(stderr, "\r\033[K");
  }

 private:
  const Package& package_;
  double start_ = wall_seconds();
  double last_ = start_;
  bool quiet_;
  bool live_;
  bool shown_ = false;
};

int exit_code(engine::Status status) {
  switch (status) {
    case engine::Status::completed:
    case engine::Status::time_limit:
      return kDone;
    case engine::Status::wall_limit:
      return kWallLimit;
    case engine::Status::interrupted:
      return kInterrupted;
    case engine::Status::deadlock:
    case engine::Status::no_progress:
      return kStuck;
    case engine::Status::broken:
      return kInvariantBroken;
    case engine::Status::running:
      break;
  }
  return kInternalError;
}

/// "KIND[,FROM,TO]"
void add_trace(const std::string& text, RunOptions& options) {
  const auto first = text.find(',');
  const auto second = first == std::string::npos ? first : text.find(',', first + 1);
  const std::string kind = text.substr(0, first);
  RunOptions::Trace trace;
  trace.on = true;
  if (first != std::string::npos) {
    if (second == std::string::npos)
      throw UsageError("--trace: '" + text + "' is not KIND or KIND,FROM,TO (transactions,1us,2us)");
    const std::string from = text.substr(first + 1, second - first - 1);
    trace.from = from == "0" ? 0 : quantity("trace", from, Unit::time);
    trace.to = quantity("trace", text.substr(second + 1), Unit::time);
  }
  if (kind == "transactions") {
    options.trace_transactions = trace;
  } else if (kind == "commands") {
    options.trace_commands = trace;
  } else {
    throw UsageError("--trace: '" + kind + "' is not a kind of trace; there are commands and transactions");
  }
}

}  // namespace

int run(const Arguments& arguments) {
  Options visible("options");
  add_configuration_options(visible);
  const auto text = [] { return po::value<std::string>()->value_name("TIME"); };
  visible.add_options()  //
      ("workload,w", po::value<std::vector<std::string>>()->composing()->value_name("NAME=WORKLOAD"),
       "run this workload as stream NAME (repeatable)")  //
      ("out,o", po::value<std::string>()->value_name("DIR"),
       "directory of the run (default runs/<platform>-<workload>-<hash8>)")                             //
      ("seed", po::value<std::string>()->value_name("N"), "seed of every random stream (default 1)")    //
      ("until", text(), "simulated time limit; reaching it is success")                                 //
      ("wall-limit", text(), "limit on host time (exit code 5)")                                        //
      ("stall-limit", text(), "simulated time without any movement that ends the run (exit code 4)")    //
      ("threads", po::value<int>()->default_value(1), "worker threads; results do not depend on them")  //
      ("window", text(), "window, at most the platform's W; results do not depend on it")               //
      ("stats-interval", text(), "write every statistic each TIME to series.csv")                       //
      ("epoch", text(), "length of an epoch in hashes.csv (default 10us)")                              //
      ("trace", po::value<std::vector<std::string>>()->composing()->value_name("KIND[,FROM,TO]"),
       "write a trace: transactions, commands")                                                    //
      ("check", "hold every DRAM command against the protocol of its generation (exit code 3)")    //
      ("shuffle-construction", "build the package in another order; results do not depend on it")  //
      ("kpi", po::value<std::vector<std::string>>()->composing()->value_name("EXPR"),
       "fail (exit code 6) unless PATH OP NUMBER holds of results.json, e.g. 'hbm.utilization >= 0.88' (repeatable)")  //
      ("against", po::value<std::string>()->value_name("RUN"),
       "also say what the other streams cost the first one, against this earlier run alone")  //
      ("no-report", "do not write report.html")                                               //
      ("force", "overwrite a directory that holds a run")                                     //
      ("quiet", "no progress and no summary");
  Options hidden;
  hidden.add_options()("platform", po::value<std::string>())("kind", po::value<std::string>());
  Positions positions;
  positions.add("platform", 1).add("kind", 1);
  const std::string synopsis = "run PLATFORM [WORKLOAD] [OPTIONS]";
  Variables variables;
  if (!parse(arguments, synopsis, visible, hidden, positions, variables)) return kDone;
  if (variables.count("platform") == 0)
    throw UsageError("which platform? (usage: cowosim " + synopsis + "; see cowosim list platforms)");

  RunOptions options = configuration_from(variables, variables["platform"].as<std::string>());
  if (variables.count("kind") > 0) {
    const std::string kind = variables["kind"].as<std::string>();
    options.workloads.push_back({"", kind});
  }
  if (variables.count("workload") > 0) {
    for (const std::string& named : variables["workload"].as<std::vector<std::string>>()) {
      const auto equals = named.find('=');
      if (equals == std::string::npos || equals == 0) throw UsageError("-w: '" + named + "' is not NAME=WORKLOAD");
      options.workloads.push_back({named.substr(0, equals), named.substr(equals + 1)});
    }
  }
  if (variables.count("seed") > 0) {
    std::string error;
    const std::string given = variables["seed"].as<std::string>();
    const auto seed = parse_integer(given, Unit::none, error);
    if (!seed || *seed < 0) throw UsageError("--seed: '" + given + "' is not a number >= 0");
    options.seed = static_cast<std::uint64_t>(*seed);
  }
  options.threads = variables["threads"].as<int>();
  if (options.threads < 1 || options.threads > 256) throw UsageError("--threads: must be 1 to 256");
  const auto time = [&](const char* name, Time& target) {
    if (variables.count(name) > 0) target = quantity(name, variables[name].as<std::string>(), Unit::time);
  };
  Time wall_limit = 0;
  time("until", options.until);
  time("wall-limit", wall_limit);
  time("stall-limit", options.stall_limit);
  time("window", options.window);
  time("stats-interval", options.stats_interval);
  time("epoch", options.epoch);
  options.wall_limit_seconds = static_cast<double>(wall_limit) / static_cast<double>(kSecond);
  options.shuffle_construction = variables.count("shuffle-construction") > 0;
  if (variables.count("trace") > 0) {
    for (const std::string& trace : variables["trace"].as<std::vector<std::string>>()) add_trace(trace, options);
  }

  options.check = variables.count("check") > 0;

  std::vector<Kpi> kpis;
  if (variables.count("kpi") > 0) {
    for (const std::string& expression : variables["kpi"].as<std::vector<std::string>>()) kpis.emplace_back(expression);
  }
  telemetry::Results alone;
  if (variables.count("against") > 0) {
    const std::string file = variables["against"].as<std::string>() + "/results.json";
    std::ifstream in(file);
    if (!in)
      throw UsageError("--against: '" + variables["against"].as<std::string>() +
                       "' is no run's directory: it has no results.json");
    alone = telemetry::read_results({std::istreambuf_iterator<char>(in), {}}, file);
  }

  const std::string started = iso_time();
  const double wall_start = wall_seconds();

  Package package("package_0", options);
  const std::string directory =
      variables.count("out") > 0 ? variables["out"].as<std::string>() : "runs/" + package.default_directory();
  for (const std::string& name : package.unbound())
    throw UsageError(
        fmt::format("foreign.{0}: nobody to be it; give foreign.{0}.plugin, or run the platform in a SystemC "
                    "program of your own (doc/guide/embedding.md)",
                    name));
  const Stopper stopper("stopper", package);
  const bool force = variables.count("force") > 0;
  Package::require_writable(directory, force);
  {
    const SignalGuard guard(package);
    ProgressLine progress(package, variables.count("quiet") > 0);
    package.on_poll([&] { progress.show(); });
    simulate(package);
    package.stop();
  }
  package.rethrow();
  const std::vector<std::string> violations = package.violations();
  int code = violations.empty() ? exit_code(package.status()) : kInvariantBroken;

  telemetry::Results results = package.results();
  telemetry::RunInfo& info = results.run;
  info.started = started;
  info.command_line = command_line;
  info.host_seconds = wall_seconds() - wall_start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  info.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  info.peak_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  info.host = host;
  std::vector<Kpi::Outcome> outcomes;
  for (const Kpi& kpi : kpis) outcomes.push_back(kpi.check(telemetry::results_json(results)));
  const bool failed = std::any_of(outcomes.begin(), outcomes.end(), [](const auto& o) { return !o.passed; });
  if (code == kDone && failed) code = kDifferent;
  info.exit_code = code;
  std::vector<Package::File> extra;
  if (!outcomes.empty()) extra.push_back({"kpi.json", kpi_json(outcomes)});
  const std::string written = package.write(directory, results, force, variables.count("no-report") == 0, extra);
  for (const Kpi::Outcome& o : outcomes) {
    if (o.passed) continue;
    fmt::print(stderr, "cowosim run: error: KPI failed: {} ({})\n", o.expression,
               o.found ? fmt::format("it is {}", o.value) : "results.json has no number there");
  }
  if (code == kStuck || code == kInvariantBroken) {
    const bool broken_later = package.status() == engine::Status::completed && !violations.empty();
    fmt::print(stderr, "cowosim run: error: {}\n", broken_later ? "an invariant is broken" : package.reason());
    for (const engine::Wait& wait : package.waits()) {
      fmt::print(stderr, "  {} waits for {}: {}\n", wait.waiter, wait.waits_for, wait.reason);
    }
    for (const std::string& violation : violations) fmt::print(stderr, "  broken: {}\n", violation);
  }
  if (variables.count("quiet") == 0) {
    fmt::print("{}", telemetry::summary(results));
    if (variables.count("against") > 0)
      fmt::print("\n{}", telemetry::comparison(alone, results, results.streams.front().name));
  }
  fmt::print("{}\n", written);
  return code;
}

}  // namespace cowosim::platforms::command_line
